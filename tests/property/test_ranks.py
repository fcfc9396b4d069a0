"""Symbols in the byte order of their payloads, held to loops over lists."""

from dataclasses import replace

import numpy as np
from drawn import all_codes, any_line, constituents, payloads, some_symbols, two_ports
from hypothesis import given
from hypothesis import strategies as st

from melvin.codes import BYTES, END, END_CODE
from melvin.hashing import ABSENT
from melvin.splits import with_splits


@given(some_symbols)
def test_ranks_are_in_the_order_of_the_payloads_of_each_port(symbols):
    ranks, codes = symbols.ranks, all_codes(symbols)
    expected = sorted(range(symbols.size), key=lambda i: (symbols.port[i], codes[i]))
    assert ranks.by_rank.tolist() == expected
    assert ranks.rank[ranks.by_rank].tolist() == list(range(symbols.size))


@given(some_symbols, st.lists(st.integers(1, END_CODE), max_size=3), st.data())
def test_narrowing_leaves_the_ranks_whose_payload_begins_so(symbols, other, data):
    port = data.draw(st.integers(0, len(symbols.ports) - 1))
    model = data.draw(st.integers(0, symbols.size - 1))
    ranks, codes = symbols.ranks, all_codes(symbols)
    wanted = (codes[model] + tuple(other))[: data.draw(st.integers(0, 66))]
    low, high = ranks.port_range(port)
    for depth, code in enumerate(wanted):
        low, high = ranks.narrow(low, high, np.array([depth]), np.array([code]))
    mine = [r for r, i in enumerate(ranks.by_rank.tolist()) if symbols.port[i] == port]
    starts_so = [r for r in mine if codes[int(ranks.by_rank[r])][: len(wanted)] == wanted]
    starts_so = [r for r in starts_so if r != mine[0]]  # START
    assert list(range(int(low[0]), int(high[0]))) == starts_so


@given(some_symbols)
def test_a_subtree_is_the_symbols_that_begin_as_its_root_does(symbols):
    ids = np.arange(symbols.size, dtype=np.uint32)
    low, high = symbols.ranks.subtree(ids)
    codes = all_codes(symbols)
    for i in [*constituents(symbols)[0], int(symbols.base[0]) + ord("a"), int(symbols.base[-1]) + END]:
        root = codes[i]
        same = [
            r
            for r, j in enumerate(symbols.ranks.by_rank.tolist())
            if symbols.port[j] == symbols.port[i] and codes[j][: len(root)] == root
        ]
        assert list(range(int(low[i]), int(high[i]))) == same


@given(two_ports, any_line)
def test_a_symbol_is_found_by_its_payload_in_its_own_port(symbols, other):
    text = payloads(symbols)
    for port in range(len(symbols.ports)):
        of = {text[i]: i for i in range(symbols.size) if symbols.port[i] == port}
        of.pop(b"")
        for payload in [*list(of)[::97], *list(of)[256:], other, b"", b"ab" * 40]:
            assert symbols.ranks.find(payload, port) == of.get(payload)


@given(some_symbols)
def test_codes_are_read_at_any_depth(symbols):
    ranks, has = symbols.ranks, all_codes(symbols)
    for depth in (0, 1, 6, 7, 13, 14, 62, 63, 70):
        at = np.full(symbols.size, depth)
        assert ranks.code_at(ranks.rank, at).tolist() == [c[depth] if depth < len(c) else 0 for c in has]


@given(some_symbols, st.data())
def test_growing_keeps_the_order_of_the_ranks(symbols, data):
    a, b = np.array([ord("b")], np.uint32), np.array([data.draw(st.integers(0, BYTES - 1))], np.uint32)
    fresh = symbols.pattern_of(a, b) == ABSENT
    grown = symbols.with_patterns(a[fresh], b[fresh], 9).with_port("more", 9)
    moved = symbols.ranks.rank_map(grown.ranks)
    assert (np.diff(moved.astype(np.int64)) > 0).all()
    assert grown.ranks.by_rank[moved].tolist() == symbols.ranks.by_rank.tolist()
    assert grown.with_port("more", 10) is grown


@given(some_symbols)
def test_the_ranks_are_handed_on_where_only_the_pairs_are_others(symbols):
    ranks = symbols.ranks
    closed = with_splits(symbols)
    assert closed.ranks is ranks
    assert closed.ranks.by_rank.tolist() == replace(closed).ranks.by_rank.tolist()
