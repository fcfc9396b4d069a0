"""Words without a list of words: a rank is drawn, and its spelling is computed.

Ranks are drawn by octaves ([1], [2, 3], [4 … 7], …) with a mass per octave that first is level and then
falls: few words are frequent and new ones appear for ever, as Zipf's and Heaps' laws have it. Integer
arithmetic alone, so the same seed gives the same bytes on every machine.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]  # random or hashed 64-bit words, or lexemes

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
LOOKUP_BITS = 16  # an octave's mass is a multiple of 2^-16


def mix(value: Words) -> Words:
    """Scatter 64-bit words: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014), one to one."""
    value = (value ^ (value >> np.uint64(30))) * MIX_1
    value = (value ^ (value >> np.uint64(27))) * MIX_2
    return value ^ (value >> np.uint64(31))


def lookup(weights: Sequence[int], bits: int = LOOKUP_BITS) -> NDArray[np.uint8]:
    """A table of 2^bits choices in which choice i has its weight's share: `table[random bits]` draws one."""
    total, size = sum(weights), 1 << bits
    ends = np.array([sum(weights[: i + 1]) * size // total for i in range(len(weights))])
    return np.repeat(np.arange(len(weights), dtype=np.uint8), np.diff(ends, prepend=0))


def look_up(table: NDArray[np.uint8], random: Words) -> NDArray[np.uint8]:
    """Draw by the high bits of random words from a table that `lookup` made."""
    return table.take(random >> np.uint64(64 - LOOKUP_BITS))


def draw_rank(octaves: NDArray[np.uint8], random: Words) -> Words:
    """Ranks ≥ 1: the octave from the high bits of each random word, the place in it from the low ones."""
    octave = look_up(octaves, random).astype(np.uint64)
    top = np.uint64(1) << octave
    rank: Words = top | (random & (top - np.uint64(1)))
    return rank


def octave_masses(head: Sequence[int], tail_numerator: int, tail_denominator: int, octaves: int) -> list[int]:
    """The masses of `head`, continued by a constant ratio up to `octaves` octaves."""
    masses = [mass << 32 for mass in head]
    while len(masses) < octaves:
        masses.append(masses[-1] * tail_numerator // tail_denominator)
    return masses
