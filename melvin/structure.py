"""Structure: what has to hold of each section of a brain file, so that no later step can stumble over it.

A snapshot or a gathering flows in; a check by section flows out, in an order in which each relies on those before it.
What is checked of one table stands in `soundness`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from melvin.codes import BYTES, MAX_SYMBOLS
from melvin.evidence import RANKED, TABLES, Evidence
from melvin.generation import Gathering, Snapshot
from melvin.soundness import (
    calibration_holds,
    categories_hold,
    context_holds,
    counts_hold,
    curve_holds,
    edges_hold,
    embeddings_hold,
    feedback_holds,
    grams_hold,
    lexicon_holds,
    symbols_hold,
    words_hold,
)
from melvin.symbols import Symbols
from melvin.tables import Counts
from melvin.weights import BUCKETS, HEADS, Weights

Rules = dict[str, Callable[[], bool]]

MAX_COUNT = 1 << 62  # a number that is twice as large still fits into an int64
WEIGHTS = ("right", "asked", "expected")


def known_rules(known: Snapshot, where: str = "") -> Rules:
    """Of a snapshot, but for its evidence. where : before the names of sections that hold what queries read"""
    ports = len(known.symbols.ports)
    return {
        "symbols": lambda: symbols_hold(known.symbols),
        "separator": lambda: known.separator.shape == (ports, BYTES),
        "weights": lambda: _weights_hold(known.weights),
        f"{where}words": lambda: words_hold(known.words, ports),
        f"{where}embedding": lambda: embeddings_hold(known.embeddings),
        f"{where}categories": lambda: known.categorised is None or categories_hold(known.categorised, known.embeddings),
        "feedback": lambda: feedback_holds(known.feedback, ports),
        "curve": lambda: curve_holds(known.curve),
        "calibration": lambda: calibration_holds(known.calibration, ports),
    }


def gathering_rules(gathering: Gathering, symbols: Symbols) -> Rules:
    """Of what is gathered."""
    return {
        "gathering.sample": lambda: all(port < len(symbols.ports) for port, _ in gathering.sample),
        "gathering.lexicon": lambda: lexicon_holds(gathering.lexicon, symbols),
        **table_rules(symbols, "gathering.", gathering.runs.fold()),
    }


def table_rules(symbols: Symbols, where: str, evidence: Evidence) -> Rules:
    """Of evidence. where : before the names of its sections"""
    return {where + name: partial(_table_holds, name, getattr(evidence, name), symbols) for name in TABLES}


def context_rules(known: Snapshot, where: str) -> Rules:
    """Of the byte contexts that are at hand."""
    return {
        f"{where}contexts.{length}": partial(context_holds, context)
        for length, context in enumerate(known.contexts or ())
    }


def _weights_hold(weights: Weights) -> bool:
    masses = [getattr(weights, field) for field in WEIGHTS]
    whole = all(m.shape == (HEADS, BUCKETS) and bool(((m >= 0) & (m < MAX_COUNT // BUCKETS)).all()) for m in masses)
    return whole and bool((weights.right <= weights.asked).all())


def _table_holds(name: str, table: Counts, symbols: Symbols) -> bool:
    if not counts_hold(table):
        return False
    if name == "grams":
        return grams_hold(table.key, len(symbols.ports))
    sources = symbols.size if name == "links" else MAX_SYMBOLS**2
    return name not in RANKED or edges_hold(table.key, sources, symbols.size)
