"""Byte contexts, held to interpolated modified Kneser-Ney with dicts."""

from collections import Counter

import numpy as np
import pytest
from drawn import any_line, as_dict
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import kneser_ney as twin

from melvin.codes import CODES, END_CODE
from melvin.contexts import (
    ORDER,
    codes_of,
    derive,
    derive_with_four_grams,
    discounts,
    four_grams,
    last_codes,
    ngrams,
    of_port,
    probability,
    row_sums,
)
from melvin.lines import Block
from melvin.tables import count_keys, smallest

code = st.integers(1, END_CODE)
a_few_codes = st.sampled_from([98, 99, 33, 1, 256, END_CODE])  # a, b, space, and the borders of the range
pieces = st.lists(st.tuples(any_line.filter(len), st.booleans()), min_size=1, max_size=8)
befores = st.lists(code, min_size=ORDER, max_size=ORDER)


def block_of(rows, opens):
    data = b"".join(body + b"\n" * closed for body, closed in rows)
    size = np.array([len(body) + closed for body, closed in rows], np.int64)
    return Block(np.frombuffer(data, np.uint8), np.cumsum(size) - size, np.array([c for _, c in rows]), opens)


def coded(rows, opens):
    """What the twin reads: [(codes, closed, opens)]"""
    found = []
    for body, closed in rows:
        found.append(([byte + 1 for byte in body], closed, opens))
        opens = closed
    return found


def packed(context):
    value = 0
    for c in context:
        value = value << 9 | c
    return value


def unpacked(key):
    codes = [key >> 9 * place & 511 for place in range(ORDER, -1, -1)]
    return (key >> 9 * (ORDER + 1), tuple(codes[:-1]), codes[-1])


@given(pieces, st.booleans(), befores, st.integers(0, 1023))
def test_an_ngram_is_a_code_with_the_five_before_it_in_its_line(rows, opens, before, port):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("melvin.contexts.NGRAMS", 3)
        keys = ngrams(block_of(rows, opens), np.array(before, np.uint64), port)
    assert [unpacked(int(key)) for key in keys] == twin.ngrams(coded(rows, opens), before, port)


@given(pieces, befores)
def test_the_last_codes_are_those_of_the_block_or_of_what_stands_before_it(rows, before):
    block, held = block_of(rows, True), np.array(before, np.uint64)
    assert last_codes(block, held).tolist() == [*before, *codes_of(block).tolist()][-ORDER:]


@st.composite
def evidence(draw):
    """6-grams of some lines of two ports, as a table and as a Counter."""
    counter, keys = Counter(), []
    for port in (0, 3):
        rows = [(body, True) for body in draw(st.lists(any_line.filter(len), min_size=1, max_size=8))]
        rows = rows * draw(st.integers(1, 4))
        keys.append(ngrams(block_of(rows, True), np.full(ORDER, END_CODE, np.uint64), port))
        counter.update(twin.ngrams(coded(rows, True), (END_CODE,) * ORDER, port))
    return count_keys(np.concatenate(keys)), counter


@settings(max_examples=40)
@given(evidence(), st.lists(st.tuples(st.sampled_from([0, 3, 5]), st.lists(a_few_codes, min_size=5, max_size=5), code)))
def test_probabilities_are_those_of_the_textbook(drawn, others):
    table, counter = drawn
    model, contexts = twin.Model(counter), derive(table)
    asked = [*list(counter)[:20], *((port, tuple(c), code) for port, c, code in others)]
    context = np.array([(port << 45) | packed(c) for port, c, _ in asked], np.uint64)
    found, longest = probability(contexts, context, np.array([code for *_, code in asked], np.int64))
    expected = [model.probability(*key) for key in asked]
    assert found.tolist() == pytest.approx([p for p, _ in expected], rel=1e-10)
    assert longest.tolist() == [length for _, length in expected]


