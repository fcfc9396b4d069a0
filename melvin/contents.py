"""Contents: what a brain holds, counted and listed.

A learner or its symbols flow in; figures and patterns flow out, for people to look at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melvin.codes import GROUND
from melvin.evidence import TABLES
from melvin.learner import Learner
from melvin.splits import parts
from melvin.symbols import Symbols
from melvin.tables import size_of_union


@dataclass(frozen=True)
class Stats:
    """What a brain holds.

    bytes, lines : learnt in all, a line feed counted with each line
    generation : how many have ended
    symbols : nodes, ground symbols among them;  patterns : those built of others;  deepest : their largest level
    edges : with evidence;  transitions : the evidence in them
    transformers, attended, context_edges : entries of these tables (see `evidence`)
    contexts : distinct 6-grams of bytes
    bridges : between what a payload of one port is told by and payloads of another
    memory : bytes that it may take (see `budget`)
    forgotten : by table, how many entries were dropped when generations ended, those seen least first
    thinned : by table, how often what one generation gathers was halved; both for want of memory
    """

    bytes: int
    lines: int
    generation: int
    ports: tuple[str, ...]
    symbols: int
    patterns: int
    deepest: int
    edges: int
    transitions: int
    transformers: int
    attended: int
    context_edges: int
    contexts: int
    bridges: int
    memory: int
    forgotten: dict[str, int]
    thinned: dict[str, int]


@dataclass(frozen=True)
class Pattern:
    """A symbol that is built of two others."""

    payload: bytes
    left: bytes
    right: bytes
    level: int
    born: int


def stats(learner: Learner, bridges: int) -> Stats:
    """What a learner holds. bridges : how many it has"""
    symbols, known, counted = learner.snapshot.symbols, learner.snapshot.evidence, learner.gathering.runs.fold()
    sizes = {name: size_of_union(getattr(known, name), getattr(counted, name)) for name in TABLES}
    return Stats(
        bytes=learner.fed,
        lines=learner.lines,
        generation=learner.snapshot.generation,
        ports=symbols.ports,
        symbols=symbols.size,
        patterns=symbols.size - GROUND * len(symbols.ports),
        deepest=int(symbols.level.max(initial=0)),
        edges=sizes["links"],
        transitions=known.links.total() + counted.links.total(),
        transformers=sizes["transformers"],
        attended=sizes["attended"],
        context_edges=sizes["context_edges"],
        contexts=sizes["grams"],
        bridges=bridges,
        memory=learner.snapshot.settings.memory,
        forgotten=dict(learner.snapshot.forgotten),
        thinned=learner.gathering.runs.halvings,
    )


def patterns(symbols: Symbols, port: int, newest: int | None = None) -> list[Pattern]:
    """The patterns of a port, oldest first. newest : no more than so many of the newest; None: all"""
    found = np.flatnonzero((symbols.level > 0) & (symbols.port == port)).tolist()
    kept = len(found) if newest is None else min(newest, len(found))
    return [_pattern(symbols, symbol) for symbol in found[len(found) - kept :]]


def pattern(symbols: Symbols, payload: bytes, port: str) -> Pattern | None:
    """The pattern with exactly this payload; None where there is none."""
    found = _found(symbols, payload, port)
    return None if found is None or not symbols.level[found] else _pattern(symbols, found)


def constituents(symbols: Symbols, payload: bytes, port: str) -> set[bytes]:
    """Payloads of what a pattern is built of, by any of its splits, at any depth; empty where there is no such."""
    found = _found(symbols, payload, port)
    return set() if found is None else {symbols.payload(int(part)) for part in parts(symbols, found)}


def _found(symbols: Symbols, payload: bytes, port: str) -> int | None:
    return symbols.ranks.find(payload, symbols.ports.index(port)) if port in symbols.ports else None


def _pattern(symbols: Symbols, symbol: int) -> Pattern:
    return Pattern(
        payload=symbols.payload(symbol),
        left=symbols.payload(int(symbols.left[symbol])),
        right=symbols.payload(int(symbols.right[symbol])),
        level=int(symbols.level[symbol]),
        born=int(symbols.born[symbol]),
    )
