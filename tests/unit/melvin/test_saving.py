"""Saving holds all of the new brain or all of the old one, whatever happens."""

import errno
import gc
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from brain_files import ROOT
from click.testing import CliRunner

from melvin import Brain
from melvin.cli import main
from melvin.errors import BrainFileError, InputError, SaveError
from melvin.resume import Learnt, Resume


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir())


def test_saving_over_a_brain_replaces_it_whole(path, brain, whole):
    Brain().save(path)
    path.chmod(0o640)
    brain.save(path)
    assert path.read_bytes() == whole
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert leftovers(path.parent) == ["brain.m"]


def test_a_new_brain_file_has_the_rights_that_the_user_gives_new_files(path):
    before = os.umask(0o027)
    try:
        Brain().save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_saving_through_a_relative_path_stays_where_it_is(tmp_path, monkeypatch, brain, whole):
    monkeypatch.chdir(tmp_path)
    brain.save("here.m")
    assert (tmp_path / "here.m").read_bytes() == whole


@pytest.mark.parametrize("where", ["gone/brain.m", "file/brain.m", "."])
def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path, brain, where):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(SaveError, match="cannot save") as error:
        brain.save(tmp_path / where)
    assert str(tmp_path / where) in str(error.value)
    assert "\n" not in str(error.value)
    assert leftovers(tmp_path) == ["file"]


def test_a_folder_in_the_way_is_left_alone(tmp_path, brain):
    (tmp_path / "brain.m").mkdir()
    with pytest.raises(SaveError):
        brain.save(tmp_path / "brain.m")
    assert leftovers(tmp_path) == ["brain.m"]


def test_a_folder_that_may_not_be_written_leaves_the_old_file(tmp_path, brain, monkeypatch):
    path = tmp_path / "brain.m"
    Brain().save(path)
    before = path.read_bytes()
    tmp_path.chmod(0o555)
    if os.access(tmp_path, os.W_OK):  # root may write everywhere: let the system call refuse instead

        def denied(*arguments, **how):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("melvin.container.tempfile.mkstemp", denied)
    try:
        with pytest.raises(SaveError, match="Permission denied"):
            brain.save(path)
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == before
    assert leftovers(tmp_path) == ["brain.m"]


FULL_DISK = """
import resource, sys
from melvin import Brain, MelvinError
brain = Brain.open(sys.argv[1])
brain.learn([b"more", b"and more"] * 50)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    brain.save(sys.argv[1])
except MelvinError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("room", [0, 100, 20_000])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(path, whole, room):
    assert len(whole) > 20_000
    path.write_bytes(whole)
    arguments = [sys.executable, "-c", FULL_DISK, str(path), str(room)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("SaveError cannot save")
    assert path.read_bytes() == whole
    assert leftovers(path.parent) == ["brain.m"]


def test_a_brain_that_could_not_be_saved_can_be_saved_elsewhere(tmp_path, brain, whole):
    with pytest.raises(SaveError):
        brain.save(tmp_path / "gone" / "brain.m")
    brain.save(tmp_path / "brain.m")
    assert (tmp_path / "brain.m").read_bytes() == whole


def test_a_brain_that_is_let_go_leaves_no_file_open(path, whole):
    path.write_bytes(whole)
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        Brain.open(path)
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_path_with_a_nul_byte_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(SaveError, match="NUL"):
        Brain().save(tmp_path / "a\0b")
    with pytest.raises(BrainFileError, match="NUL"):
        Brain.open(tmp_path / "a\0b")
    for words in (["inspect", "a\0b"], ["train", "a\0b", "c"], ["diff", "a\0b", "c"], ["score", "a", "b\0"]):
        refused = CliRunner().invoke(main, words)
        assert refused.exit_code == 2
        assert "NUL" in refused.output


def test_a_port_that_the_brain_never_heard_of_is_refused_by_name():
    brain = Brain()
    brain.learn([b"a line"])
    with pytest.raises(InputError, match="'other': it has heard of text"):
        brain.patterns(port="other")
    brain.learn_episode((f"port {n}", b"x") for n in range(20))
    with pytest.raises(InputError, match=r"heard of text, port 0, .*, port 6 and 13 more$"):
        brain.query("a", port="other")


def test_a_record_of_any_length_is_saved_and_read(tmp_path):
    path, brain = tmp_path / "brain.m", Brain()
    brain.learn([b"one line"])
    done = tuple(Learnt(f"input no. {number} of many, with its own name.txt", 9, "0" * 32) for number in range(5_000))
    brain.resume = Resume(done=done)
    brain.save(path)
    assert Brain.open(path).resume.done == done


def test_a_header_that_could_not_be_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("melvin.learner.MAX_PORT_BYTES", 300_000)
    path, brain = tmp_path / "brain.m", Brain()
    brain.learn([b"one line"])
    brain.save(path)
    before = path.read_bytes()
    brain.learn([b"one line"], port="p" * 300_000)
    with pytest.raises(SaveError, match="header"):
        brain.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["brain.m"]
