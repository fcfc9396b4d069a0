"""Edges, lexicon, pattern gains and logarithms, held to dicts and the standard library."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from drawn import any_line, as_dict, constituents, forms, symbol_sets, table, u64
from hypothesis import example, given
from hypothesis import strategies as st
from twins import evidence as twin

from melvin import edges, generation, lexicon
from melvin.arithmetic import log2
from melvin.attention import MOST_SEEN
from melvin.codes import END, GROUND, MAX_PAYLOAD, START, pair_key
from melvin.generation import familiarity, times_seen
from melvin.hashing import ABSENT
from melvin.lexicon import Lexicon
from melvin.patterns import Chunks, best_of_group, form, gains, promising
from melvin.settings import EVERYTHING
from melvin.tables import fold

symbol_sets_of_two_ports = symbol_sets(ports=("text", "can"))


def edge_table(symbols, raw):
    return table({(source << 21) | int(symbols.ranks.rank[target]): count for (source, target), count in raw.items()})


def edge_dict(symbols, counts):
    return {(key >> 21, int(symbols.ranks.by_rank[key & (2**21 - 1)])): count for key, count in as_dict(counts).items()}


@st.composite
def symbols_and_edges(draw):
    symbols = draw(symbol_sets_of_two_ports)
    raw = Counter()
    ids = st.one_of(st.integers(0, symbols.size - 1), st.integers(2 * GROUND - 5, symbols.size - 1))
    for source, target in draw(st.lists(st.tuples(ids, ids), max_size=30)):
        port = int(symbols.port[source])
        a = source - int(symbols.base[port])
        b = target - int(symbols.base[symbols.port[target]])
        if symbols.port[target] == port and a != END and b != START:
            raw[source, target] += draw(st.one_of(st.just(1), st.integers(1, 1000)))
    return symbols, raw


def with_anything(symbols, raw):
    table = edge_table(symbols, raw)
    return fold(table, edges.after_anything(symbols, table))


@given(symbols_and_edges())
def test_a_row_holds_what_came_after_anything(drawn):
    symbols, raw = drawn
    more = with_anything(symbols, raw)
    assert edge_dict(symbols, more) == dict(twin.with_anything(raw, lambda s: int(symbols.base[symbols.port[s]]) + END))
    assert more.key.tolist() == sorted(more.key.tolist())


@given(symbols_and_edges(), st.data())
def test_edges_added_to_in_parts_add_up_to_the_whole(drawn, data):
    """Why blocks may be counted anywhere: the row for anything and folding commute."""
    symbols, raw = drawn
    part = Counter({edge: data.draw(st.integers(0, count)) for edge, count in raw.items()})
    parts = [with_anything(symbols, some) for some in (+part, raw - part)]
    assert as_dict(fold(*parts)) == as_dict(with_anything(symbols, raw))


@given(symbols_and_edges(), st.integers(1, 9))
def test_renumbered_edges_are_the_same_edges_in_a_grown_graph(drawn, step):
    symbols, raw = drawn
    a, b = np.array([GROUND + 1], np.uint32), np.array([GROUND + 2], np.uint32)
    grown = symbols.with_patterns(a, b, 9).with_port("more", 9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edges, "CACHED", step)
        moved = edges.renumber(edge_table(symbols, raw), symbols, grown)
    assert moved.key.tolist() == sorted(moved.key.tolist())
    assert edge_dict(grown, moved) == dict(raw)


@given(symbols_and_edges(), st.sampled_from([2, MOST_SEEN]))
def test_a_symbol_was_seen_as_often_as_it_came_after_anything_or_as_its_edge(drawn, most):
    symbols, raw = drawn
    links = with_anything(symbols, raw)
    came = Counter()
    for (_, target), count in raw.items():
        came[target] += count
    left, right = constituents(symbols)
    expected = [min(came[i] or raw[left.get(i), right.get(i)], most) for i in range(symbols.size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, "MOST_SEEN", most)
        found = familiarity(symbols, links, 1, pairs_one_in=1, reach=1, settings=EVERYTHING)
        assert found.frequency.tolist() == expected
        assert [times_seen(symbols, links, i) for i in range(symbols.size)] == expected


# ---------------------------------------------------------------- lexicon

chunk_symbols = st.lists(st.integers(0, 500), min_size=1, max_size=4)
hash_like = st.one_of(st.integers(0, 50), st.integers(0, 2**64 - 1), st.integers(0, 63).map(lambda n: 2**n))


def parsed_to(key):
    """A chunk's symbols: a function of the chunk, as a parse is."""
    return [(key >> shift) % 500 for shift in range(1 + key % 3)]


