"""The edges of a break tried again, the frontier walked, two subjects compared: pure control."""

import itertools
import random
from dataclasses import dataclass

import pytest

from harness.frontier import walk
from harness.ladder import Climb, repeat_edges
from harness.pairs import FEWEST_PAIRS, MOST_PAIRS, compare


@dataclass(frozen=True)
class Outcome:
    passed: bool


def climbed(passed, broken):
    return Climb([(size, Outcome(True)) for size in passed] + [(broken, Outcome(False))], [])


def test_edges_that_hold_are_said_to():
    found = repeat_edges(climbed([1, 10], 100), lambda size: Outcome(size < 100), 3, lambda tried: None)
    assert (found.passed_tries, found.broken_tries, found.broken_times) == (3, 3, 3)


def test_a_size_that_passed_once_and_breaks_now_is_the_new_edge():
    climb = climbed([1, 10], 100)
    repeat_edges(climb, lambda size: Outcome(size < 10), 2, lambda tried: None)
    assert climb.smallest_broken[0] == 10
    assert climb.largest_passed == 1


def test_a_break_that_does_not_come_back_is_counted():
    found = repeat_edges(climbed([1], 100), lambda size: Outcome(True), 4, lambda tried: None)
    assert (found.broken_tries, found.broken_times) == (4, 1)


def test_nothing_broken_nothing_tried():
    assert repeat_edges(Climb([(1, Outcome(True))], []), lambda size: 1 / 0, 2, lambda tried: None) is None


def test_the_frontier_is_walked_along_its_edge_and_the_rest_follows():
    asked = []

    def verdict(size, limit):
        asked.append((size, limit))
        return ("ok", True) if size * 10 <= limit else ("memory_limit", False)

    sizes, limits = (1, 10, 100, 1000), (10, 100, 1000, 10_000)
    cells = walk(sizes, limits, verdict)
    assert len(cells) == 16
    assert all(cell.passed == (cell.size_bytes * 10 <= cell.limit_bytes) for cell in cells)
    assert len(asked) == len(set(asked)) <= len(sizes) + len(limits)
    assert {(cell.size_bytes, cell.limit_bytes) for cell in cells if cell.measured} == set(asked)


def times(*seconds):
    cycle = itertools.cycle(seconds)
    return lambda: next(cycle)


def runs(speed, chance, others):
    """CPU times on a busy machine: `others` drifts on from run to run, and each run has noise of its own."""

    def one():
        others[0] = min(max(others[0] + chance.uniform(-0.1, 0.1), 0.0), 1.0)
        return speed * (1 + others[0] / 2 + chance.uniform(0, 0.2))

    return one


@pytest.mark.parametrize("seed", range(20))
def test_a_slowdown_of_a_tenth_is_told_from_none_on_a_busy_machine(seed):
    chance, others = random.Random(seed), [0.5]
    base, slower, equal = (runs(speed, chance, others) for speed in (1.0, 1.12, 1.0))
    assert compare(base, slower).slower
    assert not compare(base, equal).slower


def test_both_sides_go_first_as_often():
    called = []
    compare(lambda: called.append("base") or 1.0, lambda: called.append("candidate") or 1.0)
    assert called[:4] == ["base", "candidate", "candidate", "base"]


def test_pairs_are_run_until_it_is_clear():
    assert compare(times(1.0), times(1.0)).pairs == 6
    assert compare(times(1.0), times(2.0)).pairs == FEWEST_PAIRS
    assert compare(times(1.0), times(1.0, 1.1)).pairs == MOST_PAIRS
