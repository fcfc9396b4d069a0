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
from melvin.tables import I64, U64, in_a_row

# Symbols that the cache of parsed chunks may hold, with their chunks 40 MiB; then half of it is forgotten.
POOL_SYMBOLS = 1 << 20
TALLIED_AT_ONCE = 1 << 20  # chunks that were read: counting them takes a pass over all that are known
BLOCKS_AT_ONCE = 1 << 10  # that they were read in, however short these are


def compete(
    symbols: Symbols, stream: U32, begins: NDArray[np.bool_], position: I64, formed: U32 | None = None
) -> tuple[U32, NDArray[np.bool_], I64]:
    """Merge pairs into patterns until none is left; a pair never crosses a chunk's beginning.

    Parameters
    ----------
    stream : uint32, shape (n,)     ground symbols of all chunks, one chunk after the other
    begins : bool, shape (n,)       True where a chunk begins
    position : int64, shape (n,)    whatever is to be kept beside each symbol
    formed : uint32, shape (n - 1,)   what each symbol and the one after it form, where that is at hand

    Returns
    -------
    The symbols that are left, where chunks begin among them, and their positions (a pattern keeps its left part's).
    """
    if not stream.size:
        return stream, begins, position
    held, gone = stream.copy(), np.zeros(stream.size, np.bool_)
    # A linked list: what merges is unlinked, and nothing is moved until the end. The last place is no symbol: it stands
    # behind the last one and before the first.
    after = np.arange(1, stream.size + 2)
    before = np.arange(-1, stream.size)
    last = np.append(begins[1:], True)  # the symbol ends its chunk
    offer = np.full(stream.size + 1, ABSENT)  # what each symbol and the one after it would form
    asked = np.flatnonzero(~last)
    while asked.size:
        if formed is None:
            offer[asked] = symbols.pattern_of(held.take(asked), held.take(after.take(asked)))
        else:
            offer[asked], formed = formed.take(asked), None
        here = np.flatnonzero(offer != ABSENT)
        mine, left, right = offer.take(here), before.take(here), after.take(here)
        ahead = offer.take(left)
        wins = mine < ahead
        if (mine == ahead).any():
            wins |= (mine == ahead) & _even_in_run(mine, left, here)
        winners = np.flatnonzero(wins & (mine <= offer.take(right)))
        here, right = here.take(winners), right.take(winners)
        beyond = after.take(right)
        held[here], gone[right] = mine.take(winners), True
        after[here], before[beyond] = beyond, here
        last[here] = last.take(right)
        offer[here] = offer[right] = ABSENT
        asked = np.concatenate((before.take(here.compress(~begins.take(here))), here.compress(~last.take(here))))
    kept = np.flatnonzero(~gone)
    return held.take(kept), begins.take(kept), position.take(kept)


def _even_in_run(offer: U32, left: I64, here: I64) -> NDArray[np.bool_]:
    """In a run of equal offers ("aaaa") every second one merges, counted from the run's beginning.

    offer, left, here : shapes (n,)   what is offered, the symbol before, and the symbol, in order
    """
    place = np.arange(here.size)
    goes_on = (offer[1:] == offer[:-1]) & (left[1:] == here[:-1])
    begin = np.maximum.accumulate(np.where(np.append(False, goes_on), 0, place))
    return np.asarray((place - begin) % 2 == 0)


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
        return self.pool.take(in_a_row(self.first, self.size))


def chunk_salt(port: int) -> int:
    """Keeps the hashes of one port's chunks apart from another's."""
    return 2 * port


class Parser:
    """Parses chunks under one set of symbols, remembers them, and counts how often each was read."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self._tallied = Lexicon.empty()
        self._read, self._untallied = list[U32](), 0  # chunks that were read, and how many of them
        self._forget()

    def _forget(self) -> None:
        """Start with an empty memory."""
        self._known = HashTable(1 << 12)
        self._pool = np.empty(1 << 14, np.uint32)
        self._used = 0
        self._key = np.empty(1 << 12, np.uint64)
        self._first = np.empty(1 << 12, np.uint32)
        self._size = np.empty(1 << 12, np.uint8)
        self._count = np.zeros(1 << 12, np.int64)
        self._chunks = 0

    def lexicon(self) -> Lexicon:
        """The chunks read so far, and how often each was."""
        self._tally()
        read = np.flatnonzero(self._count[: self._chunks])
        if read.size:
            key, size = self._key[read], self._size[read].astype(np.int64)
            pool = self._pool.take(in_a_row(self._first[read].astype(np.int64), size))
            self._tallied = fold(self._tallied, Lexicon(key, self._count[read], size, pool))
            self._count[: self._chunks] = 0
        return self._tallied

    def _forget_rare(self) -> None:
        """Remember only the chunks that were read most often of late, as many as fill half of the room."""
        self._tally()
        order = np.argsort(-self._count[: self._chunks])
        size = self._size[order].astype(np.int64)
        some = order[np.cumsum(size) <= POOL_SYMBOLS // 2]
        key, size = self._key[some], size[: some.size]
        pool = self._pool[in_a_row(self._first[some].astype(np.int64), size)]
        self.lexicon()
        self._forget()
        self._append(pool, np.cumsum(size) - size, size, key)

    def _tally(self) -> None:
        """Count the chunks that were read since this was last done."""
        if self._read:
            self._count[: self._chunks] += np.bincount(np.concatenate(self._read), minlength=self._chunks)
        self._read, self._untallied = [], 0

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
        key[np.flatnonzero(terminator)] = np.uint64(port)  # the byte that stands for a terminator may be data elsewhere
        chunk = self._known.get(key)
        missing = np.flatnonzero(chunk == ABSENT)
        if missing.size:
            if self._used > POOL_SYMBOLS:
                self._forget_rare()
                chunk = self._known.get(key)
                missing = np.flatnonzero(chunk == ABSENT)
            new_key, at = np.unique(key[missing], return_index=True)
            at = missing[at]
            self._learn(window, start[at], length[at], port, terminator[at], new_key)
            chunk[missing] = self._known.get(key[missing])
        if tally:
            self._read.append(chunk.take(np.flatnonzero(~terminator)))
            self._untallied += self._read[-1].size
            if self._untallied >= TALLIED_AT_ONCE or len(self._read) >= BLOCKS_AT_ONCE:
                self._tally()
        return Parsed(
            key, self._pool, self._first.take(chunk).astype(np.int64), self._size.take(chunk).astype(np.int64)
        )

    def _learn(
        self, window: Window, start: I64, length: I64, port: int, terminator: NDArray[np.bool_], key: U64
    ) -> None:
        base = self.symbols.base[port]
        place = in_a_row(start, length)
        byte = window.data.take(place)
        formed = self.symbols.byte_pairs[port].take(byte[:-1].astype(np.intp) << 8 | byte[1:])
        stream = byte.astype(np.uint32) + base
        begins = np.zeros(stream.size, np.bool_)
        begins[np.cumsum(length) - length] = True
        stream[np.repeat(terminator, length)] = base + np.uint32(END)
        stream, begins, _ = compete(self.symbols, stream, begins, place, formed)
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
