"""Pattern formation: strong edges become larger symbols, by description length gained.

Writing j after i costs log2(N / in_j) bits when i is not looked at; as part of a pattern that is seen `count` times the
pair is named once. What that saves, less the bits that describe the new symbol, is the pattern's gain. The pairs are
those inside a generation's chunks; when some have become patterns the chunks are parsed with them and the pairs that
are left are judged again, so a pattern of patterns of patterns may form at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from melvin.arithmetic import log2
from melvin.budget import DEFAULT_MEMORY, within
from melvin.contexts import MAX_PORTS
from melvin.edges import pack, source_of, target_of
from melvin.hashing import ABSENT
from melvin.lexicon import Lexicon
from melvin.parse import compete
from melvin.splits import with_splits
from melvin.symbols import GROUND, MAX_PAYLOAD, MAX_SYMBOLS, U32, Symbols
from melvin.tables import I64, Counts, run_starts, sum_by_key

PATTERNS = 1 << 19  # symbols in DEFAULT_MEMORY beyond which no pattern is formed
MOST_SYMBOLS = MAX_SYMBOLS - 1 - MAX_PORTS * GROUND  # new ports find room at any time
GROWTH = 1.0  # a generation, having read as much again as all before it, may at most double the vocabulary


def form(symbols: Symbols, lexicon: Lexicon, born: int, memory: int = DEFAULT_MEMORY) -> Symbols:
    """Add the patterns that this generation's chunks have earned, as far as there is memory for them."""
    symbols = replace(symbols)  # the tables that are looked up grow with it; who holds the one given keeps its own
    stream, begins = lexicon.pool, lexicon.begins
    weight = np.repeat(lexicon.count, lexicon.size)
    room = min(int(GROWTH * symbols.size), min(within(memory, PATTERNS), MOST_SYMBOLS) - symbols.size)
    alone = np.zeros(symbols.size)  # occurrences of symbols that are a whole chunk
    total = float(weight.sum() + lexicon.count.sum())
    parsed = False
    while room > 0:
        single = begins.copy()
        single[:-1] &= begins[1:]
        alone += np.bincount(stream.compress(single), weight.compress(single), symbols.size)
        several = np.flatnonzero(~single)
        stream, begins, weight = stream.take(several), begins.take(several), weight.take(several)
        seen = alone + np.bincount(stream, weight, symbols.size)
        left, right = best_pairs(symbols, stream, begins, weight, seen, total)
        left, right = left[:room], right[:room]
        if not left.size:
            break
        grown = symbols.with_patterns(left, right, born)
        room -= left.size
        alone = np.pad(alone, (0, grown.size - alone.size))
        # of chunks that are parsed already, those without such a pair stay as they are
        at = meeting(stream, begins, left, right, symbols.size) if parsed else np.arange(stream.size)
        symbols = grown
        stream, kept = stream.copy(), np.ones(stream.size, np.bool_)
        kept[at] = False
        merged, _, at = compete(symbols, stream.take(at), begins.take(at), at)
        stream[at], kept[at] = merged, True
        total -= float(weight.compress(~kept).sum())
        left_in = np.flatnonzero(kept)
        stream, begins, weight = stream.take(left_in), begins.take(left_in), weight.take(left_in)
        parsed = True
    return with_splits(symbols)


def meeting(stream: U32, begins: NDArray[np.bool_], left: U32, right: U32, size: int) -> I64:
    """Places of the chunks in which some left symbol stands before some right one. size : of the set of symbols"""
    opens, closes = np.zeros((2, size), np.bool_)
    opens[left], closes[right] = True, True
    meet = opens.take(stream[:-1])
    meet &= closes.take(stream[1:])
    meet &= ~begins[1:]
    chunk = np.cumsum(begins)
    met = np.zeros(stream.size + 1, np.bool_)
    met[chunk[1:].compress(meet)] = True
    return np.flatnonzero(met.take(chunk))


def best_pairs(
    symbols: Symbols,
    stream: U32,
    begins: NDArray[np.bool_],
    weight: NDArray[np.int64],
    seen: NDArray[np.float64],
    total: float,
) -> tuple[U32, U32]:
    """Pairs worth a symbol, best first: with a positive gain that is the best of the left or of the right one's
    pairs.
    """
    inside = np.flatnonzero(~begins[1:])
    pairs = sum_by_key(pack(stream.take(inside), stream[1:].take(inside)), weight[1:].take(inside))
    left, right, gain = gains(promising(pairs, seen, total), seen, total)
    fits = symbols.length[left].astype(np.int64) + symbols.length[right] <= MAX_PAYLOAD
    good = (gain > 0) & fits & (symbols.pattern_of(left, right) == ABSENT)
    left, right, gain = left[good], right[good], gain[good]
    best = best_of_group(left, gain) | best_of_group(right, gain)
    left, right, gain = left[best], right[best], gain[best]
    order = np.argsort(-gain, kind="stable")
    return left[order], right[order]


def gains(pairs: Counts, seen: NDArray[np.float64], total: float) -> tuple[U32, U32, NDArray[np.float64]]:
    """Description length gained, in bits, by making each pair a pattern: left, right, gain; shapes (n,).

    gain = count * log2(count * N / (seen_i * seen_j)) - (bits to name i and j)

    seen : how often each symbol occurs;  total : N, all symbols and chunk ends
    """
    left = source_of(pairs.key).astype(np.uint32)
    right = target_of(pairs.key)
    count = pairs.count.astype(np.float64)
    return left, right, count * log2(count * total / (seen[left] * seen[right])) - 2 * float(log2(seen.size))


def promising(pairs: Counts, seen: NDArray[np.float64], total: float) -> Counts:
    """The pairs whose gain may be positive: a logarithm is no larger than the exponent of its number."""
    left, right = source_of(pairs.key).view(np.int64), target_of(pairs.key)
    count = pairs.count.astype(np.float64)
    _, bits = np.frexp(count * total / (seen[left] * seen[right]))
    some = np.flatnonzero(count * bits > 2 * float(log2(seen.size)))
    return Counts(pairs.key[some], pairs.count[some])


def best_of_group(group: U32, gain: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True for the first of the largest gains of each group. Shapes (n,), (n,) -> (n,)."""
    order = np.lexsort((-gain, group))
    best = np.zeros(group.size, np.bool_)
    best[order[run_starts(group[order].astype(np.uint64))]] = True
    return best
