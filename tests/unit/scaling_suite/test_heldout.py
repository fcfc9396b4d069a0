"""Held-out lines are chosen by what they say."""

from scaling_suite.heldout import (
    MAX_BYTES,
    MAX_LINE_BYTES,
    MIN_LINES,
    MOST_IS_ONE_IN,
    ONE_LINE_IN,
    choose_heldout,
)

MANY = [b"line %d of many" % number for number in range(40_000)]


def test_about_one_line_in_two_hundred_is_held_out() -> None:
    chosen = choose_heldout(MANY, seed=7)
    assert len(MANY) / ONE_LINE_IN * 0.7 < len(chosen.lines) < len(MANY) / ONE_LINE_IN * 1.3


def test_a_line_held_out_is_held_out_wherever_it_stands_and_with_a_carriage_return() -> None:
    chosen = choose_heldout(MANY, seed=7)
    assert all(chosen.holds(line) and chosen.holds(line + b"\r") for line in chosen.lines)
    assert sum(map(chosen.holds, MANY)) == len(chosen.lines)


def test_order_and_repetition_do_not_change_the_choice() -> None:
    assert choose_heldout(MANY, 7) == choose_heldout([*reversed(MANY), *MANY], 7)


def test_another_seed_holds_out_other_lines() -> None:
    assert not set(choose_heldout(MANY, 7).lines) & set(choose_heldout(MANY, 8).lines)


def test_a_small_source_still_gives_some_lines_but_not_a_large_share() -> None:
    for count in (40, 100, 300, 2000):
        chosen = choose_heldout(MANY[:count], seed=7)
        assert min(MIN_LINES, count // MOST_IS_ONE_IN) <= len(chosen.lines) <= max(count // MOST_IS_ONE_IN, MIN_LINES)
        assert sum(map(chosen.holds, MANY[:count])) == len(chosen.lines)


def test_a_source_of_a_few_lines_has_none_to_spare() -> None:
    chosen = choose_heldout([b"only", b"these", b""], seed=7)
    assert chosen.lines == ()
    assert not chosen.holds(b"only")


def test_the_lines_scored_are_capped_and_no_line_is_huge() -> None:
    long = [b"%d " % number + b"x" * 3000 for number in range(20_000)]
    huge = [b"%d " % number + b"x" * MAX_LINE_BYTES for number in range(2_000)]
    chosen = choose_heldout(long + huge, seed=7)
    assert 0.9 * MAX_BYTES < sum(len(line) + 1 for line in chosen.lines) <= MAX_BYTES
    assert not any(map(chosen.holds, huge))