def as_lexicon(entries):
    """An unthinned lexicon {key: count}."""
    order = sorted(entries)
    pool = [s for key in order for s in parsed_to(key)]
    size = [len(parsed_to(key)) for key in order]
    return Lexicon(
        u64(order),
        np.array([entries[key] for key in order], np.int64),
        np.array(size, np.int64),
        np.array(pool, np.uint32),
    )


def lexicon_dict(held):
    end = np.cumsum(held.size)
    pools = [held.pool[e - n : e].tolist() for e, n in zip(end, held.size, strict=True)]
    return {k: (c, p) for k, c, p in zip(held.key.tolist(), held.count.tolist(), pools, strict=True)}


@given(
    st.lists(st.dictionaries(hash_like, st.integers(1, 99), max_size=20), min_size=3, max_size=3),
    st.integers(1, 30),
    st.integers(1, 60),
)
def test_lexicons_add_up_in_any_order_even_when_they_are_thinned(parts, most, most_symbols):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexicon, "CHUNKS", most)
        patch.setattr(lexicon, "LEAST_CHUNKS", 1)
        patch.setattr(lexicon, "MAX_POOL", most_symbols)
        a, b, c = (lexicon.fold(Lexicon.empty(), as_lexicon(part)) for part in parts)
        add = lexicon.fold
        orders = [add(add(a, b), c), add(a, add(b, c)), add(add(c, a), b), add(c, add(b, a))]
    total = Counter()
    for part in parts:
        total.update(part)
    everything = {key: (count, parsed_to(key)) for key, count in total.items()}
    expected, halvings = twin.thin(everything, most, most_symbols)
    for folded in orders:
        assert lexicon_dict(folded) == expected
        assert folded.halvings == halvings


@given(st.dictionaries(hash_like, st.integers(1, 99), min_size=1, max_size=20), st.data())
def test_chunks_are_taken_from_a_lexicon_in_the_order_asked(entries, data):
    held = as_lexicon(entries)
    chunk = data.draw(st.lists(st.integers(0, held.key.size - 1), max_size=10))
    size, pool = held.take(np.array(chunk, np.int64))
    expected = [parsed_to(sorted(entries)[i]) for i in chunk]
    assert size.tolist() == [len(p) for p in expected]
    assert pool.tolist() == [s for p in expected for s in p]
    assert np.flatnonzero(held.begins).size == held.key.size


# ---------------------------------------------------------------- pattern gains


