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

from melvin.attention import NOTHING, chunk_frequency
from melvin.budget import DEFAULT_MEMORY, within
from melvin.chunks import Window
from melvin.hashing import ABSENT, HashTable
from melvin.lexicon import Lexicon, fold
from melvin.symbols import END, START, U32, Symbols
from melvin.tables import I64, U64, in_a_row

# Symbols that the parsed chunks remembered in DEFAULT_MEMORY may have, with all that is held of them 80 MiB; then half
# of it is forgotten.
POOL_SYMBOLS = 1 << 21
TALLIED_AT_ONCE = 1 << 20  # chunks that were read: counting them takes a pass over all that are known
BLOCKS_AT_ONCE = 1 << 10  # that they were read in, however short these are
OFTEN = 255  # times read: chunks that were read as often or more are all alike
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
        offer = np.append(formed, ABSENT) | -last.astype(np.uint32)  # all bits set where a chunk ends: ABSENT
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
    equal = (offer[1:] == offer[:-1]) & (offer[1:] != ABSENT)
    if equal.any():
        tied = np.flatnonzero(equal) + 1
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
    """Chunks as symbols: chunk i, whose bytes hash to key[i], is pool[first[i] : first[i] + size[i]].

    key : uint64, first, size : int64, frequency : uint32, shape (c,) each;  pool : uint32
    frequency : how often a chunk was seen at the most, NOTHING for the end of a line (see `attention`)
    """

    key: U64
    pool: U32
    first: I64
    size: I64
    frequency: U32

    def stream(self) -> U32:
        """All chunks' symbols in a row."""
        return self.pool.take(in_a_row(self.first, self.size))


def chunk_salt(port: int) -> int:
    """Keeps the hashes of one port's chunks apart from another's."""
    return 2 * port


