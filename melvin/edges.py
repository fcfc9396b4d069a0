"""Edges: which symbol came right after which, and how often.

A stream of symbols flows in, keys (source id, target rank) flow out, counted by `tables`. The targets' ranks are in
payload order, so "what came after i and begins with these bytes" is one range of keys.
Evidence flows down: an occurrence of the pattern (a, b) is an occurrence of the edge a -> b, and what followed the
pattern followed b. Counts that are closed in this way are what back-off reads, so later patterns do not starve their
constituents.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melvin.symbols import END, MAX_SYMBOLS, NONE, SYMBOL_BITS, U32, Symbols
from melvin.tables import U64, Counts, RunStack, sum_by_key

RANK_MASK = np.uint64(MAX_SYMBOLS - 1)
_BITS = np.uint64(SYMBOL_BITS)
SLICE = 1 << 20  # edges closed or renumbered at a time: bounds the memory that it takes


def pack(source: NDArray[np.unsignedinteger], target_rank: NDArray[np.unsignedinteger]) -> U64:
    """Key of an edge, (source << 21) | target's rank; the source may itself be a packed pair."""
    return (source.astype(np.uint64) << _BITS) | target_rank


def source_of(key: U64) -> U64:
    return key >> _BITS


def target_of(key: U64) -> U32:
    """The target's rank."""
    return (key & RANK_MASK).astype(np.uint32)


def close(symbols: Symbols, raw: Counts, flows: bool = True) -> Counts:
    """Let evidence flow down from patterns to their constituents.

    for (i, j), n in raw:           n more for (right(i), j), (right(right(i)), j), ...
    for each pattern (a, b) seen n times, at any depth:  n more for (a, b), and as above for right(a), ...
    for (i, j), n in raw:           n more for (END, j): nothing follows END, so its row holds what came after anything

    flows : False for the last of these alone
    """
    source = source_of(raw.key).astype(np.uint32)
    target = symbols.by_rank[target_of(raw.key)]
    closed = RunStack()
    opening = symbols.base[symbols.port[target]] + np.uint32(END)
    closed.add_run(sum_by_key(pack(opening, symbols.rank[target]), raw.count))
    seen = np.bincount(target, raw.count, symbols.size).astype(np.int64)
    if not flows:
        closed.add_run(raw)
        return closed.fold()
    del opening
    for begin in range(0, source.size, SLICE):
        part = slice(begin, begin + SLICE)
        _suffixes(symbols, source[part], target[part], raw.count[part], closed)
    inner = np.flatnonzero(symbols.level > 0)
    for level in range(int(symbols.level.max(initial=0)), 0, -1):
        these = inner[(symbols.level[inner] == level) & (seen[inner] > 0)]
        for part_of in (symbols.left, symbols.right):
            np.add.at(seen, part_of[these], seen[these])
    used = inner[seen[inner] > 0]
    _suffixes(symbols, symbols.left[used], symbols.right[used], seen[used], closed)
    return closed.fold()


def _suffixes(symbols: Symbols, source: U32, target: U32, count: NDArray[np.integer], closed: RunStack) -> None:
    """Add the edges, and those from what their sources end with, at any depth."""
    keys, counts = [], []
    while source.size:
        keys.append(pack(source, symbols.rank[target]))
        counts.append(count)
        source = symbols.right[source]
        deeper = source != NONE
        source, target, count = source[deeper], target[deeper], count[deeper]
    if keys:
        closed.add_run(sum_by_key(np.concatenate(keys), np.concatenate(counts)))


def renumber(
    counts: Counts,
    symbols: Symbols,
    grown: Symbols,
) -> Counts:
    """The same evidence with the ranks of a grown set of symbols; order is kept."""
    if not counts.size or symbols is grown:
        return counts
    new_rank = symbols.rank_map(grown).astype(np.uint64)
    key = counts.key.copy()
    for begin in range(0, key.size, SLICE):
        part = key[begin : begin + SLICE]
        rank = new_rank[target_of(part)]
        part &= ~RANK_MASK
        part |= rank
    return Counts(key, counts.count)
