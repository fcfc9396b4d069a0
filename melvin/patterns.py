"""Pattern formation: strong edges become larger symbols, by description length gained.

Writing "j" after "i" costs log2(N / in_j) bits when i is not looked at; as part of a pattern that is seen `count` times the
pair is named once. What that saves, less the bits that describe the new symbol, is the pattern's gain.
"""

from __future__ import annotations

import numpy as np

from melvin.edges import source_of, target_of
from melvin.symbols import END, MAX_PAYLOAD, MAX_SYMBOLS, START, U32, Symbols
from melvin.tables import Counts, run_starts

GROWTH = 1.0  # a generation, having read as much again as all before it, may at most double the vocabulary


def gains(symbols: Symbols, raw: Counts) -> tuple[U32, U32, np.ndarray]:
    """Description length gained, in bits, by making each edge a pattern: source, target, gain; shapes (n,).

    gain = count * log2(count * N / (out_i * in_j)) - (bits to name i and j)
    """
    source = source_of(raw.key).astype(np.uint32)
    target = symbols.by_rank[target_of(raw.key)]
    out = np.bincount(source, raw.count, symbols.size)
    into = np.bincount(target, raw.count, symbols.size)
    total = float(raw.count.sum())
    count = raw.count.astype(np.float64)
    description = 2 * np.log2(symbols.size)
    return source, target, count * np.log2(count * total / (out[source] * into[target])) - description


def form(symbols: Symbols, raw: Counts, separator: np.ndarray, born: int) -> Symbols:
    """Add the patterns that this generation's edges have earned, best first.

    An edge is formed when its gain is positive and the best of its source's or of its target's edges.
    """
    if not raw.size or symbols.size >= MAX_SYMBOLS:
        return symbols
    source, target, gain = gains(symbols, raw)
    ground = symbols.base[symbols.port]
    length = symbols.length[source].astype(np.int64) + symbols.length[target]
    code = np.maximum(symbols.first_code[target] - 1, 0)
    allowed = (
        (gain > 0)
        & (source - ground[source] != START)
        & (target - ground[target] != END)
        & (length <= MAX_PAYLOAD)
        & ~separator[symbols.port[target], np.minimum(code, separator.shape[1] - 1)]
    )
    source, target, gain = source[allowed], target[allowed], gain[allowed]
    best = best_of_group(source, gain) | best_of_group(target, gain)
    source, target, gain = source[best], target[best], gain[best]
    share = min(int(GROWTH * symbols.size), MAX_SYMBOLS - symbols.size)
    order = np.lexsort((symbols.rank[target], symbols.rank[source], -gain))[:share]
    source, target = source[order], target[order]
    new = symbols.pattern_of(source, target) == np.uint32(0xFFFFFFFF)
    if not new.any():
        return symbols
    return symbols.with_patterns(source[new], target[new], born)


def best_of_group(group: U32, gain: np.ndarray) -> np.ndarray:
    """True for the first of the largest gains of each group. Shapes (n,), (n,) -> (n,)."""
    order = np.lexsort((-gain, group))
    best = np.zeros(group.size, np.bool_)
    best[order[run_starts(group[order].astype(np.uint64))]] = True
    return best
