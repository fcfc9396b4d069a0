"""Categories: words that stand in the same frames, and what is known of one from the others.

A word's kin are the words nearest to it whose similarity stands out among all that share a frame with it. What followed
them says what may follow the word where it was never seen. A word that was never read at all has a place: the words
before it; its kin are those that stand there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melvin.attention import NOTHING, names
from melvin.chunks import Window
from melvin.embedding import VALUE_ONE, Embeddings, Near
from melvin.symbols import U32
from melvin.tables import I64
from melvin.words import BORDER, Words

KIN = 8  # words asked in place of one


@dataclass(frozen=True)
class Said:
    """Chunks as they stand in text, to be looked up as words.

    word : uint32, shape (n,)      name of the word, BORDER where the chunk is none
    before : uint32, shape (2, n)  names of the words one and two chunks before it
    separator : uint8, shape (n,)  the byte that it ends with
    port, salt : of all of them
    """

    word: U32
    before: U32
    separator: np.ndarray
    port: int
    salt: int


class Kinship:
    """Finds the kin of words."""

    def __init__(self, words: Words, embeddings: Embeddings) -> None:
        self._words = words
        self._embeddings = embeddings
        self._start = np.cumsum(words.size, dtype=np.int64) - words.size
        named = embeddings.name
        place = np.minimum(np.searchsorted(words.name, named), max(words.name.size - 1, 0))
        known = words.name[place] == named if words.name.size else np.zeros(named.size, np.bool_)
        self._spelt = np.where(known, place, -1)  # where the text of each word that has a vector is

    def near(self, query: I64, dimension: I64, value: I64, asked: I64, port: int) -> Near:
        """The words that stand out among those near some vectors. asked : places of words that do not count, or -1"""
        near = self._embeddings.nearest(query, dimension, value)
        spelt = self._spelt[near.word]
        good = (near.word != asked[near.query]) & (spelt >= 0) & near.stands_out
        good[good] = self._words.port[spelt[good]] == port
        return near.where(good)

    def chunks(self, said: Said) -> U32:
        """Names of the chunks to be asked in place of some. -> uint32, shape (n, KIN); NOTHING where there is none"""
        found = np.full((said.word.size, KIN), NOTHING)
        e = self._embeddings
        index = e.index(said.word)
        is_word = said.word != BORDER
        known, new = np.flatnonzero(is_word & (index >= 0)), np.flatnonzero(is_word & (index < 0))
        unique, back = np.unique(index[known], return_inverse=True)
        query, dimension, value = e.spread(unique)
        place = np.stack([e.dimension_of(said.before[lag - 1, new], lag, behind=True) for lag in (1, 2)], axis=1)
        places, again = np.unique(place, axis=0, return_inverse=True)
        which, column = np.nonzero(places >= 0)
        order = np.lexsort((places[which, column], which))
        which, column = which[order], column[order]
        query = np.concatenate((query, unique.size + which))
        dimension = np.concatenate((dimension, places[which, column]))
        value = np.concatenate((value, np.full(which.size, VALUE_ONE)))
        asked = np.concatenate((unique, np.full(places.shape[0], -1)))
        near = self.near(query, dimension, value, asked, said.port)
        near = near.where(near.rank < KIN)
        kin = np.full((asked.size, KIN), -1)
        kin[near.query, near.rank] = self._spelt[near.word]
        rows = np.full((said.word.size, KIN), -1)
        rows[known] = kin[back.reshape(-1)]
        rows[new] = kin[unique.size + again.reshape(-1)]
        some = rows >= 0
        found[some] = self._spell(rows[some], np.broadcast_to(said.separator[:, None], rows.shape)[some], said.salt)
        return found

    def _spell(self, word: I64, separator: np.ndarray, salt: int) -> U32:
        """Names of words as chunks, each with a separator behind it."""
        size = self._words.size[word].astype(np.int64) + 1
        start = np.cumsum(size) - size
        text = np.zeros(int(size.sum()), np.uint8)
        at = np.arange(text.size) - np.repeat(start, size)
        source = np.repeat(self._start[word], size) + at
        text[:] = self._words.text[np.minimum(source, self._words.text.size - 1)]
        text[start + size - 1] = separator
        return names(Window(text).hash(start, size, salt))

