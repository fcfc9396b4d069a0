"""Where will it break? After each rung, from the rungs that passed: pure, lists in, an interval out.

What a cost grows by is taken as a power of the size above a fixed cost (its smallest value): in log-log space a
line. The interval takes the scatter of the points around it, the bend of the last step, and a least error per point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.statistics import fit_slope, student_t

LEAST_ERROR = 0.06  # of one measured growth, in natural log units: allocators round up, clocks are not exact
VISIBLE = 0.10  # growth below this share of the fixed cost is noise
LEAST_SLOPE = 0.5  # of the fitted slope, whatever its error: a staircase has flat steps, but goes up
WORTH_TELLING = 0.5  # of the fixed cost: what has grown by less tells nothing of what is a hundred times as large
FURTHEST_BYTES = 10**12  # what lies beyond is not foretold
NOISE_OF_STEP = 0.5  # of the assumed noise of a slope: CPU time of a second varies less than that of a millisecond
TOP_POINTS = 4  # the last rungs tell where a curve goes, the first ones where it came from


@dataclass(frozen=True)
class Growth:
    """cost = fixed + growth at `at_bytes` × (size / at_bytes)^slope. error: of log growth at one point."""

    fixed: float
    at_bytes: int
    growth: float
    slope: float
    slope_error: float
    error: float

    def cost_at(self, size: float) -> float:
        return self.fixed + self.growth * math.pow(size / self.at_bytes, self.slope)


@dataclass(frozen=True)
class Reach:
    """The size at which a cost reaches a limit; None beyond what is foretold."""

    predicted_bytes: int | None
    low_bytes: int | None
    high_bytes: int | None


def fit_growth(sizes: Sequence[int], costs: Sequence[float], visible: float = VISIBLE) -> Growth | None:
    """The growth of a cost above its smallest value; None with fewer than two points of visible growth."""
    if len(sizes) < 3:
        return None
    fixed = min(costs)
    grown = [
        (size, cost - fixed)
        for size, cost in zip(sizes, costs, strict=True)
        if cost - fixed > max(visible * fixed, 0.0)
    ]
    grown = [(size, cost) for size, cost in grown if cost > 0][-TOP_POINTS:]
    if len({size for size, _ in grown}) < 2 or grown[-1][1] < WORTH_TELLING * fixed:
        return None
    xs = [math.log(size) for size, _ in grown]
    ys = [math.log(cost) for _, cost in grown]
    n = len(grown)
    mean_x, mean_y = sum(xs) / n, sum(ys) / n
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    residual = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True))
    scatter = math.sqrt(residual / (n - 2)) if n > 2 else 0.0
    last_step = (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    t = student_t(n - 2) if n > 2 else 2.0
    slope_error = max(t * scatter, 2 * LEAST_ERROR) / math.sqrt(spread) + abs(last_step - slope) / 2
    centre = (slope + last_step) / 2  # a curve that bends goes on as it went last
    return Growth(fixed, grown[-1][0], grown[-1][1], centre, slope_error, max(scatter, LEAST_ERROR))


def reach(growth: Growth, limit: float) -> Reach:
    """Where `growth` reaches `limit`, with the interval of its slope and of its last point."""
    room = limit - growth.fixed
    if room <= 0:
        return Reach(growth.at_bytes, growth.at_bytes, growth.at_bytes)
    ratio = math.log(room / growth.growth)

    def size_for(slope: float, shift: float) -> int | None:
        if slope <= 0:
            return None
        exponent = max(ratio + shift, 0.0) / slope + math.log(growth.at_bytes)
        return round(math.exp(exponent)) if exponent < math.log(FURTHEST_BYTES) else None

    half = 2 * growth.error
    return Reach(
        size_for(growth.slope, 0.0),
        size_for(growth.slope + growth.slope_error, -half),
        size_for(max(growth.slope - growth.slope_error, LEAST_SLOPE * growth.slope), half),
    )


@dataclass(frozen=True)
class Projection:
    """A cost at a larger size. slope, slope_low, slope_high : of the last step, with a 95 % interval of its noise."""

    value: float
    low: float
    high: float
    slope: float
    slope_low: float
    slope_high: float


def project(sizes: Sequence[int], costs: Sequence[float], size: float) -> Projection | None:
    """A cost at another size, from the last steps of a ladder; None with fewer than two points of visible growth.

    Two shapes go through the last two points: a power of the size, and a linear plus a quadratic part. Which of them
    met the point before is the value; the other, and the noise of one point, widen the interval.
    """
    points = [(n, cost) for n, cost in zip(sizes, costs, strict=True) if n > 0 and cost > 0]
    if len(points) < 2:
        return None
    (n1, c1), (n2, c2) = points[-2:]
    step = fit_slope((n1, n2), (c1, c2))
    if step is None:
        return None

    def power(n: float) -> float:
        return c2 * math.pow(n / n2, step.value)

    shapes = [power]
    square = (c2 / n2 - c1 / n1) / (n2 - n1)
    line = c1 / n1 - square * n1
    if square > 0 and line > 0:
        shapes.append(lambda n: line * n + square * n * n)
    if len(points) > 2:
        n0, c0 = points[-3]
        shapes.sort(key=lambda shape: abs(math.log(shape(n0) / c0)))
    values = [shape(size) for shape in shapes]
    spread = math.exp(NOISE_OF_STEP * (step.high - step.low) / 2 * math.log(size / n2))
    return Projection(values[0], min(values) / spread, max(values) * spread, step.value, step.low, step.high)
