"""Counting: one block of lines -> the keys of everything that is counted in it.

The same for a block that is being learnt and for lines that were held back to be predicted first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from melvin.attention import NOTHING, Focus, attend, chunk_frequency, chunks_before, continued, earlier, names
from melvin.chunks import Window, chunk_starts, finished
from melvin.contexts import ORDER, codes_of, ngrams
from melvin.edges import pack
from melvin.lines import Block
from melvin.parse import Parser, chunk_salt
from melvin.settings import Settings
from melvin.symbols import END, END_CODE, START, SYMBOL_BITS, U32, Symbols
from melvin.tables import U64
from melvin.words import chosen_pieces, every_word, pair_keys, word_names


@dataclass(frozen=True)
class Carry:
    """What stands before a block.

    last : uint32                     the last symbol
    before : uint64, shape (ORDER,)   the last codes
    """

    last: np.uint32
    before: U64

    @classmethod
    def opening(cls, symbols: Symbols, port: int) -> Carry:
        """What stands before a line's start."""
        return cls(symbols.base[port] + np.uint32(START), np.full(ORDER, END_CODE, np.uint64))


@dataclass(frozen=True)
class Reading:
    """A block cut into chunks and parsed.

    stream : uint32, shape (1 + s,)    symbols of the block, behind the last one before it
    start, length : int64, shape (c,)  where each chunk begins in the block, and its bytes
    size : int64, shape (c,)           its number of symbols
    finished : bool, shape (c,)        see `chunks`
    name : uint32, shape (c,)          see `attention`
    within : int64, shape (c,)         how many chunks of its piece of a line stand before it
    word : int64, shape (c,)           its bytes without the separator; 0 for a line's end
    focus : what each chunk attends to
    salt : of the chunks' hashes
    """

    window: Window
    stream: U32
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    finished: NDArray[np.bool_]
    size: NDArray[np.int64]
    name: U32
    within: NDArray[np.int64]
    word: NDArray[np.int64]
    focus: Focus
    salt: int

    @property
    def first(self) -> NDArray[np.int64]:
        """int64, shape (c,): where each chunk's symbols begin in the stream."""
        return 1 + np.cumsum(self.size) - self.size


@dataclass(frozen=True)
class Familiarity:
    """What counting needs to know of each symbol, as it was when the generation began.

    frequency : uint32, shape (n,)   how often it was seen
    settled : bool, shape (n,)       it was always followed by the same symbol, often enough to expect no other
    foci : chunks attended to at a time
    pairs_one_in : pieces of lines for each whose pairs of words are counted
    reach : words looked back and ahead in them
    settings : which mechanisms are on
    """

    frequency: U32
    settled: NDArray[np.bool_]
    foci: int
    pairs_one_in: int
    reach: int
    settings: Settings


def read(
    parser: Parser,
    familiarity: Familiarity,
    separator: NDArray[np.bool_],
    block: Block,
    port: int,
    carry: Carry,
    *,
    tally: bool = False,
) -> Reading:
    """Parse a block; with `tally` its chunks count as read."""
    window = Window(block.data)
    start = chunk_starts(block, separator)
    length = np.diff(start, append=block.data.size)
    terminator = np.zeros(block.data.size, np.bool_)
    terminator[block.piece_end[block.closed] - 1] = True
    parsed = parser.parse(window, start, length, port, terminator[start], tally)
    stream = parsed.stream()
    seen = chunk_frequency(familiarity.frequency, stream, np.cumsum(parsed.size) - parsed.size, parsed.size)
    seen[terminator[start]] = NOTHING
    opens = np.zeros(block.data.size, np.bool_)
    opens[block.piece_start] = True
    opens = opens[start]
    name = names(parsed.key)
    return Reading(
        window=window,
        stream=np.concatenate(([carry.last], stream)),
        start=start,
        length=length,
        finished=finished(block, separator, start, length),
        size=parsed.size,
        name=name,
        within=chunks_before(opens),
        word=np.where(terminator[start], 0, length - separator[block.data[start + length - 1]]),
        focus=attend(name, seen, opens, familiarity.foci),
        salt=chunk_salt(port),
    )


