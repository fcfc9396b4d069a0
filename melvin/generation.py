"""Generations: what a brain knows (a snapshot), what it is gathering, and how the one becomes part of the other.

Within a generation the snapshot is frozen and evidence only accumulates, so blocks commute. When the bytes fed have doubled,
the brain consolidates: evidence is closed and folded in, strong edges become patterns, separators are judged afresh.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin import edges, patterns
from melvin.chunks import SAMPLE_BYTES, learn_separators
from melvin.contexts import Context, derive
from melvin.heads import Credit, Rows
from melvin.lines import make_block
from melvin.symbols import BYTES, Symbols
from melvin.tables import Counts, RunStack, fold

FIRST_GENERATION = 32  # bytes: a generation ends when so many were fed, and from then on each time they have doubled


@dataclass(frozen=True)
class Snapshot:
    """What predictions read. Nothing in it is ever changed in place.

    symbols : the nodes
    links : edges closed under suffixes, key (source << 21) | rank of the target
    grams : 6-gram counts of bytes
    separator : bool, shape (ports, 256)   the bytes before which a chunk begins
    credit : what each head has earned
    generation : how many have ended;  ends_at : bytes fed at which this one ends
    """

    symbols: Symbols
    links: Counts
    grams: Counts
    separator: NDArray[np.bool_]
    credit: Credit
    generation: int
    ends_at: int

    @classmethod
    def empty(cls) -> Snapshot:
        separator = np.zeros((0, BYTES), np.bool_)
        return cls(Symbols.empty(), Counts.empty(), Counts.empty(), separator, Credit.none(), 0, FIRST_GENERATION)

    @cached_property
    def rows(self) -> Rows:
        return Rows.of(self.links)

    @cached_property
    def contexts(self) -> tuple[Context, ...]:
        return derive(self.grams)

    def with_port(self, name: str, born: int) -> Snapshot:
        if name in self.symbols.ports:
            return self
        grown = self.symbols.with_port(name, born)
        return replace(
            self,
            symbols=grown,
            links=edges.renumber(self.links, self.symbols, grown),
            separator=np.vstack((self.separator, np.zeros((1, BYTES), np.bool_))),
        )


@dataclass
class Gathering:
    """Evidence of the generation that is going on.

    links : raw edges, as the parse saw them;  grams : 6-grams
    credit : earned in this generation
    sample : for each port the generation's first bytes, at most SAMPLE_BYTES
    """

    links: RunStack = field(default_factory=RunStack)
    grams: RunStack = field(default_factory=RunStack)
    credit: Credit = field(default_factory=Credit.none)
    sample: dict[int, bytes] = field(default_factory=dict)

    def keep_sample(self, port: int, data: NDArray[np.uint8]) -> None:
        held = self.sample.get(port, b"")
        if len(held) < SAMPLE_BYTES:
            self.sample[port] = held + data[: SAMPLE_BYTES - len(held)].tobytes()

    def renumber(self, before: Symbols, after: Symbols) -> None:
        """Follow a change of ranks (a port was added)."""
        self.links = RunStack(edges.renumber(self.links.fold(), before, after))


def absorb(snapshot: Snapshot, gathering: Gathering) -> Snapshot:
    """The snapshot with the evidence gathered so far folded in, its symbols as they were: what a query reads."""
    return replace(
        snapshot,
        links=fold(snapshot.links, edges.close(snapshot.symbols, gathering.links.fold())),
        grams=fold(snapshot.grams, gathering.grams.fold()),
        credit=snapshot.credit + gathering.credit,
    )


def consolidate(snapshot: Snapshot, gathering: Gathering, fed: int) -> Snapshot:
    """End a generation: fold its evidence in, form patterns, judge separators."""
    known = absorb(snapshot, gathering)
    separator = _separators(snapshot.separator, gathering)
    grown = patterns.form(snapshot.symbols, gathering.links.fold(), separator, born=fed)
    return replace(
        known,
        symbols=grown,
        links=edges.renumber(known.links, snapshot.symbols, grown),
        separator=separator,
        credit=snapshot.credit.faded() + gathering.credit,
        generation=snapshot.generation + 1,
        ends_at=max(2 * fed, FIRST_GENERATION),
    )


def _separators(known: NDArray[np.bool_], gathering: Gathering) -> NDArray[np.bool_]:
    separator = known.copy()
    for port, sample in gathering.sample.items():
        if len(sample) == SAMPLE_BYTES:
            block = make_block(np.frombuffer(sample, np.uint8), opens=True)
            if block is not None:
                separator[port] = learn_separators(block, known[port])
    return separator
