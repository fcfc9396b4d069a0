"""Rows of evidence, and ranges of symbols, are found where a plain search finds them."""

import numpy as np
from drawn import SMALL_ALPHABET, symbol_sets
from hypothesis import given
from hypothesis import strategies as st

from melvin.codes import END_CODE, SYMBOL_BITS
from melvin.heads import borders
from melvin.model import Rows, only_rows, rows_there
from melvin.searching import nearly_sorted
from melvin.symbols import Symbols
from melvin.tables import Counts

ranks = st.integers(0, 6)
sources = st.one_of(st.integers(0, 4), st.integers((1 << 42) - 3, (1 << 42) - 1))
keys = st.sets(st.tuples(sources, ranks), max_size=30)


def rows_of(pairs):
    key = sorted(source << SYMBOL_BITS | rank for source, rank in pairs)
    return key, Rows.of(Counts(np.array(key, np.uint64), np.ones(len(key), np.uint32)))


@given(keys, st.lists(sources, max_size=20))
def test_of_the_rows_that_are_asked_for_those_are_found_that_are_there(pairs, asked):
    key, rows = rows_of(pairs)
    some, begin = rows_there(rows.key, np.array(asked, np.uint64))
    held = {source for source, _ in pairs}
    assert some.tolist() == [at for at, source in enumerate(asked) if source in held]
    assert {*begin.tolist()} == {sum(one >> SYMBOL_BITS < source for one in key) for source in held & {*asked}}


@given(st.dictionaries(st.tuples(sources, ranks), st.integers(1, 9), max_size=30), st.lists(sources, max_size=20))
def test_of_some_rows_all_is_held_and_of_others_nothing(seen, asked):
    keys = sorted(seen)
    key = np.array([source << SYMBOL_BITS | rank for source, rank in keys], np.uint64)
    counts = Counts(key, np.array([seen[one] for one in keys], np.uint32))
    some = only_rows(counts, rows_there(key, np.array(asked, np.uint64))[1])
    held = [at for at, (source, _) in enumerate(keys) if source in asked]
    assert some.key.tolist() == key[held].tolist()
    assert some.count.tolist() == counts.count[held].tolist()


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
        low, high = symbols.ranks.port_range(int(symbols.port[symbol]))
        for depth, byte in enumerate(symbols.payload(symbol)):
            ranges.append((int(low[0]), int(high[0]), depth))
            low, high = symbols.ranks.narrow(low, high, np.array([depth]), np.array([byte + 1]))
        ranges.append((int(low[0]), int(high[0]), int(symbols.length[symbol])))
    low, high, depth = np.array(ranges, np.int64).reshape(-1, 3, 1).transpose(1, 0, 2)
    empty = data.draw(st.lists(st.booleans(), min_size=len(ranges), max_size=len(ranges)))
    high = np.where(np.array(empty, np.bool_)[:, None], low, high)
    first = st.sampled_from([*(byte + 1 for byte in SMALL_ALPHABET), END_CODE - codes + 1])
    drawn = data.draw(st.lists(first, min_size=len(ranges), max_size=len(ranges)))
    code = np.array(drawn, np.int64)[:, None] + np.arange(codes)
    border = borders(symbols.ranks, low, high, depth, code)
    for found, expected in zip(
        (border[:, :-1], border[:, 1:]), symbols.ranks.narrow(low, high, depth, code), strict=True
    ):
        assert found.tolist() == np.broadcast_to(expected, found.shape).tolist()


def test_the_same_range_at_another_depth_is_another_question():
    a, b, c = (np.array([ord(byte)], np.uint32) for byte in "abc")
    symbols = Symbols.empty().with_port("text", 0).with_patterns(b, c, 0)
    symbols = symbols.with_patterns(a, np.array([symbols.size - 1], np.uint32), 0)  # abc; there is no ab
    low = symbols.ranks.rank[-1:].astype(np.int64).repeat(2)[:, None]
    asked = low, low + 1, np.array([[2], [3]]), np.full((2, 1), ord("c") + 1)
    border = borders(symbols.ranks, *asked)
    assert border.tolist() == np.hstack(symbols.ranks.narrow(*asked)).tolist()
    assert np.diff(border).tolist() == [[1], [0]]