def count(
    symbols: Symbols,
    familiarity: Familiarity,
    block: Block,
    port: int,
    carry: Carry,
    reading: Reading,
    halvings: Mapping[str, int] = MappingProxyType({}),
) -> tuple[dict[str, U64], Carry]:
    """Keys of all evidence in a block, by table; and what stands before the next block.

    halvings : how far tables are thinned: of a key that would not be kept, nothing is worked out (see `tables`)
    """
    stream = reading.stream
    base = symbols.base[port]
    opening, end = base + np.uint32(START), base + np.uint32(END)
    source, target = stream[:-1], symbols.rank[stream[1:]]
    keys = {
        "links": pack(source, target)[source != end],
        "grams": ngrams(block, carry.before, port),
        "context_edges": _pairs(familiarity, block, reading),
    }
    keys |= _with_context(familiarity, reading, _Steps.of(symbols, reading, source, opening, end), target, halvings)
    codes = np.concatenate((carry.before, codes_of(block)[-ORDER:]))[-ORDER:]
    return keys, Carry(stream[-1], codes)


@dataclass(frozen=True)
class _Steps:
    """Every step from one symbol of a stream to the next.

    chunk : int64, shape (s,)   the chunk that is being read; a line's end belongs to the chunk before, if unfinished
    part : int64, shape (s,)    how many of its bytes stand before the step
    open : bool, shape (s,)     the symbol before leaves something open
    """

    chunk: NDArray[np.int64]
    part: NDArray[np.int64]
    open: NDArray[np.bool_]

    @classmethod
    def of(cls, symbols: Symbols, reading: Reading, source: U32, opening: np.uint32, end: np.uint32) -> _Steps:
        chunk = np.repeat(np.arange(reading.size.size), reading.size)
        head = reading.first - 1
        offset = np.cumsum(symbols.length[source.astype(np.intp)], dtype=np.int64)
        part = offset - offset[head][chunk]
        ends = head[reading.stream[reading.first] == end]
        cut = ends[(reading.within[chunk[ends]] > 0) & ~reading.finished[chunk[ends] - 1]]
        chunk[cut] -= 1
        part[cut] = reading.length[chunk[cut]]
        return cls(chunk, part, (source != end) & (source != opening))

    def here(self, reading: Reading, at: NDArray[np.int64]) -> U32:
        """Name of the chunk before some steps, together with the part of the chunk that is being read."""
        chunk, part = self.chunk[at], self.part[at]
        here = earlier(reading.name, reading.within, chunk, 1)
        inner = np.flatnonzero(part > 0)
        begun = reading.window.hash(reading.start[chunk[inner]], part[inner], reading.salt)
        here[inner] = continued(here[inner], begun)
        return here


def _with_context(
    familiarity: Familiarity, reading: Reading, steps: _Steps, target: U32, halvings: Mapping[str, int]
) -> dict[str, U64]:
    """Keys of the tables that are read by a name of what came before."""
    on, none = familiarity.settings, np.empty(0, np.uint64)
    open_ = steps.open & ~familiarity.settled[reading.stream[:-1]]
    reaches = open_ & (reading.within[steps.chunk] > 0)
    holder = np.maximum(steps.chunk - 1, 0)

    before = earlier(reading.name, reading.within, steps.chunk, 2)
    turned = open_ & (before < _limit(halvings, "transformers")) & on.edge_transformers
    attended: list[U64] = [none]
    wanted = turned.copy()
    foci: list[U32] = []
    for slot in range(familiarity.foci if on.attention else 0):
        focus = np.where(reaches, reading.focus.key[slot, holder], NOTHING)
        wanted |= focus < _limit(halvings, "attended")
        foci.append(focus)
    at = np.flatnonzero(wanted)
    here, next_ = steps.here(reading, at), target[at]
    for focus in foci:
        told = np.flatnonzero(focus[at] < _limit(halvings, "attended"))
        attended.append(pack(pack(focus[at[told]], here[told]), next_[told]))
    turned = turned[at]
    return {
        "transformers": pack(pack(before[at[turned]], here[turned]), next_[turned]),
        "attended": np.concatenate(attended),
    }


def _limit(halvings: Mapping[str, int], table: str) -> np.uint32:
    """The first name whose keys a table does not keep."""
    return np.uint32(1 << max(SYMBOL_BITS - halvings.get(table, 0), 0))


def _pairs(familiarity: Familiarity, block: Block, reading: Reading) -> U64:
    """Keys of the pairs of words near each other."""
    if not familiarity.settings.context_edges:
        return np.empty(0, np.uint64)
    length = block.piece_end - block.piece_start
    chosen = chosen_pieces(reading.window, block.piece_start, length, familiarity.pairs_one_in)
    piece = np.cumsum(reading.within == 0) - 1
    words = np.flatnonzero((reading.word > 0) & chosen[piece])
    named = word_names(reading.window.hash(reading.start[words], reading.word[words], reading.salt))
    opens = np.concatenate(([block.opens], block.closed[:-1]))
    return pair_keys(named, piece[words], opens, block.closed, familiarity.reach, every_word(reading.salt))
