"""Feedback: what was said of answers, kept as evidence of its own beside what was read.

An answer and a reward flow in, signed sums flow out, each on an edge that the answer used: from the context that its
byte was predicted in (the chunk before, and the one before that byte came in, by name: what the edge transformers read)
to that byte. When a byte is predicted in such a context, its odds are scaled by what was said of it. Elsewhere nothing
changes, and no count of what was read ever does.

Sums are integers: they add up in any order, and feedback is undone, to the bit, by as much of the opposite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from melvin.codes import CODE_BITS, CODES, SYMBOL_BITS
from melvin.contexts import F64
from melvin.errors import InputError
from melvin.places import Places
from melvin.tables import I64, U64, run_starts

MILLI = 1000  # sums are in thousandths of a bit
FULL_BITS = 2  # a reward of 1 makes an answer four times as likely, against everything else; one of 0, a fourth
MOST_BITS = 16  # more than this is kept in a sum, but scales no odds further
INDIFFERENT = 0.5  # the reward that says nothing
KEPT_FEEDBACK = 1 << 20  # edges with feedback that a brain keeps: 16 MB
_EDGE = np.uint64(CODE_BITS)
_ROW = np.arange(1, CODES + 1, dtype=np.uint64)  # every code


@dataclass(frozen=True)
class Feedback:
    """What was said of edges.

    key : uint64, shape (n,), ascending   context << CODE_BITS | code
    sum : int64, shape (n,)               thousandths of a bit, never 0
    """

    key: U64
    sum: I64

    @classmethod
    def empty(cls) -> Feedback:
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64))

    def add(self, context: U64, code: I64, amount: I64, limit: int | None = KEPT_FEEDBACK) -> Feedback:
        """With so much more on each edge; beyond `limit` edges the weakest are forgotten. Shapes (m,)."""
        key = np.concatenate((self.key, context << _EDGE | code.astype(np.uint64)))
        order = np.argsort(key, kind="stable")
        key, first = key[order], run_starts(key[order])
        if not first.size:
            return self
        total = np.add.reduceat(np.concatenate((self.sum, amount))[order], first)
        said = np.flatnonzero(total)
        key, total = key[first][said], total[said]
        if limit is not None and key.size > limit:
            strongest = np.sort(np.lexsort((key, -np.abs(total)))[:limit])
            key, total = key[strongest], total[strongest]
        return Feedback(key, total)

    def known(self, context: U64) -> NDArray[np.bool_]:
        """Whether anything was said of the edges from each context. Shape (n,) -> (n,)."""
        if not self.key.size:
            return np.zeros(context.size, np.bool_)
        at = np.minimum(np.searchsorted(self.key, context << _EDGE), self.key.size - 1)
        return np.asarray(self.key[at] >> _EDGE == context)

    def scaled(self, context: U64, probability: F64) -> F64:
        """Probabilities of all codes with their odds scaled by what was said. Shapes (n,), (n, CODES) -> (n, CODES)."""
        if not self.key.size:
            return probability
        wanted = context[:, None] << _EDGE | _ROW
        at = np.minimum(np.searchsorted(self.key, wanted), self.key.size - 1)
        bits = np.where(self.key[at] == wanted, self.sum[at] / MILLI, 0.0)
        result = probability * np.exp2(np.clip(bits, -MOST_BITS, MOST_BITS))
        return np.asarray(result / result.sum(axis=1, keepdims=True))


def contexts_of(places: Places, port: int) -> U64:
    """Keys of the contexts of n predictions: the chunks before, with all that is read. -> uint64, shape (n,)"""
    names = places.before.astype(np.uint64) << np.uint64(SYMBOL_BITS) | places.here.astype(np.uint64)
    return np.asarray(np.uint64(port) << np.uint64(2 * SYMBOL_BITS) | names)


def edge_of(before: int, here: int, port: int) -> U64:
    """The same of one prediction. -> uint64, shape (1,)"""
    return np.array([port << 2 * SYMBOL_BITS | before << SYMBOL_BITS | here], np.uint64)


def shares(probability: F64, reward: float) -> I64:
    """What a reward says of each byte of an answer: it is shared by how open each of them was.

    probability : float64, shape (n,)   of each byte, feedback aside
    -> int64, shape (n,), thousandths of a bit: as much for a reward r as less for 1 - r

    Raises
    ------
    InputError : the reward is not in [0, 1]
    """
    if not (isinstance(reward, Real) and math.isfinite(reward) and 0 <= reward <= 1):
        raise InputError(f"a reward of {reward!r}: it must be a number from 0 (wrong) to 1 (right), 0.5 says nothing")
    left_open = np.maximum(1 - probability, np.finfo(np.float64).eps)
    amount = round(MILLI * FULL_BITS * (reward - INDIFFERENT) / INDIFFERENT)
    return np.rint(amount * left_open / left_open.sum()).astype(np.int64)
