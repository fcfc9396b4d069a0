"""Splits: every pair of symbols that spells a pattern forms it.

A payload has one symbol, however it is split. Parsing merges neighbours as they come, so which pair a pattern is met
as depends on what stands around it: with all of its splits known, every way of merging leads to it. On 10 MB of mixed
prose that is 1.9170 bits a byte, with the pairs alone that a pattern was first formed of 1.9184.
"""

from __future__ import annotations

import numpy as np

from melvin.symbols import CODE_BITS, WORD_CODES, Symbols
from melvin.tables import I64, U64

_WORD = np.uint64((1 << (CODE_BITS * WORD_CODES)) - 1)


def with_splits(symbols: Symbols) -> Symbols:
    """The same symbols, with all pairs that form a pattern: the shortest left part first, patterns by age.

    for pattern in patterns: for at in 1..length - 1: if both parts are symbols, they form it
    """
    pattern = np.flatnonzero(symbols.level > 0)
    pairs = [np.empty((3, 0), np.uint32)]
    for at in range(1, int(symbols.length[pattern].max(initial=0))):
        pattern = pattern[symbols.length[pattern] > at]
        words, port = symbols.words[:, pattern], symbols.port[pattern]
        left = symbols.with_payload(first_codes(words, at), port)
        some = np.flatnonzero(left >= 0)
        right = symbols.with_payload(codes_from(words[:, some], at), port[some])
        both = some[right >= 0]
        pairs.append(np.stack((left[both], right[right >= 0], pattern[both])).astype(np.uint32))
    return symbols.with_pairs(*np.hstack(pairs))


def first_codes(words: U64, count: int) -> U64:
    """The first codes of payloads. uint64, shape (w, n) -> (w, n)"""
    result = words.copy()
    whole, part = divmod(count, WORD_CODES)
    result[whole:] &= _WORD ^ (_WORD >> np.uint64(CODE_BITS * part))
    result[whole + 1 :] = 0
    return result


def codes_from(words: U64, start: int) -> U64:
    """Payloads without their first codes. uint64, shape (w, n) -> (w, n)"""
    whole, part = divmod(start, WORD_CODES)
    moved = np.zeros_like(words)
    moved[: len(words) - whole] = words[whole:]
    if part:
        after = np.zeros_like(words)
        after[:-1] = moved[1:]
        shift = np.uint64(CODE_BITS * part)
        moved = ((moved << shift) & _WORD) | (after >> (np.uint64(CODE_BITS * WORD_CODES) - shift))
    return moved


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
