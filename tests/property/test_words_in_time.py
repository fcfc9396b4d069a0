"""Relations are what a plain count of the lines says."""

import itertools
import math
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twins.words_in_time import delta_p, lags, stretches

from melvin import Brain
from melvin.relations import KINDS
from melvin.words import FAR

WORDS = [b"a", b"bb", b"c", b"dd", b"e", b"then"]
lines = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=20).map(b" ".join), min_size=1, max_size=25)
pairs = st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)).filter(lambda pair: pair[0] != pair[1])
few = settings(max_examples=40, deadline=None)


def learnt(rows):
    brain = Brain()
    brain.learn(rows)
    return brain


@few
@given(lines, pairs)
def test_the_evidence_is_what_the_lines_hold(rows, pair):
    a, b = pair
    found = learnt(rows).relation(a, b)
    counted = lags(rows, FAR)
    after, before = counted.get((a, b), Counter()), counted.get((b, a), Counter())
    assert (found.after, found.before) == (sum(after.values()), sum(before.values()))
    signed = [lag for lag, n in after.items() for _ in range(n)] + [-lag for lag, n in before.items() for _ in range(n)]
    if signed:
        mean = sum(signed) / len(signed)
        assert math.isclose(found.mean_lag, mean, abs_tol=1e-9)
        variance = sum((lag - mean) ** 2 for lag in signed) / len(signed)
        assert math.isclose(found.lag_deviation, math.sqrt(variance), abs_tol=1e-6)
    held = list(stretches(rows, FAR))
    assert found.trials == len(held)
    assert found.source_trials == sum(a in one for one in held)
    assert found.target_trials == sum(b in one for one in held)
    with_a, without = delta_p(rows, a, b, FAR)
    assert math.isclose(found.p_with, with_a)
    assert math.isclose(found.p_without, without)
    assert math.isclose(found.delta_p, with_a - without, abs_tol=1e-12)


@few
@given(lines, pairs)
def test_the_kind_agrees_with_its_evidence(rows, pair):
    found = learnt(rows).relation(*pair)
    assert found.kind in KINDS
    assert 0 <= found.strength <= 1
    assert (found.strength == 0) == (found.kind == "none")
    if found.kind in ("causes", "enables"):
        assert found.after > found.before
        assert found.delta_p > 0
    elif found.kind == "prevents":
        together = min(found.count, found.source_trials, found.target_trials) / found.source_trials
        assert found.within_p_with < found.within_p if found.within else together < found.target_trials / found.trials
    elif found.kind in ("precedes", "follows"):
        assert (found.after > found.before) == (found.kind == "precedes")


@few
@given(lines, pairs)
def test_the_order_of_two_words_seen_from_either_is_the_same(rows, pair):
    brain = learnt(rows)
    there, back = brain.relation(*pair), brain.relation(*pair[::-1])
    assert (there.before, there.after, there.mean_lag) == (back.after, back.before, -back.mean_lag)
    assert there.lag_deviation == back.lag_deviation


@few
@given(lines, st.sampled_from(WORDS))
def test_words_before_and_after_are_all_there_nearest_and_strongest_first(rows, word):
    brain = learnt(rows)
    counted = lags(rows, FAR)
    for near, side in ((brain.after(word, 99), 0), (brain.before(word, 99), 1)):
        expected = {pair[1 - side]: counter for pair, counter in counted.items() if pair[side] == word}
        assert {one.payload: one.count for one in near} == {w: sum(c.values()) for w, c in expected.items()}
        closeness = [sum(n / lag for lag, n in expected[one.payload].items()) for one in near]
        assert all(a >= b - 1e-9 for a, b in itertools.pairwise(closeness))
        for one in near:
            total = sum(lag * n for lag, n in expected[one.payload].items())
            assert math.isclose(one.mean_lag, total / one.count)


@few
@given(lines, pairs)
def test_relations_survive_a_save(rows, pair):
    brain = learnt(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "brain.m"
        brain.save(path)
        opened = Brain.open(path)
    assert asdict(opened.relation(*pair)) == asdict(brain.relation(*pair))
    assert opened.after(pair[0], 99) == brain.after(pair[0], 99)
