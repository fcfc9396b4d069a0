"""Calibration: how often the likeliest byte is right, and how open the next byte usually is.

Whenever a generation ends, the whole distribution of the next byte is predicted at a few places of the lines held back.
Each counts in the bin of its top byte's probability. What the bins say corrects a probability as far as they differ
from it by more than chance; a brain that was never tried keeps its probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin.arithmetic import log2
from melvin.chunks import Window
from melvin.contexts import F64, codes_of
from melvin.curve import MILLI
from melvin.hashing import MULTIPLIER, mix
from melvin.lines import Block
from melvin.tables import I64
from melvin.weights import ONE

BINS = 16  # of equal width
PLACE_EVERY = 1 << 16  # bytes of a generation for each place
MOST_PLACES = (
    1 << 6
)  # in a generation: what they tell adds up from one to the next, and each costs as much as 250 bytes
PLACE_SALT = 2  # keeps this hash apart from the parser's, and from that which holds lines back
FEWEST_TRIED = 32  # places, before what is usual is known


@dataclass(frozen=True)
class Calibration:
    """Top bytes by confidence, and the entropy of the same places; rows by port, as far as any was tried.

    tried, right : int64, shape (p, BINS)   how many, and of how many the top byte came
    expected : int64, shape (p, BINS)       sum of their probabilities, in parts of ONE
    entropy, squared : int64, shape (p,)    sum of the next byte's entropy in thousandths of a bit, and of its square
    """

    tried: I64
    right: I64
    expected: I64
    entropy: I64
    squared: I64

    @classmethod
    def empty(cls) -> Calibration:
        return cls(*(np.zeros((0, BINS), np.int64) for _ in range(3)), *(np.zeros(0, np.int64) for _ in range(2)))

    @classmethod
    def of(cls, port: int, probability: F64, code: I64) -> Calibration:
        """What one set of places of a port tells.

        probability : float64, shape (n, CODES);  code : int64, shape (n,)   what came
        """
        top = probability.max(axis=1)
        at, right = bins(top), probability.argmax(axis=1) + 1 == code
        some = np.maximum(probability, np.finfo(np.float64).tiny)
        entropy = np.rint(-MILLI * (probability * log2(some)).sum(axis=1)).astype(np.int64)
        none = np.zeros((port + 1, BINS), np.int64)
        tried, hits, expected = none.copy(), none.copy(), none.copy()
        np.add.at(tried[port], at, 1)
        np.add.at(hits[port], at, right)
        np.add.at(expected[port], at, np.rint(ONE * top).astype(np.int64))
        sums = np.zeros((2, port + 1), np.int64)
        sums[:, port] = entropy.sum(), (entropy**2).sum()
        return cls(tried, hits, expected, *sums)

    def fold(self, other: Calibration) -> Calibration:
        """Both, added up."""
        return Calibration(*(_added(getattr(self, f.name), getattr(other, f.name)) for f in fields(Calibration)))

    def confidence(self, port: int, probability: F64) -> F64:
        """How often the top byte is right that has a probability. Shape (n,) -> (n,).

        A bin's mean error shifts a probability by the share of it that is not chance: the variance between bins beyond
        what sampling explains, by the method of moments (DerSimonian and Laird 1986).
        """
        if port >= len(self.tried):
            return probability
        return np.asarray(np.clip(probability + self._shifts[port][bins(probability)], 0.0, 1.0))

    @cached_property
    def _shifts(self) -> list[F64]:
        """By port, what is added to the probabilities of each bin."""
        return [self._shift(port) for port in range(len(self.tried))]

    def _shift(self, port: int) -> F64:
        n, expected = self.tried[port].astype(np.float64), self.expected[port] / ONE
        error = (self.right[port] - expected) / np.maximum(n, 1)
        rate = (expected + 0.5) / (n + 1)  # never 0 or 1
        information = n / (rate * (1 - rate))  # 1 / the variance of an error that is chance
        if not information.any():
            return np.zeros(BINS)
        beyond = (information * error**2).sum() - np.count_nonzero(n)
        between = max(0.0, beyond / information.sum())
        return np.asarray(error * between * information / (1 + between * information))

    def usual_entropy(self, port: int) -> tuple[float, float] | None:
        """Mean and deviation of the next byte's entropy in bits; None where too few were tried."""
        n = int(self.tried[port].sum()) if port < len(self.tried) else 0
        if n < FEWEST_TRIED:
            return None
        mean = int(self.entropy[port]) / n
        variance = max(0.0, int(self.squared[port]) / n - mean**2)
        return mean / MILLI, float(np.sqrt(variance)) / MILLI


def bins(probability: F64) -> I64:
    """The bin of each probability."""
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def places_to_try(fresh: int) -> int:
    """How many places are tried in a generation of so many bytes."""
    return min(fresh // PLACE_EVERY, MOST_PLACES)


def sample_places(block: Block, count: int) -> tuple[list[bytes], I64]:
    """At most so many places of whole lines, chosen by a hash of the line and how far into it they are.

    -> the text of the line before each place; and what came, codes as int64 of shape (n,)
    """
    piece = np.searchsorted(block.piece_start, np.arange(block.data.size), side="right") - 1
    line = Window(block.data).hash(block.piece_start, block.piece_end - block.piece_start, PLACE_SALT)
    offset = np.arange(block.data.size) - block.piece_start[piece]
    hashed = mix(line[piece] + offset.astype(np.uint64) * MULTIPLIER)
    at = np.sort(np.argsort(hashed, kind="stable")[:count])
    texts = [block.data[block.piece_start[piece[place]] : place].tobytes() for place in at]
    return texts, codes_of(block)[at].astype(np.int64)


def _added(a: I64, b: I64) -> NDArray[np.int64]:
    more, fewer = (a, b) if len(a) >= len(b) else (b, a)
    total = more.copy()
    total[: len(fewer)] += fewer
    return total
