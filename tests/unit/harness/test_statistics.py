"""Slopes on costs whose growth is known."""

import math

import pytest

from harness.statistics import RobustSlope, fit_slope, geometric_middle, local_slopes, marginal, robust_slope, sen_rank

SIZES = [10**power for power in range(3, 10)]


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5, 2.0])
def test_a_power_law_gives_its_exponent_back(exponent):
    slope = fit_slope(SIZES, [3e-7 * size**exponent for size in SIZES])
    assert slope.value == pytest.approx(exponent)
    assert slope.low < exponent < slope.high
    assert (slope.from_bytes, slope.to_bytes) == (SIZES[0], SIZES[-1])


def test_a_curve_that_bends_shows_in_its_last_step():
    costs = [size if size <= 10**8 else 10**8 * (size / 10**8) ** 1.5 for size in SIZES]
    steps = local_slopes(SIZES, costs)
    assert [round(step.value, 3) for step in steps] == [1, 1, 1, 1, 1, 1.5]


def test_scatter_widens_the_interval_beyond_the_assumed_noise():
    smooth = fit_slope(SIZES, [float(size) for size in SIZES])
    rough = fit_slope(SIZES, [size * (2.0 if i % 2 else 0.5) for i, size in enumerate(SIZES)])
    assert rough.high - rough.low > 3 * (smooth.high - smooth.low)


def test_the_interval_of_one_step_is_that_of_two_noisy_timings():
    (step,) = local_slopes([10**6, 10**7], [1.0, 10.0], noise=0.10)
    half = 1.96 * 0.10 / math.log(10) * math.sqrt(2)  # two points, one decade apart
    assert step.high - step.value == pytest.approx(half)


def test_too_little_is_no_slope():
    assert fit_slope([1000], [1.0]) is None
    assert fit_slope([1000, 1000], [1.0, 2.0]) is None
    assert fit_slope([1000, 10_000], [0.0, 2.0]) is None
    assert local_slopes([1000], [1.0]) == []


def test_marginal_cost_is_free_of_a_fixed_start():
    assert marginal([1_000, 10_000], [50 + 2 * 1_000, 50 + 2 * 10_000]) == pytest.approx(2)
    assert marginal([1_000], [5]) is None


def test_the_middle_of_two_sizes_is_their_geometric_mean():
    assert geometric_middle(10_000, 1_000_000) == 100_000


EPOCHS = list(range(3, 13))


def test_a_steady_rise_gives_its_slope_back_whatever_a_few_outliers_do():
    ys = [7 + 5 * x for x in EPOCHS]
    assert robust_slope(EPOCHS, ys) == RobustSlope(5, 5, 5, 7)
    ys[4] = 10**9
    found = robust_slope(EPOCHS, ys)
    assert (found.value, found.intercept, found.at(12)) == (5, 7, 67)
    assert found.low == 5


@pytest.mark.parametrize("first_high", range(1, len(EPOCHS)))
def test_a_single_step_is_no_rise_wherever_it_comes(first_high):
    ys = [0] * first_high + [1000] * (len(EPOCHS) - first_high)
    assert robust_slope(EPOCHS, ys).low == 0


def test_steps_that_come_ever_later_are_no_rise():
    assert robust_slope(EPOCHS, [2 ** math.ceil(math.log2(epoch)) for epoch in EPOCHS]).low == 0


def test_the_ends_of_the_interval_change_places_with_the_sign():
    ys = [1, 5, 2, 9, 4, 7, 3, 8, 6, 10]
    up, down = robust_slope(EPOCHS, ys), robust_slope(EPOCHS, [-y for y in ys])
    assert (down.low, down.value, down.high) == (-up.high, -up.value, -up.low)


def test_fewer_than_six_points_have_no_interval_that_is_sure_enough():
    assert robust_slope(EPOCHS[:5], EPOCHS[:5]) is None
    assert robust_slope(EPOCHS[:6], EPOCHS[:6]) is not None
    assert robust_slope([], []) is None


def test_the_interval_of_ten_points_is_that_of_the_tables():
    assert sen_rank(10, 0.95) == 12  # Hollander and Wolfe, table of Kendall's K: P(K >= 23) = 0.023 for n = 10
