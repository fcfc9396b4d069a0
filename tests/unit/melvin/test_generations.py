"""When generations end."""

from itertools import pairwise

import pytest

from melvin import Brain, generation
from melvin.budget import DEFAULT_MEMORY, LEAST_MEMORY
from melvin.generation import FIRST_GENERATION, LARGE, MOST_GROWN, next_end

LINE = "a line of 16 ..."


@pytest.mark.parametrize(
    ("fed", "memory", "ends_at"),
    [
        (0, DEFAULT_MEMORY, FIRST_GENERATION),
        (40, DEFAULT_MEMORY, 80),
        (LARGE - 1, DEFAULT_MEMORY, 2 * LARGE - 2),
        (LARGE, DEFAULT_MEMORY, 4 * LARGE),
        (MOST_GROWN - 1, DEFAULT_MEMORY, 4 * MOST_GROWN - 4),
        (MOST_GROWN, DEFAULT_MEMORY, 2 * MOST_GROWN),
        (MOST_GROWN, 4 * DEFAULT_MEMORY, 4 * MOST_GROWN),
        (LARGE, DEFAULT_MEMORY - 1, 2 * LARGE),
        (LARGE, LEAST_MEMORY, 2 * LARGE),
    ],
)
def test_a_generation_doubles_what_was_fed_or_makes_four_times_as_much_where_there_is_room(fed, memory, ends_at):
    assert next_end(fed, memory) == ends_at


def test_a_generation_ends_with_the_line_in_which_it_falls_due_and_the_next_begins_there(monkeypatch):
    monkeypatch.setattr(generation, "LARGE", 300)
    monkeypatch.setattr(generation, "MOST_GROWN", 3000)
    brain = Brain()
    for _ in range(1000):
        brain.learn([LINE])
    ends = [point.bytes for point in brain.learning_curve()]
    steps = [after / before for before, after in pairwise(ends)]
    line = len(LINE) + 1
    for began_at, ended_at in pairwise(ends):
        assert 0 <= ended_at - next_end(began_at, DEFAULT_MEMORY) < line
    assert {round(step) for step in steps} == {2, 4}
    known = brain._learner.snapshot
    assert (known.began_at, known.ends_at) == (ends[-1], next_end(ends[-1], DEFAULT_MEMORY))
    assert known.fresh == known.ends_at - known.began_at
