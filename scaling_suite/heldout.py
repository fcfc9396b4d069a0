"""Held-out lines: which lines of a source no rung may train on, decided by what a line says.

A line is held out when the hash of its content is below a threshold, wherever and however often it
occurs, so what is scored was never trained on. The threshold and the lines scored come from the first
part of the source alone: every rung of a ladder has the same.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import xxhash

ONE_LINE_IN = 200
MAX_LINE_BYTES = 8192  # a longer line is never held out: one of them would be most of the score
MIN_LINES = 64  # of a small source, as long as that is at most one line in MOST_IS_ONE_IN
MOST_IS_ONE_IN = 20
MAX_BYTES = 100_000  # enough to know bits per byte within a few hundredths, quick to score at every rung
WINDOW_BYTES = 16 << 20  # the first part of the source: one line in 200 of it is about 80 KB
HASHES = 1 << 64


@dataclass(frozen=True)
class HeldOut:
    """The lines scored, and the rule that keeps them and their like out of the training text.

    lines : tuple of bytes     each once, without line feed, by rising hash: from all over the window
    threshold : int            a line whose hash is below is held out
    seed : int
    """

    lines: tuple[bytes, ...]
    threshold: int
    seed: int

    def holds(self, line: bytes) -> bool:
        """Whether this line must not be trained on."""
        content = line.removesuffix(b"\r")
        return len(content) <= MAX_LINE_BYTES and _digest(content, self.seed) < self.threshold


def choose_heldout(lines: Iterable[bytes], seed: int) -> HeldOut:
    """Choose from the lines of the first part of a source.

    About one distinct line in ONE_LINE_IN; in a small source the MIN_LINES lowest hashes, but at most one
    distinct line in MOST_IS_ONE_IN. A source with fewer distinct lines than that has none.
    """
    usual = HASHES // ONE_LINE_IN
    below: dict[int, bytes] = {}  # hash -> line, under the usual threshold
    lowest: dict[int, bytes] = {}  # the lowest hashes above it, in case the source is small
    distinct: set[int] = set()  # no longer filled once the source is known not to be small
    for line in lines:
        content = line.removesuffix(b"\r")
        if not content or len(content) > MAX_LINE_BYTES:
            continue
        digest = _digest(content, seed)
        if digest < usual:
            below[digest] = content
        elif len(below) < MIN_LINES:
            lowest[digest] = content
            if len(lowest) > MIN_LINES:
                del lowest[max(lowest)]
        if len(distinct) < MIN_LINES * MOST_IS_ONE_IN:
            distinct.add(digest)
    wanted = min(MIN_LINES, len(distinct) // MOST_IS_ONE_IN)
    if not wanted:
        return HeldOut((), 0, seed)
    if len(below) >= wanted:
        return HeldOut(_capped(below), usual, seed)
    few = dict(sorted((below | lowest).items())[:wanted])
    return HeldOut(_capped(few), max(few) + 1, seed)


def _capped(chosen: dict[int, bytes]) -> tuple[bytes, ...]:
    """Of the chosen lines those with the lowest hashes, as many as fit in MAX_BYTES."""
    ranked = [line for _, line in sorted(chosen.items())]
    ends = itertools.accumulate(len(line) + 1 for line in ranked)
    return tuple(line for line, end in zip(ranked, ends, strict=True) if end <= MAX_BYTES)


def _digest(content: bytes, seed: int) -> int:
    return xxhash.xxh3_64_intdigest(content, seed % HASHES)
