"""Splits: every pair of symbols that spells a pattern forms it.

A payload has one symbol, however it is split. Parsing merges neighbours as they come, so which pair a pattern is met
as depends on what stands around it: with all of its splits known, every way of merging leads to it. On 10 MB of mixed
prose that is 1.9170 bits a byte, with the pairs alone that a pattern was first formed of 1.9184.
"""

from __future__ import annotations

import numpy as np

from melvin.symbols import CODE_BITS, PAIR_SHIFT, U32, WORD_CODES, Symbols, pair_key
from melvin.tables import I64, U64

MANY = 3  # words: rests of so many or more are worked out together, most are shorter
_WORD = np.uint64((1 << (CODE_BITS * WORD_CODES)) - 1)


def with_splits(symbols: Symbols) -> Symbols:
    """The same symbols, with all pairs that form a pattern: the shortest left part first, patterns by age.

    for at in 1..longest - 1: for pattern in patterns: if both parts are symbols, they form it
    """
    pairs = [np.empty((3, 0), np.uint32)]
    for at in range(1, int(symbols.length.max(initial=0))):
        pattern, left = beginnings(symbols, at)
        right = np.full(pattern.size, -1)
        words = np.minimum((symbols.length[pattern] - at + WORD_CODES - 1) // WORD_CODES, MANY)  # that are left
        for count in range(1, MANY + 1):
            some = np.flatnonzero(words == count)
            if not some.size:
                continue
            rest = codes_from(symbols, pattern[some], at)
            right[some] = symbols.with_payload(rest, symbols.port[pattern[some]])
        both = np.flatnonzero(right >= 0)
        pairs.append(np.stack((left[both], right[both].astype(np.uint32), pattern[both])))
    return symbols.with_pairs(*np.hstack(pairs))


def beginnings(symbols: Symbols, length: int) -> tuple[U32, U32]:
    """Patterns that begin with a shorter symbol, of this length, by age; and that symbol. -> uint32, shapes (n,)"""
    shorter = np.flatnonzero(symbols.length == length).astype(np.uint32)
    low, high = symbols.subtree(shorter)
    size = high - low - 1  # without the symbol itself
    rank = np.repeat(low + 1 - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
    key = pair_key(symbols.by_rank[rank], np.repeat(shorter, size))
    key.sort()
    return (key >> np.uint64(PAIR_SHIFT)).astype(np.uint32), key.astype(np.uint32)


def codes_from(symbols: Symbols, symbol: U32, start: int) -> U64:
    """Payloads without their first codes, all longer than those. -> uint64, shape (words of the longest rest, n)"""
    rest = int(symbols.length[symbol].max(initial=start)) - start
    whole, part = divmod(start, WORD_CODES)
    held = symbols.words[whole : whole + -(-rest // WORD_CODES) + 1].take(symbol, axis=1, mode="clip")
    moved = (held << np.uint64(CODE_BITS * part)) & _WORD
    moved[:-1] |= held[1:] >> np.uint64(CODE_BITS * (WORD_CODES - part))
    return moved[: -(-rest // WORD_CODES)]


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
