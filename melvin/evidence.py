"""Evidence: the tables that a brain learns, and how they are added up.

Every table is sorted 64-bit keys with integer counts. The target of a key is a rank (see `symbols`), so that the
targets that begin with given bytes are one range of keys.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from melvin.attention import LAG_BITS
from melvin.edges import renumber
from melvin.symbols import Symbols
from melvin.tables import U64, Counts, RunStack, fold


@dataclass(frozen=True)
class Evidence:
    """What was seen, and how often.

    links : (i, j)               edges: j came right after i; closed under suffixes once folded in
    transformers : (h, i, j)     edge transformers: once the edge from chunk h to i was taken, j came
    attended : (r, i, j)         j came right after i, while the chunk r was attended to, at its lag (see `attention`)
    context_edges : (r, j, lag)  j came in the chunk `lag` after r, which was attended to
        where h, i and r are chunks by name; i is the one before j, with the part of j's own chunk that stands before j
    grams : six bytes            five bytes and what came next
    """

    links: Counts
    transformers: Counts
    attended: Counts
    context_edges: Counts
    grams: Counts

    @classmethod
    def empty(cls) -> Evidence:
        return cls(*(Counts.empty() for _ in TABLES))

    def fold(self, other: Evidence) -> Evidence:
        return Evidence(*(fold(getattr(self, name), getattr(other, name)) for name in TABLES))

    def renumber(self, before: Symbols, after: Symbols) -> Evidence:
        """The same evidence with the ranks of a grown set of symbols."""
        tables = {name: renumber(getattr(self, name), before, after, shift) for name, shift in RANK_SHIFT.items()}
        return Evidence(**tables, grams=self.grams)


TABLES = tuple(field.name for field in fields(Evidence))
RANK_SHIFT = {
    "links": 0,
    "transformers": 0,
    "attended": 0,
    "context_edges": LAG_BITS,
}  # bits behind the target's rank: its lag


class Runs:
    """Evidence as it comes: sorted runs for each table."""

    def __init__(self, evidence: Evidence | None = None) -> None:
        self._stacks = {name: RunStack(getattr(evidence, name) if evidence else None) for name in TABLES}

    def add(self, keys: dict[str, U64]) -> None:
        for name, key in keys.items():
            self._stacks[name].add(key)

    def fold(self) -> Evidence:
        """Everything added so far; adding may go on."""
        return Evidence(**{name: stack.fold() for name, stack in self._stacks.items()})
