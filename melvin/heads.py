"""Heads: what each part of the context says comes next, and how far it is to be trusted.

A head reads one row of an evidence table: what followed its source, limited to the symbols that begin with the bytes
already there. Heads are asked from the general to the specific; each corrects what those before it said:

    P <- weight * f + (1 - weight) * P        f: the head's own share of the evidence

The weight comes from measured evidence: for how much of what really came next, in lines predicted before they were
learnt, a head with so much evidence of such variety was responsible (expectation-maximisation for a mixture, Jelinek
and Mercer 1980). Without such evidence it is Witten and Bell's N / (N + T).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.contexts import F64, Context, probability
from melvin.edges import pack, target_of
from melvin.symbols import END, NONE, U32, Symbols
from melvin.tables import I64, U64, Counts

BOUNDARIES = 3  # where the symbol that is coming may have begun: here, one symbol back, at the chunk's start
SOURCES = 3  # the symbol that ends there, what that symbol ends with, and anything at all
HEADS = BOUNDARIES * SOURCES
SIZE_BUCKETS = 12  # powers of two of a row's evidence
VARIETY_BUCKETS = 5  # one way on, or so many fourths of the evidence in different symbols
BUCKETS = 2 * SIZE_BUCKETS * VARIETY_BUCKETS  # twice: for heads that look back further than the byte view, or not
ONE = 1 << 16  # predictions are counted in integer parts of one
PRIOR_PREDICTIONS = 2  # the prior weight counts as so many predictions
EM_STEPS = 6  # of expectation-maximisation, each generation, from where the one before left off
REPEATING = 1 / 64  # prior weight of a head that knows no more of the context than the byte view


@dataclass(frozen=True)
class Rows:
    """Evidence by key, with running sums: the evidence in any range of keys is one subtraction.

    key : uint64, shape (n,), ascending;  running : int64, shape (n + 1,), sum of the counts before each key
    """

    key: U64
    running: I64

    @classmethod
    def of(cls, counts: Counts) -> Rows:
        running = np.zeros(counts.size + 1, np.int64)
        np.cumsum(counts.count, dtype=np.int64, out=running[1:])
        return cls(counts.key, running)


@dataclass(frozen=True)
class Boundary:
    """One place where the coming symbol may have begun, for each of n predictions.

    source, before : uint32, shape (n,)   the symbol that ends there, and the one before it
    low, high : int64, shape (n,)         ranks of the symbols that begin with the bytes since
    depth : int64, shape (n,)             number of those bytes
    valid : bool, shape (n,)
    """

    source: U32
    before: U32
    low: I64
    high: I64
    depth: I64
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Places:
    """Where predictions are asked for: the byte context and the boundaries of n places in lines of one port."""

    context: U64
    boundaries: tuple[Boundary, ...]


@dataclass(frozen=True)
class Opinion:
    """What one head said: its share f of the evidence for each code, and the row it rests on.

    total, distinct : int64, shape (n, 1)   evidence, and different symbols in it (1 where all go on with one byte)
    found, same : int64, shapes (n, m), (n, 1)
    further : bool, shape (n, 1)   the head's context is longer than the longest that the byte view has seen before
    `same` is the evidence that the coming symbol is already complete: what comes next is then for the heads before.
    """

    head: int
    total: I64
    distinct: I64
    found: I64
    same: I64
    further: NDArray[np.bool_]

    def share(self, prior: F64) -> F64:
        """f: (n, m)"""
        return (self.found + self.same * prior) / np.maximum(self.total, 1)

    def prior(self) -> F64:
        """(n, 1): Witten and Bell's N / (N + T), where the head knows more of the context than the byte view does."""
        return np.where(self.further, self.total / np.maximum(self.total + self.distinct, 1), REPEATING)

    def bucket(self) -> I64:
        """(n, 1): how much evidence, of what variety."""
        some = np.maximum(self.total, 1)
        size = np.minimum(np.frexp(some.astype(np.float64))[1] - 1, SIZE_BUCKETS - 1)
        fourths = np.minimum(4 * self.distinct // some, VARIETY_BUCKETS - 2)
        variety = np.where(self.distinct <= 1, 0, 1 + fourths)
        return np.asarray((self.further * SIZE_BUCKETS + size) * VARIETY_BUCKETS + variety)


@dataclass(frozen=True)
class Weights:
    """How far each head is trusted, by bucket: integer evidence from lines predicted before they were learnt.

    right, asked : int64, shape (HEADS, BUCKETS), in parts of ONE
        predictions for which the head was responsible, of those it was asked for
    """

    right: I64
    asked: I64

    @classmethod
    def none(cls) -> Weights:
        return cls(np.zeros((HEADS, BUCKETS), np.int64), np.zeros((HEADS, BUCKETS), np.int64))

    def of(self, opinion: Opinion) -> F64:
        """(n, 1): the share of the prediction that the head's opinion gets; 0 where it has none."""
        bucket = opinion.bucket()
        right = self.right[opinion.head][bucket] / ONE + PRIOR_PREDICTIONS * opinion.prior()
        return np.where(opinion.total > 0, right / (self.asked[opinion.head][bucket] / ONE + PRIOR_PREDICTIONS), 0.0)

    def fitted(self, opinion: Opinion, probability: F64) -> Weights:
        """With one head's weights fitted to predictions that were just checked, by expectation-maximisation.

        What was known before counts half: later generations know more, and weigh more.

        probability : float64, shape (n, 1)   what the heads before gave to what really came
        """
        head, has = opinion.head, opinion.total[:, 0] > 0
        bucket = opinion.bucket()[has, 0]
        share, before, prior = (
            opinion.share(probability)[has, 0],
            probability[has, 0],
            opinion.prior()[has, 0],
        )
        old_right, old_asked = self.right[head] / ONE / 2, self.asked[head] / ONE / 2
        asked = old_asked + np.bincount(bucket, minlength=BUCKETS)
        right = asked * np.divide(old_right, old_asked, out=np.zeros(BUCKETS), where=old_asked > 0)
        known = np.where(old_asked > 0, asked, 0.0)
        for _ in range(EM_STEPS):
            weight = (right[bucket] + PRIOR_PREDICTIONS * prior) / (known[bucket] + PRIOR_PREDICTIONS)
            agreed = weight * share
            mixed = agreed + (1 - weight) * before
            responsible = np.divide(agreed, mixed, out=np.zeros_like(agreed), where=mixed > 0)
            right, known = old_right + np.bincount(bucket, responsible, BUCKETS), asked
        result = Weights(self.right.copy(), self.asked.copy())
        result.right[head], result.asked[head] = np.rint(ONE * right), np.rint(ONE * asked)
        return result


def opinions(symbols: Symbols, edges: Rows, places: Places, code: I64, longest: I64) -> Iterator[Opinion]:
    """What each head says of each code: the general ones first.

    code : int64, shape (n, m);  longest : int64, shape (n, 1)   bytes of context that the byte view has seen before
    """
    for index, boundary in enumerate(places.boundaries):
        low, high, depth = boundary.low[:, None], boundary.high[:, None], boundary.depth[:, None]
        found_low, found_high = symbols.narrow(low, high, depth, code)
        first = symbols.by_rank[np.minimum(boundary.low, symbols.size - 1)]
        same = ((boundary.low < boundary.high) & (symbols.length[first] == boundary.depth) & (boundary.depth > 0))[
            :, None
        ]
        for back, source in reversed(list(enumerate(_sources(symbols, boundary.source)))):
            if back and not index:  # with nothing read of the coming symbol yet, the byte view knows all that these do
                continue
            row = np.where(source == NONE, 0, source)
            anything = row - symbols.base[symbols.port[row]] == END
            extent = (
                np.maximum(symbols.length[row].astype(np.int64), 1) - anything + boundary.depth
            )  # START counts as one
            there = boundary.valid & (source != NONE)
            further = (extent > longest[:, 0])[:, None]
            row = row[:, None]
            begin, end = _place(edges, row, low), _place(edges, row, high)
            inside = _place(edges, row, low + same)
            sums = edges.running
            alive = there[:, None]
            distinct = end - inside
            # The row is in byte order: where its first and its last symbol go on alike, all do.
            agree = (distinct > 1) & (
                _next_code(symbols, edges, inside, depth) == _next_code(symbols, edges, end - 1, depth)
            )
            distinct = np.where(agree, 1, distinct)
            yield Opinion(
                head=index * SOURCES + back,
                total=np.where(alive, sums[end] - sums[begin], 0),
                distinct=np.where(alive, distinct, 0),
                found=np.where(alive, sums[_place(edges, row, found_high)] - sums[_place(edges, row, found_low)], 0),
                further=further,
                same=np.where(alive, sums[inside] - sums[begin], 0),
            )


def _next_code(symbols: Symbols, edges: Rows, at: I64, depth: I64) -> I64:
    """The code at `depth` of the target of each key."""
    if not edges.key.size:
        return np.zeros(at.shape, np.int64)
    target = symbols.by_rank[target_of(edges.key[np.clip(at, 0, edges.key.size - 1)])]
    return symbols.code_at(target, depth)


def _sources(symbols: Symbols, source: U32) -> list[U32]:
    """The symbol, what it ends with (NONE where it is a ground symbol), and the row of anything."""
    return [source, symbols.right[source], symbols.base[symbols.port[source]] + np.uint32(END)]


def _place(rows: Rows, source: U32, rank: I64) -> I64:
    """Index of the first key of a source's row whose target's rank is not below `rank`."""
    return np.searchsorted(rows.key, pack(source, rank.astype(np.uint64)))


def predict(
    symbols: Symbols, edges: Rows, contexts: tuple[Context, ...], weights: Weights, places: Places, code: I64
) -> F64:
    """P(code) at each place. code : int64, shape (n, m) -> float64, shape (n, m)."""
    result, longest = probability(contexts, places.context[:, None], code)
    for opinion in opinions(symbols, edges, places, code, longest):
        weight = weights.of(opinion)
        result = weight * opinion.share(result) + (1 - weight) * result
    return result


def fit(
    symbols: Symbols, edges: Rows, contexts: tuple[Context, ...], weights: Weights, places: Places, code: I64
) -> tuple[F64, Weights]:
    """Predict what came, then fit the heads' weights to it, the general heads first. code : int64, shape (n,).

    Returns what was predicted with the weights as they were, float64 of shape (n,), and the fitted weights.
    """
    now, longest = probability(contexts, places.context[:, None], code[:, None])
    better = now
    for opinion in opinions(symbols, edges, places, code[:, None], longest):
        weight = weights.of(opinion)
        now = weight * opinion.share(now) + (1 - weight) * now
        weights = weights.fitted(opinion, better)
        weight = weights.of(opinion)
        better = weight * opinion.share(better) + (1 - weight) * better
    return now[:, 0], weights
