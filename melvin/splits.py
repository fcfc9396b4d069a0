"""Splits: every pair of symbols that spells a pattern forms it.

A payload has one symbol, however it is split. Parsing merges neighbours as they come, so which pair a pattern is met
as depends on what stands around it: with all of its splits known, every way of merging leads to it. On 10 MB of mixed
prose that is 1.9170 bits a byte, with the pairs alone that a pattern was first formed of 1.9184.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melvin.codes import CODE_BITS, PACKED_BITS, PACKED_MASK, PAIR_SHIFT, WORD_CODES, pair_key
from melvin.hashing import ABSENT
from melvin.symbols import Symbols
from melvin.tables import I64, U32, U64, slices

MANY = 3  # words: rests of so many or more are worked out together, most are shorter
RESTS = 1 << 14  # looked up at a time: what it takes stays in cache


def with_splits(symbols: Symbols) -> Symbols:
    """The same symbols, with all pairs that form a pattern: the shortest left part first, patterns by age. Those that
    are known are not looked up again.

    for at in 1..longest - 1: for pattern in patterns: if both parts are symbols, they form it
    """
    length = symbols.length.take(symbols.pair_left)
    rest = np.full(symbols.size, ABSENT)  # what is known to stand in each pattern behind its first codes
    split = [np.empty((3, 0), np.uint32)]
    for at in range(1, int(symbols.length.max(initial=0))):
        formed = np.flatnonzero(length == at)
        rest[symbols.pair_symbol.take(formed)] = symbols.pair_right.take(formed)
        pattern, left = beginnings(symbols, at)
        split.append(np.stack((left, rest.take(pattern), pattern)))
        rest[symbols.pair_symbol.take(formed)] = ABSENT
    left, right, pattern = np.hstack(split)
    asked = np.flatnonzero(right == ABSENT)
    right[asked] = _rests(symbols, pattern.take(asked), symbols.length.take(left.take(asked)))
    both = np.flatnonzero(right != ABSENT)
    fresh = np.searchsorted(both, asked.compress(right.take(asked) != ABSENT))
    return symbols.with_splits(left.take(both), right.take(both), pattern.take(both), fresh)


def beginnings(symbols: Symbols, length: int) -> tuple[U32, U32]:
    """Patterns that begin with a shorter symbol, of this length, by age; and that symbol. -> uint32, shapes (n,)"""
    shorter = np.flatnonzero(symbols.length == length).astype(np.uint32)
    low, high = symbols.ranks.subtree(shorter)
    size = high - low - 1  # without the symbol itself
    rank = np.repeat(low + 1 - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
    key = pair_key(symbols.ranks.by_rank[rank], np.repeat(shorter, size))
    key.sort()
    return (key >> np.uint64(PAIR_SHIFT)).astype(np.uint32), key.astype(np.uint32)


def _rests(symbols: Symbols, pattern: U32, start: NDArray[np.uint8]) -> U32:
    """The symbols that patterns are without their first codes, ABSENT where there is none. Shapes (n,) -> (n,)."""
    found = np.full(pattern.size, ABSENT)
    words = np.minimum((symbols.length.take(pattern) - start + WORD_CODES - 1) // WORD_CODES, MANY)
    for count in range(1, MANY + 1):
        alike = np.flatnonzero(words == count)
        for part in slices(alike.size, RESTS):
            some = alike[part]
            mine = pattern.take(some)
            rest = codes_from(symbols, mine, start.take(some))
            found[some] = symbols.with_payload(rest, symbols.port.take(mine)).astype(np.uint32)  # of -1: ABSENT
    return found


def codes_from(symbols: Symbols, symbol: U32, start: NDArray[np.uint8]) -> U64:
    """Payloads without their first codes, all longer than those. -> uint64, shape (words of the longest rest, n)"""
    rows, size = symbols.words.shape
    whole = start // WORD_CODES
    shift = (start - whole * WORD_CODES).astype(np.uint64) * np.uint64(CODE_BITS)
    longest = int((symbols.length.take(symbol) - start).max(initial=0))
    words = symbols.words.reshape(-1)
    held = [
        np.where(row < rows, words.take(np.minimum(row, rows - 1) * size + symbol), 0)
        for row in (whole.astype(np.int64) + word for word in range(-(-longest // WORD_CODES) + 1))
    ]
    moved = [(word << shift) & PACKED_MASK | following >> (PACKED_BITS - shift) for word, following in pairwise(held)]
    return np.stack(moved)


def parts(symbols: Symbols, symbol: int) -> I64:
    """Ids of all symbols that a symbol is built of, by any of its splits, at any depth."""
    found: set[int] = set()
    open_ = [symbol]
    while open_:
        formed = np.flatnonzero(symbols.pair_symbol == open_.pop())
        fresh = {*symbols.pair_left[formed].tolist(), *symbols.pair_right[formed].tolist()} - found
        found |= fresh
        open_ += fresh
    return np.array(sorted(found), np.int64)
