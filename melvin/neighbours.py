"""Neighbours: the row of a word in the table of pairs, and the words that come before and after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melvin.contexts import F64
from melvin.generation import Snapshot
from melvin.parse import chunk_salt
from melvin.tables import I64, U32, Counts
from melvin.words import BORDER, HELD, Words, row_of, unpack_pair, words_in


@dataclass(frozen=True)
class Near:
    """A word that comes near another one.

    payload : its bytes
    count : pairs of the two
    mean_lag, lag_deviation : words from the one to the other
    """

    payload: bytes
    count: int
    mean_lag: float
    lag_deviation: float

    @property
    def text(self) -> str:
        return self.payload.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Row:
    """The words near one word, each once, ascending by name.

    other : uint32, shape (n,)
    before, after : int64, shape (n,)       pairs in which it stands before the word, and after it
    lags, squares : int64, shape (2, n)     sums of the lags and of their squares, of these pairs
    closeness : float64, shape (2, n)       sum of 1 / lag
    trials : stretches that hold the word
    """

    other: U32
    before: I64
    after: I64
    lags: I64
    squares: I64
    closeness: F64
    trials: int

    @classmethod
    def of(cls, pairs: Counts, word: int) -> Row:
        """One range of keys."""
        begin, end = np.searchsorted(pairs.key, np.array(row_of(word), np.uint64))
        _, other, lag, behind = unpack_pair(pairs.key[begin:end])
        count = pairs.count[begin:end].astype(np.int64)
        held = int(count[(other == BORDER) & (lag == HELD)].sum())
        real = (other != BORDER) & (lag > 0)
        name, place = np.unique(other[real], return_inverse=True)
        count, lag, side = count[real], lag[real], np.where(behind[real], 0, 1)
        whole, closeness = np.zeros((3, 2, name.size), np.int64), np.zeros((2, name.size))
        for sums, value in zip(whole, (count, count * lag, count * lag * lag), strict=True):
            np.add.at(sums, (side, place), value)
        np.add.at(closeness, (side, place), count / lag)
        return cls(name, whole[0, 0], whole[0, 1], whole[1], whole[2], closeness, held)

    def find(self, word: int) -> int | None:
        """Place of a word in the row."""
        at = int(np.searchsorted(self.other, np.uint32(word)))
        return at if at < self.other.size and int(self.other[at]) == word else None


def near(known: Snapshot, text: bytes, port: int, n: int, *, behind: bool) -> list[Near]:
    """The words that come before the first word of a text (`behind`), or after its last one.

    Each pair counts by its closeness, 1 / lag: the nearest and strongest come first.
    """
    words = words_in(text, known.separator[port], chunk_salt(port))
    if not words:
        return []
    row = Row.of(known.evidence.context_edges, (words[0] if behind else words[-1])[0])
    side = 0 if behind else 1
    count = row.before if behind else row.after
    found: list[Near] = []
    for at in np.lexsort((row.other, -row.closeness[side])):
        if len(found) >= n or not count[at]:
            break
        payload = payload_of(known.words, int(row.other[at]))
        if payload is not None:
            mean = int(row.lags[side, at]) / int(count[at])
            variance = int(row.squares[side, at]) / int(count[at]) - mean * mean
            found.append(Near(payload, int(count[at]), mean, float(np.sqrt(max(variance, 0.0)))))
    return found


def payload_of(words: Words, name: int) -> bytes | None:
    at = words.find(name)
    return None if at is None else words.payload(at)
