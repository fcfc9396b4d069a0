"""Pattern formation: strong edges become larger symbols, by description length gained.

Writing j after i costs log2(N / in_j) bits when i is not looked at; as part of a pattern that is seen `count` times the
pair is named once. What that saves, less the bits that describe the new symbol, is the pattern's gain. The pairs are
those inside a generation's chunks; when some have become patterns the chunks are parsed with them and the pairs that
are left are judged again, so a pattern of patterns of patterns may form at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melvin.arithmetic import log2
from melvin.budget import DEFAULT_MEMORY, within
from melvin.codes import GROUND, MAX_PAYLOAD, MAX_SYMBOLS
from melvin.competition import compete
from melvin.contexts import F64, MAX_PORTS
from melvin.edges import pack, source_of, target_of
from melvin.hashing import ABSENT, HashTable
from melvin.lexicon import Lexicon
from melvin.splits import with_splits
from melvin.symbols import Symbols
from melvin.tables import I64, U32, U64, in_a_row, ordered, run_starts

PATTERNS = 1 << 19  # symbols in DEFAULT_MEMORY beyond which no pattern is formed
MOST_SYMBOLS = MAX_SYMBOLS - 1 - MAX_PORTS * GROUND  # new ports find room at any time
_NO_PAIR = -1


def form(symbols: Symbols, lexicon: Lexicon, born: int, memory: int = DEFAULT_MEMORY, growth: float = 1.0) -> Symbols:
    """Add the patterns that this generation's chunks have earned, as far as there is memory for them.

    growth : how many bytes were read for each read before; by no more than that the vocabulary grows
    """
    symbols = symbols.apart()
    room = min(int(growth * symbols.size), min(within(memory, PATTERNS), MOST_SYMBOLS) - symbols.size)
    if room > 0:
        symbols = _with_best(symbols, Chunks(lexicon, symbols.size + room), room, born)
    return with_splits(symbols)


def _with_best(symbols: Symbols, chunks: Chunks, room: int, born: int) -> Symbols:
    """The symbols with the best pairs of the chunks, as long as there are any; the chunks are parsed with them."""
    while room > 0 and (best := best_pairs(symbols, chunks)[:room]).size:
        symbols = symbols.with_patterns(*chunks.pairs(best), born)
        room -= best.size
        chunks.merge(symbols, best)
    return symbols


class Chunks:
    """A generation's chunks while pairs in them merge, and what is counted in them. Changed in place: only what merges,
    and the pairs beside it, are counted anew. No pair that is left in them forms a pattern.

    key : uint64, shape (p,)         pairs of neighbours, each once, numbered as they came
    count : float64, shape (p,)      how often each was read; 0 where none is left
    seen : float64, shape (most,)    how often each symbol was
    total : float                    how often all of them were, and chunk ends
    places : int                     where a symbol stood before any merged, at least 2

    Of each of c chunks: _read : float64, how often it was; _first, _size : int64, where its symbols begin and how many
    are left. Of each place where there was a symbol: _symbol : uint32; _pair : int64, number of the pair that it begins
    or _NO_PAIR; _chunk : uint32.

    Parameters
    ----------
    most : symbols that there may be in the end
    """

    def __init__(self, lexicon: Lexicon, most: int) -> None:
        self.places = max(lexicon.pool.size, 2)
        self._read, self._size = lexicon.count.astype(np.float64), lexicon.size.copy()
        self._first = np.cumsum(lexicon.size) - lexicon.size  # what is left of a chunk moves to its first places
        self._chunk = np.repeat(np.arange(lexicon.size.size, dtype=np.uint32), lexicon.size)  # of each place
        self._symbol = lexicon.pool.copy()
        weight = self._read.take(self._chunk)
        self.seen: F64 = np.bincount(self._symbol, weight, most).astype(np.float64, copy=False)
        self.total = float(weight.sum() + self._read.sum())
        inside = np.flatnonzero(~lexicon.begins[1:])
        key, order = ordered(pack(self._symbol.take(inside), self._symbol[1:].take(inside)), inside)
        run = run_starts(key)
        self._opening = self.key = key.take(run)
        self._later = HashTable()  # number of each pair that is not among the opening ones
        number = np.repeat(np.arange(run.size), np.diff(run, append=key.size))
        place = order.view(np.int64)
        self.count: F64 = np.bincount(number, weight.take(place), run.size).astype(np.float64, copy=False)
        self._pair = np.full(self._symbol.size, _NO_PAIR)  # number of the pair that begins at each place
        self._pair[place] = number

    def pairs(self, number: I64 | slice = slice(None)) -> tuple[U32, U32]:
        """The left and right symbols of some pairs."""
        return source_of(self.key[number]).astype(np.uint32), target_of(self.key[number])

    def merge(self, symbols: Symbols, formed: I64) -> None:
        """Parse the chunks that hold some of these pairs, which are all that form a pattern. formed : their numbers"""
        pattern = np.full(self.key.size + 1, ABSENT)  # that each pair forms; the last one is _NO_PAIR
        pattern[formed] = symbols.pattern_of(*self.pairs(formed))
        here = pattern[self._pair]  # _NO_PAIR is -1: `take` is slow where some are negative
        chunk = self._chunk.take(np.flatnonzero(here != ABSENT)).astype(np.uint64)
        chunk = chunk.take(run_starts(chunk)).view(np.int64)
        first, size = self._first.take(chunk), self._size.take(chunk)
        place, weight = in_a_row(first, size), np.repeat(self._read.take(chunk), size)
        symbol, pair = self._symbol.take(place), self._pair.take(place)
        begins = np.zeros(place.size, np.bool_)
        begins[np.cumsum(size) - size] = True
        merged, begins, at = compete(symbols, symbol, begins, np.arange(place.size), pattern[pair[:-1]])
        stayed = merged == symbol.take(at)
        inside, same = ~begins[1:], stayed[:-1] & stayed[1:]
        fresh, same = np.flatnonzero(inside & ~same), np.flatnonzero(inside & same)

        changed = np.ones(place.size, np.bool_)
        changed[at.take(same)] = False
        gone = np.flatnonzero(changed & (pair != _NO_PAIR))
        np.subtract.at(self.count, pair.take(gone), weight.take(gone))
        np.subtract.at(self.seen, symbol, weight)
        self.total -= float(weight.sum())
        self._pair[place] = _NO_PAIR
        size = np.diff(np.flatnonzero(begins), append=merged.size)
        place, weight = in_a_row(first, size), weight.take(at)
        self._size[chunk], self._symbol[place] = size, merged
        self._pair[place.take(same)] = pair.take(at.take(same))
        np.add.at(self.seen, merged, weight)
        self.total += float(weight.sum())
        number = self._numbers(pack(merged.take(fresh), merged.take(fresh + 1)))
        self._pair[place.take(fresh)] = number
        np.add.at(self.count, number, weight.take(fresh))

    def _numbers(self, key: U64) -> I64:
        """Numbers of pairs, new ones of those that have none."""
        distinct, inverse = np.unique(key, return_inverse=True)
        number = self._later.get(distinct).astype(np.int64)
        missing = np.flatnonzero(number == ABSENT)
        at = np.minimum(np.searchsorted(self._opening, distinct.take(missing)), self._opening.size - 1)
        known = self._opening.take(at) == distinct.take(missing)
        number[missing.compress(known)] = at.compress(known)
        missing = missing.compress(~known)
        number[missing] = self.key.size + np.arange(missing.size)
        new = distinct.take(missing)
        self._later.put(new, number.take(missing).astype(np.uint32))
        self.key, self.count = np.append(self.key, new), np.append(self.count, np.zeros(new.size))
        return number.take(inverse)


def best_pairs(symbols: Symbols, chunks: Chunks) -> I64:
    """Numbers of the pairs worth a symbol, best first: read more than once, with a positive gain that is the best of
    the left or of the right one's pairs; of gains that are alike, the pair with the lower symbols has the better one.
    """
    seen, names = chunks.seen[: symbols.size], min(symbols.size, chunks.places)
    some = promising(chunks.key, chunks.count, seen, chunks.total, names)
    some = ordered(chunks.key.take(some), some)[1].view(np.int64)
    left, right = chunks.pairs(some)
    gain = gains(left, right, chunks.count.take(some), seen, chunks.total, names)
    fits = symbols.length.take(left).astype(np.int64) + symbols.length.take(right) <= MAX_PAYLOAD
    good = np.flatnonzero((gain > 0) & fits)
    gain = gain.take(good)
    best = np.flatnonzero(best_of_group(left.take(good), gain) | best_of_group(right.take(good), gain))
    return some.take(good.take(best.take(np.argsort(-gain.take(best), kind="stable"))))


def gains(left: U32, right: U32, count: F64, seen: F64, total: float, names: int) -> F64:
    """Description length gained, in bits, by making each pair a pattern. Shapes (n,).

    gain = count * log2(count * N / (seen_i * seen_j)) - (bits to name i and j)

    seen : how often each symbol occurs;  total : N, all symbols and chunk ends;  names : of which one names a symbol:
    of all symbols, or of the places in the chunks, where these are fewer
    """
    return np.asarray(count * log2(count * total / (seen[left] * seen[right])) - 2 * float(log2(names)))


def promising(key: U64, count: F64, seen: F64, total: float, names: int) -> I64:
    """Places of the pairs that were read more than once and whose gain may be positive: a logarithm is no larger than
    the exponent of its number.
    """
    naming = 2 * float(log2(names))
    some = np.flatnonzero(count > 1)
    pairs, count = key.take(some), count.take(some)
    _, bits = np.frexp(count * total / (seen.take(source_of(pairs).view(np.int64)) * seen.take(target_of(pairs))))
    return some.take(np.flatnonzero(count * bits > naming))


def best_of_group(group: U32, gain: F64) -> NDArray[np.bool_]:
    """True for the first of the largest gains of each group. Shapes (n,), (n,) -> (n,)."""
    best = np.zeros(group.size, np.bool_)
    largest = np.full(int(group.max(initial=0)) + 1, -np.inf)
    np.maximum.at(largest, group, gain)
    at = np.flatnonzero(gain == largest.take(group))[::-1]
    first = np.empty(largest.size, np.int64)
    first[group.take(at)] = at  # of several, the last one written stays
    best[first.take(group.take(at))] = True
    return best
