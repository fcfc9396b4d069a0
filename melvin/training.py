"""Training: inputs learnt one after the other into a brain file, with checkpoints, a clean stop, and a way to go on.

A checkpoint is the brain file itself, with a resume record inside. The brain that a training ends with holds none, and
is the same, byte for byte, however often the training was stopped, killed and resumed.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from melvin.arriving import Arriving
from melvin.brain import Brain, Progress
from melvin.errors import InputError, ResumeError
from melvin.lines import READ_BYTES
from melvin.place import Place
from melvin.resume import Learnt, Resume
from melvin.signals import Signals, Stopped

STDIN = "-"
MOST_SAVING = 0.05  # of the time, for checkpoints by the clock: where a save takes long, they are fewer
UNITS = {"lines": 0.0, "s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Every:
    """How often a checkpoint is due: after so many lines, or seconds."""

    lines: int | None = None
    seconds: float | None = None


def parse_every(text: str) -> Every:
    """`100000lines`, `60s`, `10min`, `2h`.

    Raises
    ------
    InputError : it is none of these
    """
    found = re.fullmatch(r"([0-9]+)\s*(lines|s|min|h)", text.strip())
    if found is None or int(found[1]) == 0:
        raise InputError(f"{text!r} does not say how often: write 60s, 10min, 2h or 100000lines")
    number, unit = int(found[1]), found[2]
    return Every(lines=number) if unit == "lines" else Every(seconds=number * UNITS[unit])


def standard_input() -> BinaryIO:
    """The bytes of standard input.

    Raises
    ------
    InputError : it is closed
    """
    if sys.stdin is None:
        raise InputError("standard input is closed: lead a file or a pipe into it")
    return sys.stdin.buffer


@dataclass(frozen=True)
class Source:
    """One input: a file, or standard input."""

    path: Path | None
    size: int

    @property
    def name(self) -> str:
        return STDIN if self.path is None else str(self.path)

    def open(self) -> AbstractContextManager[BinaryIO]:
        """May wait: a pipe is opened when somebody writes to it."""
        return nullcontext(standard_input()) if self.path is None else self.path.open("rb")


class Training:
    """Learns sources into the brain at a path.

    Parameters
    ----------
    settings : what the outcome depends on besides the inputs, by name; must be the same when it is resumed
    every : how often a checkpoint is written; None for only when a signal stops it
    read_bytes : the most that is learnt between two looks at the clock and at signals
    """

    def __init__(
        self,
        brain: Brain,
        path: Path,
        sources: Sequence[Source],
        *,
        settings: Mapping[str, str],
        every: Every | None = None,
        signals: Signals | None = None,
        read_bytes: int = READ_BYTES,
    ) -> None:
        if sum(source.path is None for source in sources) > 1:
            raise InputError("standard input (-) is named more than once: it can be read once")
        self.brain, self.path, self.sources = brain, path, sources
        self.done: list[Learnt] = []
        self._settings, self._every, self._signals = settings, every, signals or Signals()
        self._read_bytes = read_bytes
        self._record = Resume()  # what was learnt before
        self._begun_lines = self._saved_lines = brain.lines
        self._saved_at, self._save_s = time.monotonic(), 0.0
        self._unsaved = False

    def go_on(self) -> None:
        """Take up where the brain's resume record says.

        Raises
        ------
        ResumeError : there is no such record, or it was made with other settings
        """
        record = self.brain.resume
        if record is None:
            raise ResumeError(
                f"{self.path} does not stand in the middle of a training (its last one reached the end of its input): "
                "leave out --resume to learn more into it"
            )
        for name in sorted({*record.settings, *self._settings}):
            was, now = record.settings.get(name, "not set"), self._settings.get(name, "not set")
            if was != now:
                raise ResumeError(
                    f"the training of {self.path} began with {name} {was}, not {now}: resume it with {name} {was}"
                )
        begun = [*record.done, *([record.current] if record.current else [])]
        if len(begun) > len(self.sources):
            raise ResumeError(
                f"the training of {self.path} had begun its input no. {len(begun)} ({begun[-1].name}), "
                f"{len(self.sources)} are given: name the same inputs in the same order"
            )
        self._record = record

    def run(self, on_progress: Callable[[Progress], None]) -> bool:
        """Learn to the end, or to the first signal, and save. True when the end was reached.

        Raises
        ------
        InputError : an input cannot be read; what was learnt before it is saved as a checkpoint
        ResumeError : an input is not the one that was learnt; nothing is changed
        SaveError : the last checkpoint is still there
        """
        try:
            for number, source in enumerate(self.sources):
                self._learn(number, source, on_progress)
        except Stopped:
            if self.brain.resume is None:  # while it waited for its first input to be opened
                self.brain.resume = Resume(settings=self._settings)
            self.brain.save(self.path)
            return False
        except InputError:
            if self.brain.lines > self._begun_lines:
                self.brain.save(self.path)
            raise
        self.brain.resume = None
        self.brain.save(self.path)
        return True

    def _learn(self, number: int, source: Source, on_progress: Callable[[Progress], None]) -> None:
        try:
            with self._signals.wait(source.open) as stream:
                arriving = Arriving(stream, self._signals, self._read_bytes, self._due_in, self._checkpoint)
                place = self._place(number, source, arriving)

                def on_block(progress: Progress) -> None:
                    on_progress(progress)
                    self._stands(source, place)
                    self._unsaved = True
                    if self._due_in() <= 0 or self._enough_lines():
                        self._checkpoint()
                    if self._signals.number:
                        raise Stopped

                known = number < len(self._record.done)
                if not known:
                    self._stands(source, place)
                if place.ended:
                    self._expect_end(source, arriving)
                else:
                    self.brain.learn_stream(
                        arriving,
                        port=self._settings["port"],
                        on_progress=on_block,
                        place=place,
                    )
        except OSError as error:
            raise InputError(f"cannot read {source.name}: {error.strerror}") from error
        self.done.append(Learnt(source.name, place.offset, place.fingerprint))
        if not known:
            self.brain.resume = Resume(done=tuple(self.done), settings=self._settings)

    def _stands(self, source: Source, place: Place) -> None:
        """Note in the brain where the training stands now."""
        self.brain.resume = Resume(
            tuple(self.done),
            Learnt(source.name, place.offset, place.fingerprint),
            place.opens,
            place.carry,
            place.ended,
            self._settings,
        )

    def _enough_lines(self) -> bool:
        lines = None if self._every is None else self._every.lines
        return lines is not None and self.brain.lines - self._saved_lines >= lines

    def _due_in(self) -> float:
        """Seconds until a checkpoint falls due by the clock; infinite where none does."""
        if self._every is None or self._every.seconds is None or not self._unsaved:
            return math.inf
        seconds = max(self._every.seconds, self._save_s * (1 / MOST_SAVING - 1))
        return self._saved_at + seconds - time.monotonic()

    def _checkpoint(self) -> None:
        begun = time.monotonic()
        self.brain.save(self.path)
        self._unsaved, self._saved_lines, self._saved_at = False, self.brain.lines, time.monotonic()
        self._save_s = self._saved_at - begun

    def _place(self, number: int, source: Source, stream: Arriving) -> Place:
        """Where to begin in an input, its bytes before that read and compared with what was learnt."""
        record = self._record
        place = Place()
        if number < len(record.done):
            expected, place.ended = record.done[number], True
        elif number == len(record.done) and record.current is not None:
            expected, place.ended = record.current, record.ended
            place.opens, place.carry = record.opens, record.carry
        else:
            return place
        while place.offset < expected.size:
            read = stream.read(min(READ_BYTES, expected.size - place.offset))
            if not read:
                raise ResumeError(
                    f"{source.name} holds {place.offset} bytes, {expected.size} were learnt"
                    f"{_as(expected, source)}: resume with the same input"
                )
            place.hash.update(read)
            place.offset += len(read)
        if place.fingerprint != expected.fingerprint:
            raise ResumeError(
                f"the first {expected.size} bytes of {source.name} are not those that were learnt"
                f"{_as(expected, source)}: resume with the same input, or train a new brain"
            )
        return place

    def _expect_end(self, source: Source, stream: Arriving) -> None:
        """An input that was learnt to its end must still end there."""
        if stream.read(1):
            raise ResumeError(
                f"{source.name} was learnt to its end and goes on now: resume with the input as it was, "
                "and learn what is new afterwards"
            )


def _as(expected: Learnt, source: Source) -> str:
    return "" if expected.name == source.name else f" (as {expected.name})"
