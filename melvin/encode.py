"""Encode: bytes of lines -> the places at which something is to be predicted.

At each place the bytes so far are read as symbols up to the last chunk's start, and the unfinished chunk in every way
that matters: as the symbols it parses to by itself, and as the beginning of one that is still to be completed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melvin.attention import LAGS, NOTHING, OPENING, continued
from melvin.codes import CODE_BITS
from melvin.contexts import ngrams
from melvin.counting import Carry, Familiarity, Reading, read
from melvin.kinship import Said
from melvin.lines import MAX_PIECE, Block
from melvin.parse import Parser
from melvin.places import Begun, Boundary, Places
from melvin.ranks import Ranks
from melvin.tables import I64, U32
from melvin.vectors import FRAME_LAGS
from melvin.words import BORDER, word_names

MOST_SINCE = 24  # hardly a symbol is longer; without a bound, text that nothing separates would ask 63 times a byte
LOOK_BACK = LAGS + 2  # whole chunks on which what comes next depends: the last one, and what it attends to


def tail(text: bytes, separator: NDArray[np.bool_]) -> bytes:
    """The end of a text on which what comes next depends: the chunks that are looked back at."""
    if len(text) > MAX_PIECE:
        return text
    ends = np.flatnonzero(separator[np.frombuffer(text, np.uint8)])
    return text[ends[-LOOK_BACK - 1] + 1 :] if ends.size > LOOK_BACK else text


def encode_lines(
    parser: Parser,
    block: Block,
    separator: NDArray[np.bool_],
    port: int,
    familiarity: Familiarity,
    at: I64 | None = None,
) -> Places:
    """The places before the bytes data[at] of whole lines; before every byte, terminators too, when `at` is not
    given.
    """
    carry = Carry.opening(parser.symbols, port)
    return encode(parser, block, separator, port, familiarity, carry, np.arange(block.data.size) if at is None else at)


def encode(
    parser: Parser,
    block: Block,
    separator: NDArray[np.bool_],
    port: int,
    familiarity: Familiarity,
    carry: Carry,
    at: I64,
) -> Places:
    """The places before the bytes data[at] of a block. at : int64, shape (n,), ascending"""
    symbols = parser.symbols
    reading = read(parser, familiarity, separator, block, port, carry)
    window, stream, start = reading.window, reading.stream, reading.start

    opens = np.zeros(block.data.size + 1, np.bool_)
    opens[block.piece_start[np.concatenate(([block.opens], block.closed[:-1]))]] = True
    # The chunk that what comes belongs to: the one of the byte before, unless that is finished; then one not begun yet.
    last = np.searchsorted(start, np.where(opens[at], at, at - 1), side="right") - 1
    goes_on = last < 0  # the block continues a line, and nothing of the chunk is in it
    last = np.maximum(last, 0)
    ended = reading.finished[last] & (at == start[last] + reading.length[last])
    new = opens[at] | goes_on | ended
    partial = np.where(new, 0, at - start[last])
    within = np.where(opens[at] | goes_on, 0, reading.within[last] + ended)
    before = [_chunk_back(reading.name, within, last - ~ended, back) for back in (0, 1)]
    holder = np.maximum(last - ~ended, 0)
    focus = np.where(within > 0, reading.focus.key[:, holder], NOTHING)
    some = np.flatnonzero(partial > 0)
    here = parser.parse(window, start[last[some]], partial[some], port, np.zeros(some.size, np.bool_))
    lag = reading.focus.lag[0, holder]
    offset = reading.first[last] + np.where(new & ~opens[at] & ~goes_on, reading.size[last], 0)
    base = stream[offset - 1]
    last_symbol = base.copy()
    last_symbol[some] = here.pool[here.first + here.size - 1]
    low, high = (border.repeat(at.size) for border in symbols.ranks.port_range(port))
    begun, chunk_low, chunk_high = _begun(symbols.ranks, reading, port, last, partial, before[0])
    told = np.where(within > 0, reading.length[holder], 1)  # a line's start counts as one byte
    return Places(
        context=ngrams(block, carry.before, port)[at] >> np.uint64(CODE_BITS),
        behind=Boundary(last_symbol, low, high, np.zeros(at.size, np.int64), partial > 0),
        chunk=Boundary(base, chunk_low, chunk_high, partial, np.ones(at.size, np.bool_)),
        begun=begun,
        before=before[1],
        attended=focus,
        told=told + partial,
        said=_said(reading, port),
        last=np.where(within > 0, holder, -1),
        second=np.where(within > 1, holder - 1, -1),
        far=np.where((within > 0) & (focus[0] != NOTHING), holder - lag, -1),
        lag=lag,
    )


def _begun(ranks: Ranks, reading: Reading, port: int, chunk: I64, partial: I64, before: U32) -> tuple[Begun, I64, I64]:
    """Where the symbol that is coming may have begun, as far as there are symbols that do: with the chunk, or no more
    than MOST_SINCE bytes ago. And, of every place, the ranks of those that may have begun with the chunk.

    chunk, partial : int64, shape (n,)   which chunk each place is in, and how much of it is read
    before : uint32, shape (n,)   name of the chunk before
    """
    asked = np.minimum(partial, MOST_SINCE + 1) + 1
    place, end = np.repeat(np.arange(chunk.size), asked), np.cumsum(asked)
    depth = end.take(place) - 1 - np.arange(place.size)
    depth[end - asked] = partial  # all that is read, MOST_SINCE or one less, ... , nothing
    size = partial.take(place) - depth  # of the part before
    at = reading.start.take(chunk.take(place))
    low, high = ranks.beginning(reading.window.data, at + size, depth, port)
    chunk_low, chunk_high = low.take(end - asked), high.take(end - asked)
    some = np.flatnonzero(low < high)
    place, size, at, low, high, depth = (part.take(some) for part in (place, size, at, low, high, depth))
    part, here = np.zeros(place.size, np.uint64), before.take(place)
    inner = np.flatnonzero(size)
    part[inner] = reading.window.hash(at.take(inner), size.take(inner), reading.salt)
    here[inner] = continued(here.take(inner), part.take(inner))
    return Begun(place, part, here, low, high, depth), chunk_low, chunk_high


def _said(reading: Reading, port: int) -> Said:
    """The chunks of a block as words."""
    is_word = reading.word > 0
    word = np.full(reading.word.size, BORDER)
    word[is_word] = word_names(reading.window.hash(reading.start[is_word], reading.word[is_word], reading.salt))
    before = np.full((FRAME_LAGS, word.size), BORDER)
    for lag in range(1, FRAME_LAGS + 1):
        reaches = np.flatnonzero(reading.within >= lag)
        before[lag - 1, reaches] = word[reaches - lag]
    return Said(word, before, reading.window.data[reading.start + reading.length - 1], port, reading.salt)


def _chunk_back(name: U32, within: I64, last: I64, back: int) -> U32:
    """Name of the chunk `back` before the last whole one, OPENING where the line does not reach back so far."""
    return np.where(within > back, name[np.maximum(last - back, 0)], OPENING)
