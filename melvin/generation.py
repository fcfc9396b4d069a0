"""Generations: what a brain knows (a snapshot), what it is gathering, and how the one becomes part of the other.

Within a generation the snapshot is frozen and evidence only accumulates, so blocks commute. When the bytes fed have
doubled, the brain consolidates: evidence is closed and folded in, strong edges become patterns, separators are judged
afresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin import edges, lexicon, patterns
from melvin.chunks import SEPARATE_FROM, learn_separators
from melvin.contexts import Context, byte_pairs, codes_of, derive
from melvin.counting import Carry, count, read
from melvin.encode import encode_lines
from melvin.heads import Rows, Weights, fit
from melvin.lexicon import Lexicon
from melvin.lines import Block, lines_block
from melvin.parse import Parser
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
    weights : how far each head is trusted
    generation : how many have ended;  ends_at : bytes fed at which this one ends
    """

    symbols: Symbols
    links: Counts
    grams: Counts
    separator: NDArray[np.bool_]
    weights: Weights
    generation: int
    ends_at: int

    @classmethod
    def empty(cls) -> Snapshot:
        separator = np.zeros((0, BYTES), np.bool_)
        return cls(Symbols.empty(), Counts.empty(), Counts.empty(), separator, Weights.none(), 0, FIRST_GENERATION)

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
    lexicon : distinct chunks and how often each was read
    sample : lines (port, bytes) held back, to be predicted when the generation ends, and learnt then
    """

    links: RunStack = field(default_factory=RunStack)
    grams: RunStack = field(default_factory=RunStack)
    lexicon: Lexicon = field(default_factory=Lexicon.empty)
    sample: list[tuple[int, bytes]] = field(default_factory=list)

    def renumber(self, before: Symbols, after: Symbols) -> None:
        """Follow a change of ranks (a port was added)."""
        self.links = RunStack(edges.renumber(self.links.fold(), before, after))


def absorb(snapshot: Snapshot, gathering: Gathering) -> Snapshot:
    """The snapshot with all evidence gathered so far folded in, its symbols as they were: what a query reads."""
    return _with_sample(_without_sample(snapshot, gathering), gathering, Parser(snapshot.symbols))


def consolidate(snapshot: Snapshot, gathering: Gathering, fed: int) -> Snapshot:
    """End a generation: predict what was held back, fold all evidence in, form patterns, judge separators."""
    parser = Parser(snapshot.symbols)
    known = _without_sample(snapshot, gathering)
    weights = _checked(known, gathering, parser)
    known = replace(known)  # lets go of what was derived from it for the prediction
    known = _with_sample(known, gathering, parser)
    separator = snapshot.separator
    if fed >= SEPARATE_FROM:
        separator = np.vstack([learn_separators(pairs) for pairs in byte_pairs(known.grams, len(separator))])
    grown = patterns.form(snapshot.symbols, lexicon.fold(gathering.lexicon, parser.lexicon()), born=fed)
    return replace(
        known,
        symbols=grown,
        links=edges.renumber(known.links, snapshot.symbols, grown),
        separator=separator,
        weights=weights,
        generation=snapshot.generation + 1,
        ends_at=max(2 * fed, FIRST_GENERATION),
    )


def _without_sample(snapshot: Snapshot, gathering: Gathering) -> Snapshot:
    """The evidence gathered folded in, but for the lines held back."""
    return replace(
        snapshot,
        links=fold(snapshot.links, edges.close(snapshot.symbols, gathering.links.fold())),
        grams=fold(snapshot.grams, gathering.grams.fold()),
    )


def _sampled(gathering: Gathering) -> Iterator[tuple[int, Block]]:
    """The lines held back, by port, in order of their bytes: the order in which they came does not matter."""
    for port in sorted({port for port, _ in gathering.sample}):
        yield port, lines_block(sorted(line for at, line in gathering.sample if at == port))


def _with_sample(known: Snapshot, gathering: Gathering, parser: Parser) -> Snapshot:
    """The lines held back, counted as well."""
    links, grams = RunStack(), RunStack()
    for port, block in _sampled(gathering):
        carry = Carry.opening(known.symbols, port)
        reading = read(parser, known.separator[port], block, port, carry, tally=True)
        more_links, more_grams, _ = count(known.symbols, block, port, carry, reading)
        links.add(more_links)
        grams.add(more_grams)
    return replace(
        known,
        links=fold(known.links, edges.close(known.symbols, links.fold())),
        grams=fold(known.grams, grams.fold()),
    )


def _checked(known: Snapshot, gathering: Gathering, parser: Parser) -> Weights:
    """Predict the lines held back, and fit the heads' weights to the outcome."""
    weights = known.weights
    for port, block in _sampled(gathering):
        places = encode_lines(parser, block, known.separator[port], port)
        code = codes_of(block).astype(np.int64)
        _, weights = fit(known.symbols, known.rows, known.contexts, weights, places, code)
    return weights
