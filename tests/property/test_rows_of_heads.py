"""Rows of evidence, and ranges of symbols, are found where a plain search finds them."""

import numpy as np
from drawn import symbol_sets
from hypothesis import given
from hypothesis import strategies as st

from melvin.heads import Rows, narrowed
from melvin.searching import nearly_sorted
from melvin.symbols import END_CODE, SYMBOL_BITS
from melvin.tables import Counts

ranks = st.integers(0, 6)
sources = st.one_of(st.integers(0, 4), st.integers((1 << 42) - 3, (1 << 42) - 1))
keys = st.sets(st.tuples(sources, ranks), max_size=30)
asked = st.lists(st.tuples(sources, ranks, ranks), max_size=20)


def rows_of(pairs):
    key = sorted(source << SYMBOL_BITS | rank for source, rank in pairs)
    return key, Rows.of(Counts(np.array(key, np.uint64), np.ones(len(key), np.uint32)))


@given(keys, asked)
def test_a_row_has_some_within_where_one_of_its_targets_is(pairs, asked):
    key, rows = rows_of(pairs)
    source, low, high = (np.array([one[k] for one in asked], np.int64) for k in range(3))
    some, begin = rows.some_within(source.astype(np.uint64), low, high)
    expected = []
    for at, (row, first, beyond) in enumerate(asked):
        inside = [k for k, one in enumerate(key) if row << SYMBOL_BITS | first <= one < (row << SYMBOL_BITS | beyond)]
        expected += [(at, inside[0])] if inside else []
    assert list(zip(some.tolist(), begin.tolist(), strict=True)) == expected


@given(keys, st.lists(st.tuples(sources, st.tuples(ranks, ranks, ranks)), max_size=20))
def test_a_place_is_before_the_first_key_that_is_not_below(pairs, asked):
    key, rows = rows_of(pairs)
    rank = np.array([wanted for _, wanted in asked], np.int64).reshape(-1, 3)
    place = rows.place(np.array([source for source, _ in asked], np.uint64), rank)
    expected = [[sum(one < (row << SYMBOL_BITS | r) for one in key) for r in wanted] for row, wanted in asked]
    assert place.tolist() == expected


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=40))
def test_nearly_sorted_is_an_order_in_which_only_the_lowest_bits_may_descend(key):
    order = nearly_sorted(np.array(key, np.uint64))
    high = [key[at] >> len(key).bit_length() for at in order.tolist()]
    assert sorted(order.tolist()) == list(range(len(key)))
    assert high == sorted(high)


@given(symbol_sets(ports=("text", "can")), st.integers(1, 3), st.data())
def test_a_range_asked_again_goes_on_as_when_it_was_asked_first(symbols, codes, data):
    symbol = np.array(data.draw(st.lists(st.integers(0, symbols.size - 1), max_size=20)), np.uint32)
    low, high = symbols.subtree(symbol)
    high = np.where(data.draw(st.lists(st.booleans(), min_size=symbol.size, max_size=symbol.size)), low, high)
    depth = symbols.length[symbol].astype(np.int64)
    rows = st.lists(st.integers(1, END_CODE), min_size=codes, max_size=codes)
    code = np.array(data.draw(st.lists(rows, min_size=symbol.size, max_size=symbol.size)), np.int64)
    asked = low[:, None], high[:, None], depth[:, None], code.reshape(-1, codes)
    for found, expected in zip(narrowed(symbols, *asked), symbols.narrow(*asked), strict=True):
        assert found.tolist() == np.broadcast_to(expected, found.shape).tolist()
