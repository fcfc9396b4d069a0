"""Chunks: stretches of a line that recur as a whole, so that each is parsed once a generation and looked up after that.

A chunk begins at a separator byte (in prose: at the space before a word), at the start of a line, and after MAX_CHUNK bytes.
Which bytes separate is learnt by description length: a byte separates when naming chunks from a dictionary, and spelling that
dictionary once, takes fewer bits with it than without it. Patterns never cross a chunk's border.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melvin.hashing import MULTIPLIER, mix
from melvin.lines import Block
from melvin.symbols import BYTES, MAX_PAYLOAD
from melvin.tables import I64, U64

U8 = NDArray[np.uint8]

MAX_CHUNK = MAX_PAYLOAD
SAMPLE_BYTES = 1 << 16  # a generation's first bytes, from which its separators are judged; before there are so many, none are
CANDIDATES = 24  # the most frequent bytes are tried as separators; a rare byte cannot save much
WORD_BYTES = 8
_LOW_BYTES = np.array([(1 << (8 * n)) - 1 for n in range(WORD_BYTES)] + [2**64 - 1], np.uint64)


def chunk_starts(block: Block, separator: NDArray[np.bool_]) -> I64:
    """Where chunks begin in a block. A line's terminator is a chunk of its own.

    for each piece: start a chunk at its first byte, at each separator, at its terminator, MAX_CHUNK bytes after a start
    """
    begins = separator[block.data]
    begins[block.piece_start] = True
    ends = block.piece_end[block.closed] - 1
    begins[ends] = True
    start = np.flatnonzero(begins)
    length = np.diff(start, append=block.data.size)
    if int(length.max(initial=0)) <= MAX_CHUNK:
        return start
    parts = (length + MAX_CHUNK - 1) // MAX_CHUNK
    first = np.cumsum(parts) - parts
    return np.repeat(start, parts) + (np.arange(int(parts.sum())) - np.repeat(first, parts)) * MAX_CHUNK


class Window:
    """A block's bytes, padded so that eight can be read from any place at once."""

    def __init__(self, data: U8) -> None:
        padded = np.zeros(data.size + MAX_CHUNK + WORD_BYTES, np.uint8)
        padded[: data.size] = data
        self.data = padded
        self._words = np.ndarray((padded.size - WORD_BYTES + 1,), "<u8", padded, strides=(1,))

    def hash(self, start: I64, length: I64, salt: int) -> U64:
        """A 64-bit hash of the bytes at each start; of the bytes and their number, and of a salt."""
        hashed = mix(length.astype(np.uint64) + np.uint64(salt << 8))
        active: I64 | slice = slice(None)
        at, left = start, length
        while True:
            word = self._words[at] & _LOW_BYTES[np.minimum(left, WORD_BYTES)]
            hashed[active] = mix(hashed[active] * MULTIPLIER ^ word)
            more = np.flatnonzero(left > WORD_BYTES)
            if not more.size:
                return hashed
            active = more if isinstance(active, slice) else active[more]
            at, left = at[more] + WORD_BYTES, left[more] - WORD_BYTES


def description_bits(window: Window, block: Block, separator: NDArray[np.bool_]) -> float:
    """Bits to spell each distinct chunk once and then name the chunks one after the other by frequency."""
    start = chunk_starts(block, separator)
    length = np.diff(start, append=block.data.size)
    _, first, count = np.unique(window.hash(start, length, 0), return_index=True, return_counts=True)
    spelling = BYTES.bit_length() * float(length[first].sum() + first.size)
    naming = float(count.sum()) * np.log2(count.sum()) - float((count * np.log2(count)).sum())
    return spelling + naming


def learn_separators(block: Block, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add or drop one separator at a time while the description gets shorter. Shape (256,) -> (256,)."""
    window = Window(block.data)
    separator = known.copy()
    best = description_bits(window, block, separator)
    frequency = np.bincount(block.data, minlength=BYTES)
    tried = np.argsort(-frequency, kind="stable")[:CANDIDATES]
    for byte in tried[frequency[tried] > 0]:
        separator[byte] ^= True
        bits = description_bits(window, block, separator)
        if bits < best:
            best = bits
        else:
            separator[byte] ^= True
    return separator