@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=8), min_size=1, max_size=10), st.integers(2, 7))
def test_a_pairs_gain_is_what_naming_it_once_saves(chunks, names):
    seen = Counter(s for chunk in chunks for s in chunk)
    pairs = Counter(pair for chunk in chunks for pair in pairwise(chunk))
    total = sum(seen.values()) + len(chunks)
    left, right = np.array([*pairs], np.uint32).reshape(-1, 2).T
    count, seen_of = (np.array(held, np.float64) for held in ([*pairs.values()], [seen[s] for s in range(7)]))
    found = dict(zip(pairs, gains(left, right, count, seen_of, float(total), names).tolist(), strict=True))
    expected = {
        (a, b): n * math.log2(n * total / (seen[a] * seen[b])) - 2 * math.log2(names) for (a, b), n in pairs.items()
    }
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-10)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), max_size=20))
def test_the_best_of_a_group_is_the_first_of_its_largest(rows):
    group = np.array([g for g, _ in rows], np.uint32)
    gain = np.array([x for _, x in rows], np.float64)
    expected = [x == max(y for h, y in rows if h == g) and (g, x) not in rows[:i] for i, (g, x) in enumerate(rows)]
    assert best_of_group(group, gain).tolist() == expected


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=9),
    st.integers(2, 99),
)
@example([(1, 0, 0), (9, 99, 99)], 4)  # among many, what was read once would gain
def test_no_pair_with_a_gain_is_passed_over(rows, names):
    """n times a pair of symbols that were seen n + a and n + b times"""
    seen = np.array([n + more for n, a, b in rows for more in (a, b)], np.float64)
    left = np.arange(0, seen.size, 2, dtype=np.uint32)
    count = np.array([n for n, _, _ in rows], np.float64)
    gain = gains(left, left + np.uint32(1), count, seen, 2 * float(seen.sum()), names)
    asked = promising(edges.pack(left, left + np.uint32(1)), count, seen, 2 * float(seen.sum()), names).tolist()
    assert set(np.flatnonzero((gain > 0) & (count > 1)).tolist()) <= set(asked)
    assert asked == sorted(set(asked))
    assert (count[asked] > 1).all()


def best_first(symbols, known, chunks, places):
    """Pairs inside (chunk, count), read more than once, whose gain is the best of the left or of the right one's.

    known : those that form a symbol already;  places : where a symbol stood at first
    """
    pairs, seen = Counter(), Counter()
    for chunk, n in chunks:
        seen.update({s: n * times for s, times in Counter(chunk).items()})
        pairs.update({pair: n * times for pair, times in Counter(pairwise(chunk)).items()})
    total = sum(seen.values()) + sum(n for _, n in chunks)
    naming = 2 * float(log2(min(len(symbols), max(places, 2))))
    gain = {pair: n * float(log2(n * total / (seen[pair[0]] * seen[pair[1]]))) - naming for pair, n in pairs.items()}
    good = [
        (a, b) for a, b in sorted(gain)
        if pairs[a, b] > 1 and gain[a, b] > 0 and (a, b) not in known
        and len(symbols[a]) + len(symbols[b]) <= MAX_PAYLOAD
    ]  # fmt: skip
    of = [{}, {}]
    for pair in good:
        for side in (0, 1):
            other = of[side].setdefault(pair[side], pair)
            if gain[pair] > gain[other]:
                of[side][pair[side]] = pair
    return sorted({*of[0].values(), *of[1].values()}, key=lambda pair: (-gain[pair], pair))


def as_chunks(chunks):
    """A lexicon of (chunk, count)."""
    return Lexicon(
        np.arange(len(chunks), dtype=np.uint64),
        np.array([n for _, n in chunks], np.int64),
        np.array([len(chunk) for chunk, _ in chunks], np.int64),
        np.array([symbol for chunk, _ in chunks for symbol in chunk], np.uint32),
    )


some_texts = st.dictionaries(st.text("ab ", min_size=1, max_size=12), st.integers(1, 40), min_size=1, max_size=12)


