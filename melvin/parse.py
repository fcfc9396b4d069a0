"""Parse: bytes -> symbols, by local competition, each distinct chunk once.

Among adjacent pairs that form a known pattern, a pair merges when its pattern is older than those its two neighbours would
form; this repeats until no pair forms a pattern. All chunks that were not seen before are parsed together, as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.chunks import Window
from melvin.hashing import ABSENT, HashTable
from melvin.symbols import END, START, U32, Symbols
from melvin.tables import I64, U64

POOL_SYMBOLS = 1 << 22  # symbols that the cache of parsed chunks may hold: 16 MiB; then it starts afresh


def compete(symbols: Symbols, stream: U32, begins: NDArray[np.bool_]) -> tuple[U32, NDArray[np.bool_]]:
    """Merge pairs into patterns until none is left; a pair never crosses a chunk's beginning.

    Parameters
    ----------
    stream : uint32, shape (n,)     ground symbols of all chunks, one chunk after the other
    begins : bool, shape (n,)       True where a chunk begins

    Returns
    -------
    The symbols that are left and where chunks begin among them.
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
        stream, begins, touched = stream[keep], begins[keep], touched[keep]
        touched[:-1] &= ~begins[1:]
        touched[-1:] = False
        alive = np.flatnonzero(touched)
    return stream, begins


@dataclass(frozen=True)
class Parsed:
    """Chunks as symbols: chunk i is pool[first[i] : first[i] + size[i]]."""

    pool: U32
    first: I64
    size: I64

    def stream(self) -> U32:
        """All chunks' symbols in a row."""
        total = int(self.size.sum())
        shift = self.first - (np.cumsum(self.size) - self.size)
        return self.pool[np.repeat(shift, self.size) + np.arange(total)]


class Parser:
    """Parses chunks under one set of symbols and remembers them: what it holds can be made again, and is never saved."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self._forget()

    def _forget(self) -> None:
        self._known = HashTable(1 << 12)
        self._pool = np.empty(1 << 14, np.uint32)
        self._used = 0
        self._first = np.empty(1 << 12, np.int64)
        self._size = np.empty(1 << 12, np.int64)
        self._chunks = 0

    def parse(self, window: Window, start: I64, length: I64, port: int, terminator: NDArray[np.bool_]) -> Parsed:
        """Symbols of the chunks data[start : start + length]; a terminator stands for END, START.

        start, length : int64, shape (c,);  terminator : bool, shape (c,)
        """
        key = window.hash(start, length, 2 * port)
        key[terminator] = np.uint64(2 * port + 1)
        chunk = self._known.get(key)
        missing = np.flatnonzero(chunk == ABSENT)
        if missing.size:
            if self._used > POOL_SYMBOLS:
                self._forget()
                missing = np.arange(key.size)
            new_key, at = np.unique(key[missing], return_index=True)
            at = missing[at]
            self._learn(window, start[at], length[at], port, terminator[at], new_key)
            chunk[missing] = self._known.get(key[missing])
        return Parsed(self._pool, self._first[chunk], self._size[chunk])

    def _learn(
        self, window: Window, start: I64, length: I64, port: int, terminator: NDArray[np.bool_], key: U64
    ) -> None:
        base = self.symbols.base[port]
        spread = np.repeat(start - (np.cumsum(length) - length), length)
        stream = window.data[spread + np.arange(spread.size)].astype(np.uint32) + base
        begins = np.zeros(stream.size, np.bool_)
        begins[np.cumsum(length) - length] = True
        owner_is_terminator = np.repeat(terminator, length)
        stream[owner_is_terminator] = base + np.uint32(END)
        stream, begins = compete(self.symbols, stream, begins)
        # END is followed by START, so that the stream of a whole block needs no further care at line borders
        ends = stream == base + np.uint32(END)
        if ends.any():
            wide = 1 + ends.astype(np.int64)
            stream = np.repeat(stream, wide)
            position = np.cumsum(wide) - wide
            stream[position[ends] + 1] = base + np.uint32(START)
            spread_begins = np.zeros(stream.size, np.bool_)
            spread_begins[position] = begins
            begins = spread_begins
        first = np.flatnonzero(begins)
        size = np.diff(first, append=stream.size)
        self._append(stream, first, size, key)

    def _append(self, stream: U32, first: I64, size: I64, key: U64) -> None:
        self._pool = _room(self._pool, self._used, stream.size)
        self._pool[self._used : self._used + stream.size] = stream
        chunks = slice(self._chunks, self._chunks + first.size)
        self._first = _room(self._first, self._chunks, first.size)
        self._size = _room(self._size, self._chunks, first.size)
        self._first[chunks], self._size[chunks] = first + self._used, size
        self._known.put(key, np.arange(chunks.start, chunks.stop, dtype=np.uint32))
        self._used += stream.size
        self._chunks += first.size


def _room(pool: NDArray[np.generic], used: int, more: int) -> NDArray[np.generic]:
    """The pool, or a longer copy when `more` entries do not fit behind the `used` ones."""
    if used + more <= pool.size:
        return pool
    grown = np.empty(max(2 * pool.size, used + more), pool.dtype)
    grown[:used] = pool[:used]
    return grown
