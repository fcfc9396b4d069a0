"""The robust slope beside a plain twin that looks at every order of the points."""

import itertools
from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics import inversions, robust_slope, sen_rank

LARGEST = 7  # 5,040 orders


def disorder(order):
    return sum(a > b for a, b in itertools.combinations(order, 2))


def plain_rank(n, confidence):
    """The largest rank that too few of all orders would pass."""
    of_each = sorted(disorder(order) for order in itertools.permutations(range(n)))
    allowed = Fraction(1 - confidence) / 2 * len(of_each)
    rank = 0
    while sum(pairs <= rank for pairs in of_each) <= allowed:
        rank += 1
    return rank or None


@pytest.mark.parametrize("n", range(1, LARGEST + 1))
def test_the_distribution_is_that_of_all_orders(n):
    of_each = [disorder(order) for order in itertools.permutations(range(n))]
    assert inversions(n) == [of_each.count(pairs) for pairs in range(n * (n - 1) // 2 + 1)]


@pytest.mark.parametrize("n", range(1, LARGEST + 1))
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_rank_is_that_of_all_orders(n, confidence):
    assert sen_rank(n, confidence) == plain_rank(n, confidence)


numbers = st.integers(-(10**6), 10**6)


@given(st.lists(st.tuples(numbers, numbers), min_size=6, max_size=LARGEST, unique_by=lambda point: point[0]))
def test_the_slope_is_the_median_of_all_pairs_and_its_interval_cuts_off_as_many_at_each_end(points):
    slopes = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2))
    rank = plain_rank(len(points), 0.99)
    found = robust_slope(*zip(*points, strict=True))
    assert found.value == median(slopes)
    assert sum(slope < found.low for slope in slopes) < rank <= sum(slope <= found.low for slope in slopes)
    assert sum(slope > found.high for slope in slopes) < rank <= sum(slope >= found.high for slope in slopes)
    assert found.low <= found.value <= found.high


@given(st.lists(numbers, min_size=6, max_size=12), st.integers(-1000, 1000), numbers)
def test_a_line_added_to_the_points_is_added_to_the_slope(ys, more, level):
    xs = range(len(ys))
    one, other = robust_slope(xs, ys), robust_slope(xs, [y + level + more * x for x, y in zip(xs, ys, strict=True)])
    assert (other.low, other.value, other.high) == pytest.approx(
        (one.low + more, one.value + more, one.high + more), abs=1e-6
    )