@settings(max_examples=40)
@given(evidence(), st.integers(1, 9), st.integers(1, 5))
def test_each_row_tells_what_followed_it_wherever_the_table_is_cut(drawn, entries, rows):
    table, counter = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("melvin.contexts.SLICE", entries)
        patch.setattr("melvin.contexts.ROWS", rows)
        derived = derive(table)
    model = twin.Model(counter)
    for length, held in enumerate(derived):
        expected = {
            (port << 45) | packed(context): sorted(followed.items())
            for (port, context), followed in model.tables[length][0].items()
        }
        first = held.first.tolist()
        assert held.row.tolist() == sorted(expected)
        for row, key in enumerate(held.row.tolist()):
            part = slice(first[row], first[row + 1])
            counts = held.count[part].tolist()
            assert list(zip(held.code[part].tolist(), counts, strict=True)) == expected[key]
            assert held.total[row] == sum(counts)
            assert (held.once[row], held.twice[row]) == (counts.count(1), counts.count(2))


@settings(max_examples=40)
@given(evidence(), st.lists(st.tuples(st.sampled_from([0, 3, 5]), st.lists(a_few_codes, min_size=5, max_size=5))))
def test_of_contexts_that_are_asked_the_same_is_derived_and_of_others_nothing(drawn, others):
    table, counter = drawn
    seen = [(port, context) for port, context, _ in [*counter][::3]]
    asked = np.array([(port << 45) | packed(context) for port, context in [*seen, *others]], np.uint64)
    every, (some, four) = derive(table), derive_with_four_grams(table, asked)
    assert as_dict(four) == as_dict(four_grams(table))
    for length, (whole, part) in enumerate(zip(every, some, strict=True)):
        wanted = {(port << 45) | packed(context[ORDER - length :]) for port, context in [*seen, *others]}
        assert part.row.tolist() == sorted(wanted & {*whole.row.tolist()})
        assert part.discount.tolist() == whole.discount.tolist()
    codes = np.arange(1, CODES + 1)[None]
    for one, other in zip(*(probability(contexts, asked[:, None], codes) for contexts in (every, some)), strict=True):
        assert one.tolist() == other.tolist()


@pytest.mark.parametrize("largest", [2**32 - 1, 2**52])
@given(data=st.data())
def test_rows_add_up_however_large_their_counts_are(largest, data):
    counts = st.one_of(st.integers(1, 3), st.integers(largest - 1, largest))
    rows = [*data.draw(st.lists(st.lists(counts, min_size=1, max_size=4), max_size=8)), [largest] * CODES]
    first = np.cumsum([0, *map(len, rows)]).astype(np.uint32)
    total, once, twice = row_sums(first, smallest(np.array([count for row in rows for count in row], np.uint64)))
    assert total.tolist() == [sum(row) for row in rows]
    assert once.tolist() == [row.count(1) for row in rows]
    assert twice.tolist() == [row.count(2) for row in rows]


@settings(max_examples=40)
@given(evidence(), st.lists(a_few_codes, min_size=5, max_size=5), st.sampled_from([0, 3, 5]))
def test_probabilities_sum_to_one_and_none_is_zero(drawn, context, port):
    table, _ = drawn
    asked = np.array([(port << 45) | packed(context)], np.uint64)
    found, _ = probability(derive(table), asked[:, None], np.arange(1, CODES + 1)[None])
    assert found.shape == (1, CODES)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert (found > 0).all()


@given(st.lists(st.integers(1, 6), max_size=40))
def test_discounts_are_estimated_from_the_counts_of_counts(counts):
    expected = twin.discounts(counts)
    assert discounts(np.array(counts, np.int64)).tolist() == pytest.approx([0, *(expected[n] for n in (1, 2, 3))])


@given(evidence(), st.integers(0, 3))
def test_four_grams_are_the_last_four_codes(drawn, port):
    table, counter = drawn
    expected = Counter()
    for (at, context, last), count in counter.items():
        if at == port:
            expected[*context[-3:], last] += count
    found = of_port(four_grams(table), port)
    split = {tuple(int(key) >> 9 * place & 511 for place in (3, 2, 1, 0)): key for key in found.key.tolist()}
    assert {codes: int(found.count[found.key == key][0]) for codes, key in split.items()} == expected
