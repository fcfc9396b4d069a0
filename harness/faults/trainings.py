"""Sweeps (d) and (e): a training with checkpoints is killed at random moments, or asked to stop, and resumed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator

from harness.faults.bench import Bench, Row, fork, some_lines, wait
from harness.roundtrip.checks import content
from harness.roundtrip.offers import Trains

LINES = 1200
EVERY_LINES = 40  # a checkpoint
SIGNALLED = 128
ASKED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Course:
    """A corpus, and the brain that one unhurt training of it gives."""

    def __init__(self, bench: Bench, trainer: Trains, lines: int = LINES) -> None:
        self._trainer, self.folder = trainer, bench.folder / "course"
        self.folder.mkdir()
        self.corpus, self.brain = self.folder / "corpus.txt", self.folder / "brain.m"
        self.corpus.write_bytes(b"".join(line + b"\n" for _, line in some_lines(lines, bench.seed)))
        self.chance = random.Random(bench.seed)  # noqa: S311
        begin = time.monotonic()
        self.code = wait(self.start())
        self.seconds = time.monotonic() - begin
        self.end = content(self.brain)
        self.clear()

    def start(self) -> int:
        return fork(lambda: self._trainer.train(self.corpus, self.brain, EVERY_LINES))

    def clear(self) -> None:
        self.brain.unlink(missing_ok=True)

    def is_finished(self) -> bool:
        return self.brain.exists() and not self._trainer.is_checkpoint(self.brain)

    def hit(self, number: int) -> int:
        """Start, send a signal at a random moment, and say how it ended."""
        child = self.start()
        time.sleep(self.chance.uniform(0, self.seconds / 2))  # the moment is what is drawn
        os.kill(child, number)
        return wait(child)


def kills(course: Course, wanted: int) -> Iterator[Row]:
    """(d) Kills at random moments; each training is resumed until it ends, and must end with the brain of one go."""
    row = Row("d", "SIGKILL at a random moment of a training, then resumed", "kill")
    trainings = 0
    while row.points < wanted:
        course.clear()
        while not course.is_finished():
            before = content(course.brain)
            code = course.hit(signal.SIGKILL)
            if code == -signal.SIGKILL:
                row.count("before" if content(course.brain) == before else "after")
            elif code:
                row.count("corrupt", f"a resumed training ended with {code}")
                return
        trainings += 1
        if content(course.brain) != course.end:
            row.count("corrupt", "a training that was killed and resumed ends with another brain than one go")
    row.note = f"{trainings} trainings of {course.corpus.stat().st_size:,} bytes, all bit-identical to the unkilled one"
    if row.corrupt:
        row.note = f"{trainings} trainings"
    litter = [file.name for file in course.folder.iterdir() if file not in (course.brain, course.corpus)]
    if litter:
        row.littered += 1
        row.tell(f"left behind at the end: {', '.join(litter)}")
    course.clear()
    yield row


def requests(course: Course, each: int) -> Iterator[Row]:
    """(e) A signal that asks: a checkpoint is written, the exit code is 128 + the signal, and it can be resumed."""
    for number in ASKED:
        name = signal.Signals(number).name
        row = Row("e", f"{name} at a random moment of a training, then resumed", "kill")
        while row.points < each:
            course.clear()
            while not course.is_finished() and row.points < each:
                before = content(course.brain)
                code = course.hit(number)
                left = content(course.brain)
                if code == SIGNALLED + number and left and course._trainer.is_checkpoint(course.brain):
                    row.count("after" if left != before else "before")
                elif code == -number and left == before:
                    row.count("before")  # it came before the program was listening
                elif code == 0 and left == course.end:
                    row.count("after")
                else:
                    row.count("corrupt", f"{name}: exit code {code}, {len(left)} bytes left")
                    course.clear()
            if not course.is_finished() and not row.corrupt:
                wait(course.start())
            if content(course.brain) != course.end:
                row.count("corrupt", f"stopped by {name} and resumed, it ends with another brain than one go")
        yield row
    course.clear()