class Columns:
    """Arrays of one length that grow together.

    Parameters
    ----------
    dtypes : of each array, by name
    """

    def __init__(self, **dtypes: type[np.generic]) -> None:
        self.size = 0
        self._held = {name: np.empty(1 << 12, dtype) for name, dtype in dtypes.items()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._held[name][: self.size]

    def append(self, rows: int, **values: NDArray[Any] | int) -> None:
        """Add rows; every column is given, as an array or as the same value for all of them."""
        end = self.size + rows
        for name, held in self._held.items():
            if end > held.size:
                self._held[name] = np.empty(1 << (end - 1).bit_length(), held.dtype)
                self._held[name][: self.size] = held[: self.size]
            self._held[name][self.size : end] = values[name]
        self.size = end


class Parser:
    """Parses chunks under one set of symbols, remembers them, and counts how often each was read.

    Parameters
    ----------
    frequency : uint32, shape (symbols,)   how often each symbol was seen
    memory : the budget of the brain that reads
    """

    def __init__(self, symbols: Symbols, frequency: U32, memory: int = DEFAULT_MEMORY) -> None:
        self.symbols = symbols
        self._room = within(memory, POOL_SYMBOLS)
        self._frequency = frequency
        self._tallied = Lexicon.empty()
        self._read, self._untallied = list[U32](), 0  # chunks that were read, and how many of them
        self._forget()

    def _forget(self) -> None:
        """Remember nothing but the end of a line of each port."""
        self._known = HashTable(1 << 12)
        self._pool = Columns(symbol=np.uint32)
        self._chunks = Columns(key=np.uint64, first=np.uint32, size=np.uint8, count=np.int64, frequency=np.uint32)
        base = self.symbols.base
        # END is followed by START, so that the stream of a whole block needs no further care at line borders
        ends = np.column_stack((base + np.uint32(END), base + np.uint32(START))).ravel()
        self._remember(_end_key(np.arange(base.size)), ends, np.full(base.size, 2), np.full(base.size, NOTHING))

    def lexicon(self) -> Lexicon:
        """The chunks read so far, and how often each was."""
        self._tally()
        count, key = self._chunks["count"], self._chunks["key"]
        self._tallied = fold(self._tallied, self._some(np.flatnonzero((count > 0) & (key <= self._tallied.last))))
        count[:] = 0
        return self._tallied

    def _some(self, chunk: I64) -> Lexicon:
        """Some of the chunks that are remembered."""
        first, size = (self._chunks[name].take(chunk).astype(np.int64) for name in ("first", "size"))
        pool = self._pool["symbol"].take(in_a_row(first, size))
        return Lexicon(self._chunks["key"].take(chunk), self._chunks["count"].take(chunk), size, pool)

    def _forget_rare(self) -> None:
        """Remember only the chunks that were read most often of late, as many as half of the room is enough for."""
        self._tally()
        count = np.minimum(self._chunks["count"], OFTEN)
        symbols = np.bincount(count, self._chunks["size"], OFTEN + 2)[::-1].cumsum()[::-1]  # read so often, or more
        often = np.flatnonzero(count >= np.argmax(symbols <= self._room // 2))
        self.lexicon()
        kept, frequency = self._some(often), self._chunks["frequency"].take(often)
        self._forget()
        self._remember(kept.key, kept.pool, kept.size, frequency)

    def _tally(self) -> None:
        """Count the chunks that were read since this was last done."""
        if self._read:
            count = self._chunks["count"]
            count += np.bincount(np.concatenate(self._read), minlength=count.size)
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
        key[np.flatnonzero(terminator)] = _end_key(port)  # the byte that stands for a terminator may be data elsewhere
        chunk = self._known.get(key)
        missing = np.flatnonzero(chunk == ABSENT)
        if missing.size:
            if self._pool.size > self._room:
                self._forget_rare()
                chunk = self._known.get(key)
                missing = np.flatnonzero(chunk == ABSENT)
            chunk[missing] = self._learn(window, start.take(missing), length.take(missing), port, key.take(missing))
        if tally:
            self._read.append(chunk.take(np.flatnonzero(~terminator)))
            self._untallied += self._read[-1].size
            if self._untallied >= TALLIED_AT_ONCE or len(self._read) >= BLOCKS_AT_ONCE:
                self._tally()
        first, size = (self._chunks[name].take(chunk).astype(np.int64) for name in ("first", "size"))
        return Parsed(key, self._pool["symbol"], first, size, self._chunks["frequency"].take(chunk))

    def _learn(self, window: Window, start: I64, length: I64, port: int, key: U64) -> U32:
        """Parse chunks that are not known, which may come several times. -> uint32, shape (c,): where they are held"""
        order = _order(key)
        key = key.take(order)
        fresh = np.append(True, key[1:] != key[:-1])
        chunk = np.empty(order.size, np.uint32)
        chunk[order] = self._chunks.size - 1 + np.cumsum(fresh)
        some = order.compress(fresh)
        start, length = start.take(some), length.take(some)

        byte = window.data.take(in_a_row(start, length))
        formed = self.symbols.byte_pairs[port].take(byte[:-1].astype(np.intp) << 8 | byte[1:])
        begins = np.zeros(byte.size, np.bool_)
        begins[np.cumsum(length) - length] = True
        stream, begins, _ = compete(self.symbols, byte + self.symbols.base[port], begins, np.arange(byte.size), formed)
        first = np.flatnonzero(begins)
        size = np.diff(first, append=stream.size)
        self._remember(key.compress(fresh), stream, size, chunk_frequency(self._frequency, stream, first, size))
        return chunk

    def _remember(self, key: U64, stream: U32, size: I64, frequency: U32) -> None:
        """Hold chunks that are not held yet: their symbols in a row, and how many each has."""
        chunk = np.arange(self._chunks.size, self._chunks.size + key.size, dtype=np.uint32)
        first = self._pool.size + np.cumsum(size) - size
        self._chunks.append(key.size, key=key, first=first, size=size, count=0, frequency=frequency)
        self._pool.append(stream.size, symbol=stream)
        self._known.put(key, chunk)


def _end_key(port: int | I64) -> NDArray[np.uint64]:
    """What stands for the hash of a line's end: of a port, or of several."""
    return np.asarray(port, np.uint64) + np.uint64(1)


def _order(key: U64) -> I64:
    """Indices by which equal keys stand together, in order of place. The place is sorted as part of the key: numpy's
    sort is SIMD, its argsort is not; the bits of a hash that it takes the place of are not missed.
    """
    place = np.uint64((1 << key.size.bit_length()) - 1)
    both = (key & ~place) | np.arange(key.size, dtype=np.uint64)
    both.sort()
    return (both & place).view(np.int64)
