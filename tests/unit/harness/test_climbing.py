"""The control flow of the ladder, on a function that breaks at a known size."""

from dataclasses import dataclass, field

import pytest

from harness.ladder import NARROW_ENOUGH, Climb, climb

SIZES = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]


@dataclass
class BreaksAt:
    """Passes below a size; remembers what it was asked."""

    size: int
    asked: list[int] = field(default_factory=list)

    def __call__(self, size):
        self.asked.append(size)
        return Tried(size < self.size)


@dataclass(frozen=True)
class Tried:
    passed: bool


def climbed(subject, *, runs, sizes=SIZES):
    result = Climb([], [])
    climb(sizes, subject, narrow_with=subject, runs=runs, climbed=result, announce=lambda tried: None)
    return result


def test_it_stops_at_the_first_rung_that_breaks():
    subject = BreaksAt(50_000)
    result = climbed(subject, runs=0)
    assert subject.asked == [1_000, 10_000, 100_000]
    assert result.largest_passed == 10_000
    assert result.smallest_broken[0] == 100_000


def test_not_broken_is_a_result_too():
    result = climbed(BreaksAt(10**12), runs=5)
    assert result.smallest_broken is None
    assert result.largest_passed == SIZES[-1]
    assert result.narrowing == []


@pytest.mark.parametrize("size", [10_001, 12_345, 31_622, 50_000, 99_999])
def test_bisection_brackets_the_breaking_size_within_ten_percent(size):
    result = climbed(BreaksAt(size), runs=20)
    broken = result.smallest_broken[0]
    assert result.largest_passed < size <= broken
    assert broken <= result.largest_passed * NARROW_ENOUGH


def test_bisection_spends_no_more_runs_than_it_was_given():
    assert len(climbed(BreaksAt(12_345), runs=3).narrowing) == 3


def test_a_break_at_the_first_rung_has_nothing_below_it_to_search():
    result = climbed(BreaksAt(1), runs=5)
    assert result.largest_passed is None
    assert result.narrowing == []


def test_what_was_found_before_an_exception_is_kept():
    result = Climb([], [])

    subject = BreaksAt(10**12)

    def stop_at_second(tried):
        if len(result.rungs) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        climb(SIZES, subject, narrow_with=subject, runs=3, climbed=result, announce=stop_at_second)
    assert [size for size, _ in result.rungs] == [1_000, 10_000]
