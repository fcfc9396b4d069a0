"""Counting: one block of lines -> the keys of everything that is counted in it.

The same for a block that is being learnt and for lines that were held back to be predicted first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.attention import NOTHING, Focus, attend, chunk_frequency, chunks_before, continued, earlier, names
from melvin.chunks import Window, chunk_starts, finished
from melvin.contexts import ORDER, codes_of, ngrams
from melvin.edges import pack
from melvin.lines import Block
from melvin.parse import Parser, chunk_salt
from melvin.settings import Settings
from melvin.symbols import END, END_CODE, START, U32, Symbols
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
    symbols: Symbols, familiarity: Familiarity, block: Block, port: int, carry: Carry, reading: Reading
) -> tuple[dict[str, U64], Carry]:
    """Keys of all evidence in a block, by table; and what stands before the next block."""
    stream = reading.stream
    base = symbols.base[port]
    opening, end = base + np.uint32(START), base + np.uint32(END)

    source, target = stream[:-1], symbols.rank[stream[1:]]
    # A chunk's first symbol comes after the chunk before; a later one also after the part of its chunk before it.
    # A line's end belongs to the chunk before it, if that was not finished.
    chunk = np.repeat(np.arange(reading.size.size), reading.size)
    head = reading.first - 1
    offset = np.cumsum(symbols.length[source], dtype=np.int64)
    part = offset - offset[head][chunk]
    ends = head[stream[reading.first] == end]
    cut = ends[(reading.within[chunk[ends]] > 0) & ~reading.finished[chunk[ends] - 1]]
    chunk[cut] -= 1
    part[cut] = reading.length[chunk[cut]]
    here = earlier(reading.name, reading.within, chunk, 1)
    before = earlier(reading.name, reading.within, chunk, 2)
    inner = np.flatnonzero(part > 0)
    begun = reading.window.hash(reading.start[chunk[inner]], part[inner], reading.salt)
    here[inner] = continued(here[inner], begun)
    holder = np.maximum(chunk - 1, 0)
    reaches = reading.within[chunk] > 0
    open_ = (source != end) & (source != opening) & ~familiarity.settled[source]  # the source leaves something open
    attended: list[U64] = [np.empty(0, np.uint64)]
    on = familiarity.settings
    key = reading.focus.key
    for slot in range(familiarity.foci):
        focus = np.where(reaches & open_, key[slot, holder], NOTHING)
        told = np.flatnonzero(focus != NOTHING)
        if on.attention:
            attended.append(pack(pack(focus[told], here[told]), target[told]))
        if not slot:
            main, lag = reading.focus.chunk[slot, holder[told]], reading.focus.lag[slot, holder[told]] + 1
            context_edges = pack(pack(main, target[told]), lag.astype(np.uint64))
    near = chosen_pieces(
        reading.window, block.piece_start, block.piece_end - block.piece_start, familiarity.pairs_one_in
    )
    piece = np.cumsum(reading.within == 0) - 1
    words = np.flatnonzero((reading.word > 0) & near[piece])
    named = word_names(reading.window.hash(reading.start[words], reading.word[words], reading.salt))
    none = np.empty(0, np.uint64)
    keys = {
        "links": pack(source, target)[source != end],
        "transformers": pack(pack(before[open_], here[open_]), target[open_]) if on.edge_transformers else none,
        "attended": np.concatenate(attended),
        "context_edges": context_edges if on.context_edges else none,
        "grams": ngrams(block, carry.before, port),
        "pairs": pair_keys(
            named,
            piece[words],
            np.concatenate(([block.opens], block.closed[:-1])),
            block.closed,
            familiarity.reach,
            every_word(reading.salt),
        ),
    }
    codes = np.concatenate((carry.before, codes_of(block)[-ORDER:]))[-ORDER:]
    return keys, Carry(stream[-1], codes)
