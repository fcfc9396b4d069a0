"""Payloads: whole frames that can be primed, by name, with their bytes. Bounded: the rarest are forgotten first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin.tables import I64, U64, run_starts

ENTRY_BYTES = 24  # name, count and size of an entry


@dataclass(frozen=True)
class Payloads:
    """How often each payload was part of an episode, and its bytes.

    key : uint64, shape (n,)     names, ascending, each once
    count : int64, shape (n,)    episodes, at least 1
    size : int64, shape (n,)     bytes of each
    pool : uint8, shape (s,)     those bytes, payload after payload
    """

    key: U64
    count: I64
    size: I64
    pool: NDArray[np.uint8]

    @classmethod
    def empty(cls) -> Payloads:
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))

    @classmethod
    def of(cls, heard: Mapping[int, tuple[int, bytes]]) -> Payloads:
        """A table from {name: (count, payload)}."""
        names = sorted(heard)
        return cls(
            np.array(names, np.uint64),
            np.array([heard[name][0] for name in names], np.int64),
            np.array([len(heard[name][1]) for name in names], np.int64),
            np.frombuffer(b"".join(heard[name][1] for name in names), np.uint8),
        )

    def items(self) -> dict[int, tuple[int, bytes]]:
        """The table as {name: (count, payload)}."""
        data = self.pool.tobytes()
        columns = zip(*(part.tolist() for part in (self.key, self.count, self.size, self.end)), strict=True)
        return {name: (count, data[stop - size : stop]) for name, count, size, stop in columns}

    @cached_property
    def end(self) -> I64:
        """Where each payload ends in the pool. Shape (n,)."""
        return np.cumsum(self.size)

    def payload(self, at: int) -> bytes:
        """Bytes of one entry."""
        return self.pool[self.end[at] - self.size[at] : self.end[at]].tobytes()

    def take(self, entry: I64) -> Payloads:
        """Some entries, in the order given."""
        size = self.size[entry]
        first = (self.end - self.size)[entry]
        shift = np.repeat(first - (np.cumsum(size) - size), size)
        return Payloads(self.key[entry], self.count[entry], size, self.pool[shift + np.arange(shift.size)])


def fold(a: Payloads, b: Payloads) -> Payloads:
    """Add two tables; where two payloads have one name, that of `a` keeps it."""
    if not a.key.size or not b.key.size:
        return a if a.key.size else b
    both = Payloads(
        *(np.concatenate((getattr(a, part), getattr(b, part))) for part in ("key", "count", "size", "pool"))
    )
    order = np.argsort(both.key, kind="stable")
    first = run_starts(both.key[order])
    folded = both.take(order[first])
    return Payloads(folded.key, np.add.reduceat(both.count[order], first), folded.size, folded.pool)


def forget(payloads: Payloads, limit_bytes: int) -> Payloads:
    """Keep those heard most often, of equals those with the smallest names, as many as fit."""
    cost = payloads.size + ENTRY_BYTES
    if int(cost.sum()) <= limit_bytes:
        return payloads
    order = np.argsort(-payloads.count, kind="stable")
    kept = order[np.cumsum(cost[order]) <= limit_bytes]
    return payloads.take(np.sort(kept))
