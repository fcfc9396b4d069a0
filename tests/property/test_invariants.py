"""A brain is a function of the bytes it was fed: not of how they were cut, when it was saved, or what it was asked."""

import io
import math
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twins import evidence as twin

from melvin import Brain, evidence, lexicon, lines
from melvin import words as melvin_words
from melvin.codes import END, START
from melvin.generation import so_far
from melvin.lines import MAX_PIECE
from melvin.runs import RunStack
from melvin.thinning import are_kept

ROOT = Path(__file__).parents[2]
WORDS = (ROOT / "fixtures" / "prose.txt").read_text().split()  # common ones more often


def words(seed, size):
    """Lines of words in any order, about so many bytes."""
    draw = random.Random(seed)
    text = []
    while size > 0:
        text.append(" ".join(draw.choices(WORDS, k=draw.randint(1, 12))).encode())
        size -= len(text[-1]) + 1
    return text


def joined(text):
    return b"".join(line + b"\n" for line in text)


random_bytes = st.binary(max_size=3000)
repeated = st.tuples(st.binary(min_size=1, max_size=5), st.integers(1, 600)).map(lambda p: p[0] * p[1])
one_byte_lines = st.lists(st.integers(0, 255), max_size=400).map(lambda b: b"".join(bytes([x, 10]) for x in b))
real_looking = st.tuples(st.integers(0, 2**32), st.integers(1, 4000)).map(lambda p: joined(words(*p)))
inputs = st.one_of(random_bytes, repeated, one_byte_lines, real_looking)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The bytes that a brain is saved as."""
    path = tmp_path_factory.mktemp("brains") / "brain.m"

    def of(brain):
        brain.save(path)
        return path.read_bytes()

    return of


@pytest.fixture(scope="module")
def reopened(tmp_path_factory):
    path = tmp_path_factory.mktemp("brains") / "brain.m"

    def of(brain):
        brain.save(path)
        return Brain.open(path)

    return of


def fed(data, read_bytes=lines.READ_BYTES, max_piece=MAX_PIECE):
    """A brain that read `data` as a file, so many bytes at a time."""
    brain = Brain()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "READ_BYTES", read_bytes)
        patch.setattr(lines, "MAX_PIECE", max_piece)
        brain.learn_stream(io.BytesIO(data))
    return brain


few = settings(max_examples=15)


@few
@given(inputs, st.integers(1, 700), st.sampled_from([7, 100, MAX_PIECE]))
@example(b"a" * 999 + b"\r\n\n" + b"b" * 5, 4, 8)
def test_how_a_file_is_read_does_not_change_the_brain(saved, data, read_bytes, max_piece):
    assert saved(fed(data, read_bytes, max_piece)) == saved(fed(data, max_piece=max_piece))


@few
@given(inputs, st.lists(st.integers(0, 400), max_size=5))
def test_how_lines_are_split_over_calls_does_not_change_the_brain(saved, data, places):
    rows = data.split(b"\n")
    brain, at = Brain(), 0
    for place in sorted(places):
        brain.learn(rows[at:place])
        at = max(at, place)
    brain.learn(iter(rows[at:]))
    assert saved(brain) == saved(fed(data))


@few
@given(inputs, st.lists(st.integers(0, 400), max_size=3))
def test_saving_and_opening_in_between_does_not_change_the_brain(saved, reopened, data, places):
    rows = data.split(b"\n")
    brain, at = Brain(), 0
    for place in sorted(places):
        brain.learn(rows[at:place])
        brain = reopened(brain)
        at = max(at, place)
    brain.learn(rows[at:])
    assert saved(brain) == saved(fed(data))


def ask_everything(brain, text):
    brain.query(text)
    brain.distribution(text)
    brain.probability(text, b"ab")
    brain.score([text, b"another line"])
    brain.stats()
    brain.patterns()
    brain.pattern(text)
    brain.constituents(text)


@settings(max_examples=6)
@given(inputs.filter(lambda data: data.strip(b"\r\n")), st.binary(max_size=20), st.integers(0, 200))
def test_asking_does_not_change_the_brain_nor_what_it_learns_next(saved, data, text, place):
    rows = data.split(b"\n")
    asked = Brain()
    asked.learn(rows[:place])
    if asked.stats().lines:
        before = saved(asked)
        ask_everything(asked, text)
        assert saved(asked) == before
        asked.distribution(text)  # learning goes on from a brain that has just been asked
    asked.learn(rows[place:])
    assert saved(asked) == saved(fed(data))


@few
@given(st.lists(st.binary(max_size=6), min_size=40, max_size=90), st.randoms(use_true_random=False))
def test_within_a_generation_the_order_of_lines_and_ports_does_not_matter(saved, rows, shuffle):
    first = [("text", b"q" * 2000), ("can", b"\1\2")]  # no generation ends before as many bytes have come again
    rest = [("can" if len(row) % 2 else "text", b"%d%s" % (n, row)) for n, row in enumerate(rows)]
    mixed = rest.copy()
    shuffle.shuffle(mixed)
    brains = [Brain(), Brain()]
    for brain, order in zip(brains, (rest, mixed), strict=True):
        for port, row in first + order:
            brain.learn([row], port=port)
    assert brains[0].stats().generation == brains[1].stats().generation
    assert saved(brains[0]) == saved(brains[1])
    for brain in brains:  # and when the generation has ended
        brain.learn([b"the end " * 300])
    assert saved(brains[0]) == saved(brains[1])


PROGRAM = """
import hashlib, sys
from melvin import Brain
brain = Brain()
brain.learn_file(sys.argv[1])
brain.learn([b"a frame", b"another"], port="can")
brain.save(sys.argv[2])
brain.query("a")
"""


def test_another_hash_seed_gives_the_same_brain(tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_bytes(joined(words(3, 40_000)))
    for seed in ("0", "4242"):
        arguments = [sys.executable, "-c", PROGRAM, str(corpus), str(tmp_path / f"{seed}.m")]
        subprocess.run(arguments, check=True, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed})
    assert (tmp_path / "0.m").read_bytes() == (tmp_path / "4242.m").read_bytes()


# ---------------------------------------------------------------- at a size where separators are on


@pytest.fixture(scope="module")
def large_text():
    return words(11, 330_000)


@pytest.fixture(scope="module")
def large(large_text):
    return fed(joined(large_text))


def test_a_large_brain_has_separators_and_many_generations(large):
    assert large.stats().generation > 10
    assert large.snapshot.separator[0, ord(" ")]
    assert large.stats().deepest >= 3


def test_a_large_brain_is_the_same_however_it_was_fed(saved, reopened, large_text, large):
    expected = saved(large)
    assert saved(fed(joined(large_text), read_bytes=1999)) == expected
    brain = Brain()
    for part in range(0, len(large_text), 5000):
        brain.learn(large_text[part : part + 5000])
        brain = reopened(brain)
        brain.query("b")
    assert saved(brain) == expected


def test_a_line_longer_than_any_piece_is_the_same_however_it_was_fed(saved):
    line = b" ".join(words(5, 3 * MAX_PIECE + 1234))
    brain = Brain()
    brain.learn([b"short", line])
    assert saved(brain) == saved(fed(b"short\r\n" + line, read_bytes=5000)) == saved(fed(b"short\n" + line))
    assert brain.stats().lines == 2
    assert brain.stats().bytes == len(b"short\n" + line + b"\n")


@few
@given(st.integers(0, 2**32), st.integers(200, 6000), st.integers(1, 120), st.lists(st.integers(0, 400), max_size=3))
def test_a_brain_over_its_limits_keeps_the_same_evidence_however_it_was_fed(saved, reopened, seed, size, limit, places):
    rows = words(seed, size)
    with pytest.MonkeyPatch.context() as patch:
        for name in evidence.ADDED:
            patch.setitem(evidence.ADDED, name, limit)
            patch.setitem(evidence.KEPT, name, limit)
        one, other, at = Brain(), Brain(), 0
        for brain in (one, other):
            brain.learn([b"a frame"], port="can")
        one.learn(rows)
        for place in sorted(places):
            other.learn(rows[at:place])
            other = reopened(other)
            other.distribution("a", port="can")
            at = max(at, place)
        other.learn(rows[at:])
        for brain in (one, other):  # ranks are numbered anew, in the middle of a generation
            brain.learn([b"a new port"], port="sensor")
        assert saved(one) == saved(other)
        known, stats = one.snapshot.evidence, one.stats()
        assert all(getattr(known, name).size <= limit for name in evidence.KEPT)
        assert stats == other.stats()
        assert sum(stats.forgotten.values()) > 0 or all(getattr(stats, name) <= 2 * limit for name in COUNTED)


COUNTED = ("edges", "transformers", "attended", "context_edges", "contexts")


@few
@given(st.integers(0, 2**32), st.integers(500, 6000), st.integers(1, 200), st.binary(max_size=12))
def test_a_brain_that_forgets_still_knows_a_distribution(seed, size, limit, text):
    with pytest.MonkeyPatch.context() as patch:
        for name in evidence.ADDED:
            patch.setitem(evidence.ADDED, name, limit)
            patch.setitem(evidence.KEPT, name, limit)
        brain = Brain()
        brain.learn(words(seed, size))
        spread = brain.distribution(text).probability
        assert spread.sum() == pytest.approx(1, abs=1e-9)
        assert (spread > 0).all()
        stats = brain.stats()
        assert sum(stats.forgotten.values()) + sum(stats.thinned.values()) > 0


def test_a_brain_with_half_the_memory_forgets_more_and_stays_a_function_of_its_text(saved, monkeypatch):
    for table in ("ADDED", "KEPT"):
        monkeypatch.setattr(evidence, table, dict.fromkeys(evidence.TABLES, 4000))
    text = words(3, 40_000)
    brains = [Brain(memory=memory) for memory in ("1GiB", "300MiB", "300MiB")]
    brains[0].learn(text)
    brains[1].learn(text)
    for row in range(0, len(text), 100):
        brains[2].learn(text[row : row + 100])
    whole, half, again = (brain.stats() for brain in brains)
    assert (whole.memory, half.memory) == (1 << 30, 300 << 20)
    assert all(half.forgotten[name] + half.thinned[name] > 0 for name in ("links", "grams"))
    assert half.edges < whole.edges
    assert half.contexts < whole.contexts
    assert half == again
    assert saved(brains[1]) == saved(brains[2]) != saved(brains[0])


def test_a_new_port_does_not_loosen_what_is_thinned(monkeypatch):
    for name in evidence.ADDED:
        monkeypatch.setitem(evidence.ADDED, name, 20)
    brain = Brain()
    brain.learn([b"q" * 70_000, *words(1, 70_000)])  # separators are on, and half a generation is gathered
    brain._learner.gathering.runs.fold()  # so far keys may be waiting to be counted
    before = brain._learner.gathering.runs.halvings
    assert max(before.values()) > 2
    brain.learn([b"a frame"], port="can")
    assert brain._learner.gathering.runs.halvings == before


def test_a_generation_begins_as_thinned_as_the_one_before_it_ended(monkeypatch):
    for name in evidence.ADDED:
        monkeypatch.setitem(evidence.ADDED, name, 20)
    brain, thinned = Brain(), {}
    for row in words(1, 9000):
        generation = brain.stats().generation
        brain.learn([row])
        if brain.stats().generation > generation:
            assert all(brain.stats().thinned[name] >= halvings for name, halvings in thinned.items())
            thinned = brain.stats().thinned
    assert max(thinned.values()) > 2


def test_lines_that_are_held_back_are_thinned_as_the_others_are(monkeypatch):
    for name in evidence.ADDED:
        monkeypatch.setitem(evidence.ADDED, name, 20)
    brain, rows = Brain(), iter(words(2, 90_000))
    while len(brain._learner.gathering.sample) < 50:
        brain.learn([next(rows)])
    brain._learner.tally()
    for name in evidence.ADDED:
        monkeypatch.setitem(evidence.ADDED, name, 1 << 20)  # so that they are thinned no further
    gathered, _ = so_far(brain._learner.snapshot, brain._learner.gathering)
    found = gathered.runs.fold()
    for name, halvings in gathered.runs.halvings.items():
        assert halvings > 0
        assert are_kept(getattr(found, name).key, halvings, evidence.ROW_BITS.get(name)).all()
    assert found.transformers.size


def test_words_are_the_same_however_few_chunks_are_worked_on_at_a_time(saved, monkeypatch):
    text = words(9, 20_000)
    whole, parts = Brain(), Brain()
    whole.learn(text)
    monkeypatch.setattr(lexicon, "SLICE", 7)
    monkeypatch.setattr(melvin_words, "SPELT", 3)
    parts.learn(text)
    assert saved(whole) == saved(parts)


def test_rows_behind_a_border_do_not_push_out_all_others():
    draw = np.random.default_rng(3)
    first, second, last = draw.integers(1, 1 << 21, (3, 4000), np.uint64)
    first[::2] = 0
    stack = RunStack(limit=500)
    stack.add(first << np.uint64(42) | second << np.uint64(21) | last)
    kept = stack.fold().key >> np.uint64(42)
    assert 0.3 < (kept == 0).mean() < 0.7


# ---------------------------------------------------------------- evidence


@given(st.lists(st.binary(min_size=1, max_size=9).filter(lambda row: not {10, 13} & {*row}), min_size=1, max_size=6))
def test_the_edges_of_a_young_brain_are_the_pairs_of_its_bytes(rows):
    """Before the first generation ends there is no pattern: START, bytes, END, and a row for anything."""
    rows = rows[: next((n for n in range(len(rows)) if len(b"".join(rows[: n + 1])) + n + 1 >= 32), len(rows))]
    brain = Brain()
    brain.learn(rows)
    if not rows:
        return
    known = brain.snapshot
    pairs = Counter()
    for row in rows:
        line = [START, *row, END]
        for a, b in twin.transitions(line, END):
            pairs[a, b] += 1
            pairs[END, b] += 1
    held = known.evidence.links
    source, target = held.key >> 21, known.symbols.ranks.by_rank[held.key & (2**21 - 1)]
    assert dict(zip(zip(source.tolist(), target.tolist(), strict=True), held.count.tolist(), strict=True)) == pairs


# ---------------------------------------------------------------- probabilities


def brain_of(data):
    brain = fed(data)
    if not brain.stats().lines:
        brain.learn([b"x"])
    return brain


queries = st.one_of(st.binary(max_size=90), st.integers(0, 30).map(lambda n: joined(words(1, 99))[:n]))


@few
@given(inputs, st.lists(queries, min_size=1, max_size=4))
def test_what_comes_next_sums_to_one_and_nothing_is_impossible(data, texts):
    brain = brain_of(data)
    for text in [*texts, data[:40], b""]:
        p = brain.distribution(text).probability
        assert p.shape == (257,)
        assert math.isclose(p.sum(), 1, abs_tol=1e-9)
        assert (p > 0).all()


@few
@given(inputs, queries, queries.filter(len), st.booleans())
def test_reasons_share_out_exactly_the_probability_that_is_explained(data, text, more, ends):
    brain = brain_of(data)
    why = brain.query(text).why() if ends else brain.why(text, more)
    expected = brain.probability(text, why.continuation)
    if why.ends:
        expected *= brain.distribution(text + why.continuation).probability[256]
    assert math.isclose(why.probability, expected, rel_tol=1e-9)
    assert math.isclose(sum(reason.share for reason in why.reasons), 1, abs_tol=1e-9)
    whole = text + why.continuation
    for reason in why.reasons:
        assert 0 < reason.share <= 1 + 1e-9
        assert 0 <= reason.found <= reason.total
        assert reason.context + reason.target in whole
        assert reason.attended in whole


@few
@given(inputs, queries.map(lambda text: text.replace(b"\n", b"").rstrip(b"\r")).filter(len))
def test_a_score_is_the_code_length_of_the_line_told_byte_by_byte(data, line):
    brain = brain_of(data)
    told = 0.0
    for at in range(len(line) + 1):
        p = brain.distribution(line[:at]).probability
        told -= math.log2(p[line[at] if at < len(line) else 256])
    assert math.isclose(brain.score([line]) * (len(line) + 1), told, rel_tol=1e-9)


@few
@given(inputs, queries, st.binary(min_size=1, max_size=6))
def test_the_probability_of_a_continuation_is_the_product_of_its_bytes(data, text, continuation):
    brain = brain_of(data)
    product = 1.0
    for at, byte in enumerate(continuation):
        product *= brain.distribution(text + continuation[:at]).probability[byte]
    assert math.isclose(brain.probability(text, continuation), product, rel_tol=1e-9)


def test_in_a_large_brain_what_comes_next_sums_to_one(large, large_text):
    for text in [b"", large_text[7][:5], large_text[9] + b" ", b"\xff\0", b"zzz", large_text[3] * 9]:
        p = large.distribution(text).probability
        assert math.isclose(p.sum(), 1, abs_tol=1e-9)
        assert (p > 0).all()


def test_bytes_that_were_never_seen_can_be_told(large):
    bits = large.score([bytes(range(128, 256)), b"\0\r\0", "żółć"])
    assert math.isfinite(bits)
    assert bits > 6


def test_text_like_what_was_learnt_costs_less_than_noise(large):
    noise = np.random.default_rng(1).integers(33, 127, 2000).astype(np.uint8).tobytes()
    assert large.score(words(12, 2000)) < 3 < 6 < large.score([noise])


def test_scoring_many_lines_is_the_mean_of_scoring_each(large, large_text):
    rows = large_text[100:130]
    size = [len(row) + 1 for row in rows]
    each = sum(large.score([row]) * n for row, n in zip(rows, size, strict=True))
    assert math.isclose(large.score(rows), each / sum(size), rel_tol=1e-9)
