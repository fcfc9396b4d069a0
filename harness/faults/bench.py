"""The bench: a small state before, the state after; a file that is found later is one, the other, or neither.

Everything is made once, in the process that all children are forked from; a point costs a fork, not a start.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from harness.errors import SubjectError
from harness.roundtrip.checks import content
from harness.roundtrip.offers import TEXT, Line, teach
from harness.subject import Subject

CHILD_S = 10  # a child that takes longer hangs
POLL_S = 0.0005  # between two looks at what another process does
SHOWN = 20  # details that a row keeps
LINES = 24  # learnt before; as many are learnt after
SAME_FILE = "learning more lines leaves the same file: there is nothing to tell apart"


@dataclass
class Row:
    """One line of the table.

    before, after : points that left exactly the old or exactly the new state
    refused : damaged files that were recognised
    corrupt : points that left anything else;  littered : that left other files behind
    died : points that ended the process by a signal that was not ours (what is on the disk counts all the same)
    """

    sweep: str
    kind: str
    by: str
    points: int = 0
    before: int = 0
    after: int = 0
    refused: int = 0
    corrupt: int = 0
    littered: int = 0
    died: int = 0
    details: list[str] = field(default_factory=list)
    note: str = ""

    def count(self, what: str, detail: str = "") -> None:
        self.points += 1
        setattr(self, what, getattr(self, what) + 1)
        if what == "corrupt":
            self.tell(detail)

    def tell(self, detail: str) -> None:
        if len(self.details) < SHOWN:
            self.details.append(detail)


def some_lines(count: int, seed: int) -> list[Line]:
    """Lines in which words recur, so that there is something to learn."""
    chance = random.Random(seed)  # noqa: S311  # a recipe, not a secret
    words = [bytes(chance.choice(b"abcdefgh") for _ in range(chance.randint(2, 6))) for _ in range(20)]
    return [(TEXT, b" ".join(chance.choices(words, k=chance.randint(3, 9)))) for _ in range(count)]


class Bench:
    """A subject with an old state on the disk and a new one in memory, in a folder of its own."""

    def __init__(self, make: Callable[[], Subject], folder: Path, seed: int) -> None:
        self.make, self.folder, self.seed = make, folder, seed
        self.lines = some_lines(2 * LINES, seed)
        self.path = folder / "saved" / "brain.m"
        self.path.parent.mkdir()
        self.old = make()
        teach(self.old, self.lines[:LINES])
        self.old.save(self.path)
        self.old_bytes = content(self.path)
        self.new = make()
        teach(self.new, self.lines)
        self.new.save(self.path)
        self.new_bytes = content(self.path)
        if self.old_bytes == self.new_bytes:
            raise SubjectError(SAME_FILE)
        self.reset()

    def save(self) -> Any:
        """What is hit: the new state saved over the old file. Called in a forked child."""
        return self.new.save(self.path)

    def reset(self, data: bytes | None = None) -> None:
        """The old file, alone in its folder."""
        for file in self.path.parent.iterdir():
            file.unlink()
        self.path.write_bytes(self.old_bytes if data is None else data)

    def judge(self, row: Row, point: str, *, killed: bool) -> None:
        """Count what a point left, and put the old file back. A process that was killed cannot tidy up after itself."""
        left = content(self.path)
        known = {self.old_bytes: "before", self.new_bytes: "after"}
        row.count(known.get(left, "corrupt"), f"{point}: {len(left)} bytes that are neither the old nor the new file")
        others = [file.name for file in self.path.parent.iterdir() if file != self.path]
        if others and not killed:
            row.littered += 1
            row.tell(f"{point}: left behind {', '.join(others)}")
        self.reset()


def fork(action: Callable[[], Any]) -> int:
    """Run an action in a child; its pid. The child ends with the number the action returns, 1 where it raises."""
    child = os.fork()
    if not child:
        _run(action)
    return child


def _run(action: Callable[[], Any]) -> NoReturn:
    code = 1
    with contextlib.suppress(BaseException):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        signal.alarm(CHILD_S)
        code = int(action() or 0)
    os._exit(code)


def wait(child: int) -> int:
    """How a child ended: its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(action: Callable[[], Any]) -> int:
    return wait(fork(action))


def spread(count: int, most: int) -> list[int]:
    """At most `most` of 0 .. count-1, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
    return True