@given(symbol_sets(), some_texts)
def test_what_is_counted_in_chunks_follows_their_merging(symbols, texts):
    chunks = [([*text.encode()], n) for text, n in texts.items()]
    counted = Chunks(as_chunks(chunks), symbols.size)
    rounds = [{}, *({pair: i for pair, i in forms(symbols).items() if i < most} for most in (GROUND + 2, symbols.size))]
    for known in rounds:
        chunks = [(twin.compete(chunk, known), n) for chunk, n in chunks]
        left, right = (part.tolist() for part in counted.pairs())
        formed = [number for number, pair in enumerate(zip(left, right, strict=True)) if pair in known]
        knowing = symbols.with_pairs(*np.array([(*pair, i) for pair, i in known.items()], np.uint32).reshape(-1, 3).T)
        counted.merge(knowing, np.array(formed, np.int64))
        pairs, seen = Counter(), Counter()
        for chunk, n in chunks:
            pairs.update({pair: n * times for pair, times in Counter(pairwise(chunk)).items()})
            seen.update({symbol: n * times for symbol, times in Counter(chunk).items()})
        numbered = zip(
            zip(*(part.tolist() for part in counted.pairs()), strict=True), counted.count.tolist(), strict=True
        )
        assert {pair: count for pair, count in numbered if count} == pairs
        assert counted.key.size == np.unique(counted.key).size
        assert counted.seen.tolist() == [seen[symbol] for symbol in range(symbols.size)]
        assert counted.total == sum(seen.values()) + sum(texts.values())


@given(symbol_sets(), some_texts)
def test_patterns_form_as_when_every_chunk_is_parsed_again_each_time(symbols, texts):
    known = forms(symbols)
    chunks = [(twin.compete(text.encode(), known), n) for text, n in texts.items()]
    places = sum(len(chunk) for chunk, _ in chunks)
    before, held = forms(symbols), symbols.pairs
    grown = form(symbols, as_chunks(chunks), 7)
    payloads = [symbols.payload(i) for i in range(symbols.size)]
    named = {payload: i for i, payload in enumerate(payloads)}
    built = {}
    while best := best_first(payloads, known, chunks, places):
        for a, b in best:
            payload = payloads[a] + payloads[b]
            if payload not in named:
                named[payload], built[len(payloads)] = len(payloads), (a, b)
                payloads.append(payload)
            known[a, b] = named[payload]
        chunks = [(twin.compete(chunk, known), n) for chunk, n in chunks]
    assert [grown.payload(i) for i in range(grown.size)] == payloads
    left, right = constituents(grown)
    assert {i: (left[i], right[i]) for i in left if i >= symbols.size} == built
    assert known.items() <= forms(grown).items()
    assert forms(symbols) == before
    found = held.get(
        *np.array([*known], np.uint32).reshape(-1, 2).T
    )  # the table of the set that was given has not grown
    assert found.tolist() == [before.get(pair, int(ABSENT)) for pair in known]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_pair_is_packed_without_loss(a, b):
    key = int(pair_key(np.array([a], np.uint32), np.array([b], np.uint32))[0])
    assert (key >> 32, key & 0xFFFFFFFF) == (a, b)


# ---------------------------------------------------------------- logarithms

positive = st.one_of(
    st.floats(min_value=1e-300, max_value=1e300),
    st.integers(1, 2**60).map(float),
    st.integers(1, 2**20).map(float),
    st.floats(min_value=0.5, max_value=2.0),
)


@given(st.lists(positive, min_size=1, max_size=20))
def test_logarithms_agree_with_the_library(values):
    for mine, theirs in zip(log2(np.array(values)).tolist(), [math.log2(v) for v in values], strict=True):
        assert math.isclose(mine, theirs, rel_tol=1e-14, abs_tol=1e-15)


@given(st.integers(1, 2**40))
def test_logarithms_of_whole_numbers_never_fall(n):
    a, b = log2(np.array([n, n + 1], np.float64)).tolist()
    assert a <= b


def test_logarithms_of_powers_of_two_are_exact():
    assert log2(2.0 ** np.arange(-60, 61)).tolist() == list(range(-60, 61))


@given(any_line.filter(len))
def test_logarithms_do_not_depend_on_what_they_are_computed_beside(data):
    """A vector unit may take another path for the last few elements; the bits must be the same."""
    values = np.frombuffer(data, np.uint8).astype(np.float64) + 1
    assert log2(values).tolist() == [float(log2(v)) for v in values]
