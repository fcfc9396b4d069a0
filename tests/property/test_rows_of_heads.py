"""Rows of evidence, and ranges of symbols, are found where a plain search finds them."""

import numpy as np
from drawn import SMALL_ALPHABET, symbol_sets
from hypothesis import given
from hypothesis import strategies as st

from melvin.heads import Rows, borders
from melvin.searching import nearly_sorted
from melvin.symbols import END_CODE, SYMBOL_BITS, Symbols
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


@given(symbol_sets(ports=("text", "can"), deep=True), st.integers(1, 3), st.data())
def test_a_range_asked_again_goes_on_as_when_it_was_asked_first(symbols, codes, data):
    """Ranges of what begins with the first bytes of a symbol: one range may be that of several such beginnings."""
    ranges = []
    for symbol in data.draw(st.lists(st.integers(0, symbols.size - 1), max_size=20)):
        low, high = symbols.port_range(int(symbols.port[symbol]))
        for depth, byte in enumerate(symbols.payload(symbol)):
            ranges.append((int(low[0]), int(high[0]), depth))
            low, high = symbols.narrow(low, high, np.array([depth]), np.array([byte + 1]))
        ranges.append((int(low[0]), int(high[0]), int(symbols.length[symbol])))
    low, high, depth = np.array(ranges, np.int64).reshape(-1, 3, 1).transpose(1, 0, 2)
    empty = data.draw(st.lists(st.booleans(), min_size=len(ranges), max_size=len(ranges)))
    high = np.where(np.array(empty, np.bool_)[:, None], low, high)
    first = st.sampled_from([*(byte + 1 for byte in SMALL_ALPHABET), END_CODE - codes + 1])
    drawn = data.draw(st.lists(first, min_size=len(ranges), max_size=len(ranges)))
    code = np.array(drawn, np.int64)[:, None] + np.arange(codes)
    border = borders(symbols, low, high, depth, code)
    for found, expected in zip((border[:, :-1], border[:, 1:]), symbols.narrow(low, high, depth, code), strict=True):
        assert found.tolist() == np.broadcast_to(expected, found.shape).tolist()


def test_the_same_range_at_another_depth_is_another_question():
    a, b, c = (np.array([ord(byte)], np.uint32) for byte in "abc")
    symbols = Symbols.empty().with_port("text", 0).with_patterns(b, c, 0)
    symbols = symbols.with_patterns(a, np.array([symbols.size - 1], np.uint32), 0)  # abc; there is no ab
    low = symbols.rank[-1:].astype(np.int64).repeat(2)[:, None]
    asked = low, low + 1, np.array([[2], [3]]), np.full((2, 1), ord("c") + 1)
    border = borders(symbols, *asked)
    assert border.tolist() == np.hstack(symbols.narrow(*asked)).tolist()
    assert np.diff(border).tolist() == [[1], [0]]
