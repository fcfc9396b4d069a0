"""Task focus: what a question is about re-weights what may come next.

A focus is words. For each of them that the brain has seen, how often every other word stood near it (see `words`) gives
the share of that word near the focus, by Witten and Bell's estimate: (c + T P) / (N + T), with N pairs of the focus
word, T different words among them, and P the word's share of all that was read. Divided by P it is a lift; a way to go
on is scaled by the lift of the word it completes. Focus words are mixed by attention: each weighs as many bits as it
tells about the choice that is open (the Kullback-Leibler divergence of the scaled choice from the unscaled one), so one
that goes with anything hardly counts. The width of a focus is exp(entropy) of those weights, in effective words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin.chunks import Window
from melvin.contexts import F64
from melvin.generation import Snapshot
from melvin.parse import chunk_salt
from melvin.tables import I64, U32, run_starts
from melvin.words import BORDER, row_of, unpack_pair, word_names

ASSOCIATED = 16  # words, of those that stood near a focus word, that are considered beside the likeliest ways on


@dataclass(frozen=True)
class _Near:
    """The words that stood near one word: their names, ascending, and how often each did."""

    name: U32
    count: I64

    @property
    def absent(self) -> float:
        """The lift of a word that never did."""
        return float(self.name.size / (self.count.sum() + self.name.size))


class Focus:
    """What a question is about, on one port of a brain."""

    def __init__(self, known: Snapshot, text: bytes, port: int) -> None:
        self._words, self._port = known.words, port
        self._separator = known.separator[port]
        self._total = int(known.words.count[known.words.port == port].sum())
        about = dict.fromkeys(self._name(self._split(text)).tolist())
        rows = [_near(known, name) for name in about if known.words.find(name) is not None]
        self._rows = [row for row in rows if row.name.size]

    @cached_property
    def _start(self) -> I64:
        """Where each word's text begins."""
        size = self._words.size.astype(np.int64)
        return np.asarray(np.cumsum(size) - size)

    def _split(self, text: bytes) -> list[bytes]:
        words, begin = [], 0
        for at in range(len(text) + 1):
            if at == len(text) or self._separator[text[at]]:
                words.append(text[begin:at])
                begin = at + 1
        return [word for word in words if word]

    def _name(self, texts: Sequence[bytes]) -> U32:
        length = np.array([len(text) for text in texts], np.int64)
        window = Window(np.frombuffer(b"".join(texts), np.uint8))
        return word_names(window.hash(np.cumsum(length) - length, length, chunk_salt(self._port)))

    def associated(self, begun: bytes) -> list[bytes]:
        """Words that stood near the focus and begin with these bytes, the strongest first; what is left of them."""
        words, found = self._words, dict[bytes, None]()
        for row in self._rows:
            at = np.minimum(np.searchsorted(words.name, row.name), words.name.size - 1)
            fits = (words.name[at] == row.name) & (words.port[at] == self._port) & (words.size[at] > len(begun))
            for place, byte in enumerate(begun):
                some = np.flatnonzero(fits)
                fits[some] = words.text[self._start[at[some]] + place] == byte
            near = np.flatnonzero(fits)
            gain = row.count[near] * np.log2(self._lift(row, row.name[near]))
            for word in at[near[np.argsort(-gain, kind="stable")[:ASSOCIATED]]]:
                start = int(self._start[word])
                found[words.text[start + len(begun) : start + int(words.size[word])].tobytes()] = None
        return [*found]

    def _lift(self, row: _Near, name: U32) -> F64:
        """How many times likelier each word is near a focus word than anywhere. Shape (n,) -> (n,)."""
        at = np.minimum(np.searchsorted(self._words.name, name), self._words.name.size - 1)
        share = np.where(self._words.name[at] == name, self._words.count[at], 0) / self._total
        near = np.minimum(np.searchsorted(row.name, name), row.name.size - 1)
        count = np.where(row.name[near] == name, row.count[near], 0)
        more = np.divide(count, share, out=np.zeros(name.size), where=share > 0)
        return np.asarray((more + row.name.size) / (row.count.sum() + row.name.size))

    def scaled(self, begun: bytes, payloads: Sequence[bytes], probability: F64) -> tuple[F64, F64]:
        """Probabilities of ways to go on, re-weighted; and how many bits each focus word told.

        Parameters
        ----------
        begun : what is there of the chunk;  payloads : the rest of it, one way each
        probability : float64, shape (n,)   what they leave to 1 is anything else

        Returns
        -------
        float64, shape (n,), and float64, shape (focus words,)
        """
        if not self._rows:
            return probability, np.zeros(0)
        words = [self._split(begun + payload)[:1] for payload in payloads]
        some = np.array([bool(word) for word in words])
        name = self._name([word for each in words for word in each])
        every = np.append(probability, max(1 - float(probability.sum()), 0.0))
        ways, told = [], []
        for row in self._rows:
            lift = np.ones(every.size)  # where no word is completed, the focus says nothing
            lift[:-1][some] = self._lift(row, name)
            lift[-1] = row.absent
            way = every * lift
            way /= way.sum()
            open_ = (way > 0) & (every > 0)
            told.append(float((way[open_] * np.log2(way[open_] / every[open_])).sum()))
            ways.append(way)
        bits = np.maximum(np.array(told), 0.0)
        if not bits.any():
            return probability, bits
        return np.asarray((bits / bits.sum()) @ np.array(ways))[:-1], bits


def begun_of(text: bytes, separator: NDArray[np.bool_]) -> bytes:
    """The part of a text's last chunk that is there."""
    ends = np.flatnonzero(separator[np.frombuffer(text, np.uint8)])
    return text[int(ends[-1]) + 1 :] if ends.size else text


def width(bits: F64) -> float:
    """Effective number of words attended to, exp(entropy) of their weights; 0 where none says anything."""
    if not bits.any():
        return 0.0
    weight = bits[bits > 0] / bits.sum()
    return float(np.exp(-(weight * np.log(weight)).sum()))


def _near(known: Snapshot, name: int) -> _Near:
    """What stood near a word, before it or after it, at any lag."""
    pairs = known.evidence.context_edges
    begin, end = np.searchsorted(pairs.key, np.array(row_of(name), np.uint64))
    _, other, _, _ = unpack_pair(pairs.key[begin:end])
    count: NDArray[np.int64] = pairs.count[begin:end].astype(np.int64)
    order = np.argsort(other, kind="stable")
    order = order[other[order] != BORDER]
    first = run_starts(other[order].astype(np.uint64))
    if not first.size:
        return _Near(np.empty(0, np.uint32), np.empty(0, np.int64))
    return _Near(other[order][first], np.add.reduceat(count[order], first))
