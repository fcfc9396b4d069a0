"""The witness: the smallest text that still breaks a subject in the same way, by delta debugging.

Pure control over an oracle, "does this text break it the same way?". First lines, then the bytes of what is left. After
Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002), with a search for the shortest
breaking start of a line before its bytes, since most breaks are of length.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Oracle = Callable[[bytes], bool]
T = TypeVar("T")

CONFIRMATIONS = 3  # tries of the text as it is, and of the witness
FEW_LINES = 8  # with so few lines left, bytes are next
LINE_FEED = 0x0A
OTHER_BYTE = b"a"  # a witness that still breaks when all of it is this is one of length
DUPLICATES_PER_ROUND = 64  # finer cuts of a long list cost more runs than they are worth


class _Spent(Exception):
    """No run or no time is left."""


@dataclass(frozen=True)
class Found:
    """What came of shrinking.

    text : the smallest breaking text; reproduced of tries : how often it broke; any_input : its shortest line breaks
    it, and so does a line of one letter; content_matters : None where it was not tried
    finished : False when runs or time were spent before it could not be made smaller
    """

    text: bytes
    runs: int
    wall_s: float
    tries: int
    reproduced: int
    any_input: bool
    content_matters: bool | None
    finished: bool


class _Bounded:
    """The oracle, counted, and never asked the same twice."""

    def __init__(self, oracle: Oracle, runs: int, time_s: float, clock: Callable[[], float]) -> None:
        self._oracle, self._left, self._clock = oracle, runs, clock
        self._known: dict[bytes, bool] = {}
        self.begin = clock()
        self._until = self.begin + time_s
        self.runs = 0

    def __call__(self, text: bytes) -> bool:
        if text not in self._known:
            self._known[text] = self.fresh(text)
        return self._known[text]

    def fresh(self, text: bytes) -> bool:
        """Ask once more, whatever is known."""
        if self.runs >= self._left or self._clock() > self._until:
            raise _Spent
        self.runs += 1
        return self._oracle(text)


def shrink(
    text: bytes, oracle: Oracle, *, runs: int, time_s: float, clock: Callable[[], float] = time.monotonic
) -> Found:
    """The smallest text found within so many runs and seconds."""
    ask = _Bounded(oracle, runs, time_s, clock)
    best = text
    any_input = False
    content_matters: bool | None = None
    finished = True

    def keep(candidate: bytes) -> bool:
        nonlocal best
        if not ask(candidate):
            return False
        best = candidate
        return True

    try:
        lines = text.splitlines(keepends=True)
        if ask(OTHER_BYTE + b"\n") and keep(min(lines, key=len)):
            any_input = True
        else:
            count = shortest_prefix(len(lines), lambda n: keep(b"".join(lines[:n])))
            plain = (OTHER_BYTE + b"\n") * count
            if count > 1 and not keep(lines[count - 1]) and keep(plain):
                content_matters = False  # so many lines of anything
            else:
                fewest(best.splitlines(keepends=True), lambda some: keep(b"".join(some)))
                if best.count(b"\n") <= FEW_LINES:
                    content_matters = _shorten(keep, lambda: best)
    except _Spent:
        finished = False
    tries = reproduced = 0
    for _ in range(CONFIRMATIONS):
        tries += 1
        reproduced += oracle(best)
    return Found(best, ask.runs + tries, clock() - ask.begin, tries, reproduced, any_input, content_matters, finished)


def shortest_prefix(length: int, breaks: Callable[[int], bool]) -> int:
    """The least n at which the first n break it: a bisection, right where more is worse. `length` is known to break."""
    low, high = 0, length
    while low < high:
        middle = (low + high) // 2
        if breaks(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _shorten(keep: Callable[[bytes], bool], best: Callable[[], bytes]) -> bool:
    """Make each of a few lines shorter; True when its bytes, not only their number, matter."""
    lines = best().splitlines(keepends=True)
    for number, line in enumerate(lines):
        body, end = line.rstrip(b"\n"), b"\n" if line.endswith(b"\n") else b""
        before, after = b"".join(lines[:number]), b"".join(lines[number + 1 :])
        count = shortest_prefix(len(body), lambda n: keep(before + body[:n] + end + after))  # noqa: B023 - called at once
        lines[number] = body[:count] + end
    if keep(bytes(byte if byte == LINE_FEED else OTHER_BYTE[0] for byte in best())):
        return False
    text = best()
    fewest([text[i : i + 1] for i in range(len(text))], lambda some: keep(b"".join(some)))
    return True


def fewest(items: Sequence[T], breaks: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """ddmin: a part of `items` that breaks and of which no piece of any size tried can be left out."""
    pieces = 2
    while len(items) >= 2:
        size = -(-len(items) // pieces)
        cut = [items[i : i + size] for i in range(0, len(items), size)]
        smaller = next((piece for piece in cut if breaks(piece)), None)
        if smaller is not None:
            items, pieces = smaller, 2
            continue
        rest = None
        if len(cut) > 2:
            rest = next(
                (left for i in range(len(cut)) if breaks(left := [x for j, p in enumerate(cut) if j != i for x in p])),
                None,
            )
        if rest is not None:
            items, pieces = rest, max(pieces - 1, 2)
        elif size == 1 or pieces >= DUPLICATES_PER_ROUND:
            break
        else:
            pieces = min(pieces * 2, len(items))
    return items
