"""Codes: how bytes and ids are written as numbers that are packed, compared and looked up.

A payload is handled as *codes*: byte b is b + 1, the end of a line is END_CODE, and 0 stands after the last one. Seven
codes are a word, the first of them in its highest bits, so that words are in the order of their payloads. Ids take 21
bits, so that three of them are a word.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melvin.hashing import ID_BITS, MULTIPLIER, mix, mix_in_place
from melvin.tables import I64, U32, U64

# ---------------------------------------------------------------- ids

SYMBOL_BITS = ID_BITS  # three ids pack into one 64-bit key, so a brain holds at most 2 M symbols
MAX_SYMBOLS = 1 << SYMBOL_BITS
NONE = np.uint32(0xFFFFFFFF)  # "no such symbol" in left, right
BYTES = 256
GROUND = BYTES + 2  # ground symbols a port has: its bytes, START, END
START, END = BYTES, BYTES + 1  # their place after the port's first ground symbol
PAIR_SHIFT = 32  # bits of an id in the key of a pair

# ---------------------------------------------------------------- payloads

CODE_BITS = 9  # a code is 0 (nothing), 1..256 (a byte) or END_CODE
END_CODE = BYTES + 1
CODES = BYTES + 1  # what can come next: any byte, or END
CODE_MASK = np.uint64((1 << CODE_BITS) - 1)
WORD_CODES = 7  # codes that fit into one 63-bit word
PACKED_BITS = np.uint64(CODE_BITS * WORD_CODES)
PACKED_MASK = np.uint64((1 << (CODE_BITS * WORD_CODES)) - 1)
MAX_PAYLOAD = 63  # bytes of the longest pattern: nine words


def pair_key(left: U32, right: U32, shift: int = PAIR_SHIFT) -> U64:
    """Pack two ids into one 64-bit key."""
    return (left.astype(np.uint64) << np.uint64(shift)) | right


def word_shift(depth: int) -> int:
    """Bits that the code at `depth` is shifted by within its word."""
    return CODE_BITS * (WORD_CODES - 1 - depth % WORD_CODES)


def words_to(words: U64, depth: int) -> U64:
    """Payloads in no fewer words than told: nothing stands in those behind. Shape (w, n) -> (max(w, depth), n)."""
    missing = depth - words.shape[0]
    return np.pad(words, ((0, missing), (0, 0))) if missing > 0 else words


def joined_words(words: U64, length: NDArray[np.uint8], left: U32 | I64, right: U32 | I64, depth: int) -> U64:
    """Words of the concatenated payloads: the right one's, moved behind the left one's, seven codes to a word.

    words : uint64, shape (w, n);  length : uint8, shape (n,)   of all payloads
    left, right : shape (m,)   which of them -> uint64, shape (depth, m)
    """
    joined = words_to(words, depth)[:depth].take(left, axis=1)
    whole, part = np.divmod(length.take(left).astype(np.int64), WORD_CODES)
    shift, codes = (part * CODE_BITS).astype(np.uint64), length.take(right)
    for word, held in enumerate(words):
        some = np.flatnonzero(codes > word * WORD_CODES)  # most payloads are short
        moved, at, by = held.take(right.take(some)), whole.take(some) + word, shift.take(some)
        joined[at, some] |= moved >> by
        spills = np.flatnonzero(at < depth - 1)
        moved = moved << (PACKED_BITS - by) & PACKED_MASK
        joined[at.take(spills) + 1, some.take(spills)] |= moved.take(spills)
    return joined


def payload_hash(words: U64, port: NDArray[np.uint16]) -> U64:
    """A 64-bit hash of each payload and its port; words of zero behind a payload do not count. Shape (w, n) -> (n,)."""
    hashed = mix(np.arange(int(port.max(initial=0)) + 1, dtype=np.uint64)).take(port)
    for word in words:
        some = np.flatnonzero(word)  # most payloads are short
        hashed[some] = mix_in_place(hashed.take(some) * MULTIPLIER ^ word.take(some))
    return hashed
