"""Heads: what each part of the context says comes next, and how far it is to be trusted.

A head reads one row of an evidence table: what followed its source, limited to the symbols that begin with the bytes already
there. Heads are asked from the general to the specific; each corrects what those before it said:

    P <- weight * f + (1 - weight) * P        f: the head's own share of the evidence

The weight comes from measured evidence: how much of what really came next, in lines predicted before they were learnt, a head
with so much evidence of such variety had predicted better than those before it (expectation-maximisation for a mixture,
Jelinek and Mercer 1980, with integer sums). Without such evidence it is Witten and Bell's N / (N + T).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.contexts import F64, Context, probability
from melvin.edges import pack
from melvin.symbols import NONE, U32, Symbols
from melvin.tables import I64, U64, Counts

BOUNDARIES = 3  # where the symbol that is coming may have begun: here, one symbol back, at the chunk's start
SUFFIXES = 3  # the source itself, its right constituent, and that one's
HEADS = BOUNDARIES * SUFFIXES
SIZE_BUCKETS = 24  # half powers of two of a row's evidence
VARIETY_BUCKETS = 9  # eighths of the number of distinct successors, in proportion to the evidence
BUCKETS = SIZE_BUCKETS * VARIETY_BUCKETS
CREDIT_ONE = 1 << 16  # credit is counted in integer parts of one prediction, so that adding it up is exact
PRIOR_PREDICTIONS = 2  # Witten-Bell's weight counts as so many predictions


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
        np.cumsum(counts.count, out=running[1:])
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

    total, distinct : int64, shape (n, 1);  found, same : int64, shapes (n, m), (n, 1)
    `same` is the evidence that the coming symbol is already complete: what comes next is then for the heads before.
    """

    head: int
    total: I64
    distinct: I64
    found: I64
    same: I64

    def share(self, prior: F64) -> F64:
        """f: (n, m)"""
        return (self.found + self.same * prior) / np.maximum(self.total, 1)

    def bucket(self) -> I64:
        """(n, 1): how much evidence, of what variety."""
        some = np.maximum(self.total, 1)
        size = np.minimum((2 * np.log2(some)).astype(np.int64), SIZE_BUCKETS - 1)
        variety = np.minimum(8 * self.distinct // some, VARIETY_BUCKETS - 1)
        return size * VARIETY_BUCKETS + variety


@dataclass(frozen=True)
class Credit:
    """How well each head has predicted, by bucket.

    earned, asked : int64, shape (HEADS, BUCKETS)   in parts of CREDIT_ONE
    """

    earned: I64
    asked: I64

    @classmethod
    def none(cls) -> Credit:
        return cls(np.zeros((HEADS, BUCKETS), np.int64), np.zeros((HEADS, BUCKETS), np.int64))

    def __add__(self, other: Credit) -> Credit:
        return Credit(self.earned + other.earned, self.asked + other.asked)

    def faded(self) -> Credit:
        """Half of it: later generations know more, and weigh more."""
        return Credit(self.earned >> 1, self.asked >> 1)

    def weight(self, opinion: Opinion) -> F64:
        """(n, 1): the share of the prediction that the head's opinion gets; 0 where it has none."""
        bucket = opinion.bucket()
        prior = opinion.total / np.maximum(opinion.total + opinion.distinct, 1)
        earned = self.earned[opinion.head][bucket] / CREDIT_ONE + PRIOR_PREDICTIONS * prior
        weight = earned / (self.asked[opinion.head][bucket] / CREDIT_ONE + PRIOR_PREDICTIONS)
        return np.where(opinion.total > 0, weight, 0.0)


def opinions(symbols: Symbols, edges: Rows, places: Places, code: I64, longest: I64) -> Iterator[Opinion]:
    """What each head says of each code: the general ones first.

    code : int64, shape (n, m);  longest : int64, shape (n, 1)   bytes of context that the byte view has seen before:
    a head is silent where it knows no more of the context than that.
    """
    for index, boundary in enumerate(places.boundaries):
        low, high, depth = boundary.low[:, None], boundary.high[:, None], boundary.depth[:, None]
        found_low, found_high = symbols.narrow(low, high, depth, code)
        first = symbols.by_rank[np.minimum(boundary.low, symbols.size - 1)]
        same = ((boundary.low < boundary.high) & (symbols.length[first] == boundary.depth) & (boundary.depth > 0))[:, None]
        source = boundary.source
        suffixes = [source]
        for _ in range(SUFFIXES - 1):
            shorter = symbols.right[np.where(source == NONE, 0, source)]
            source = np.where(source == NONE, NONE, shorter)
            suffixes.append(source)
        for back in range(SUFFIXES - 1, -1, -1):
            row = np.where(suffixes[back] == NONE, 0, suffixes[back])
            extent = np.maximum(symbols.length[row].astype(np.int64), 1) + boundary.depth  # START counts as one
            there = boundary.valid & (suffixes[back] != NONE) & (extent > longest[:, 0])
            row = row[:, None]
            begin, end = _place(edges, row, low), _place(edges, row, high)
            inside = _place(edges, row, low + same)
            sums = edges.running
            alive = there[:, None]
            yield Opinion(
                head=index * SUFFIXES + back,
                total=np.where(alive, sums[end] - sums[begin], 0),
                distinct=np.where(alive, end - inside, 0),
                found=np.where(alive, sums[_place(edges, row, found_high)] - sums[_place(edges, row, found_low)], 0),
                same=np.where(alive, sums[inside] - sums[begin], 0),
            )


def _place(rows: Rows, source: U32, rank: I64) -> I64:
    """Index of the first key of a source's row whose target's rank is not below `rank`."""
    return np.searchsorted(rows.key, pack(source, rank.astype(np.uint64)))


def predict(
    symbols: Symbols, edges: Rows, contexts: tuple[Context, ...], credit: Credit, places: Places, code: I64
) -> F64:
    """P(code) at each place. code : int64, shape (n, m) -> float64, shape (n, m)."""
    result, longest = probability(contexts, places.context[:, None], code)
    for opinion in opinions(symbols, edges, places, code, longest):
        weight = credit.weight(opinion)
        result = weight * opinion.share(result) + (1 - weight) * result
    return result


def learn_credit(
    symbols: Symbols, edges: Rows, contexts: tuple[Context, ...], credit: Credit, places: Places, code: I64
) -> tuple[F64, Credit]:
    """Predict what came next, then see which heads had said so. code : int64, shape (n,).

    Returns the probabilities, shape (n,), and the credit earned.
    """
    earned, asked = np.zeros((HEADS, BUCKETS), np.int64), np.zeros((HEADS, BUCKETS), np.int64)
    result, longest = probability(contexts, places.context[:, None], code[:, None])
    for opinion in opinions(symbols, edges, places, code[:, None], longest):
        weight = credit.weight(opinion)
        agreed = weight * opinion.share(result)
        mixed = agreed + (1 - weight) * result
        has = opinion.total[:, 0] > 0
        bucket = opinion.bucket()[has, 0]
        part = np.rint(CREDIT_ONE * (agreed[has, 0] / mixed[has, 0])).astype(np.int64)
        np.add.at(earned[opinion.head], bucket, part)
        np.add.at(asked[opinion.head], bucket, CREDIT_ONE)
        result = mixed
    return result[:, 0], Credit(earned, asked)
