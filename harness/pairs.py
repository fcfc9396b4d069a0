"""Which of two subjects is slower: interleaved pairs of fresh processes, judged by CPU time.

What else runs on a machine adds to a CPU time (caches shared, cores halved), for seconds at a time. So the two runs of
a pair stand next to each other, and each pair has a vote: is its ratio above the border? The fastest runs of the two
sides, which were disturbed least, must say the same as the median of the pairs. Pairs are run until they do, and
chance would rarely give such a majority (the sign test): once in 200 times where it speaks against the candidate, once
in 40 where it speaks for it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_PAIRS = 61
FEWEST_PAIRS = 8  # that can call a candidate slower
SLOWDOWN = 0.10  # that must be caught
CHANCE = 1 / 200  # of a majority that calls a candidate slower: a false alarm costs more than a few pairs
TAIL = 1 / 40  # of one that clears it; and on either side of an interval of 95 %


@dataclass(frozen=True)
class Compared:
    """What pairs of runs tell so far.

    median : of the ratios of the pairs, candidate's time to base's
    low, high : interval of 95 % around it; None while there are too few pairs for one
    fastest : ratio of the fastest runs
    above : pairs whose ratio is above the border;  border : the ratio from which on the candidate counts as slower
    spent : no more pairs are to be run
    """

    median: float
    low: float | None
    high: float | None
    fastest: float
    pairs: int
    above: int
    border: float
    spent: bool

    @property
    def slower(self) -> bool:
        """Whether both the pairs and the fastest runs say so."""
        return min(self.median, self.fastest) > self.border

    @property
    def clear(self) -> bool:
        """Whether both say the same, and so many pairs that chance rarely would; or no slower, with all pairs run.

        A candidate that is as much slower as must be caught would have had to be lucky in the median of all pairs and
        in the fastest of all runs.
        """
        if self.slower:
            return by_chance(self.above, self.pairs) <= CHANCE
        agree = max(self.median, self.fastest) <= self.border
        return agree and (self.spent or by_chance(self.pairs - self.above, self.pairs) <= TAIL)


def border_of(slowdown: float) -> float:
    """Half of the slowdown that must be caught: at a border of 10 % a slowdown of 10 % would be a coin's throw."""
    return 1.0 + slowdown / 2


def compared(
    times: Sequence[tuple[float, float]], slowdown: float = SLOWDOWN, most_pairs: int = MOST_PAIRS
) -> Compared:
    """What pairs of times tell, at least one: of the base and of the candidate, all above 0."""
    border = border_of(slowdown)
    ratios = sorted(candidate / base for base, candidate in times)
    low, high = median_interval(ratios)
    fastest = min(candidate for _, candidate in times) / min(base for base, _ in times)
    above = sum(ratio > border for ratio in ratios)
    return Compared(statistics.median(ratios), low, high, fastest, len(times), above, border, len(times) >= most_pairs)


def compare(
    base: Callable[[], float],
    candidate: Callable[[], float],
    slowdown: float = SLOWDOWN,
    most_pairs: int = MOST_PAIRS,
    announce: Callable[[Compared], None] = lambda _: None,
) -> Compared:
    """Run both in turn, first one then the other ahead (ABBA); each gives the CPU time of one fresh run."""
    times: list[tuple[float, float]] = []
    while True:
        if len(times) % 2:
            later = candidate()
            times.append((base(), later))
        else:
            times.append((base(), candidate()))
        seen = compared(times, slowdown, most_pairs)
        announce(seen)
        if seen.clear or seen.spent:
            return seen


def median_interval(ordered: Sequence[float]) -> tuple[float | None, float | None]:
    """Two of these values that the true median lies between 95 times in 100; None where there are fewer than six.

    It lies beyond the nth from an end no oftener than a fair coin, thrown once for each value, falls that unevenly:
    whatever the distribution is.
    """
    nth = 0
    while by_chance(len(ordered) - nth, len(ordered)) <= TAIL:
        nth += 1
    return (ordered[nth - 1], ordered[-nth]) if nth else (None, None)


def by_chance(votes: int, of: int) -> float:
    """How likely a fair coin falls on one side so often, or oftener."""
    return sum(math.comb(of, count) for count in range(votes, of + 1)) / 2.0**of
