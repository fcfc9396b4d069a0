"""Merging two brains is addition: of evidence, in any order and grouping."""

import tempfile
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from drawn import symbol_sets
from hypothesis import given, settings
from hypothesis import strategies as st

from melvin import Brain, MelvinError, calibration, verify
from melvin.codes import GROUND
from melvin.edges import source_of, target_of
from melvin.evidence import RANKED, TABLES
from melvin.generation import Snapshot
from melvin.merge import union
from melvin.soundness import symbols_hold
from melvin.splits import with_splits

WORDS = ("the", "cat", "sat", "on", "a", "mat", "cats", "abab", "\xff", "")


@pytest.fixture(autouse=True, scope="module")
def small_generations_are_tried_too():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "PLACE_EVERY", 16)
        yield


lines = st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), max_size=12)
ports = st.sampled_from([("text",), ("text", "can"), ("text", "can", "audio")])
episodes = st.lists(st.sampled_from(WORDS[:4]), max_size=4)


@st.composite
def brains(draw):
    """A brain that was taught on some ports, perhaps told what is right, perhaps in the middle of an episode."""
    brain = Brain()
    if draw(st.booleans()):
        return brain
    names = draw(ports)
    for name in names:
        brain.learn(["the cat sat"], port=name)
        brain.learn(draw(lines) * draw(st.integers(1, 6)), port=name)
    if len(names) > 1:
        for word in draw(episodes):
            brain.learn_episode([(names[0], word), (names[1], word.upper())])
    if draw(st.booleans()):
        brain.feedback(brain.query("the "), draw(st.sampled_from([0.0, 0.25, 1.0])))
    return brain


def named(symbols, symbol):
    """A symbol by what it is, whatever its id."""
    index = int(symbols.port[symbol])
    place = symbol - int(symbols.base[index])
    return (symbols.ports[index], symbols.payload(symbol) if place >= GROUND or place < 256 else place)


def evidence(brain):
    """All that a brain learnt, as counters whose keys hold payloads and names: no ids."""
    snapshot = brain.snapshot
    symbols, found = snapshot.symbols, {}
    for table in TABLES:
        counts = getattr(snapshot.evidence, table)
        pairs = zip(counts.key, counts.count.tolist(), strict=True)
        if table not in RANKED:
            found[table] = Counter({int(key): count for key, count in pairs})
            continue
        found[table] = Counter()
        for key, count in pairs:
            source, target = int(source_of(key)), named(symbols, int(symbols.ranks.by_rank[int(target_of(key))]))
            found[table][named(symbols, source) if table == "links" else source, target] = count
    words = snapshot.words
    found["words"] = Counter(dict(zip(words.name.tolist(), words.count.tolist(), strict=True)))
    found["feedback"] = dict(zip(snapshot.feedback.key.tolist(), snapshot.feedback.sum.tolist(), strict=True))
    bridges = brain._learner.binding.bridges()
    found["bridges"] = Counter(dict(zip(bridges.counts.key.tolist(), bridges.counts.count.tolist(), strict=True)))
    found["payloads"] = Counter(dict(zip(bridges.payloads.key.tolist(), bridges.payloads.count.tolist(), strict=True)))
    curve = snapshot.curve
    for part in ("size", "cost"):
        found[f"curve {part}"] = Counter(dict(zip(curve.end.tolist(), getattr(curve, part).tolist(), strict=True)))
    for part in fields(snapshot.calibration):
        tried = getattr(snapshot.calibration, part.name)
        found[f"calibration {part.name}"] = Counter({tuple(at): int(n) for at, n in np.ndenumerate(tried) if n})
    for part in ("right", "asked", "expected"):
        found[part] = Counter({tuple(at): int(n) for at, n in np.ndenumerate(getattr(snapshot.weights, part)) if n})
    found["fed"] = Counter(bytes=brain.stats().bytes, lines=brain.stats().lines)
    return found


def added(a, b):
    said = Counter(a["feedback"])
    said.update(b["feedback"])
    total = {name: a[name] + b[name] for name in a if name != "feedback"}
    return {**total, "feedback": {key: value for key, value in said.items() if value}}


def file_of(brain):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "brain.m"
        brain.save(path)
        verify(path)
        return path.read_bytes(), Brain.open(path)


@settings(deadline=None, max_examples=20)
@given(brains(), brains())
def test_the_evidence_of_a_merged_brain_is_the_sum_whichever_comes_first(a, b):
    wanted = added(evidence(a), evidence(b))
    assert evidence(a.merge(b)) == wanted
    assert evidence(b.merge(a)) == wanted


