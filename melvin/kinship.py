"""Kinship: which words may stand for which, looked up by the chunks in which they are read.

Vectors know words by name; evidence knows chunks, a word with the separator behind it. Here the one meets the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melvin.attention import NOTHING, names
from melvin.categories import KIN
from melvin.chunks import Window
from melvin.tables import I64, U32
from melvin.vectors import VALUE_ONE, Embeddings, Near
from melvin.words import BORDER, Words


@dataclass(frozen=True)
class Said:
    """Chunks as they stand in text, to be looked up as words.

    word : uint32, shape (n,)                name of the word, BORDER where the chunk is none
    before : uint32, shape (FRAME_LAGS, n)   names of the words before it, the nearest first; BORDER where there is none
    separator : uint8, shape (n,)            the byte that it ends with
    port, salt : of all of them
    """

    word: U32
    before: U32
    separator: NDArray[np.uint8]
    port: int
    salt: int

    def where(self, kept: NDArray[np.bool_]) -> Said:
        """Some of the chunks."""
        return replace(self, word=self.word[kept], before=self.before[:, kept], separator=self.separator[kept])


class Kinship:
    """Finds the kin of words."""

    def __init__(self, words: Words, embeddings: Embeddings) -> None:
        self.words = words
        self.embeddings = embeddings
        self._spelt = words.places(embeddings.name)  # where the text of each word that has a vector is; or -1
        self._start = np.cumsum(words.size, dtype=np.int64) - words.size

    def spelt(self, near: Near, port: int) -> Near:
        """Those whose text is known, and which are of one port."""
        at = self._spelt[near.word]
        good = at >= 0
        good[good] = self.words.port[at[good]] == port
        return near.where(good)

    def text(self, index: int) -> bytes:
        """The bytes of a word that has a vector."""
        at = int(self._spelt[index])
        start = int(self._start[at])
        return self.words.text[start : start + int(self.words.size[at])].tobytes()

    def chunks(self, said: Said) -> U32:
        """Names of the chunks to be asked in place of some. -> uint32, shape (n, KIN); NOTHING where there is none"""
        e, is_word = self.embeddings, said.word != BORDER
        index = e.index(said.word)
        known, new = np.flatnonzero(is_word & (index >= 0)), np.flatnonzero(is_word & (index < 0))
        word, which_word = np.unique(index[known], return_inverse=True)
        place, which_place = np.unique(said.before[:, new], axis=1, return_inverse=True)
        query, dimension, value = e.spread(word)
        stood, frame = self._frames(place)
        itself = np.concatenate((word, np.full(place.shape[1], -1)))
        near = e.nearest(
            np.concatenate((query, word.size + stood)),
            np.concatenate((dimension, frame)),
            np.concatenate((value, np.full(stood.size, VALUE_ONE))),
            itself,
        )
        near = self.spelt(near.where(near.stands_out), said.port)
        near = near.where(near.rank < KIN)
        kin = np.full((itself.size, KIN), -1)
        kin[near.query, near.rank] = self._spelt[near.word]
        instead = np.full((said.word.size, KIN), -1)
        instead[known] = kin[which_word.reshape(-1)]
        instead[new] = kin[word.size + which_place.reshape(-1)]
        separator = np.broadcast_to(said.separator[:, None], instead.shape)
        found, some = np.full(instead.shape, NOTHING), instead >= 0
        found[some] = self._names(instead[some], separator[some], said.salt)
        return found

    def like(self, place: int, before: tuple[int, ...], port: int) -> list[bytes]:
        """The words to be asked in place of one, the nearest first.

        place : where its vector is
        before : where it has none (-1), the words that it stands behind, the nearest first
        """
        e = self.embeddings
        found = e.standing_out(e.vector(place) if place >= 0 else e.behind(before), place)
        good = found.compress(self._spelt.take(found) >= 0)
        good = good.compress(self.words.port.take(self._spelt.take(good)) == port)
        return [self.text(word) for word in good[:KIN].tolist()]

    def _frames(self, before: U32) -> tuple[I64, I64]:
        """The frames in which what comes after some words stands: which of them, and dimension, both ascending."""
        dimension = np.stack(
            [self.embeddings.dimension_of(row, lag + 1, behind=True) for lag, row in enumerate(before)]
        )
        dimension = np.sort(dimension.T, axis=1)
        dimension[:, 1:][dimension[:, 1:] == dimension[:, :-1]] = -1
        which, column = np.nonzero(dimension >= 0)
        return which, dimension[which, column]

    def _names(self, word: I64, separator: NDArray[np.uint8], salt: int) -> U32:
        """Names of words as chunks, each with a separator behind it."""
        size = self.words.size[word].astype(np.int64) + 1
        start = np.cumsum(size) - size
        depth = np.arange(int(size.sum())) - np.repeat(start, size)
        source = np.repeat(self._start[word], size) + depth
        text = self.words.text[np.minimum(source, max(self.words.text.size - 1, 0))]
        text[start + size - 1] = separator
        return names(Window(text).hash(start, size, salt))
