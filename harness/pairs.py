"""Which of two subjects is slower: interleaved pairs of fresh processes, judged by CPU time.

A busy machine only ever adds to a CPU time (caches shared, cores halved), so the fastest run of each side is compared,
and the median of the pairs must point the same way. A threshold of half of what must be caught: one of 10 % would miss
a slowdown of 10 % every time (1 / 1.10 = 0.909).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PAIRS = 9
MOST_PAIRS = 21  # more are run only while it is not clear
THRESHOLD = 1.05  # half of the slowdown that must be caught
UNCLEAR = 0.025  # so near to the threshold, in log ratio, more pairs are run


@dataclass(frozen=True)
class Compared:
    """ratio : of the candidate's fastest run to the base's; median : of the ratio of each pair."""

    ratio: float
    median: float
    pairs: int

    @property
    def slower(self) -> bool:
        return self.ratio > THRESHOLD and self.median > 1.0


def compare(base: Callable[[], float], candidate: Callable[[], float]) -> Compared:
    """Run both in turn, first one then the other ahead (ABBA); each gives the CPU time of one fresh run."""
    bases: list[float] = []
    candidates: list[float] = []
    while len(bases) < PAIRS or (len(bases) < MOST_PAIRS and _unclear(bases, candidates)):
        both = [(base, bases), (candidate, candidates)]
        for run, times in both if len(bases) % 2 == 0 else reversed(both):
            times.append(run())
    median = statistics.median(b / a for a, b in zip(bases, candidates, strict=True))
    return Compared(min(candidates) / min(bases), median, len(bases))


def _unclear(bases: Sequence[float], candidates: Sequence[float]) -> bool:
    return abs(math.log(min(candidates) / min(bases) / THRESHOLD)) < UNCLEAR
