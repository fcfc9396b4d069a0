"""The edges of a break tried again, the frontier walked, two subjects compared: pure control."""

import itertools
from dataclasses import dataclass

from harness.frontier import walk
from harness.ladder import Climb, repeat_edges
from harness.pairs import MOST_PAIRS, PAIRS, compare


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


def test_a_slowdown_of_a_tenth_is_seen_through_noise_that_only_adds():
    assert compare(times(1.0, 1.3, 1.05), times(1.1, 1.12, 1.6)).slower
    assert not compare(times(1.0, 1.3, 1.05), times(1.02, 1.2, 1.0)).slower


def test_more_pairs_are_run_only_while_it_is_not_clear():
    assert compare(times(1.0), times(1.0)).pairs == PAIRS
    assert compare(times(1.0), times(1.05)).pairs == MOST_PAIRS
