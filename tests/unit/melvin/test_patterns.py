"""Patterns of patterns: what was learnt a few times, and what it is made of."""

import pytest
from brain_files import PROSE

from melvin import Brain, learner

WORDS = [
    ("football", "foot", "ball"),
    ("bookshelf", "book", "shelf"),
    ("abcdef", "ab", "cd", "ef"),
    ("xyzw", "xy", "zw"),
]
ENOUGH = 300  # times that a word is learnt until something shows


def taught(whole, *parts, times=20):
    brain = Brain()
    for word in (*parts, whole):
        brain.learn([word] * times)
    return brain


def learn_until(holds, *brains, word="football"):
    for _ in range(ENOUGH):
        if holds():
            return
        for brain in brains:
            brain.learn([word])
    pytest.fail(f"{word} was learnt {ENOUGH} times")


@pytest.mark.parametrize(("whole", "parts"), [(word, parts) for word, *parts in WORDS])
@pytest.mark.parametrize("order", ["parts first", "whole first"])
def test_a_word_learnt_a_few_times_is_a_pattern_of_the_words_in_it(whole, parts, order):
    brain = Brain()
    for word in (*parts, whole) if order == "parts first" else (whole, *parts):
        brain.learn([word] * 20)
    pattern = brain.pattern(whole)
    assert pattern is not None
    assert pattern.payload == pattern.left + pattern.right == whole.encode()
    assert {part.encode() for part in parts} <= brain.constituents(whole)


@pytest.mark.parametrize("times", [20, 100, 500])
def test_what_was_learnt_once_is_no_pattern_however_much_else_was(times):
    brain = taught("football", "foot", "ball", times=times)
    brain.learn(["quizzical"])
    assert brain.pattern("quizzical") is None
    assert brain.constituents("quizzical") == set()


def test_a_pattern_that_is_earned_is_read_once_the_generation_ends():
    brain = taught("ball", "foot")
    learn_until(lambda: brain.pattern("football"), brain)
    assert b"football" not in {pattern.payload for pattern in brain.patterns()}
    ended = brain.stats().generation
    learn_until(lambda: brain.stats().generation > ended, brain)
    assert b"football" in {pattern.payload for pattern in brain.patterns()}


def test_looking_at_patterns_changes_nothing(path, tmp_path):
    asked, silent = taught("football", "foot", "ball"), taught("football", "foot", "ball")
    for more in (PROSE[:40], PROSE[40:]):
        assert asked.pattern("football") is not None
        assert asked.constituents("football")
        asked.learn(more)
        silent.learn(more)
    asked.pattern("the")
    asked.save(path)
    silent.save(tmp_path / "silent.m")
    assert path.read_bytes() == (tmp_path / "silent.m").read_bytes()


def test_a_brain_that_was_opened_has_the_patterns_that_it_had(path):
    brain = taught("football", "foot", "ball")
    brain.save(path)
    opened = Brain.open(path)
    assert opened.pattern("football") == brain.pattern("football")
    assert opened.constituents("football") == brain.constituents("football")


def test_lines_held_back_count_as_read(monkeypatch):
    brain = taught("ball", "foot")
    monkeypatch.setattr(learner, "HELD_BACK", 1)  # of a generation everything
    ended = brain.stats().generation
    learn_until(lambda: brain.stats().generation > ended, brain, word="ball")
    brain.learn(["football"] * 12)
    assert {line for _, line in brain._learner.gathering.sample} == {b"football"}
    assert not brain._learner.gathering.lexicon.key.size
    assert brain.pattern("football") is not None


def test_in_a_brain_that_was_fed_much_patterns_wait_for_the_end_of_the_generation(monkeypatch):
    brain, other = taught("ball", "foot"), taught("ball", "foot")
    learn_until(lambda: brain.pattern("football"), brain, other)
    monkeypatch.setattr(learner, "FORMED", other.stats().bytes - 1)
    assert other.pattern("football") is None
