"""What is done to a process that is stopped."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import supervise
from harness.limits import Limits
from harness.procfs import children_of
from harness.supervise import Spawn, Supervision

PATIENCE_S = 30.0  # for something that takes milliseconds


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.fixture
def supervision(tmp_path):
    def of(pid):
        made = Supervision(Spawn([], {}, str(tmp_path), Limits(2**30, 60.0)), 0, print)
        made.pid = pid
        return made

    return of


@pytest.mark.parametrize(("code", "left"), [(0, ["py-spy.txt"]), (1, [])])
def test_a_stack_that_could_not_be_told_is_no_stack(supervision, tmp_path, monkeypatch, code, left):
    program = tmp_path / "bin" / "py-spy"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho a stack\nexit {code}\n")
    program.chmod(0o700)
    monkeypatch.setattr(supervise, "find_program", lambda _: str(program))
    supervision(os.getpid())._dump_stacks(of_worker=True)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == left


def test_a_family_is_halted_whole_also_what_left_its_group(supervision):
    argv = ["sh", "-c", "setsid sleep 60 & sleep 60 & echo; wait"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as process:
        process.stdout.readline()
        family = [process.pid, *children_of(process.pid)]
        supervision(process.pid)._halt()
        end = time.monotonic() + PATIENCE_S
        while any(state(pid) != "T" for pid in family) and time.monotonic() < end:
            time.sleep(0.01)
        states = {state(pid) for pid in family}
        for pid in family:
            os.kill(pid, signal.SIGKILL)
    assert len(family) == 3
    assert states == {"T"}
