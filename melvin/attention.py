"""Attention: which earlier chunks of the line tell most about what comes.

Of the LAGS chunks before, those that were seen least often carry the most information (their self-information, -log2 of
their share, is the largest); of equals, the latest. Those are attended to: all that matter while a generation is small,
fewer the larger it is, so that the work and the memory of attention stay bounded. A chunk has a name, a hash of its
bytes, so that it stays the same while the symbols that it is read as grow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from melvin.codes import SYMBOL_BITS
from melvin.hashing import mix_but_last, mix_one
from melvin.tables import I64, U32, U64

Unsigned = TypeVar("Unsigned", np.uint32, np.uint64)

LAGS = 8  # chunks looked back at: a power of two, see `_rarest`
LAG_BITS = 4  # that a lag takes in a key
_LAG_SHIFT, _LAG_MASK = np.uint64(LAG_BITS), np.uint8((1 << LAG_BITS) - 1)
_OPENING_SHIFT = np.uint64(32 + LAG_BITS)
_BEYOND = np.uint64((1 << 64) - (1 << LAG_BITS))  # no number is as large but a line's end, which nothing follows
MAX_FOCI = 6  # chunks attended to: with the last chunk and the edge just taken, eight heads in all
FOCUS_BYTES = 1 << 21  # bytes of a generation, times chunks attended to, that attention may cost
NOTHING = np.uint32(0xFFFFFFFF)  # where no chunk of the line lies in reach
NAME_SHIFT = np.uint64(64 - SYMBOL_BITS)  # a name fits where a symbol's id does
_NAME_SHIFT = int(NAME_SHIFT)
SEEN_BITS = 27
_SPARE_BITS = 32 - SEEN_BITS  # of a float, its last ones
MOST_SEEN = (1 << SEEN_BITS) - 1  # times: what was seen more often counts as seen so often
OPENING = np.uint32(0)  # the name of what stands before a line's first chunk


@dataclass(frozen=True)
class Focus:
    """What is attended to from each of n chunks, by whatever comes right after it or inside it.

    chunk : uint32, shape (foci, n)   names of the attended chunks, the most telling first; NOTHING where there is none
    lag : uint8, shape (foci, n)      chunks from each to the one it is attended from
    """

    chunk: U32
    lag: NDArray[np.uint8]

    @property
    def key(self) -> U32:
        """uint32, shape (foci, n): names of the attended chunks with their lags; NOTHING where there is none."""
        return at_lag(self.chunk, self.lag) | all_bits(self.chunk == NOTHING, np.uint32)


def at_lag(name: U32, lag: NDArray[np.uint8]) -> U32:
    """Name of a chunk so far back."""
    both = name.astype(np.uint64)
    both <<= _LAG_SHIFT
    both |= lag
    return names(mix_but_last(both))


def at_lag_one(name: int, lag: int) -> int:
    """The same of one chunk."""
    return mix_one(name << LAG_BITS | lag) >> _NAME_SHIFT


def foci(generation_bytes: int) -> int:
    """How many chunks are attended to in a generation of this size."""
    return min(MAX_FOCI, max(1, FOCUS_BYTES // max(generation_bytes, 1)))


def names(key: U64) -> U32:
    """Names of chunks, from the hashes of their bytes: the highest SYMBOL_BITS, so that `mix_but_last` will do."""
    return (key >> NAME_SHIFT).astype(np.uint32)


def attend(name: U32, frequency: NDArray[np.uint32], within: I64, count: int) -> Focus:
    """Find what each chunk attends to.

    Parameters
    ----------
    name : uint32, shape (n,)         name of each chunk
    frequency : uint32, shape (n,)    how often it was seen, at the most
    within : int64, shape (n,)        how many chunks of its piece of a line stand before it
    count : how many chunks are attended to
    """
    lag = _rarest(frequency, within)[None] if count == 1 else _rarest_few(frequency, within, count)
    return Focus(name.take(np.arange(name.size) - lag) | all_bits(lag == 0, np.uint32), lag)


def _rarest(frequency: NDArray[np.uint32], within: I64) -> NDArray[np.uint8]:
    """How far back the least frequent of the LAGS chunks before is, the latest of equals; 0 where there is none.

    A minimum over a window, twice as wide with each step, of numbers that hold a chunk's frequency above how far back
    it is. Above both stands what is less the later its line begins, so that the lines before never matter.
    frequency, within : shape (n,) -> (n,)
    """
    opening = (within[:-1] - np.arange(1, within.size)).view(np.uint64)
    opening <<= _OPENING_SHIFT
    before = frequency[:-1].astype(np.uint64)
    before <<= _LAG_SHIFT
    before |= opening
    least = np.full(within.size, _BEYOND)
    np.bitwise_or(before, np.uint64(1), out=least[1:])
    width = 1
    while width < LAGS:
        np.minimum(least[width:], least[:-width] + np.uint64(width), out=least[width:])
        width *= 2
    return (least.astype(np.uint8) & _LAG_MASK) * (within > 0)


def all_bits(mask: NDArray[np.bool_], dtype: type[Unsigned]) -> NDArray[Unsigned]:
    """All bits set where the mask is true, none where it is not: numpy's `where` stumbles over masks that are hard to
    foresee, an or does not.
    """
    bits: NDArray[Unsigned] = -mask.astype(dtype)
    return bits


def _rarest_few(frequency: NDArray[np.uint32], within: I64, count: int) -> NDArray[np.uint8]:
    """The same of the `count` least frequent ones, the least first. -> uint8, shape (count, n)"""
    lag = np.zeros((count, frequency.size), np.uint8)
    least = np.full((count, frequency.size), NOTHING)
    for back in range(1, min(LAGS, frequency.size - 1) + 1):
        seen: U32 = np.where(within[back:] >= back, frequency[:-back], NOTHING)
        at: NDArray[np.uint8] = np.full(seen.shape, back, np.uint8)
        better: NDArray[np.bool_] = np.zeros(seen.shape, np.bool_)
        for slot in range(count):  # insert, in order of frequency: what is displaced goes to the next slot
            best, where = least[slot, back:], lag[slot, back:]
            better |= seen < best
            if slot < count - 1:
                displaced = np.where(better, best, seen), np.where(better, where, at)
            np.copyto(best, seen, where=better)
            np.copyto(where, at, where=better)
            if slot < count - 1:
                seen, at = displaced
    return lag


def continued(before: U32, part: U64) -> U32:
    """Name of a chunk's beginning, from its hash, together with the chunk before it by name."""
    both = before.astype(np.uint64)
    both <<= NAME_SHIFT
    both ^= part
    return names(mix_but_last(both))


