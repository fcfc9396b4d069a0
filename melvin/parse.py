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
FINISHED = 8  # while one symbol in so many merges at a time, finished chunks are not set aside


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
    left_over = np.full(stream.size, ABSENT)  # of each finished chunk, its symbols at the places of their left ends
    place, held, last = np.arange(stream.size), stream.copy(), np.append(begins[1:], True)  # last : it ends its chunk
    if formed is None:
        asked = np.flatnonzero(~last)
        offer = np.full(stream.size, ABSENT)  # what each symbol and the one after it would form
        offer[asked] = symbols.pattern_of(held.take(asked), held.take(asked + 1))
    else:
        offer = np.append(formed, ABSENT)
        offer[last] = ABSENT
    while (winners := np.flatnonzero(_winning(offer))).size:
        held[winners] = offer.take(winners)
        last[winners] = last.take(winners + 1)
        kept = np.ones(held.size, np.bool_)
        kept[winners + 1] = False
        some = np.flatnonzero(kept)
        place, held, last, offer = place.take(some), held.take(some), last.take(some), offer.take(some)
        winners -= np.arange(winners.size)  # where they are now: each one before them lost its neighbour
        offer[winners] = ABSENT
        changed = np.zeros(held.size, np.bool_)
        changed[winners] = changed[winners - 1] = True
        asked = np.flatnonzero(changed & ~last)  # of the first one the last one stands before: it ends its chunk
        offer[asked] = symbols.pattern_of(held.take(asked), held.take(asked + 1))
        if FINISHED * winners.size < held.size:  # most have found their form: go on with those chunks that have not
            left_over[place] = held
            some = _in_work(offer, last)
            place, held, last, offer = place.take(some), held.take(some), last.take(some), offer.take(some)
            left_over[place] = ABSENT
    left_over[place] = held
    some = np.flatnonzero(left_over != ABSENT)
    return left_over.take(some), begins.take(some), position.take(some)


def _winning(offer: U32) -> NDArray[np.bool_]:
    """Where a symbol and the one after it merge. offer : uint32, shape (n,)   what they would form; ABSENT: nothing

    Theirs is older than the offers of both neighbours. In a run of equal offers ("aaaa") every second one merges,
    counted from the run's beginning.
    """
    wins = np.empty(offer.size, np.bool_)
    wins[:1] = offer[:1] != ABSENT
    np.less(offer[1:], offer[:-1], out=wins[1:])
    tied = np.flatnonzero((offer[1:] == offer[:-1]) & (offer[1:] != ABSENT)) + 1
    if tied.size:
        begins = np.append(True, tied[1:] != tied[:-1] + 1)
        begin = tied.compress(begins).take(np.cumsum(begins) - 1)  # the second of its run
        wins[tied] = (tied - begin) % 2 == 1
    wins[:-1] &= offer[:-1] <= offer[1:]
    return wins


def _in_work(offer: U32, last: NDArray[np.bool_]) -> I64:
    """The symbols of all chunks in which any merge is offered. offer, last : shape (n,) -> (m,)"""
    end = np.flatnonzero(last)
    chunk = np.searchsorted(end, np.flatnonzero(offer != ABSENT))
    chunk = chunk.compress(np.append(True, chunk[1:] != chunk[:-1])[: chunk.size])
    first = np.append(-1, end).take(chunk) + 1
    return in_a_row(first, end.take(chunk) + 1 - first)


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
