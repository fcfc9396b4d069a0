"""Forecasts and projections, on curves that are known."""

import math

import pytest

from harness.diagnosis.forecast import fit_growth, project, reach

SIZES = [100_000, 300_000, 900_000, 2_700_000]
FIXED = 10e6
LIMIT = 512e6
SHAPES = {
    "linear": lambda n: 64.0 * n,
    "n log n": lambda n: 4.0 * n * math.log2(n),
    "quadratic": lambda n: n * n / 20_000,
    "root": lambda n: 40_000 * math.sqrt(n),
    "steps": lambda n: float(1 << math.ceil(math.log2(48 * n))),
}


def breaking_size(shape):
    low, high = 1.0, 1e12
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if FIXED + shape(middle) < LIMIT else (low, middle)
    return low


@pytest.mark.parametrize("name", SHAPES)
def test_the_breaking_size_lies_in_the_interval(name):
    shape = SHAPES[name]
    sizes = [size for size in SIZES if FIXED + shape(size) < LIMIT]
    growth = fit_growth([1000, *sizes], [FIXED, *(FIXED + shape(size) for size in sizes)])
    found = reach(growth, LIMIT)
    assert found.low_bytes <= breaking_size(shape) <= found.high_bytes
    assert found.high_bytes / found.low_bytes < 60


def test_what_does_not_grow_is_not_foretold():
    assert fit_growth(SIZES, [FIXED] * 4) is None
    assert fit_growth(SIZES[:2], [FIXED, 3 * FIXED]) is None


def test_what_is_too_far_away_is_not_foretold():
    growth = fit_growth([1000, *SIZES], [FIXED, *(FIXED + 10 * size for size in SIZES)])
    assert reach(growth, 1e18).predicted_bytes is None


@pytest.mark.parametrize(
    "shape", [lambda n: 2e-13 * n * n, lambda n: 1e-7 * n + 2e-13 * n * n, lambda n: 1e-9 * n**1.5]
)
def test_a_time_at_1_gb_is_projected_within_a_factor_of_2(shape):
    found = project(SIZES, [shape(size) for size in SIZES], 1e9)
    assert 0.5 < found.value / shape(1e9) < 2
    assert found.low <= shape(1e9) <= found.high
