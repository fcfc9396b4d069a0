"""Trace: the end of a line -> the one place behind it, in plain numbers; what was worked out of its chunks is kept.

What `encode` does for all places of a block, for one place at a time: a line that grows by a byte has the chunks that
it had, and arrays of one are dear.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from melvin.attention import LAGS, NAME_SHIFT, OPENING, at_lag_one, chunk_frequency_one, continued_one, foci
from melvin.chunks import MAX_CHUNK, hash_one
from melvin.codes import START
from melvin.competition import compete_one
from melvin.contexts import context_after
from melvin.encode import LOOK_BACK, MOST_SINCE
from melvin.generation import Snapshot, times_seen
from melvin.lines import MAX_PIECE
from melvin.parse import chunk_salt
from melvin.remembered import Remembered
from melvin.vectors import FRAME_LAGS
from melvin.weights import BEGINNING, FIRST, INSIDE
from melvin.words import BORDER, word_name

KEPT_CHUNKS = 1 << 14  # chunks remembered: about 10 MiB; then the trace starts afresh
KEPT_PAIRS = 1 << 16  # pairs of symbols, and what they form: about 10 MiB
_NO_WORD = int(BORDER)
_NAME_SHIFT = int(NAME_SHIFT)


class Chunk(NamedTuple):
    """Some bytes that are read together, and what they are.

    key : their hash;  name : see `attention`;  symbols : they parse to
    word : name of the word, `BORDER` where it is none;  place : where its vector is, -1 where it has none
    """

    payload: bytes
    key: int
    name: int
    symbols: tuple[int, ...]
    word: int
    place: int


class Begun(NamedTuple):
    """One place where the coming symbol may have begun: of `places.Begun`, one of one prediction.

    prefix : the bytes since, with which the symbol that is coming begins
    """

    part: int
    here: int
    prefix: bytes


class Spot(NamedTuple):
    """Where a prediction is asked for.

    context : the last codes as `contexts` packs them
    position : where what comes stands, see `weights`
    read : what is read of the chunk that what comes belongs to
    chunk : the symbol before that chunk;  behind : the last one of what is read, None where nothing is
    begun : where the symbol that is coming may have begun, the chunk's start first
    before : name of the chunk before the last whole one
    attended : names of the chunks attended to with their lags
    told : bytes of the last whole chunk and of this one
    last, second, far : the chunk before, one more, the one attended to, where they are words; or None
    lag : how far back that is
    """

    context: int
    position: int
    read: bytes
    chunk: int
    behind: int | None
    begun: tuple[Begun, ...]
    before: int
    attended: tuple[int, ...]
    told: int
    last: Spoken | None
    second: Spoken | None
    far: Spoken | None
    lag: int

    @property
    def here(self) -> int:
        """Name of the chunk before, with what is read of this one."""
        return self.begun[-1].here


class Spoken(NamedTuple):
    """A chunk as it stands in text, to be looked up as a word: see `kinship.Said`.

    place : where its vector is;  before : where it has none (-1), names of the words before it
    """

    place: int
    before: tuple[int, ...]
    separator: int


class Trace:
    """Places in lines of one port of a snapshot."""

    def __init__(self, known: Snapshot, port: int) -> None:
        self._symbols, self._links, self._embeddings = known.symbols, known.evidence.links, known.embeddings
        self._port, self._salt = port, chunk_salt(port)
        self._foci = foci(known.fresh)
        self._separates = known.separator[port].tolist()
        self._ends = known.separator[port].astype(np.uint8).tobytes()  # a table for bytes.translate
        self._base = int(known.symbols.base[port])
        self._start = self._base + START
        self._chunks = Remembered(self._read, KEPT_CHUNKS)
        self._keys = Remembered(self._key, KEPT_CHUNKS)
        self._often = Remembered(self._frequency, KEPT_CHUNKS)
        self._pairs = Remembered(known.symbols.pattern_of_one, KEPT_PAIRS)

    def spot(self, text: bytes) -> Spot | None:
        """The place behind a text; None where the text is longer than a piece of a line."""
        if len(text) > MAX_PIECE:
            return None
        payloads = self._cut(text)
        chunks = [self._chunks[payload] for payload in payloads]
        part = chunks.pop() if chunks and not self._finished(payloads[-1]) else None
        last = len(chunks) - 1
        before = [chunks[last - back].name if last >= back else int(OPENING) for back in (0, 1)]
        attended, lag = self._attended(chunks)
        read = part.payload if part else b""
        told = len(chunks[last].payload) if chunks else 1
        far = last - lag if attended else -1
        return Spot(
            context=context_after(text, self._port),
            position=(INSIDE if part else BEGINNING) if chunks else FIRST,
            read=read,
            chunk=chunks[last].symbols[-1] if chunks else self._start,
            behind=part.symbols[-1] if part else None,
            begun=self._begun(read, before[0]),
            before=before[1],
            attended=attended,
            told=told + len(read),
            last=self._spoken(chunks, last),
            second=self._spoken(chunks, last - 1),
            far=self._spoken(chunks, far),
            lag=lag,
        )

    def _begun(self, read: bytes, before: int) -> tuple[Begun, ...]:
        """Where the coming symbol may have begun: with the chunk that is being read, in it, or behind all of it.

        before : name of the chunk before
        """
        found = [Begun(0, before, read)]
        for size in range(max(len(read) - MOST_SINCE, 1), len(read) + 1):
            part = self._keys[read[:size]]
            found.append(Begun(part, continued_one(before, part), read[size:]))
        return tuple(found)

    def _cut(self, text: bytes) -> list[bytes]:
        """The last chunks of a text: LOOK_BACK that a separator ends, and what stands between and behind them."""
        marks, at, borders = text.translate(self._ends), len(text), [len(text)]
        while len(borders) <= LOOK_BACK + 1:
            at = marks.rfind(1, 0, at)
            borders.append(at + 1)
            if at < 0:
                break
        borders.reverse()
        return [
            text[at : min(at + MAX_CHUNK, end)]
            for begin, end in pairwise(borders)
            for at in range(begin, end, MAX_CHUNK)
        ]

    def _finished(self, payload: bytes) -> bool:
        return bool(self._separates[payload[-1]]) or len(payload) == MAX_CHUNK

    def _attended(self, chunks: list[Chunk]) -> tuple[tuple[int, ...], int]:
        """What the last whole chunk attends to, by name and lag: see `attention.attend`; and the first one's lag."""
        found: list[tuple[int, int]] = []  # (frequency, lag), where a slot is filled
        for back in range(1, min(LAGS, len(chunks) - 1) + 1):
            offer = (self._often[chunks[-1 - back].symbols], back)
            for slot in range(self._foci):
                if slot == len(found):
                    found.append(offer)
                    break
                if offer < found[slot]:
                    found[slot], offer = offer, found[slot]
        told = tuple(at_lag_one(chunks[-1 - back].name, back) for _, back in found)
        return told, found[0][1] if found else 0

    def _spoken(self, chunks: list[Chunk], at: int) -> Spoken | None:
        if at < 0 or chunks[at].word == _NO_WORD:
            return None
        before: tuple[int, ...] = ()
        if chunks[at].place < 0:
            before = tuple(chunks[at - lag].word if at >= lag else _NO_WORD for lag in range(1, FRAME_LAGS + 1))
        return Spoken(chunks[at].place, before, chunks[at].payload[-1])

    def _key(self, payload: bytes) -> int:
        return hash_one(payload, self._salt)

    def _read(self, payload: bytes) -> Chunk:
        key = self._keys[payload]
        symbols = compete_one(self._pairs.__getitem__, [self._base + byte for byte in payload])
        said = payload[:-1] if self._separates[payload[-1]] else payload
        word = word_name(hash_one(said, self._salt)) if said else _NO_WORD
        return Chunk(payload, key, key >> _NAME_SHIFT, tuple(symbols), word, self._embeddings.place(word))

    def _frequency(self, symbols: tuple[int, ...]) -> int:
        """How often a chunk of these symbols was seen, at the most, as `attention.chunk_frequency` tells."""
        rarest = min(times_seen(self._symbols, self._links, symbol) for symbol in symbols)
        return chunk_frequency_one(rarest, len(symbols))
