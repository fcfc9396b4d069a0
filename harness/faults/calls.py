"""Sweeps (a) and (b) with strace: SIGKILL, ENOSPC, EIO at every call that touches the disk, once and from then on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.faults.bench import Bench, Row, fork, run, spread, until, wait
from harness.programs import find_program
from harness.roundtrip.checks import content
from harness.roundtrip.offers import Trains

WRITES = ("write", "pwrite64", "writev", "pwritev")
SYNCS = ("fsync", "fdatasync", "sync_file_range")
RENAMES = ("rename", "renameat", "renameat2")
OTHERS = ("ftruncate", "chmod", "fchmod", "link", "linkat", "unlink", "unlinkat", "mkdir")
WATCHED = (*WRITES, *SYNCS, *RENAMES, *OTHERS)
ERRORS = ("ENOSPC", "EIO")
ATTACH_S = 10.0
CALL = re.compile(r"^(?:\d+ +)?(\w+)\(")


@dataclass(frozen=True)
class Call:
    """The `number`th call of this name, counted from 1; `renames` were made before it."""

    name: str
    number: int
    renames: int


def available() -> bool:
    return find_program("strace") is not None


def traced(action: Callable[[], Any], log: Path, *inject: str) -> int:
    """Run an action in a child under strace; how it ended."""

    def held() -> int:
        os.kill(os.getpid(), signal.SIGSTOP)  # until strace has us
        return int(action() or 0)

    child = fork(held)
    os.waitpid(child, os.WUNTRACED)
    program = find_program("strace")
    assert program is not None
    argv = [program, "-f", "-q", "-o", str(log), "-p", str(child), "-e", f"trace={','.join(WATCHED)}"]
    strace = subprocess.Popen([*argv, *inject], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    status = Path(f"/proc/{child}/status")
    attached = until(lambda: "TracerPid:\t0" not in status.read_text(), ATTACH_S)
    os.kill(child, signal.SIGCONT if attached else signal.SIGKILL)
    code = wait(child)
    strace.wait()
    if not attached:
        raise OSError("strace cannot attach to a process of ours")
    return code


def calls_of(action: Callable[[], Any], folder: Path) -> list[Call]:
    """Every watched call of an action, in order."""
    log = folder / "strace.txt"
    traced(action, log)
    found: list[Call] = []
    counts: dict[str, int] = {}
    renames = 0
    for line in log.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if match is None or match[1] not in WATCHED:
            continue
        name = match[1]
        counts[name] = counts.get(name, 0) + 1
        found.append(Call(name, counts[name], renames))
        renames += name in RENAMES
    return found


def save_sweep(bench: Bench, most: int) -> Iterator[Row]:
    """SIGKILL and errors at every call of a save over an old file."""

    save = bench.save
    calls = calls_of(save, bench.folder)
    bench.reset()
    log = bench.folder / "strace.txt"
    row = Row("a", "SIGKILL at every call of save", "strace")
    for at in spread(len(calls), most):
        call = calls[at]
        traced(save, log, "-e", f"inject={call.name}:signal=KILL:when={call.number}")
        bench.judge(row, f"SIGKILL at {call.name} no. {call.number}", killed=True)
    yield row
    for error in ERRORS:
        for mark, how in (("", "once"), ("+", "from then on")):
            row = Row("b", f"{error} at every call of save, {how}", "strace")
            for at in spread(len(calls), most):
                call = calls[at]
                if call.name.startswith("unlink"):
                    continue  # a file that cannot be removed stays: there is nothing to judge
                code = traced(save, log, "-e", f"inject={call.name}:error={error}:when={call.number}{mark}")
                row.died += code < 0
                bench.judge(row, f"{error} at {call.name} no. {call.number}{mark}", killed=False)
            yield row


def checkpoint_sweep(bench: Bench, trainer: Trains, corpus: Path, every: int, most: int) -> Iterator[Row]:
    """The same through a training with checkpoints: the file is the checkpoint before or the one after, and goes on."""
    brain = bench.folder / "training" / "brain.m"
    brain.parent.mkdir()

    def train() -> int:
        return trainer.train(corpus, brain, every)

    def clear() -> None:
        for file in brain.parent.iterdir():
            file.unlink()

    calls = calls_of(train, bench.folder)
    end = content(brain)
    log = bench.folder / "strace.txt"
    stood = [b""]  # what is at the path after so many renames
    for call in [call for call in calls if call.name in RENAMES][1:]:
        clear()
        traced(train, log, "-e", f"inject={call.name}:signal=KILL:when={call.number}")
        stood.append(content(brain))
    stood.append(end)
    row = Row("a", "SIGKILL at every call of a training with checkpoints", "strace")
    ends: dict[bytes, bool] = {}

    def judge(point: str, call: Call) -> None:
        left = content(brain)
        what = {stood[call.renames + 1]: "after", stood[call.renames]: "before"}.get(left, "corrupt")
        if left and left not in ends:
            run(train)  # unhurt, from what was left
            ends[left] = content(brain) == end
        if left and left != end and not ends[left]:
            what = "corrupt"
        row.count(what, f"{point}: {len(left)} bytes; resumed to the end of one go: {ends.get(left)}")

    tried = [call for call in calls if call.renames + 1 < len(stood)]
    for at in spread(len(tried), most):
        clear()
        call = tried[at]
        traced(train, log, "-e", f"inject={call.name}:signal=KILL:when={call.number}")
        judge(f"SIGKILL at {call.name} no. {call.number}", call)
    yield row
    for error in ERRORS:
        row = Row("b", f"{error} at every call of a training with checkpoints", "strace")
        for at in spread(len(tried), most):
            call = tried[at]
            if call.name.startswith("unlink"):
                continue
            clear()
            code = traced(train, log, "-e", f"inject={call.name}:error={error}:when={call.number}+")
            row.died += code < 0
            judge(f"{error} at {call.name} no. {call.number}+", call)
        yield row
    clear()
