"""Evidence: the tables that a brain learns, and how they are added up.

Every table is sorted 64-bit keys with integer counts. The target of a key is a rank (see `ranks`), so that the
targets that begin with given bytes are one range of keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from melvin.budget import DEFAULT_MEMORY, within
from melvin.codes import CODE_BITS, SYMBOL_BITS
from melvin.edges import renumber
from melvin.runs import RunStack
from melvin.symbols import Symbols
from melvin.tables import U64, Counts


@dataclass(frozen=True)
class Evidence:
    """What was seen, and how often.

    links : (i, j)               edges: j came right after i; once folded in, with a row for what came after anything
    transformers : (h, i, j)     edge transformers: once the edge from chunk h to i was taken, j came
    attended : (r, i, j)         j came right after i, while the chunk r was attended to, at its lag (see `attention`)
        where h, i and r are chunks by name; i is the one before j, with the part of j's own chunk that stands before j
    grams : six bytes            five bytes and what came next
    context_edges : (v, w, lag)  words v and w stood near each other in a line, so far apart (see `words`)
    """

    links: Counts
    transformers: Counts
    attended: Counts
    grams: Counts
    context_edges: Counts

    @classmethod
    def empty(cls) -> Evidence:
        return cls(*(Counts.empty() for _ in TABLES))

    def renumber(self, before: Symbols, after: Symbols) -> Evidence:
        """The same evidence with the ranks of a grown set of symbols."""
        tables = {name: renumber(getattr(self, name), before, after) for name in RANKED}
        return replace(self, **tables)


TABLES = tuple(field.name for field in fields(Evidence))
RANKED = ("links", "transformers", "attended")  # tables whose keys end with a target's rank


# Entries of the tables in DEFAULT_MEMORY: those one generation may add, and those a brain keeps. On 10 MB of prose,
# forgetting what was seen once cost 0.011 bits a byte for transformers, 0.003 for attention.
ADDED = {"links": 1 << 22, "transformers": 3 << 20, "attended": 3 << 18, "grams": 1 << 22, "context_edges": 1 << 20}
KEPT = {"links": 3 << 21, "transformers": 3 << 20, "attended": 3 << 19, "grams": 3 << 21, "context_edges": 1 << 20}
# Keys of them that wait to be counted by one sort, 56 MiB in all: the longer it is, the shorter what is left to fold.
WAITING = {"links": 1 << 21, "transformers": 3 << 19, "attended": 1 << 19, "grams": 1 << 21, "context_edges": 1 << 20}
# Keys that do not begin with a name are thinned by row: the bits behind the symbol, or the bytes, that they begin with.
ROW_BITS = {"links": SYMBOL_BITS, "grams": CODE_BITS}


def kept(memory: int) -> dict[str, int]:
    """Entries that a brain with so much memory keeps of each table."""
    return {name: within(memory, entries) for name, entries in KEPT.items()}


class Runs:
    """Evidence as it comes: sorted runs for each table, thinned when there is no room for them all."""

    def __init__(
        self,
        evidence: Evidence | None = None,
        halvings: Mapping[str, int] = MappingProxyType({}),
        memory: int = DEFAULT_MEMORY,
    ) -> None:
        self.memory = memory
        self._stacks = {
            name: RunStack(
                getattr(evidence, name) if evidence else None,
                within(memory, ADDED[name]),
                halvings.get(name, 0),
                ROW_BITS.get(name),
                within(memory, WAITING[name]),
            )
            for name in TABLES
        }

    def add(self, keys: dict[str, U64], halvings: Mapping[str, int] = MappingProxyType({})) -> None:
        """Count keys by table. halvings : those by which they were chosen already"""
        for name, key in keys.items():
            self._stacks[name].add(key, halvings.get(name, 0))

    def fold(self) -> Evidence:
        """Everything added so far; adding may go on."""
        return Evidence(**{name: stack.fold() for name, stack in self._stacks.items()})

    def take(self, name: str) -> Counts:
        """One table of what was added, which is then no longer held here."""
        counts = self._stacks[name].fold()
        self._stacks[name] = RunStack(halvings=self._stacks[name].halvings)
        return counts

    @property
    def halvings(self) -> dict[str, int]:
        """How far each table is thinned."""
        return {name: stack.halvings for name, stack in self._stacks.items()}
