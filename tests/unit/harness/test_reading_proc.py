"""What is read from /proc, on kernel text and on ourselves."""

import os

from harness.heartbeat import NO_HEARTBEAT, HeartbeatReader, HeartbeatWriter
from harness.procfs import Memory, MemoryReader, children_of, memory_available_share, parse_status

STATUS = b"""Name:\tpython
VmPeak:\t  900 kB
VmHWM:\t  700 kB
VmRSS:\t  600 kB
RssAnon:\t  400 kB
RssFile:\t  150 kB
RssShmem:\t   50 kB
Threads:\t1
"""


def test_status_is_read_in_bytes():
    memory = parse_status(STATUS)
    assert memory == Memory(600 * 1024, 400 * 1024, 150 * 1024, 50 * 1024, 700 * 1024)
    assert memory.committed == 450 * 1024


def test_a_zombie_has_no_memory():
    assert parse_status(b"Name:\tpython\nState:\tZ (zombie)\n") is None


def test_our_own_memory_is_seen():
    memory = MemoryReader("self").read()
    assert 0 < memory.anon <= memory.rss <= memory.peak_rss


def test_a_process_that_is_gone_reads_as_none():
    child = os.fork()
    if child == 0:
        os._exit(0)
    reader = MemoryReader(child)
    os.waitpid(child, 0)
    assert reader.read() is None


def test_a_living_child_is_found():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    assert child in children_of(os.getpid())
    os.close(write)
    os.waitpid(child, 0)
    assert child not in children_of(os.getpid())
    os.close(read)


def test_available_memory_is_a_share():
    assert 0 < memory_available_share() <= 1


def test_a_heartbeat_is_read_by_another(tmp_path):
    reader = HeartbeatReader(tmp_path / "heartbeat")
    assert reader.read() == NO_HEARTBEAT
    writer = HeartbeatWriter(tmp_path / "heartbeat")
    writer.beat("count", 5000, 70, 12, 34)
    beat = reader.read()
    assert (beat.stage, beat.bytes, beat.lines, beat.nodes, beat.edges) == ("count", 5000, 70, 12, 34)
    writer.beat("consolidate", 6000, 80)
    assert reader.read().stage == "consolidate"


def test_a_writer_that_died_while_writing_does_not_hold_up_a_reader(tmp_path):
    path = tmp_path / "heartbeat"
    HeartbeatWriter(path).beat("count", 1, 2)
    torn = bytearray(path.read_bytes())
    torn[0] |= 1
    path.write_bytes(torn)
    assert HeartbeatReader(path).read().stage == "count"
