"""Vectors: those of words, sparse, each dimension a frame that can be read; and which words are near one another.

What they are made of is told by `embedding`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melvin.contexts import F64
from melvin.tables import I64, U32, in_a_row, places_within, run_starts, sum_by_key

U16 = NDArray[np.uint16]

FRAME_LAGS = 2  # words back and ahead that make a frame
PLACES = 2 * FRAME_LAGS  # of a frame's word: behind the other one, the nearest first; then before it
FRAME_WORDS = 1 << 10  # whose frames are dimensions, the line's border among them
DIMENSIONS = FRAME_WORDS * PLACES
VALUE_ONE = 256  # a value of one
FANOUT = 32  # words that a dimension leads to: those whose value in it is largest
UNIT = 1 << 12  # the length of a vector in arithmetic
ASKED = 64  # vectors whose nearest words are looked for at a time: at most ASKED * FANOUT words a dimension
SHORTLIST = 32  # words compared in full with one vector
ROUNDING = 1e-9  # of a similarity: sums of floats may end so far apart
_FAR_BITS = 32  # of a distance, 0 to 2, in parts of ROUNDING
_PLACE_BITS = 24  # of a place behind it, in a key to be sorted
_HALF_BITS, _HALF = np.uint64(32), np.uint64((1 << 32) - 1)


@dataclass(frozen=True)
class Vector:
    """A sparse vector: ascending dimensions, and a value of each, which is not 0. int64, shapes (a,)"""

    dimension: I64
    value: I64

    @classmethod
    def zero(cls) -> Vector:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    @property
    def length(self) -> float:
        return float(np.sqrt(float((self.value**2).sum())))

    def unit(self) -> Vector:
        """The same direction, so that no word counts for more because it is common; the length is UNIT."""
        if not self.value.size:
            return self
        value = np.rint(self.value * (UNIT / self.length)).astype(np.int64)
        return Vector(self.dimension[value != 0], value[value != 0])

    def __add__(self, other: Vector) -> Vector:
        dimension, place = np.unique(np.concatenate((self.dimension, other.dimension)), return_inverse=True)
        value = np.zeros(dimension.size, np.int64)
        np.add.at(value, place, np.concatenate((self.value, other.value)))
        return Vector(dimension[value != 0], value[value != 0])

    def __sub__(self, other: Vector) -> Vector:
        return self + Vector(other.dimension, -other.value)

    def cosine(self, other: Vector) -> float:
        """Similarity, by merging the sorted dimensions; 0 where one of the two is empty."""
        _, mine, theirs = np.intersect1d(self.dimension, other.dimension, assume_unique=True, return_indices=True)
        lengths = self.length * other.length
        return float((self.value[mine] * other.value[theirs]).sum()) / lengths if lengths else 0.0


@dataclass(frozen=True)
class Near:
    """Words near some vectors, ascending by vector; then the nearest first; then by name.

    query, word : int64, shape (c,)         which vector, and place of the word in the table
    similarity : float64, shape (c,)        cosine
    mean, deviation : float64, shape (q,)   of the similarity of all words that share a dimension with each vector
    """

    query: I64
    word: I64
    similarity: F64
    mean: F64
    deviation: F64

    @classmethod
    def nothing(cls) -> Near:
        none = np.empty(0, np.int64)
        return cls(none, none, np.empty(0), np.empty(0), np.empty(0))

    @property
    def stands_out(self) -> NDArray[np.bool_]:
        """Those more similar than the mean by a deviation. Where most are so much alike that none is, those more
        similar than the mean; where all are, all.
        """
        best = np.zeros(self.mean.size)  # ask before any are left out
        np.maximum.at(best, self.query, self.similarity)
        return np.asarray(self.similarity >= _threshold(self.mean, self.deviation, best)[self.query])

    @classmethod
    def joined(cls, parts: list[Near], queries: int) -> Near:
        """What was found for so many vectors at a time, the last few perhaps fewer, as one."""
        query = [near.query + queries * number for number, near in enumerate(parts)]
        rest = fields(cls)[1:]
        return cls(np.concatenate(query), *(np.concatenate([getattr(near, f.name) for near in parts]) for f in rest))

    def where(self, keep: NDArray[np.bool_]) -> Near:
        return Near(self.query[keep], self.word[keep], self.similarity[keep], self.mean, self.deviation)

    @property
    def rank(self) -> I64:
        """How many stand before each of the same vector."""
        return places_within(self.query)


def _threshold(mean: F64, deviation: F64, best: F64) -> F64:
    """The similarity from which on words stand out, of each vector. best : the largest that there is"""
    line = (mean + deviation) * (1 - ROUNDING)
    return np.where(best < line, mean * (1 - ROUNDING), line)


@dataclass(frozen=True)
class Embeddings:
    """The vectors of words, sparse rows ascending by name.

    frame : uint32, shape (f,)      names of the words whose frames are dimensions, ascending
    name : uint32, shape (n,)       words that have a vector, ascending
    size : uint8, shape (n,)        active dimensions of each, 1 to ACTIVE
    dimension : uint16, shape (a,)  word after word, ascending within one: place of the frame's word * PLACES + place
    value : uint16, shape (a,)       positive, in parts of VALUE_ONE
    """

    frame: U32
    name: U32
    size: NDArray[np.uint8]
    dimension: U16
    value: U16

    @classmethod
    def empty(cls) -> Embeddings:
        named = np.empty(0, np.uint32)
        return cls(named, named, np.empty(0, np.uint8), np.empty(0, np.uint16), np.empty(0, np.uint16))

    @cached_property
    def first(self) -> I64:
        """int64, shape (n + 1,): where each word's dimensions begin."""
        return np.concatenate(([0], np.cumsum(self.size, dtype=np.int64)))

    def index(self, name: U32) -> I64:
        """Places of words in the table, -1 where they are not in it. Shape (n,) -> (n,)."""
        if not self.name.size:
            return np.full(name.shape, -1)
        at = np.minimum(np.searchsorted(self.name, name), self.name.size - 1)
        return np.where(self.name[at] == name, at, -1)

    def dimension_of(self, word: U32, lag: int, *, behind: bool) -> I64:
        """The dimension of the frame in which a word stands `lag` away; -1 where it is none. Shape (n,) -> (n,)."""
        if not self.frame.size:
            return np.full(word.shape, -1)
        at = np.minimum(np.searchsorted(self.frame, word), self.frame.size - 1)
        return np.where(self.frame[at] == word, at * PLACES + behind * FRAME_LAGS + lag - 1, -1)

    def place(self, name: int) -> int:
        """The same of one word."""
        at = int(self.name.searchsorted(np.uint32(name)))
        return at if at < self.name.size and int(self.name[at]) == name else -1

    def behind(self, words: tuple[int, ...]) -> Vector:
        """The frames of what stands behind some words, the nearest first, each with a value of one."""
        at = ((self._frame_at.get(word), lag) for lag, word in enumerate(words))
        dimension = sorted(place * PLACES + FRAME_LAGS + lag for place, lag in at if place is not None)
        return Vector(np.array(dimension, np.int64), np.full(len(dimension), VALUE_ONE))

    @cached_property
    def _frame_at(self) -> dict[int, int]:
        """Where in `frame` each name is."""
        return {name: place for place, name in enumerate(self.frame.tolist())}

    @cached_property
    def fans(self) -> tuple[U32, U16]:
        """The words that each dimension leads to, those whose values in it are largest; and these values.

        Shape (DIMENSIONS, FANOUT) each. Behind the last word stands the place of none, `name.size`, with a value of 0.
        """
        # Of a dimension's words with one value, the order is that of the table.
        key = self.dimension.astype(np.uint64) << np.uint64(16) | (self.value ^ np.uint16(0xFFFF))
        key = key << _HALF_BITS | np.arange(self.value.size, dtype=np.uint64)
        key.sort()
        order = (key & _HALF).view(np.int64)
        dimension = self.dimension[order].astype(np.int64)
        rank = places_within(dimension)
        kept = rank < FANOUT
        at = dimension[kept], rank[kept]
        word = np.full((DIMENSIONS, FANOUT), self.name.size, np.uint32)
        value = np.zeros(word.shape, np.uint16)
        word[at] = np.repeat(np.arange(self.name.size), self.size)[order[kept]]
        value[at] = self.value[order[kept]]
        return word, value

    @cached_property
    def norm(self) -> F64:
        """float64, shape (n,): length of each vector."""
        square = self.value.astype(np.int64) ** 2
        return np.sqrt(np.add.reduceat(square, self.first[:-1])) if square.size else np.empty(0)

    def take(self, index: I64) -> Embeddings:
        """The vectors of some words. index : int64, shape (m,), ascending"""
        _, at = _ranges(self.first[index], self.size[index].astype(np.int64))
        return Embeddings(self.frame, self.name[index], self.size[index], self.dimension[at], self.value[at])

    def vector(self, index: int) -> Vector:
        """The vector of one word."""
        some = slice(int(self.first[index]), int(self.first[index + 1]))
        return Vector(self.dimension[some].astype(np.int64), self.value[some].astype(np.int64))

    def spread(self, index: I64) -> tuple[I64, I64, I64]:
        """The active dimensions of some words: which of them, dimension, value; shapes (a,)."""
        which, at = _ranges(self.first[index], self.size[index].astype(np.int64))
        return which, self.dimension[at].astype(np.int64), self.value[at].astype(np.int64)

    def nearest(self, query: I64, dimension: I64, value: I64, itself: I64 | None = None) -> Near:
        """The words that share dimensions with some vectors.

        Only FANOUT words of a dimension are looked at, and the SHORTLIST that then look nearest are compared in full:
        the work is independent of the number of words.

        Parameters
        ----------
        query, dimension, value : int64, shape (a,)   which vector, its dimension (>= 0) and value; ascending by the
            first two, each pair of them once
        itself : int64, shape (queries,)   place of a word that is not to be found by each, or -1
        """
        if not query.size or not self.name.size:
            return Near.nothing()
        queries = int(query[-1]) + 1
        if itself is None:
            itself = np.full(queries, -1)
        border = np.searchsorted(query, np.arange(0, queries + ASKED, ASKED))
        parts = [
            self._nearest(query[a:b] - first, dimension[a:b], value[a:b], itself[first : min(first + ASKED, queries)])
            for first, (a, b) in zip(range(0, queries, ASKED), pairwise(border.tolist()), strict=True)
        ]
        return Near.joined(parts, ASKED)

    def _nearest(self, query: I64, dimension: I64, value: I64, itself: I64) -> Near:
        """The same of at most ASKED vectors: what is worked out of them stays in cache."""
        length = np.sqrt(np.bincount(query, value.astype(np.float64) ** 2, itself.size))
        words, values = self.fans
        some, none = np.flatnonzero(value > 0), self.name.size
        at = dimension.take(some)
        pair = query.take(some)[:, None] * (none + 1) + words.take(at, axis=0)
        share = value.take(some)[:, None] * values.take(at, axis=0)
        pair, dot = sums(pair.reshape(-1), share.reshape(-1))
        asked, word = np.divmod(pair, none + 1)
        others = np.flatnonzero((word != itself.take(asked)) & (word != none))
        asked, word, dot = asked.take(others), word.take(others), dot.take(others)
        looks = dot / (length.take(asked) * self.norm[word])
        order = _nearest_first(looks, asked).compress(places_within(asked) < SHORTLIST)
        mean, deviation = _moments(asked, looks, itself.size)
        asked, word = asked.take(order), word.take(order)
        which, other, theirs = self.spread(word)
        own = np.zeros((itself.size, DIMENSIONS))  # floats hold such products whole
        own[query, dimension] = value
        product = own.reshape(-1).take(asked.take(which) * DIMENSIONS + other) * theirs
        cosine = np.bincount(which, product, word.size) / (length[asked] * self.norm[word])
        order = _nearest_first(cosine, asked)
        return Near(asked[order], word[order], cosine[order], mean, deviation)

    def standing_out(self, vector: Vector, itself: int) -> I64:
        """Places of the words that `nearest` finds for one vector of positive values and that stand out.

        What it does in fewer steps: those for many vectors take longer than all that there is to do for one.
        """
        if not vector.value.size:
            return np.empty(0, np.int64)
        words, values = self.fans
        both = words.take(vector.dimension, axis=0).astype(np.uint64) << _HALF_BITS
        both |= (vector.value[:, None] * values.take(vector.dimension, axis=0)).view(np.uint64)
        both = both.reshape(-1)  # places of words, each with its share of the product
        both.sort()
        word = both >> _HALF_BITS
        first = run_starts(word)
        word, dot = word.take(first).view(np.int64), np.add.reduceat(both & _HALF, first)
        others = np.flatnonzero((word != itself) & (word != self.name.size))
        if not others.size:
            return others
        length = math.sqrt(int(vector.value @ vector.value))
        word = word.take(others)
        looks = dot.take(others) / (length * self.norm.take(word))
        mean = float(looks.cumsum()[-1]) / looks.size  # added one by one, as `_moments` does
        deviation = math.sqrt(float(((looks - mean) ** 2).cumsum()[-1]) / looks.size)
        word = word.take(_nearest_first(looks)[:SHORTLIST])
        size = self.size.take(word).astype(np.int64)
        at = in_a_row(self.first.take(word), size)
        own = np.zeros(DIMENSIONS, np.int64)
        own[vector.dimension] = vector.value
        product = own.take(self.dimension.take(at)) * self.value.take(at)
        cosine = np.add.reduceat(product, np.cumsum(size) - size) / (length * self.norm.take(word))
        order = _nearest_first(cosine)
        threshold = _threshold(np.array([mean]), np.array([deviation]), cosine.max(keepdims=True))
        return word.take(order).compress(cosine.take(order) >= threshold)


