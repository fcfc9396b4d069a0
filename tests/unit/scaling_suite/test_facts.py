"""Facts are many, different, and each is asked by a beginning that no other has."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scaling_suite.facts import NAMES, RELATIONS, fact, name, read_facts, write_facts

SOME = 20_000


def test_no_two_facts_share_a_prefix() -> None:
    assert len({fact(index, seed=7).prefix for index in range(SOME)}) == SOME


@given(st.integers(0, NAMES - 1), st.integers(0, NAMES - 1))
def test_no_two_numbers_share_a_name(one: int, other: int) -> None:
    assert (name(one) == name(other)) == (one == other)


def test_an_answer_starts_with_a_space_and_says_something() -> None:
    for index in range(200):
        answer = fact(index, seed=7).answer
        assert answer.startswith(" ")
        assert len(answer.strip()) >= 3


def test_facts_have_many_relations_and_lengths() -> None:
    facts = [fact(index, seed=7) for index in range(len(RELATIONS))]
    assert len({len(each.prefix) for each in facts}) > len(RELATIONS) // 2
    assert len({len(each.answer) for each in facts}) > 3


def test_answers_cannot_be_guessed_from_the_relation() -> None:
    answers = [fact(index, seed=7).answer for index in range(0, SOME, len(RELATIONS))]
    assert len(set(answers)) > len(answers) * 0.9


def test_facts_are_of_their_seed(tmp_path: Path) -> None:
    assert fact(3, seed=7) == fact(3, seed=7)
    assert fact(3, seed=7) != fact(3, seed=8)
    path = tmp_path / "facts.jsonl"
    write_facts(path, (fact(index, 7) for index in range(5)))
    assert list(read_facts(path)) == [fact(index, 7) for index in range(5)]
