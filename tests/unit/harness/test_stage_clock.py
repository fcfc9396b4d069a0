"""The stage clock credits costs to the stage that had them."""

import mmap
import time

from harness.heartbeat import HeartbeatReader, HeartbeatWriter
from harness.stage_clock import START, StageClock

MIB = 1024**2


def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def by_name(clock):
    return {cost.name: cost for cost in clock.costs()}


def test_cpu_is_credited_to_the_stage_that_burnt_it():
    clock = StageClock()
    clock.enter("parse")
    burn(0.03)
    clock.enter("count")
    clock.enter("parse")
    burn(0.03)
    clock.enter("save")
    costs = by_name(clock)
    assert costs["parse"].cpu_s >= 0.06
    assert costs["count"].cpu_s < 0.03
    assert costs["parse"].entered == 2
    assert list(costs) == [START, "parse", "count", "save"]


def test_a_peak_belongs_to_the_stage_that_had_it_not_to_those_after():
    clock = StageClock()
    clock.enter("count")
    with mmap.mmap(-1, 64 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for offset in range(0, 64 * MIB, mmap.PAGESIZE):
            memory[offset] = 1
        clock.mark()
    clock.mark()
    clock.enter("save")
    burn(0.002)
    costs = by_name(clock)
    assert costs["count"].peak_rss_bytes - costs["save"].peak_rss_bytes > 48 * MIB
    assert costs["count"].peak_anon_bytes - costs["save"].peak_anon_bytes > 48 * MIB
    assert clock.peak_rss_bytes >= costs["count"].peak_rss_bytes


def test_bytes_written_belong_to_the_stage_that_wrote_them(tmp_path):
    clock = StageClock()
    clock.enter("count")
    burn(0.002)
    clock.enter("save")
    (tmp_path / "brain").write_bytes(bytes(100_000))
    burn(0.002)
    clock.enter("load")
    costs = by_name(clock)
    assert costs["save"].written_bytes >= 100_000
    assert costs["count"].written_bytes < 100_000


def test_switches_and_progress_reach_the_heartbeat(tmp_path):
    clock = StageClock(HeartbeatWriter(tmp_path / "heartbeat"))
    reader = HeartbeatReader(tmp_path / "heartbeat")
    clock.enter("parse")
    clock.progress(4096, 30, 7, 9)
    beat = reader.read()
    assert (beat.stage, beat.bytes, beat.lines, beat.nodes, beat.edges) == ("parse", 4096, 30, 7, 9)
    clock.enter("count")
    assert (reader.read().stage, reader.read().lines) == ("count", 30)


def test_whatever_a_subject_says_of_itself_fits_into_the_heartbeat(tmp_path):
    clock = StageClock(HeartbeatWriter(tmp_path / "beat"))
    clock.enter("\x1b[31m \udcff " + "a long name of a stage " * 9)
    clock.progress(-5, 2**70, -(2**70), 3)
    beat = HeartbeatReader(tmp_path / "beat").read()
    assert (beat.bytes, beat.lines, beat.nodes, beat.edges) == (-1, 2**63 - 1, -1, 3)
    clock.progress(float("nan"), float("inf"))
    assert HeartbeatReader(tmp_path / "beat").read().lines == -1
    assert beat.stage.startswith("\\x1b[31m")
    assert clock.stage.isprintable()