@settings(deadline=None, max_examples=12)
@given(brains(), brains(), brains())
def test_how_brains_are_grouped_changes_no_bit(a, b, c):
    assert file_of(a.merge(b).merge(c))[0] == file_of(a.merge(b.merge(c)))[0]


def test_a_port_that_only_the_third_brain_has_comes_behind_the_patterns_of_the_second():
    a, b, c = Brain(), Brain(), Brain()
    a.learn(["on a mat"] * 40)
    b.learn(["the cat sat"] * 40)
    c.learn(["cats sat"] * 40)
    c.learn(["the abab"] * 40, port="can")
    assert min(b.stats().patterns, c.stats().patterns) > 0
    assert file_of(a.merge(b).merge(c))[0] == file_of(a.merge(b.merge(c)))[0]


@settings(deadline=None, max_examples=12)
@given(brains())
def test_an_empty_brain_adds_nothing(brain):
    assert evidence(brain.merge(Brain())) == evidence(brain) == evidence(Brain().merge(brain))


@settings(deadline=None, max_examples=12)
@given(brains(), brains())
def test_merging_leaves_both_as_they_were(a, b):
    before = [file_of(one)[0] for one in (a, b)]
    a.merge(b)
    assert [file_of(one)[0] for one in (a, b)] == before


@settings(deadline=None, max_examples=12)
@given(brains(), brains(), lines)
def test_a_merged_brain_is_saved_opened_asked_and_learns_on(a, b, more):
    merged = a.merge(b)
    _, opened = file_of(merged)
    for brain in (merged, opened):
        brain.learn(["the mat", *more])
        assert brain.distribution("the ").probability.sum() == pytest.approx(1)
    assert file_of(merged)[0] == file_of(opened)[0]


@settings(deadline=None, max_examples=40)
@given(symbol_sets(ports=("text", "can")), symbol_sets(ports=("text", "can", "audio")))
def test_the_union_of_symbols_is_sound_and_loses_none(a, b):
    merged, ids = union(a, b)
    assert symbols_hold(merged)
    assert [named(merged, i) for i in range(a.size)] == [named(a, i) for i in range(a.size)]
    assert [named(merged, int(ids[i])) for i in range(b.size)] == [named(b, i) for i in range(b.size)]
    payloads = {named(symbols, i) for symbols in (a, b) for i in range(symbols.size)}
    assert merged.size == len(payloads)
    assert pairs_of(a) | pairs_of(b) <= pairs_of(merged) == pairs_of(with_splits(merged))


def pairs_of(symbols):
    """What forms patterns, by name."""
    pairs = zip(symbols.pair_left.tolist(), symbols.pair_right.tolist(), strict=True)
    return {(named(symbols, left), named(symbols, right)) for left, right in pairs}


def test_two_halves_of_a_text_know_together_what_neither_knows_alone():
    france, italy = Brain(), Brain()
    france.learn(["Paris is the capital of France"] * 5)
    italy.learn(["Rome is the capital of Italy"] * 5)
    merged = france.merge(italy)
    assert merged.query("Paris is the capital of ").text == "France"
    assert merged.query("Rome is the capital of ").text == "Italy"
    assert merged.stats().lines == 10


def test_brains_with_other_settings_are_refused():
    from melvin import Settings

    with pytest.raises(MelvinError, match=r"different settings \(switched off: nothing and patterns\)"):
        Brain().merge(Brain(Settings.without(["patterns"])))


def test_of_two_budgets_the_merged_brain_has_the_larger():
    a, b = Brain(memory="256MiB"), Brain(memory="512MiB")
    assert a.merge(b).settings == b.merge(a).settings == b.settings


def test_ports_in_another_order_are_refused():
    a, b = Brain(), Brain()
    a.learn(["x"], port="text")
    b.learn(["x"], port="can")
    with pytest.raises(MelvinError, match=r"different orders \(text and can\)"):
        a.merge(b)


def test_every_part_of_a_snapshot_is_added_or_judged_afresh():
    added_up = {"symbols", "evidence", "weights", "words", "feedback", "curve", "calibration", "forgotten"}
    judged = {"separator", "generation", "began_at", "ends_at", "settings", "embeddings"}
    derived = {"contexts", "categorised"}
    assert {field.name for field in fields(Snapshot)} == added_up | judged | derived  # a new part: `merge` must know it
