"""Parse: bytes -> symbols, by local competition, each distinct chunk once.

Among adjacent pairs that form a known pattern, a pair merges when its pattern is older than those its two neighbours
would form; this repeats until no pair forms a pattern. All chunks that were not seen before are parsed together, as
arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melvin.chunks import Window
from melvin.hashing import ABSENT, HashTable
from melvin.lexicon import Lexicon, fold
from melvin.symbols import END, START, U32, Symbols
from melvin.tables import I64, U64

POOL_SYMBOLS = (
    1 << 20
)  # symbols that the cache of parsed chunks may hold, with their chunks 40 MiB; then it starts afresh


def compete(
    symbols: Symbols, stream: U32, begins: NDArray[np.bool_], position: I64
) -> tuple[U32, NDArray[np.bool_], I64]:
    """Merge pairs into patterns until none is left; a pair never crosses a chunk's beginning.

    Parameters
    ----------
    stream : uint32, shape (n,)     ground symbols of all chunks, one chunk after the other
    begins : bool, shape (n,)       True where a chunk begins
    position : int64, shape (n,)    whatever is to be kept beside each symbol

    Returns
    -------
    The symbols that are left, where chunks begin among them, and their positions (a pattern keeps its left part's).
    """
    alive = np.flatnonzero(~begins[1:]) if stream.size else np.empty(0, np.int64)  # pairs worth asking about
    while alive.size:
        offer = np.full(stream.size + 1, ABSENT)  # offer[i + 1]: what stream[i], stream[i + 1] would form
        offer[alive + 1] = symbols.pattern_of(stream[alive], stream[alive + 1])
        here = alive[offer[alive + 1] != ABSENT]
        if not here.size:
            break
        mine = offer[here + 1]
        before = offer[here]
        after = np.full(here.size, ABSENT)
        inside = here + 2 < offer.size
        after[inside] = offer[here[inside] + 2]
        # In a run of equal offers ("aaaa") every second one merges, counted from the run's beginning.
        run_start = np.where((before != mine) | (np.diff(here, prepend=-2) != 1), np.arange(here.size), 0)
        even = (np.arange(here.size) - np.maximum.accumulate(run_start)) % 2 == 0
        wins = here[((mine < before) | ((mine == before) & even)) & (mine <= after)]
        stream[wins] = offer[wins + 1]
        keep = np.ones(stream.size, np.bool_)
        keep[wins + 1] = False
        touched = np.zeros(stream.size, np.bool_)
        touched[wins] = True
        touched[np.maximum(wins - 1, 0)] = True
        touched[here] = True  # losers ask again: the pair may still stand
        stream, begins, position, touched = stream[keep], begins[keep], position[keep], touched[keep]
        touched[:-1] &= ~begins[1:]
        touched[-1:] = False
        alive = np.flatnonzero(touched)
    return stream, begins, position


def compete_one(pattern_of: Callable[[int, int], int], stream: list[int]) -> list[int]:
    """The same for one chunk, whose ground symbols flow in. pattern_of : as `Symbols.pattern_of`, of one pair"""
    absent = int(ABSENT)
    while True:
        offers = [absent, *(pattern_of(left, right) for left, right in pairwise(stream)), absent]
        merged, begin, run = list[int](), 0, 0
        for at, (before, mine, after) in enumerate(zip(offers, offers[1:], offers[2:], strict=False)):
            run = run + 1 if mine == before else 0
            if mine != absent and (mine < before or (mine == before and run % 2 == 0)) and mine <= after:
                merged += [*stream[begin:at], mine]
                begin = at + 2
        if not begin:
            return stream
        stream = merged + stream[begin:]


@dataclass(frozen=True)
class Parsed:
    """Chunks as symbols: chunk i, whose bytes hash to key[i], is pool[first[i] : first[i] + size[i]]."""

    key: U64
    pool: U32
    first: I64
    size: I64

    def stream(self) -> U32:
        """All chunks' symbols in a row."""
        total = int(self.size.sum())
        shift = self.first - (np.cumsum(self.size) - self.size)
        return self.pool[np.repeat(shift, self.size) + np.arange(total)]


def chunk_salt(port: int) -> int:
    """Keeps the hashes of one port's chunks apart from another's."""
    return 2 * port


class Parser:
    """Parses chunks under one set of symbols, remembers them, and counts how often each was read."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self._tallied = Lexicon.empty()
        self._forget()

    def _forget(self) -> None:
        """Start with an empty memory."""
        self._known = HashTable(1 << 12)
        self._pool = np.empty(1 << 14, np.uint32)
        self._used = 0
        self._key = np.empty(1 << 12, np.uint64)
        self._first = np.empty(1 << 12, np.int64)
        self._size = np.empty(1 << 12, np.int64)
        self._count = np.zeros(1 << 12, np.int64)
        self._chunks = 0

    def lexicon(self) -> Lexicon:
        """The chunks read so far, and how often each was."""
        read = np.flatnonzero(self._count[: self._chunks])
        if read.size:
            key, size = self._key[read], self._size[read]
            shift = np.repeat(self._first[read] - (np.cumsum(size) - size), size)
            fresh = Lexicon(key, self._count[read], size, self._pool[shift + np.arange(shift.size)])
            self._tallied = fold(self._tallied, fresh)
            self._count[: self._chunks] = 0
        return self._tallied

    def parse(
        self,
        window: Window,
        start: I64,
        length: I64,
        port: int,
        terminator: NDArray[np.bool_],
        tally: bool = False,
    ) -> Parsed:
        """Symbols of the chunks data[start : start + length]; a terminator stands for END, START.

        start, length : int64, shape (c,);  terminator : bool, shape (c,);  tally : count the chunks as read
        """
        key = window.hash(start, length, chunk_salt(port))
        key[terminator] = np.uint64(port)  # the byte that stands for a terminator may be data elsewhere
        chunk = self._known.get(key)
        missing = np.flatnonzero(chunk == ABSENT)
        if missing.size:
            if self._used > POOL_SYMBOLS:
                self.lexicon()
                self._forget()
                missing = np.arange(key.size)
            new_key, at = np.unique(key[missing], return_index=True)
            at = missing[at]
            self._learn(window, start[at], length[at], port, terminator[at], new_key)
            chunk[missing] = self._known.get(key[missing])
        if tally:
            self._count[: self._chunks] += np.bincount(chunk[~terminator], minlength=self._chunks)
        return Parsed(key, self._pool, self._first[chunk], self._size[chunk])

    def _learn(
        self, window: Window, start: I64, length: I64, port: int, terminator: NDArray[np.bool_], key: U64
    ) -> None:
        base = self.symbols.base[port]
        spread = np.repeat(start - (np.cumsum(length) - length), length)
        stream = window.data[spread + np.arange(spread.size)].astype(np.uint32) + base
        begins = np.zeros(stream.size, np.bool_)
        begins[np.cumsum(length) - length] = True
        stream[np.repeat(terminator, length)] = base + np.uint32(END)
        stream, begins, _ = compete(self.symbols, stream, begins, spread)
        # END is followed by START, so that the stream of a whole block needs no further care at line borders
        ends = stream == base + np.uint32(END)
        if ends.any():
            wide = 1 + ends.astype(np.int64)
            position = np.cumsum(wide) - wide
            stream = np.repeat(stream, wide)
            stream[position[ends] + 1] = base + np.uint32(START)
            spread_begins = np.zeros(stream.size, np.bool_)
            spread_begins[position] = begins
            begins = spread_begins
        first = np.flatnonzero(begins)
        self._append(stream, first, np.diff(first, append=stream.size), key)

    def _append(self, stream: U32, first: I64, size: I64, key: U64) -> None:
        begin, end = self._chunks, self._chunks + first.size
        self._pool = _room(self._pool, self._used, stream.size)
        self._pool[self._used : self._used + stream.size] = stream
        for name, values in (("_key", key), ("_first", first + self._used), ("_size", size), ("_count", 0)):
            pool = _room(getattr(self, name), begin, first.size)
            pool[begin:end] = values
            setattr(self, name, pool)
        self._known.put(key, np.arange(begin, end, dtype=np.uint32))
        self._used += stream.size
        self._chunks = end


def _room(pool: NDArray[Any], used: int, more: int) -> NDArray[Any]:
    """The pool, or a longer copy when `more` entries do not fit behind the `used` ones."""
    if used + more <= pool.size:
        return pool
    grown = np.empty(max(2 * pool.size, used + more), pool.dtype)
    grown[:used] = pool[:used]
    return grown
