"""Chunks: stretches of a line that recur as a whole, so that each is parsed once a generation and then looked up.

A chunk ends behind a separator byte (in prose: the space after a word), at the end of a line, and after MAX_CHUNK
bytes, so that where the next one begins is known before its first byte is. Patterns never cross a chunk's border.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melvin.codes import MAX_PAYLOAD
from melvin.hashing import MASK, MULTIPLIER, mix_in_place, mix_one
from melvin.lines import Block
from melvin.tables import I64, U64, sizes

U8 = NDArray[np.uint8]

MAX_CHUNK = MAX_PAYLOAD
WORD_BYTES = 8
_MULTIPLIER = int(MULTIPLIER)
_LOW_BYTES = np.array([(1 << (8 * n)) - 1 for n in range(WORD_BYTES)] + [2**64 - 1], np.uint64)  # of a word, by length


def separates(data: U8, separator: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a byte is a separator. Shape (n,) -> (n,)"""
    found = np.zeros(data.size, np.bool_)
    for byte in np.flatnonzero(separator).astype(np.uint8):  # a comparison is SIMD, looking each byte up is not
        found |= data == byte
    return found


def chunk_starts(block: Block, separator: NDArray[np.bool_]) -> I64:
    """Where chunks begin in a block. A line's terminator is a chunk of its own.

    for each piece: start a chunk at its first byte, behind each separator, at its terminator, MAX_CHUNK after a start
    """
    begins = np.zeros(block.data.size, np.bool_)
    begins[1:] = separates(block.data[:-1], separator)
    begins[block.piece_start] = True
    ends = block.piece_end[block.closed] - 1
    begins[ends] = True
    start = np.flatnonzero(begins)
    length = sizes(start, block.data.size)
    long = np.flatnonzero(length > MAX_CHUNK)
    if long.size:
        more = (length[long] - 1) // MAX_CHUNK  # chunks behind the first one
        first = np.repeat(np.cumsum(more) - more, more)
        begins[np.repeat(start[long], more) + (np.arange(first.size) - first + 1) * MAX_CHUNK] = True
        start = np.flatnonzero(begins)
    return start


@lru_cache(maxsize=1 << 12)
def _opening(length: int, salt: int) -> int:
    """What the hash of so many bytes begins with."""
    return mix_one(length + (salt << 8))


def hash_one(payload: bytes, salt: int) -> int:
    """What `Window.hash` gives for some bytes."""
    hashed = _opening(len(payload), salt)
    for at in range(0, max(len(payload), 1), WORD_BYTES):
        hashed = mix_one(hashed * _MULTIPLIER & MASK ^ int.from_bytes(payload[at : at + WORD_BYTES], "little"))
    return hashed


class Window:
    """A block's bytes, padded so that eight can be read from any place at once."""

    def __init__(self, data: U8) -> None:
        padded = np.zeros(data.size + MAX_CHUNK + WORD_BYTES, np.uint8)
        padded[: data.size] = data
        self.data = padded
        self._words = np.ndarray((padded.size - WORD_BYTES + 1,), "<u8", padded, strides=(1,))

    def hash(self, start: I64, length: I64, salt: int) -> U64:
        """A 64-bit hash of the bytes at each start; of the bytes and their number, and of a salt."""
        hashed = mix_in_place(np.arange(length.max(initial=0) + 1, dtype=np.uint64) + np.uint64(salt << 8)).take(length)
        at, left = start, length
        active = np.empty(0, np.int64)  # after the first word: those that have more
        while True:
            word = self._words[at]
            word &= _LOW_BYTES.take(left, mode="clip")
            mixed = hashed.take(active) if active.size else hashed
            mixed *= MULTIPLIER
            mixed ^= word
            mix_in_place(mixed)
            if active.size:
                hashed[active] = mixed
            more = np.flatnonzero(left > WORD_BYTES)
            if not more.size:
                return hashed
            active = active.take(more) if active.size else more
            at, left = at.take(more) + WORD_BYTES, left.take(more) - WORD_BYTES
