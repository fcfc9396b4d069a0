"""Counting: one block of lines -> the keys of everything that is counted in it.

The same for a block that is being learnt and for lines that were held back to be predicted first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from melvin.attention import NOTHING, OPENING, Focus, all_bits, attend, continued, earlier, names
from melvin.chunks import MAX_CHUNK, Window, chunk_starts, separates
from melvin.codes import END, END_CODE, START, SYMBOL_BITS
from melvin.contexts import ORDER, last_codes, ngrams
from melvin.edges import pack
from melvin.evidence import ROW_BITS
from melvin.lines import Block
from melvin.parse import Parser, chunk_salt
from melvin.settings import Settings
from melvin.symbols import Symbols
from melvin.tables import U32, U64, in_a_row, sizes
from melvin.thinning import chosen, kept_rows
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
    ends : bool, shape (c,)            it is the end of a line
    finished : bool, shape (c,)        it can go on no further, so that what comes next begins a new one
    key : uint64, shape (c,)           hash of its bytes
    name : uint32, shape (c,)          see `attention`
    begin : int64, shape (p,)          the first chunk of each piece of a line
    within : int64, shape (c,)         how many chunks of its piece of a line stand before it
    word : int64, shape (c,)           its bytes without the separator; 0 for a line's end
    focus : what each chunk attends to
    salt : of the chunks' hashes
    """

    window: Window
    stream: U32
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    ends: NDArray[np.bool_]
    finished: NDArray[np.bool_]
    size: NDArray[np.int64]
    key: U64
    name: U32
    begin: NDArray[np.int64]
    within: NDArray[np.int64]
    word: NDArray[np.int64]
    focus: Focus
    salt: int

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """int64, shape (c,): where each chunk's symbols begin in the stream."""
        first = np.cumsum(self.size)
        first -= self.size
        first += 1
        return first


