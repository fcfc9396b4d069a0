"""Parse: bytes -> symbols, by local competition, each distinct chunk once.

A chunk that was parsed before is looked up; all others are parsed together, as arrays (see `competition`), and are
remembered with how often they were seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melvin.attention import MOST_SEEN, SEEN_BITS, chunk_frequency
from melvin.budget import DEFAULT_MEMORY, within
from melvin.chunks import MAX_CHUNK, Window
from melvin.codes import END, START
from melvin.competition import compete
from melvin.hashing import ABSENT, Index
from melvin.lexicon import Lexicon, fold
from melvin.searching import nearly_sorted
from melvin.symbols import Symbols
from melvin.tables import FOLD_KEYS, I64, U32, U64, in_a_row, sizes, slices

# Symbols that the parsed chunks remembered in DEFAULT_MEMORY may have, with all that is held of them 100 to 150 MiB;
# then half of it is forgotten, which takes as much again for a moment.
POOL_SYMBOLS = 1 << 22
MOST_POOL = 1 << 30  # places in it, with a chunk's size and frequency, are one word, also of what is parsed at once
END_KEY = np.uint64(1)  # stands for the hash of a line's end
OFTEN = 255  # times read: chunks that were read as often or more are all alike
_SIZE_BITS = MAX_CHUNK.bit_length()
_MOST_SIZE = np.uint64((1 << _SIZE_BITS) - 1)


@dataclass(frozen=True)
class Parsed:
    """Chunks as symbols: chunk i, whose bytes hash to key[i], is pool[first[i] : first[i] + size[i]].

    key : uint64, first, size : int64, frequency : uint32, shape (c,) each;  pool : uint32
    frequency : tells how often a chunk was seen at the most, MOST_SEEN for the end of a line (see `attention`)
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
                longer = np.empty(1 << (end - 1).bit_length(), held.dtype)
                longer[: self.size] = held[: self.size]
                self._held[name] = longer  # only now: nothing is lost where this is broken off
            self._held[name][self.size : end] = values[name]
        self.size = end


class _Held:
    """Parsed chunks, and where each stands.

    The first are the ends of lines, by port, which are never looked up. END is followed by START, so that the stream of
    a whole block needs no further care at line borders.

    known : by the hash of a chunk, where it stands among them
    chunks : its hash, what `_packed` makes of it, and how often it was read of late
    pool : the symbols of all, chunk after chunk
    """

    def __init__(self, base: U32) -> None:
        self.known = Index(base.size)
        self.chunks = Columns(key=np.uint64, held=np.uint64, count=np.int64)
        self.pool = Columns(symbol=np.uint32)
        ends = np.column_stack((base + np.uint32(END), base + np.uint32(START))).ravel()
        self._append(np.full(base.size, END_KEY), ends, np.full(base.size, 2), np.full(base.size, MOST_SEEN))

    def add(self, key: U64, stream: U32, size: I64, frequency: U32) -> None:
        """Hold chunks, and know them when they come again. stream : their symbols, in a row"""
        self._append(key, stream, size, frequency)
        self.known.add(self.chunks["key"])

    def _append(self, key: U64, stream: U32, size: I64, frequency: NDArray[np.integer]) -> None:
        first = self.pool.size + np.cumsum(size) - size
        self.pool.append(stream.size, symbol=stream)
        self.chunks.append(key.size, key=key, held=_packed(first, size, frequency), count=0)

    def take(self, chunk: I64) -> tuple[Lexicon, U32]:
        """Some of the chunks, and their frequencies."""
        first, size, frequency = _unpacked(self.chunks["held"].take(chunk))
        pool = self.pool["symbol"].take(in_a_row(first, size))
        return Lexicon(self.chunks["key"].take(chunk), self.chunks["count"].take(chunk), size, pool), frequency

    def often(self, room: int) -> I64:
        """The chunks that were read most often of late, as many as there is room for, in symbols."""
        count = np.minimum(self.chunks["count"], OFTEN).astype(np.uint8)
        symbols = np.bincount(count, _sizes(self.chunks["held"]), OFTEN + 2)[::-1].cumsum()[::-1]  # so often, or more
        return np.flatnonzero(count >= np.argmax(symbols <= room))


