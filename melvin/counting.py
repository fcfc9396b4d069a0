"""Counting: one block of lines -> the keys of everything that is counted in it.

The same for a block that is being learnt and for lines that were held back to be predicted first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.chunks import Window, chunk_starts
from melvin.contexts import ORDER, codes_of, ngrams
from melvin.edges import transitions
from melvin.lines import Block
from melvin.parse import Parser
from melvin.symbols import END_CODE, START, U32, Symbols
from melvin.tables import U64

TRACE = 3  # symbols that are looked back at


@dataclass(frozen=True)
class Carry:
    """What stands before a block.

    trace : uint32, shape (TRACE,)    the last symbols, the very last one last
    before : uint64, shape (ORDER,)   the last codes
    """

    trace: U32
    before: U64

    @classmethod
    def opening(cls, symbols: Symbols, port: int) -> Carry:
        """What stands before a line's start."""
        start = symbols.base[port] + np.uint32(START)
        return cls(np.full(TRACE, start, np.uint32), np.full(ORDER, END_CODE, np.uint64))


@dataclass(frozen=True)
class Reading:
    """A block cut into chunks and parsed.

    stream : uint32, shape (TRACE + s,)   symbols of the block behind those before it
    start, size : int64, shape (c,)       where each chunk begins in the block, and its number of symbols
    """

    window: Window
    stream: U32
    start: NDArray[np.int64]
    size: NDArray[np.int64]


def read(
    parser: Parser,
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
    return Reading(window, np.concatenate((carry.trace, parsed.stream())), start, parsed.size)


def count(symbols: Symbols, block: Block, port: int, carry: Carry, reading: Reading) -> tuple[U64, U64, Carry]:
    """Keys of the block's edges and of its 6-grams, and what stands before the next block."""
    links = transitions(symbols, reading.stream[TRACE - 1 :], int(symbols.base[port]))
    codes = np.concatenate((carry.before, codes_of(block)[-ORDER:]))[-ORDER:]
    return links, ngrams(block, carry.before, port), Carry(reading.stream[-TRACE:], codes)
