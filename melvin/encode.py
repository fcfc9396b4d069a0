"""Encode: bytes of lines -> the places at which something is to be predicted.

At each place the bytes so far are read as symbols up to the last chunk's start, and the unfinished chunk in every way
that matters: as the symbols it parses to by itself, and as the beginning of one that is still to be completed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melvin.attention import LAGS, NOTHING, OPENING, continued
from melvin.chunks import Window
from melvin.codes import CODE_BITS
from melvin.contexts import ngrams
from melvin.counting import Carry, Familiarity, Reading, read
from melvin.heads import Boundary, Places
from melvin.kinship import Said
from melvin.lines import MAX_PIECE, Block
from melvin.parse import Parser
from melvin.ranks import Ranks
from melvin.tables import I64, U32
from melvin.vectors import FRAME_LAGS
from melvin.words import BORDER, word_names

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
    last_symbol = stream[offset - 1]
    last_symbol[some] = here.pool[here.first + here.size - 1]

    part = np.zeros(at.size, np.uint64)
    part[some] = here.key
    begun = before[0].copy()
    begun[some] = continued(before[0][some], here.key)
    inner = np.flatnonzero(here.size >= 2)  # of these, what is read of the chunk is several symbols
    several = some[inner]
    deep = np.zeros(at.size, np.bool_)
    deep[several] = True
    last_length = symbols.length[last_symbol].astype(np.int64)
    second, shorter_part, all_but_last = last_symbol.copy(), np.zeros_like(part), before[0].copy()
    second[several] = here.pool[(here.first + here.size - 2)[inner]]
    shorter_part[several] = window.hash(start[last[several]], (partial - last_length)[several], reading.salt)
    all_but_last[several] = continued(before[0][several], shorter_part[several])

    told = np.where(within > 0, reading.length[holder], 1)  # a line's start counts as one byte
    low, high = (np.repeat(r, at.size) for r in symbols.ranks.port_range(port))
    chunk_low, chunk_high = _walk(symbols.ranks, window, start, low[:1], high[:1], last, partial, partial > 0)
    chunk_low, chunk_high = np.where(partial > 0, chunk_low, low), np.where(partial > 0, chunk_high, high)
    everywhere, nothing = np.ones(at.size, np.bool_), np.zeros(at.size, np.int64)
    return Places(
        context=ngrams(block, carry.before, port)[at] >> np.uint64(CODE_BITS),
        boundaries=(
            Boundary(last_symbol, begun, before[1], told + partial, focus, low, high, nothing, partial > 0, part),
            Boundary(
                second,
                all_but_last,
                before[1],
                told + partial - last_length,
                focus,
                *symbols.ranks.subtree(last_symbol),
                last_length,
                deep,
                shorter_part,
            ),
            Boundary(
                stream[offset - 1],
                before[0],
                before[1],
                told,
                focus,
                chunk_low,
                chunk_high,
                partial,
                everywhere,
                np.zeros(at.size, np.uint64),
            ),
        ),
        said=_said(reading, port),
        last=np.where(within > 0, holder, -1),
        second=np.where(within > 1, holder - 1, -1),
        attended=np.where((within > 0) & (focus[0] != NOTHING), holder - lag, -1),
        lag=lag,
    )


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


def _walk(
    ranks: Ranks,
    window: Window,
    start: I64,
    low: I64,
    high: I64,
    chunk: I64,
    partial: I64,
    wanted: NDArray[np.bool_],
) -> tuple[I64, I64]:
    """Ranks of the symbols that begin with the read part of each place's chunk; byte by byte, all chunks at once."""
    out_low, out_high = np.zeros(chunk.size, np.int64), np.zeros(chunk.size, np.int64)
    if not wanted.any():
        return out_low, out_high
    asked, index = np.unique(chunk[wanted], return_inverse=True)
    reach = np.zeros(asked.size, np.int64)
    np.maximum.at(reach, index, partial[wanted])
    at_low, at_high = np.repeat(low, asked.size), np.repeat(high, asked.size)
    depths = int(reach.max())
    all_low, all_high = (
        np.zeros((depths + 1, asked.size), np.int64),
        np.zeros((depths + 1, asked.size), np.int64),
    )
    for depth in range(depths):
        active = np.flatnonzero((reach > depth) & (at_low < at_high))
        code = window.data[start[asked[active]] + depth].astype(np.int64) + 1
        narrowed = ranks.narrow(at_low[active], at_high[active], np.full(active.size, depth), code)
        at_low, at_high = np.zeros(asked.size, np.int64), np.zeros(asked.size, np.int64)
        at_low[active], at_high[active] = narrowed
        all_low[depth + 1], all_high[depth + 1] = at_low, at_high
    out_low[wanted] = all_low[partial[wanted], index]
    out_high[wanted] = all_high[partial[wanted], index]
    return out_low, out_high
