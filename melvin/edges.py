"""Edges: which symbol came right after which, and how often.

A stream of symbols flows in, keys (source id, target rank) flow out, counted by `tables`. The targets' ranks are in
payload order, so "what came after i and begins with these bytes" is one range of keys.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melvin.codes import END, MAX_SYMBOLS, SYMBOL_BITS
from melvin.searching import find
from melvin.symbols import Symbols
from melvin.tables import I64, U32, U64, Counts, slices

RANK_MASK = np.uint64(MAX_SYMBOLS - 1)
_BITS = np.uint64(SYMBOL_BITS)
CACHED = 1 << 14  # edges that stay in cache while they are worked on


def pack(source: NDArray[np.unsignedinteger], target_rank: NDArray[np.unsignedinteger]) -> U64:
    """Key of an edge, (source << 21) | target's rank; the source may itself be a packed pair."""
    return (source.astype(np.uint64) << _BITS) | target_rank


def source_of(key: U64) -> U64:
    return key >> _BITS


def target_of(key: U64) -> U32:
    """The target's rank."""
    return (key & RANK_MASK).astype(np.uint32)


def counted(counts: Counts, key: U64) -> I64:
    """How often each key was seen, 0 where it was not. Shape (n,) -> (n,)."""
    if not counts.size:
        return np.zeros(key.shape, np.int64)
    at = np.minimum(find(counts.key, key), counts.size - 1)
    return np.where(counts.key[at] == key, counts.count[at], 0).astype(np.int64)


def after_anything(symbols: Symbols, raw: Counts) -> Counts:
    """What came after anything, as the row of END, that nothing follows.

    for (i, j), n in raw:           n more for (END, j)
    """
    seen = np.zeros(symbols.size, np.uint64)
    for part in slices(raw.size, CACHED):
        np.add.at(seen, (raw.key[part] & RANK_MASK).view(np.int64), raw.count[part].astype(np.uint64, copy=False))
    rank = np.flatnonzero(seen).astype(np.uint64)
    opening = symbols.base[symbols.port[symbols.ranks.by_rank[rank]]] + np.uint32(END)
    return Counts.of(pack(opening, rank), seen[rank])


def renumber(
    counts: Counts,
    symbols: Symbols,
    grown: Symbols,
) -> Counts:
    """The same evidence with the ranks of a grown set of symbols; order is kept."""
    if not counts.size or symbols is grown:
        return counts
    moved = symbols.ranks.rank_map(grown.ranks).astype(np.uint64)
    moved -= np.arange(symbols.size, dtype=np.uint64)  # up, or not at all
    key, by = np.empty(counts.size, np.uint64), np.empty(CACHED, np.uint64)
    for part in slices(key.size, CACHED):
        rank = (counts.key[part] & RANK_MASK).view(np.int64)
        moved.take(rank, out=by[: rank.size], mode="clip")
        np.add(counts.key[part], by[: rank.size], out=key[part])
    return Counts(key, counts.count)


def counted_one(counts: Counts, source: int, rank: int) -> int:
    """How often one edge was seen."""
    key = source << SYMBOL_BITS | rank
    at = int(counts.key.searchsorted(np.uint64(key)))
    return int(counts.count[at]) if at < counts.size and int(counts.key[at]) == key else 0
