"""Delta debugging, on oracles that are plain functions."""

from hypothesis import given
from hypothesis import strategies as st

from harness.diagnosis.witness import fewest, shortest_prefix, shrink


def text(lines=200):
    return b"".join(b"line %d of a text that says nothing\n" % number for number in range(lines))


def run(content, oracle, runs=500, time_s=60.0):
    return shrink(content, oracle, runs=runs, time_s=time_s)


def test_one_long_line_is_found_among_many_and_cut_to_the_length_that_matters():
    content = text() + b"x" * 5000 + b"\n" + text()
    found = run(content, lambda some: any(len(line) > 300 for line in some.split(b"\n")))
    assert found.text.strip() == b"a" * 301
    assert found.content_matters is False
    assert not found.any_input
    assert found.finished
    assert found.runs < 60


def test_bytes_that_matter_are_kept_and_the_others_dropped():
    content = text() + b"harmless \x00 and some more\n" + text()
    found = run(content, lambda some: b"\x00" in some)
    assert found.text == b"\x00"
    assert found.content_matters is True


def test_two_lines_that_break_only_together_are_both_kept():
    content = text(50) + b"first\n" + text(50) + b"second\n" + text(50)
    found = run(content, lambda some: b"first" in some and b"second" in some)
    assert b"first" in found.text
    assert b"second" in found.text
    assert len(found.text) <= len(b"first\nsecond\n")


def test_a_number_of_lines_is_told_from_a_line():
    found = run(text(3000), lambda some: some.count(b"\n") > 1000)
    assert found.text == b"a\n" * 1001
    assert found.content_matters is False


def test_what_breaks_on_anything_is_said_to():
    found = run(text(), lambda some: True)
    assert found.any_input
    assert found.runs < 8


def test_a_break_that_comes_and_goes_is_recognised():
    answers = iter([False, True, False] + [True, False] * 1000)
    found = run(text(), lambda some: next(answers))
    assert found.reproduced < found.tries


def test_runs_and_time_are_bounded_and_the_best_so_far_is_kept():
    asked = []

    def oracle(some):
        asked.append(some)
        return b"line 77 " in some

    found = run(text(), oracle, runs=5)
    assert len(asked) <= 5 + found.tries
    assert not found.finished
    assert len(found.text) < len(text())
    seconds = iter(range(0, 10_000, 10))
    slow = shrink(text(), lambda some: b"line 77 " in some, runs=500, time_s=25.0, clock=lambda: next(seconds))
    assert not slow.finished


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.data())
def test_what_is_left_still_breaks_and_holds_what_it_takes(items, data):
    needed = set(data.draw(st.lists(st.sampled_from(items), max_size=3)))
    left = fewest(items, lambda some: needed <= set(some))
    assert needed <= set(left)
    if len(needed) == 1:
        assert len(left) == 1


@given(st.integers(1, 500), st.data())
def test_the_shortest_prefix_is_found(length, data):
    least = data.draw(st.integers(0, length))
    assert shortest_prefix(length, lambda n: n >= least) == least
