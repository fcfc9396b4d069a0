"""Model: what the heads read. Evidence flows in, rows of it flow out, looked up many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin.contexts import Context, derive
from melvin.edges import pack, source_of, target_of
from melvin.evidence import Evidence
from melvin.kinship import Kinship
from melvin.ranks import Ranks
from melvin.searching import find, nearly_sorted
from melvin.settings import Settings
from melvin.symbols import Symbols
from melvin.tables import I64, SMALL, U64, Counts, in_a_row, lengths, run_starts
from melvin.weights import ANYTHING, ATTENDED, EDGE, KIN_ATTENDED, KIN_BEFORE, KIN_LAST, OF_CHUNK, SUFFIX, SYMBOL

_FIRST_RANK = np.zeros(1, np.uint64)


@dataclass(frozen=True)
class Rows:
    """Evidence by key, with running sums: the evidence in any range of keys is one subtraction.

    key : uint64, shape (n,), ascending
    running : uint32 or int64, shape (n + 1,), sum of the counts before each key
    """

    key: U64
    running: NDArray[np.integer]

    @classmethod
    def of(cls, counts: Counts) -> Rows:
        dtype = np.dtype(np.uint32 if counts.total() <= SMALL else np.int64)
        running: NDArray[np.integer] = np.zeros(counts.size + 1, dtype)
        np.cumsum(counts.count, dtype=dtype, out=running[1:])
        return cls(counts.key, running)

    def between(self, begin: I64, end: I64) -> I64:
        """The evidence in a range of keys."""
        return self.running[end].astype(np.int64) - self.running[begin]

    def place(self, source: U64, rank: I64) -> I64:
        """Index of the first key of a source's row whose target's rank is not below each. (n,), (n, m) -> (n, m)"""
        return find(self.key, pack(source[:, None], rank.astype(np.uint64)))

    def code(self, ranks: Ranks, at: I64, depth: I64) -> I64:
        """The code at `depth` of the target of each key."""
        return ranks.code_at(target_of(self.key[at]), depth)


def rows_there(key: U64, source: U64) -> tuple[I64, I64]:
    """Which sources have a row in a table, ascending; and where those rows begin, each at least once."""
    if not key.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    row = pack(source, _FIRST_RANK)
    order = nearly_sorted(row)
    row = row.take(order)
    first = run_starts(row)
    row, asking = row.take(first), lengths(first, row.size)
    place = np.searchsorted(key, row)
    there = np.flatnonzero(source_of(key[np.minimum(place, key.size - 1)] ^ row) == 0)
    return np.sort(order.take(in_a_row(first.take(there), asking.take(there).astype(np.int64)))), place.take(there)


def only_rows(counts: Counts, begin: I64) -> Counts:
    """What a table holds of some rows. begin : int64, shape (n,)   where they begin"""
    begin = np.unique(begin)
    beyond = source_of(counts.key.take(begin)) + np.uint64(1)
    entry = in_a_row(begin, np.searchsorted(counts.key, pack(beyond, _FIRST_RANK)) - begin)
    return Counts(counts.key.take(entry), counts.count.take(entry))


class Model:
    """What the heads read: the evidence, as rows, and what is derived from it when it is first needed.

    contexts : those of the evidence, or the rows of them that will be read; where they are not given, all are derived
    once : what is asked is asked at once: of the other rows nothing need be known
    """

    def __init__(
        self,
        symbols: Symbols,
        evidence: Evidence,
        settings: Settings,
        kinship: Kinship,
        contexts: tuple[Context, ...] | None = None,
        once: bool = False,
    ) -> None:
        self.symbols = symbols
        self.settings = settings
        self.kinship = kinship
        self.evidence = evidence
        self._contexts = contexts
        self._once = once

    @cached_property
    def silent(self) -> frozenset[int]:
        """Heads that are off."""
        on = self.settings
        off = [] if on.edges and on.back_off else [ANYTHING, SUFFIX]
        off += [] if on.edges else [SYMBOL]
        off += [OF_CHUNK + head for head in off]
        off += [] if on.edge_transformers else [EDGE]
        off += [] if on.attention else list(range(ATTENDED, KIN_ATTENDED))
        off += [] if on.embeddings and on.categories else [KIN_ATTENDED, KIN_BEFORE, KIN_LAST]
        return frozenset(off)

    @cached_property
    def links(self) -> Rows:
        return Rows.of(self.evidence.links)

    @cached_property
    def transformers(self) -> Rows:
        return Rows.of(self.evidence.transformers)

    @cached_property
    def attended(self) -> Rows:
        return Rows.of(self.evidence.attended)

    @cached_property
    def contexts(self) -> tuple[Context, ...]:
        return derive(self.evidence.grams) if self._contexts is None else self._contexts

    def rows(self, table: str, source: U64) -> tuple[Rows, I64]:
        """The evidence of a table, of other rows perhaps none; and which sources may have a row there, ascending."""
        if table == "links":
            return self.links, np.arange(source.size)  # nearly every symbol has one
        if not self._once:
            rows: Rows = getattr(self, table)
            return rows, rows_there(rows.key, source)[0]
        counts: Counts = getattr(self.evidence, table)
        some, begin = rows_there(counts.key, source)
        return Rows.of(only_rows(counts, begin)), some

    @property
    def byte_view(self) -> tuple[Context, ...]:
        """The contexts that the heads correct; none where they are off."""
        return self.contexts if self.settings.byte_contexts else ()
