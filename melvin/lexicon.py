"""The lexicon of a generation: its distinct chunks as symbols, and how often each was read.

Patterns are formed from it. A bounded number of chunks and symbols is kept, chosen by the chunks' hash: which ones are
kept depends on what was read, never on the order or the blocks in which it was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.budget import DEFAULT_MEMORY, within
from melvin.tables import I64, U32, U64, in_a_row, run_starts

SLICE = 1 << 16  # chunks worked on at a time
CHUNKS = 1 << 19  # distinct chunks kept in DEFAULT_MEMORY; with their symbols about 20 MiB
LEAST_CHUNKS = 1 << 18  # kept in less of it, too: patterns are worth more than what they take from the tables
MAX_POOL = 1 << 21  # symbols of them, of which forming patterns takes 80 bytes each; text has three to a chunk


@dataclass(frozen=True)
class Lexicon:
    """Distinct chunks, by hash.

    key : uint64, shape (n,)     hash of the chunk's bytes, ascending
    count : int64, shape (n,)    times read
    size : int64, shape (n,)     symbols it was parsed to
    pool : uint32, shape (s,)    those symbols, chunk after chunk
    halvings : int               only chunks whose hash is below 2^64 / 2^halvings are kept
    """

    key: U64
    count: I64
    size: I64
    pool: U32
    halvings: int = 0

    @classmethod
    def empty(cls) -> Lexicon:
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint32))

    @property
    def last(self) -> np.uint64:
        """No chunk whose hash is larger is kept."""
        return _limit(self.halvings)

    @property
    def begins(self) -> NDArray[np.bool_]:
        """True where a chunk begins in the pool."""
        begins = np.zeros(self.pool.size, np.bool_)
        begins[np.cumsum(self.size) - self.size] = True
        return begins

    def parts(self) -> Iterator[Lexicon]:
        """A few chunks at a time: bounds the memory that it takes to work something out of them."""
        end = np.concatenate(([0], np.cumsum(self.size)))
        for begin in range(0, self.key.size, SLICE):
            some = slice(begin, min(begin + SLICE, self.key.size))
            pool = self.pool[end[some.start] : end[some.stop]]
            yield Lexicon(self.key[some], self.count[some], self.size[some], pool)

    def take(self, chunk: I64) -> tuple[I64, U32]:
        """Sizes and symbols of some chunks."""
        size = self.size.take(chunk)
        return size, self.pool.take(in_a_row((np.cumsum(self.size) - self.size).take(chunk), size))


def fold(a: Lexicon, b: Lexicon, memory: int = DEFAULT_MEMORY) -> Lexicon:
    """Add two lexicons of one generation. memory : the budget of the brain"""
    if not b.key.size and b.halvings <= a.halvings:
        return a
    both = Lexicon(
        np.concatenate((a.key, b.key)),
        np.concatenate((a.count, b.count)),
        np.concatenate((a.size, b.size)),
        np.concatenate((a.pool, b.pool)),
    )
    order = np.argsort(both.key)
    key = both.key.take(order)
    first = run_starts(key)
    chosen = np.minimum.reduceat(order, first)  # of one key, the first
    key, count = key.take(first), np.add.reduceat(both.count.take(order), first)
    symbols = np.append(0, np.cumsum(both.size.take(chosen)))
    most = max(within(memory, CHUNKS), LEAST_CHUNKS)
    halvings = max(a.halvings, b.halvings)
    while (kept := _below(key, halvings)) > most or symbols[kept] > MAX_POOL:
        halvings += 1
    size, pool = both.take(chosen[:kept])
    return Lexicon(key[:kept], count[:kept], size, pool, halvings)


def _below(key: U64, halvings: int) -> int:
    """How many chunks are kept. key : uint64, shape (n,), ascending"""
    return int(np.searchsorted(key, _limit(halvings))) if halvings else key.size


def _limit(halvings: int) -> np.uint64:
    return np.uint64((1 << (64 - halvings)) - 1)