def continued_one(before: int, part: int) -> int:
    """The same of one chunk."""
    return mix_one(part ^ before << _NAME_SHIFT) >> _NAME_SHIFT


def earlier(name: U32, within: I64, back: int) -> U32:
    """Name of the chunk `back` before each, OPENING where the line does not reach back so far. Shape (n,) -> (n,)."""
    found = np.empty_like(name)
    found[:back] = OPENING
    np.multiply(name[:-back], within[back:] >= back, out=found[back:])  # OPENING is 0
    return found


def chunk_frequency(frequency: NDArray[np.uint32], symbols: U32, first: I64, size: I64) -> NDArray[np.uint32]:
    """How often each chunk was seen at the most: as often as its rarest symbol, halved for each further symbol.

    As numbers of SEEN_BITS of which only the order counts: what is seen less often than once is told apart, too, and
    from 2^19 on neighbours may be alike.

    frequency : uint32, shape (symbols,);  symbols : uint32, shape (s,)   all chunks' symbols in a row
    first, size : int64, shape (n,)        where each chunk's begin, one chunk after the other, and how many they are
    """
    rarest = np.minimum.reduceat(frequency.take(symbols), first).astype(np.float32)
    seen = np.ldexp(rarest, 1 - size.astype(np.int32)).view(np.uint32)  # of positive floats, the bits are in order
    seen >>= np.uint32(_SPARE_BITS)
    return seen


def chunk_frequency_one(rarest: int, size: int) -> int:
    """The same of one chunk, from how often its rarest symbol was seen and how many symbols it has."""
    return int(np.float32(math.ldexp(rarest, 1 - size)).view(np.uint32)) >> _SPARE_BITS