def _ranges(begin: I64, size: I64) -> tuple[I64, I64]:
    """Ranges in a row: which one each place is of, and the place. Shapes (n,) -> (sum of sizes,)."""
    which = np.repeat(np.arange(size.size), size)
    return which, np.arange(which.size) + np.repeat(begin - (np.cumsum(size) - size), size)


def sums(key: I64, value: I64) -> tuple[I64, I64]:
    """Add the values of equal keys, neither below 0. Shapes (n,) -> (distinct keys,), ascending."""
    counts = sum_by_key(key.astype(np.uint64), value)
    return counts.key.astype(np.int64), counts.count.astype(np.int64)


def _nearest_first(similarity: F64, group: I64 | int = 0) -> I64:
    """The order by group, then the largest similarity first; of those alike within ROUNDING, as they stand.

    All three are sorted as one number: numpy's sort is SIMD, its argsort is not. Groups are below ASKED.
    """
    key = np.rint((1 - similarity) / ROUNDING).astype(np.uint64) << np.uint64(_PLACE_BITS)
    key |= np.asarray(group, np.uint64) << np.uint64(_FAR_BITS + _PLACE_BITS)
    key |= np.arange(key.size, dtype=np.uint64)
    key.sort()
    return (key & np.uint64((1 << _PLACE_BITS) - 1)).view(np.int64)


def _moments(group: I64, value: F64, groups: int) -> tuple[F64, F64]:
    """Mean and deviation of the values of each group. Shapes (n,), (n,) -> (groups,), (groups,)."""
    size = np.maximum(np.bincount(group, minlength=groups), 1)
    mean = np.bincount(group, value, groups) / size
    square = np.bincount(group, (value - mean[group]) ** 2, groups) / size
    return mean, np.sqrt(square)
