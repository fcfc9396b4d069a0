"""Which of two subjects is slower: interleaved pairs of fresh processes, judged by CPU time.

What else runs on a machine adds to a CPU time (caches shared, cores halved), for seconds at a time. So the two runs of
a pair stand next to each other, and each pair has a vote: is its ratio above the threshold? The fastest runs of the two
sides, which were disturbed least, must say the same as the median of the pairs. Pairs are run until they do, and
chance would give such a majority once in 200 times (the sign test).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

MOST_PAIRS = 61
THRESHOLD = 1.05  # half of the slowdown that must be caught: at one of 10 % such a slowdown would be a coin's throw
CHANCE = 1 / 200


@dataclass(frozen=True)
class Compared:
    """median : of the ratios of the pairs, candidate's time to base's;  fastest : ratio of the fastest runs"""

    median: float
    fastest: float
    pairs: int

    @property
    def slower(self) -> bool:
        return min(self.median, self.fastest) > THRESHOLD

    @property
    def agree(self) -> bool:
        """Whether both say the same."""
        return (self.median > THRESHOLD) == (self.fastest > THRESHOLD)


def compare(base: Callable[[], float], candidate: Callable[[], float]) -> Compared:
    """Run both in turn, first one then the other ahead (ABBA); each gives the CPU time of one fresh run."""
    times: list[tuple[float, float]] = []
    while True:
        if len(times) % 2:
            later = candidate()
            times.append((base(), later))
        else:
            times.append((base(), candidate()))
        ratios = [b / a for a, b in times]
        fastest = min(b for _, b in times) / min(a for a, _ in times)
        seen = Compared(statistics.median(ratios), fastest, len(times))
        above = sum(ratio > THRESHOLD for ratio in ratios)
        clear = seen.agree and by_chance(max(above, seen.pairs - above), seen.pairs) <= CHANCE
        if clear or seen.pairs == MOST_PAIRS:
            return seen


def by_chance(votes: int, of: int) -> float:
    """How likely a fair coin falls on one side so often, or oftener."""
    return sum(math.comb(of, count) for count in range(votes, of + 1)) / 2.0**of
