"""Pairs of words of known kinds, hidden in prose: the kinds are told apart."""

import json

from click.testing import CliRunner

from melvin import Brain
from scaling_suite.capabilities.temporal import LINES, MAKERS, Result, hidden, make_pairs, measure, prose
from scaling_suite.cli import main


def test_the_same_seed_gives_the_same_lines() -> None:
    around = prose(50, 3)
    first, again = (hidden(make_pairs(2, around.rare, 3), around, 3) for _ in range(2))
    assert first == again
    assert set(around.lines) < set(first)


def test_no_word_belongs_to_two_pairs_and_each_kind_comes() -> None:
    pairs = make_pairs(5, prose(10, 3).rare, 3)
    words = [{word for line in pair.lines for word in line} for pair in pairs]
    assert sum(map(len, words)) == len(set().union(*words))
    assert [pair.kind for pair in pairs] == [make.__name__ for make in MAKERS for _ in range(5)]
    assert all(len(pair.lines) >= LINES for pair in pairs)


def test_the_kinds_are_told_apart() -> None:
    result = measure(Brain(), pairs=4)
    assert result.accuracy >= 0.8
    assert result.chance == result.most_frequent == 1 / len(MAKERS)
    assert all(share >= 0.5 for share in result.by_kind.values())


def test_without_the_order_of_words_the_kinds_are_lost() -> None:
    class Sorted(Brain):
        def learn(self, rows, *, port="text"):  # type: ignore[no-untyped-def]
            super().learn([" ".join(sorted(row.split())) for row in rows], port=port)

    def right(result: Result) -> float:
        return result.by_kind["causes"] + result.by_kind["follows"]

    assert right(measure(Sorted(), pairs=4)) < right(measure(Brain(), pairs=4)) - 0.5


def test_a_brain_that_says_one_thing_of_all_is_right_by_chance() -> None:
    class Always(Brain):
        def relation(self, a, b, *, port="text"):  # type: ignore[no-untyped-def]
            return super().relation("no", "words")

    result = measure(Always(), pairs=2)
    assert result.accuracy == result.chance
    assert sum(count for _, _, count in result.mistaken) == result.pairs - 2


def test_the_command_prints_the_figures() -> None:
    result = CliRunner().invoke(main, ["capability", "temporal", "--pairs", "1", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["schema"] == "scaling_suite.capability.temporal/1"
    assert (document["pairs"], set(document["by_kind"])) == (6, {make.__name__ for make in MAKERS})
    shown = CliRunner().invoke(main, ["capability", "temporal", "--pairs", "1"])
    assert f"{document['accuracy']:.1%}" in shown.output
