"""Statistics of growth: pure, lists in, numbers out.

Costs are compared in log-log space, where a cost of size^k is a line of slope k, and where an error of a
given percentage is the same distance everywhere. A slope is printed with its interval and never turned into a
bare label: with 10 % noise no fit tells n from n log n.

What is read at equal phase of the same work has outliers and steps instead: there the median of all slopes counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import accumulate, combinations
from statistics import median

NOISE = 0.10  # assumed relative error of one timing; short runs varied by 12.7 % of CPU time on a busy machine
SURE = 0.99  # of a robust slope's interval: several ledgers are asked, and a false alarm costs more than a look
Z95 = 1.96  # two-sided 95 % of the normal distribution
T95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)  # Student's t, 1 to 10 degrees of freedom


@dataclass(frozen=True)
class Slope:
    """Growth of a cost with size: cost ~ size^value between two sizes, with a 95 % interval."""

    from_bytes: int
    to_bytes: int
    value: float
    low: float
    high: float


def fit_slope(sizes: Sequence[int], costs: Sequence[float], noise: float = NOISE) -> Slope | None:
    """Least squares in log-log space over all points; None with fewer than two usable ones.

    The interval takes the larger of the assumed noise and of the scatter around the line (with Student's t
    for so few points). Points without a positive cost are left out.
    """
    points = [(size, cost) for size, cost in zip(sizes, costs, strict=True) if size > 0 and cost > 0]
    if len({size for size, _ in points}) < 2:
        return None
    xs = [math.log10(size) for size, _ in points]
    ys = [math.log10(cost) for _, cost in points]
    n = len(points)
    mean_x, mean_y = sum(xs) / n, sum(ys) / n
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    half = Z95 * noise / math.log(10)
    if n > 2:
        residual = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True))
        half = max(half, student_t(n - 2) * math.sqrt(residual / (n - 2)))
    half /= math.sqrt(spread)
    ordered = sorted(size for size, _ in points)
    return Slope(ordered[0], ordered[-1], slope, slope - half, slope + half)


def student_t(degrees: int) -> float:
    """The two-sided 95 % quantile, the normal one beyond the table."""
    return T95[degrees - 1] if degrees <= len(T95) else Z95


def local_slopes(sizes: Sequence[int], costs: Sequence[float], noise: float = NOISE) -> list[Slope]:
    """The slope of each step of the ladder: a curve that bends shows here, not in one fit over it all."""
    steps = zip(sizes, sizes[1:], costs, costs[1:], strict=False)
    fitted = (fit_slope((a, b), (cost_a, cost_b), noise) for a, b, cost_a, cost_b in steps)
    return [slope for slope in fitted if slope is not None]


def marginal(sizes: Sequence[int], costs: Sequence[float]) -> float | None:
    """Cost per further byte, from the last two points: free of the fixed cost of a start."""
    if len(sizes) < 2 or sizes[-1] <= sizes[-2]:
        return None
    return (costs[-1] - costs[-2]) / (sizes[-1] - sizes[-2])


def geometric_middle(low: int, high: int) -> int:
    """The size halfway between two sizes, as ratios go."""
    return math.isqrt(low * high)


@dataclass(frozen=True)
class RobustSlope:
    """A line through the middle: y ~ intercept + value * x, and an interval for its slope."""

    value: float
    low: float
    high: float
    intercept: float

    def at(self, x: float) -> float:
        return self.intercept + self.value * x


def robust_slope(xs: Sequence[float], ys: Sequence[float], confidence: float = SURE) -> RobustSlope | None:
    """The median of the slopes of all pairs, with Sen's interval; None where there are too few points for one.

    The interval is distribution-free: how many of the slopes lie below the true one is how many pairs are in disorder
    when nothing grows, whatever the noise. Both ends are slopes of pairs. A single step leaves every pair on one side
    of it as flat as before. Sen 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau", section 4.

    xs : each one once
    """
    rank = sen_rank(len(xs), confidence)
    if rank is None:
        return None
    slopes = sorted(pair_slopes(xs, ys))
    value = median(slopes)
    return RobustSlope(
        value, slopes[rank - 1], slopes[-rank], median(y - value * x for x, y in zip(xs, ys, strict=True))
    )


def pair_slopes(xs: Sequence[float], ys: Sequence[float]) -> list[float]:
    """The slope between every two points."""
    points = list(zip(xs, ys, strict=True))
    return [(y_b - y_a) / (x_b - x_a) for (x_a, y_a), (x_b, y_b) in combinations(points, 2)]


@cache
def sen_rank(points: int, confidence: float) -> int | None:
    """Which slope from either end bounds the interval, counted from 1; None where even the outermost is too narrow."""
    left_out = math.factorial(points) * Fraction(1 - confidence) / 2
    within = sum(below <= left_out for below in accumulate(inversions(points)))
    return within or None


def inversions(n: int) -> list[int]:
    """How many orders of n things have 0, 1, 2, … pairs in disorder: the exact distribution of Kendall's tau.

    The m-th thing stands before 0 to m - 1 of the others: counts[k] = before[k] + … + before[k - (m - 1)].
    """
    counts = [1]
    for m in range(2, n + 1):
        sums = [0, *accumulate(counts)]
        width = len(counts)
        counts = [sums[min(k + 1, width)] - sums[max(k + 1 - m, 0)] for k in range(width + m - 1)]
    return counts
