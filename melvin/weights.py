"""Weights: how far each head is trusted, by how much evidence it has and of what variety.

The weight comes from measured evidence: for how much of what really came next, in lines predicted before they were
learnt, a head with so much evidence of such variety was responsible (expectation-maximisation for a mixture, Jelinek
and Mercer 1980). Without such evidence it is Witten and Bell's N / (N + T).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin.attention import MAX_FOCI
from melvin.contexts import F64
from melvin.tables import I64

# From the general to the specific: anything at all; what the last symbol ends with; the last symbol: each behind all
# that is read, and OF_CHUNK further on at the chunk's start. Then the edge just taken; and the chunks attended to, each
# together with the last one.
ANYTHING, SUFFIX, SYMBOL, OF_CHUNK = range(4)
EDGE = 2 * OF_CHUNK
ATTENDED = EDGE + 1
# What words of the same category say (see `categories`): in place of the chunk attended to, of the one before the last,
# and of the last. They are asked where the heads that know these very chunks know nothing.
KIN_ATTENDED, KIN_BEFORE, KIN_LAST = range(ATTENDED + MAX_FOCI, ATTENDED + MAX_FOCI + 3)
HEADS = KIN_LAST + 1
SIZE_BUCKETS = 12  # powers of two of a row's evidence
VARIETY_BUCKETS = 5  # one way on, or so many fourths of the evidence in different symbols
# Where what comes stands; by that, heads that know chunks are trusted apart: inside a chunk, at the beginning of one,
# or anywhere in the first one of its line, before which there is none.
INSIDE, BEGINNING, FIRST = range(3)
POSITIONS = FIRST + 1
BUCKETS = POSITIONS * 2 * SIZE_BUCKETS * VARIETY_BUCKETS  # twice: for heads that look back further than the byte view
ONE = 1 << 16  # predictions are counted in integer parts of one
PRIOR_PREDICTIONS = 2  # the prior weight counts as so many predictions
EM_STEPS = 6  # of expectation-maximisation, each generation, from where the one before left off
_LEAST = np.finfo(np.float64).smallest_subnormal  # of all numbers above 0
REPEATING = 1 / 64  # prior weight of a head that knows no more of the context than the byte view


@dataclass(frozen=True)
class Opinion:
    """What one head said: its share f of the evidence for each code, and the row it rests on.

    at : int64, shape (n,)   which predictions it has evidence for, ascending; the others it leaves as they are
    total, distinct : int64, shape (n, 1)   evidence, and different symbols in it (1 where all go on with one byte)
    found, same : int64, shapes (n, m), (n, 1)
    further : bool, shape (n, 1)   the head's context is longer than the longest that the byte view has seen before
    position : int64, shape (n, 1) where what comes stands; INSIDE for heads that do not know chunks
    adaptive : its weight depends on the evidence
    `same` is the evidence that the coming symbol is already complete: what comes next is then for the heads before.
    """

    head: int
    at: I64
    total: I64
    distinct: I64
    found: I64
    same: I64
    further: NDArray[np.bool_]
    position: I64
    adaptive: bool

    def share(self, prior: F64) -> F64:
        """f: (n, m)"""
        return (self.found + self.same * prior) / self.total

    def mixed(self, weight: F64, prior: F64) -> F64:
        """What a head that has this weight makes of what those before it said. (n, m)"""
        return weight * self.share(prior) + (1 - weight) * prior

    @cached_property
    def prior(self) -> F64:
        """(n, 1): Witten and Bell's N / (N + T), where the head knows more of the context than the byte view does."""
        return np.where(self.further, self.total / (self.total + self.distinct), REPEATING)

    @cached_property
    def bucket(self) -> I64:
        """(n, 1): how much evidence, of what variety."""
        if not self.adaptive:
            return self.position * (BUCKETS // POSITIONS)
        size = np.minimum(np.frexp(self.total.astype(np.float64))[1] - 1, SIZE_BUCKETS - 1)
        fourths = np.minimum(4 * self.distinct // self.total, VARIETY_BUCKETS - 2)
        variety = np.where(self.distinct <= 1, 0, 1 + fourths)
        return np.asarray(((2 * self.position + self.further) * SIZE_BUCKETS + size) * VARIETY_BUCKETS + variety)


@dataclass(frozen=True)
class Weights:
    """How far each head is trusted, by bucket: integer evidence from lines predicted before they were learnt.

    right, asked : int64, shape (HEADS, BUCKETS), in parts of ONE
        predictions for which the head was responsible, of those it was asked for
    expected : int64, shape (HEADS, BUCKETS)   those for which its prior weight would have made it responsible
    """

    right: I64
    asked: I64
    expected: I64

    @classmethod
    def none(cls) -> Weights:
        return cls(*(np.zeros((HEADS, BUCKETS), np.int64) for _ in fields(cls)))

    def scale(self, head: int) -> F64:
        """What the odds of a head's prior weights are multiplied by, by position. float64, shape (POSITIONS,)"""
        right, expected = (table[head].reshape(POSITIONS, -1).sum(1) for table in (self.right, self.expected))
        return np.asarray((right + ONE) / (expected + ONE))

    def scaled(self, opinion: Opinion) -> F64:
        """(n, 1): prior weights, their odds scaled by how far the head's were right where they were tried."""
        prior = opinion.prior
        scale = self.scale(opinion.head).take(opinion.position)
        return scale * prior / (scale * prior + (1 - prior))

    def of(self, opinion: Opinion) -> F64:
        """(n, 1): the share of the prediction that the head's opinion gets."""
        head, bucket = opinion.head, opinion.bucket
        right = (self.right[head] / ONE).take(bucket) + PRIOR_PREDICTIONS * self.scaled(opinion)
        return np.asarray(right / (self.asked[head] / ONE + PRIOR_PREDICTIONS).take(bucket))

    def fitted(self, opinion: Opinion, probability: F64) -> Weights:
        """With one head's weights fitted to predictions that were just checked, by expectation-maximisation.

        What was known before counts half: later generations know more, and weigh more.

        probability : float64, shape (n, 1)   what the heads before gave to what really came
        """
        head, bucket, prior = opinion.head, opinion.bucket[:, 0], opinion.prior[:, 0]
        share, before = opinion.share(probability)[:, 0], probability[:, 0]
        prior_right = PRIOR_PREDICTIONS * self.scaled(opinion)[:, 0]
        old_right, old_asked = self.right[head] / ONE / 2, self.asked[head] / ONE / 2
        asked = old_asked + np.bincount(bucket, minlength=BUCKETS)
        right = asked * np.divide(old_right, old_asked, out=np.zeros(BUCKETS), where=old_asked > 0)
        known = np.where(old_asked > 0, asked, 0.0)
        for _ in range(EM_STEPS):
            weight = (right.take(bucket) + prior_right) / (known + PRIOR_PREDICTIONS).take(bucket)
            agreed = weight * share
            mixed = agreed + (1 - weight) * before
            responsible = agreed / np.maximum(mixed, _LEAST)  # 0 where both are
            right, known = old_right + np.bincount(bucket, responsible, BUCKETS), asked
        expected = self.expected[head] / ONE / 2 + np.bincount(bucket, prior, BUCKETS)
        result = Weights(self.right.copy(), self.asked.copy(), self.expected.copy())
        for table, value in ((result.right, right), (result.asked, asked), (result.expected, expected)):
            table[head] = np.rint(ONE * value)
        return result
