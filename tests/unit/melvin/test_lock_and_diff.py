"""One writer at a time, and none that is dead; two brains held against each other."""

import os
import signal

import pytest
from click.testing import CliRunner

from melvin import Brain
from melvin.cli import main
from melvin.commands.files import DIFFERENT
from melvin.container import remove_remains
from melvin.diff import diff
from melvin.errors import BrainFileError, LockedError, SaveError
from melvin.lock import Lock


def test_a_second_writer_is_refused_and_told_who_the_first_is(tmp_path):
    with Lock(tmp_path / "a.m"), pytest.raises(LockedError, match=str(os.getpid())), Lock(tmp_path / "a.m"):
        pass


def test_a_lock_is_gone_when_it_is_let_go(tmp_path):
    for _ in range(2):
        with Lock(tmp_path / "a.m"):
            assert list(tmp_path.iterdir())
        assert not list(tmp_path.iterdir())


def test_another_brain_is_another_lock(tmp_path):
    with Lock(tmp_path / "a.m"), Lock(tmp_path / "b.m"):
        pass


def test_a_dead_writers_lock_is_not_in_the_way(tmp_path):
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        Lock(tmp_path / "a.m").__enter__()
        os.write(send, b"held")
        signal.pause()
        os._exit(0)
    os.read(receive, 4)
    with pytest.raises(LockedError, match=str(child)), Lock(tmp_path / "a.m"):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert (tmp_path / ".a.m.lock").exists()
    with Lock(tmp_path / "a.m"):
        pass
    assert not (tmp_path / ".a.m.lock").exists()


def test_a_folder_that_is_gone_is_said(tmp_path):
    with pytest.raises(SaveError, match="cannot write beside"), Lock(tmp_path / "gone" / "a.m"):
        pass


def test_readers_read_while_a_training_holds_the_lock(tmp_path):
    brain = Brain()
    brain.learn([b"a line"] * 9)
    brain.save(tmp_path / "a.m")
    with Lock(tmp_path / "a.m"):
        assert Brain.open(tmp_path / "a.m").lines == 9
        assert CliRunner().invoke(main, ["train", str(tmp_path / "a.m"), __file__]).exit_code == 1


def test_what_a_killed_save_left_is_removed_and_what_is_being_written_is_not(tmp_path):
    import fcntl

    left, living = tmp_path / ".a.m.1.tmp", tmp_path / ".a.m.2.tmp"
    other = tmp_path / ".b.m.1.tmp"
    for file in (left, living, other):
        file.write_bytes(b"part")
    with living.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        remove_remains(tmp_path / "a.m")
    assert sorted(tmp_path.iterdir()) == sorted([living, other])


def saved(path, lines):
    brain = Brain()
    brain.learn(lines)
    brain.save(path)
    return path


def test_equal_brains_do_not_differ(tmp_path):
    lines = [b"the cat sat"] * 20
    assert diff(saved(tmp_path / "a.m", lines), saved(tmp_path / "b.m", lines)) == []


def test_brains_differ_by_table_field_and_entry(tmp_path):
    a = saved(tmp_path / "a.m", [b"the cat sat"] * 20)
    b = saved(tmp_path / "b.m", [b"the cat sat"] * 20 + [b"a dog"])
    found = {one.section: one.what for one in diff(a, b)}
    assert found["state.lines"] == "20 in A, 21 in B"
    assert "grams" in " ".join(found)
    assert any("only in B (" in what for what in found.values())


def test_the_program_says_whether_brains_differ(tmp_path):
    a = str(saved(tmp_path / "a.m", [b"one"] * 3))
    b = str(saved(tmp_path / "b.m", [b"two"] * 3))
    run = CliRunner()
    assert run.invoke(main, ["diff", a, a]).exit_code == 0
    differ = run.invoke(main, ["diff", a, b, "--json"])
    assert differ.exit_code == DIFFERENT
    assert '"differences": [{' in differ.output
    assert run.invoke(main, ["diff", a, __file__]).exit_code == 1


def test_a_damaged_brain_is_not_compared(tmp_path):
    a = saved(tmp_path / "a.m", [b"one"] * 3)
    data = bytearray(a.read_bytes())
    data[-100] ^= 1
    (tmp_path / "b.m").write_bytes(data)
    with pytest.raises(BrainFileError):
        diff(a, tmp_path / "b.m")
