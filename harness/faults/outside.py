"""Faults for a command subject: its `resume` (or `train`, where it has none) learns a text into a brain that is there.

What is on the disk then is judged as for any subject: exactly the old file, exactly the new one, or corrupt. What
happens inside the program (allocations that fail) cannot be made from outside.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from harness.errors import SubjectError
from harness.faults.bench import LINES, SAME_FILE, Bench, Row, fork, some_lines, wait
from harness.roundtrip.checks import content
from harness.runner import CommandFailed, Runner
from harness.subject import Subject

ASKED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LONGER = 1.1  # than an unhurt run: some signals come too late
MOST_LINES = 6000  # learnt where the brain is hit at random moments, so that there are moments
NO_ALLOCATIONS = "(c): allocations inside a command cannot be made to fail from outside"
NO_CHECKPOINTS = "(a), (d), (e) on checkpoints: a command has none; it is hit while `{verb}` learns into an old brain"
NO_VERIFY = "(f): the subject offers no `verify`, so nothing promises that damage is seen"


class Crashed(AssertionError):
    """A damaged file ended the program by a signal: it was not refused."""


class Command:
    """A command, where sweeps expect a learner: loading is looking at the file, saving is learning into it."""

    def __init__(self, runner: Runner, corpus: Path) -> None:
        self._runner, self._corpus = runner, corpus
        self.verb = "resume" if runner.offers("resume") else "train"
        self.verifies = runner.offers("verify")

    def save(self, path: Path) -> None:
        self._runner.run(self.verb, corpus=self._corpus, brain=path, lines=LINES)

    def become_save(self, path: Path) -> None:
        self._runner.become(self.verb, corpus=self._corpus, brain=path, lines=LINES)

    def load(self, path: Path) -> None:
        try:
            self._runner.run("verify", brain=path)
        except CommandFailed as error:
            if error.command_exit_code < 0:
                raise Crashed(str(error)) from error
            raise


class OutsideBench(Bench):
    """The bench of a command: an old brain on the disk, and a text that makes the new one of it."""

    def __init__(self, make_runner: Callable[[], Runner], folder: Path, seed: int, lines: int = LINES) -> None:
        self.folder, self.seed = folder, seed
        self.path = folder / "saved" / "brain.m"
        self.path.parent.mkdir(parents=True)
        self.lines = some_lines(LINES + lines, seed)
        first, second = (folder / name for name in ("first.txt", "second.txt"))
        first.write_bytes(b"".join(line + b"\n" for _, line in self.lines[:LINES]))
        second.write_bytes(b"".join(line + b"\n" for _, line in self.lines[LINES:]))
        runner = make_runner()
        runner.run("train", corpus=first, brain=self.path, lines=LINES)
        if not self.path.is_file():
            raise SubjectError("the brain that `train` leaves is no single file: what is left of it cannot be judged")
        self.old_bytes = content(self.path)
        self.command = Command(runner, second)
        self.make = lambda: cast(Subject, self.command)
        self.new = self.old = self.make()
        self.new_bytes, again = self._learnt(), self._learnt()
        if self.new_bytes == self.old_bytes:
            raise SubjectError(SAME_FILE)
        if self.new_bytes != again:
            raise SubjectError(
                f"`{self.command.verb}` leaves another file each time: what a fault leaves cannot be told from damage"
            )

    def save(self) -> Any:
        """The process itself becomes the command: a signal or a limit hits it, and nobody in between."""
        self.command.become_save(self.path)

    def _learnt(self) -> bytes:
        self.reset()
        self.command.save(self.path)
        learnt = content(self.path)
        self.reset()
        return learnt


def signals(bench: OutsideBench, kills: int, requests: int, wanted: str) -> Iterator[Row]:
    """(d), (e): SIGKILL, SIGTERM, SIGINT, SIGHUP at random moments of learning into an old brain."""
    chance = random.Random(bench.seed)  # noqa: S311
    begin = time.monotonic()
    wait(fork(bench.save))
    seconds = LONGER * (time.monotonic() - begin)
    bench.reset()
    plan = [("d", signal.SIGKILL, kills)] if "d" in wanted else []
    plan += [("e", number, requests) for number in ASKED] if "e" in wanted else []
    for sweep, number, count in plan:
        row = Row(sweep, f"{number.name} at a random moment of `{bench.command.verb}`", "kill")
        for _ in range(count):
            child = fork(bench.save)
            time.sleep(chance.uniform(0, seconds))  # the moment is what is drawn
            os.kill(child, number)
            code = wait(child)
            bench.judge(row, f"{number.name}, exit code {code}", killed=code == -number)
        yield row