def _packed(first: I64, size: I64, frequency: NDArray[np.integer]) -> U64:
    """Where the symbols of chunks begin, how many they are, and how often each chunk was seen, in one word each."""
    held = first << _SIZE_BITS | size
    return (held << np.int64(SEEN_BITS) | frequency).view(np.uint64)


def _unpacked(held: U64) -> tuple[I64, I64, U32]:
    """The same three."""
    frequency = (held & np.uint64(MOST_SEEN)).astype(np.uint32)
    held = held >> np.uint64(SEEN_BITS)
    size = (held & _MOST_SIZE).view(np.int64)
    held >>= np.uint64(_SIZE_BITS)
    return held.view(np.int64), size, frequency


def _sizes(held: U64) -> NDArray[np.uint8]:
    """The second of them alone, in little room."""
    sizes = np.empty(held.size, np.uint8)
    for part in slices(held.size, FOLD_KEYS):
        sizes[part] = held[part] >> np.uint64(SEEN_BITS) & _MOST_SIZE
    return sizes


class Parser:
    """Parses chunks under one set of symbols, remembers them, and counts how often each was read.

    Parameters
    ----------
    frequency : uint32, shape (symbols,)   how often each symbol was seen
    memory : the budget of the brain that reads
    """

    def __init__(self, symbols: Symbols, frequency: U32, memory: int = DEFAULT_MEMORY) -> None:
        self.symbols = symbols
        self._memory, self._room = memory, min(within(memory, POOL_SYMBOLS), MOST_POOL)
        self._frequency = frequency
        self._tallied = Lexicon.empty()
        self._held = _Held(symbols.base)

    def lexicon(self) -> Lexicon:
        """The chunks read so far, and how often each was."""
        count, key = self._held.chunks["count"], self._held.chunks["key"]
        some, _ = self._held.take(np.flatnonzero((count > 0) & (key <= self._tallied.last)))
        self._tallied = fold(self._tallied, some, self._memory)
        count[:] = 0
        return self._tallied

    def _forget_rare(self) -> None:
        """Remember only the chunks that were read most often of late, as many as half of the room is enough for."""
        often = self._held.often(self._room // 2)
        self.lexicon()
        kept, frequency = self._held.take(often)
        self._held = _Held(self.symbols.base)
        self._held.add(kept.key, kept.pool, kept.size, frequency)

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
        key, ends = window.hash(start, length, chunk_salt(port)), np.flatnonzero(terminator)
        key[ends] = END_KEY
        chunk = self._held.known.get(key)
        chunk[ends] = port
        missing = np.flatnonzero(chunk == ABSENT)
        if missing.size:
            if self._held.pool.size > self._room:
                self._forget_rare()
                chunk = self._held.known.get(key)
                chunk[ends] = port
                missing = np.flatnonzero(chunk == ABSENT)
            chunk[missing] = self._learn(window, start.take(missing), length.take(missing), port, key.take(missing))
        at = chunk.astype(np.int64)  # as `take` would make it each time
        if tally:
            np.add.at(self._held.chunks["count"], at, 1)
            self._held.chunks["count"][port] = 0  # the end of a line is in no lexicon
        return Parsed(key, self._held.pool["symbol"], *_unpacked(self._held.chunks["held"].take(at)))

    def _learn(self, window: Window, start: I64, length: I64, port: int, key: U64) -> U32:
        """Parse chunks that are not known, which may come several times. -> uint32, shape (c,): where they are held

        One may be held twice where the hashes of two differ in their lowest bits alone: the lexicon adds its counts.
        """
        order = nearly_sorted(key)
        key = key.take(order)
        fresh = np.append(True, key[1:] != key[:-1])
        chunk = np.empty(order.size, np.uint32)
        chunk[order] = self._held.chunks.size - 1 + np.cumsum(fresh)
        some = order.compress(fresh)
        start, length = start.take(some), length.take(some)

        byte = window.data.take(in_a_row(start, length))
        formed = self.symbols.byte_pairs[port].take(byte[:-1].astype(np.intp) << 8 | byte[1:])
        begins = np.zeros(byte.size, np.bool_)
        begins[np.cumsum(length) - length] = True
        stream, begins, _ = compete(self.symbols, byte + self.symbols.base[port], begins, np.arange(byte.size), formed)
        first = np.flatnonzero(begins)
        size = sizes(first, stream.size)
        self._held.add(key.compress(fresh), stream, size, chunk_frequency(self._frequency, stream, first, size))
        return chunk