@dataclass(frozen=True)
class Familiarity:
    """What counting needs to know of each symbol, as it was when the generation began.

    frequency : uint32, shape (n,)   how often it was seen
    foci : chunks attended to at a time
    pairs_one_in : pieces of lines for each whose pairs of words are counted
    reach : words looked back and ahead in them
    settings : which mechanisms are on
    """

    frequency: U32
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
    length = sizes(start, block.data.size)
    opens = np.zeros(block.data.size, np.bool_)
    opens[block.piece_start] = True
    begin = np.flatnonzero(opens.take(start))
    chunks = sizes(begin, start.size)
    terminator = np.zeros(start.size, np.bool_)
    terminator[(begin + chunks - 1).compress(block.closed)] = True
    parsed = parser.parse(window, start, length, port, terminator, tally)
    stream = parsed.stream()
    within = in_a_row(np.zeros_like(begin), chunks)
    name = names(parsed.key)
    separated = separates(block.data.take(start + length - 1), separator)
    return Reading(
        window=window,
        stream=np.concatenate(([carry.last], stream)),
        start=start,
        length=length,
        ends=terminator,
        finished=separated | (length == MAX_CHUNK),
        size=parsed.size,
        key=parsed.key,
        name=name,
        begin=begin,
        within=within,
        word=length - (separated | terminator),
        focus=attend(name, parsed.frequency, within, familiarity.foci),
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

    halvings : how far tables are thinned: keys are left out that would not be kept (see `thinning`)
    """
    opening, end = symbols.base[port] + np.uint32(START), symbols.base[port] + np.uint32(END)
    source, target = reading.stream[:-1], symbols.ranks.rank.take(reading.stream[1:])
    keys = {
        "grams": ngrams(block, carry.before, port),
        "context_edges": _pairs(familiarity, block, reading),
        **_with_context(symbols, familiarity, reading, opening, target, halvings),
    }
    keys = {name: chosen(key, halvings.get(name, 0), ROW_BITS.get(name)) for name, key in keys.items()}
    rows = kept_rows(symbols.size, halvings.get("links", 0), ROW_BITS["links"])
    keys["links"] = _links(source, target, end, rows)
    return keys, Carry(reading.stream[-1], last_codes(block, carry.before))


def _links(source: U32, target: U32, end: np.uint32, kept: NDArray[np.bool_] | None) -> U64:
    """Keys of the edges from each symbol to the next; none leads on from a line's end.

    source, target : uint32, shape (s,), ids and ranks;  kept : bool, shape (symbols,)   those whose rows are kept
    """
    leads_on = source != end
    if kept is None:
        return pack(source, target).compress(leads_on)
    some = np.flatnonzero(leads_on & kept.take(source))
    return pack(source.take(some), target.take(some))


def _with_context(
    symbols: Symbols,
    familiarity: Familiarity,
    reading: Reading,
    opening: np.uint32,
    target: U32,
    halvings: Mapping[str, int],
) -> dict[str, U64]:
    """Keys of the tables that are read by a name of what came before: all that are kept, and few others."""
    on = familiarity.settings
    last, before = (earlier(reading.name, reading.within, back) for back in (1, 2))
    limit = _limit(halvings, "transformers") if on.edge_transformers else np.uint32(0)
    turned = before < limit
    foci = _attended_before(reading) if on.attention else np.empty((0, before.size), np.uint32)
    tells = foci < _limit(halvings, "attended")
    told = tells.any(0)
    begun = (before | last * (before == OPENING)) < limit  # of a key that begins with 0 the next name counts
    steps = _Steps.of(symbols, reading, opening, begun | told, turned | told)
    here, next_ = _here(reading, last, steps), target.take(steps.place)
    attended = [np.empty(0, np.uint64)]
    for focus, tell in zip(foci, tells, strict=True):
        some = np.flatnonzero(tell.take(steps.chunk))
        attended.append(pack(pack(focus.take(steps.chunk.take(some)), here.take(some)), next_.take(some)))
    some = np.flatnonzero(turned.take(steps.chunk))
    return {
        "transformers": pack(pack(before.take(steps.chunk.take(some)), here.take(some)), next_.take(some)),
        "attended": np.concatenate(attended),
    }


@dataclass(frozen=True)
class _Steps:
    """Steps from one symbol of a stream to the next, but for those from a line's start.

    place : int64, shape (s,)   of the symbol before, in the stream
    chunk : int64, shape (s,)   the chunk that is being read; a line's end belongs to the chunk before, if unfinished
    part : int64, shape (p,)    how many of its bytes stand before the step, for the last p of them; none for the others
    """

    place: NDArray[np.int64]
    chunk: NDArray[np.int64]
    part: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        symbols: Symbols,
        reading: Reading,
        opening: np.uint32,
        to: NDArray[np.bool_],
        inside: NDArray[np.bool_],
    ) -> _Steps:
        """The steps that some chunks begin with, and those inside some chunks.

        opening : the symbol at a line's start;  to, inside : bool, shape (c,)
        """
        first = reading.first
        # The end of a line whose last chunk is not finished: that chunk could have gone on.
        goes_over = np.zeros(first.size + 1, np.bool_)
        goes_over[1:-1] = reading.ends[1:] & (reading.within[1:] > 0) & ~reading.finished[:-1]
        begun = np.flatnonzero(to & ~goes_over[:-1])
        begun = begun.compress(reading.stream.take(first.take(begun) - 1) != opening)
        over = np.flatnonzero(inside & goes_over[1:])
        several = np.flatnonzero(inside & (reading.size > 1) & ~reading.ends)
        steps = reading.size.take(several) - 1
        further = in_a_row(first.take(several), steps)
        passed = np.append(0, np.cumsum(symbols.length.take(reading.stream.take(further)), dtype=np.int64))
        part = passed[1:] - np.repeat(passed.take(np.cumsum(steps) - steps), steps)

        place = np.concatenate((first.take(begun) - 1, first.take(over + 1) - 1, further))
        chunk = np.concatenate((begun, over, np.repeat(several, steps)))
        return cls(place, chunk, np.concatenate((reading.length.take(over), part)))


def _attended_before(reading: Reading) -> U32:
    """What is attended to from the chunk before each, NOTHING where none is. uint32, shape (foci, c)"""
    key = reading.focus.key
    found = np.empty_like(key)
    found[:, :1] = NOTHING
    np.bitwise_or(key[:, :-1], all_bits(reading.within[1:] == 0, np.uint32), out=found[:, 1:])
    return found


def _here(reading: Reading, last: U32, steps: _Steps) -> U32:
    """Name of the chunk before each step, together with the part of the chunk that is being read.

    last : uint32, shape (c,)   name of the chunk before each
    """
    here = last.take(steps.chunk)
    bare = steps.chunk.size - steps.part.size  # steps that begin a chunk
    part = reading.window.hash(reading.start.take(steps.chunk[bare:]), steps.part, reading.salt)
    here[bare:] = continued(here[bare:], part)
    return here


def _limit(halvings: Mapping[str, int], table: str) -> np.uint32:
    """The first name whose keys a table does not keep."""
    return np.uint32(1 << max(SYMBOL_BITS - halvings.get(table, 0), 0))


def _pairs(familiarity: Familiarity, block: Block, reading: Reading) -> U64:
    """Keys of the pairs of words near each other."""
    if not familiarity.settings.context_edges:
        return np.empty(0, np.uint64)
    chosen = np.flatnonzero(chosen_pieces(reading.key, reading.begin, familiarity.pairs_one_in))
    chunks = sizes(reading.begin, reading.key.size).take(chosen)
    chunk, piece = in_a_row(reading.begin.take(chosen), chunks), np.repeat(chosen, chunks)
    is_word = reading.word.take(chunk) > 0
    words, piece = chunk.compress(is_word), piece.compress(is_word)
    named = word_names(reading.window.hash(reading.start.take(words), reading.word.take(words), reading.salt))
    opens = np.concatenate(([block.opens], block.closed[:-1]))
    return pair_keys(named, piece, opens, block.closed, familiarity.reach, every_word(reading.salt))
