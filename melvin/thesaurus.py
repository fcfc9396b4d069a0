"""What can be asked about words: which are similar, which belong together, and what stands around those that do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melvin.categories import KIN, Categories
from melvin.kinship import Kinship
from melvin.vectors import FRAME_LAGS, PLACES, Near, Vector
from melvin.words import words_in

SHOWN = 10  # words named unless more are asked for
RIGHT_AFTER, RIGHT_BEFORE = 0, FRAME_LAGS  # the places of frames that touch a word


class Similar(NamedTuple):
    """A word, and the cosine of its vector with what was asked for."""

    text: str
    similarity: float


@dataclass(frozen=True)
class Category:
    """Words that stand in the same frames.

    label : which category it is, in the brain that was asked and until that learns more
    name : its member that was read most
    size : number of its members
    before, after : what stands right before its members, and right after; with the strength summed over them all
    """

    label: int
    name: str
    size: int
    before: tuple[Similar, ...]
    after: tuple[Similar, ...]


class Thesaurus:
    """Answers about the words of one port. salt : of its chunks;  separator : bool, shape (256,)"""

    def __init__(
        self, kinship: Kinship, categories: Categories, port: int, salt: int, separator: NDArray[np.bool_]
    ) -> None:
        self._kinship = kinship
        self._embeddings = kinship.embeddings
        self._categories = categories
        self._port, self._salt, self._separator = port, salt, separator

    def places(self, text: bytes) -> list[int]:
        """The words of a text that have a vector."""
        name = [name for name, _ in words_in(text, self._separator, self._salt)]
        place = self._embeddings.index(np.array(name, np.uint32))
        return [int(at) for at in place if at >= 0]

    def vector(self, text: bytes) -> Vector:
        """The vectors of a text's words, each of the same length, added up; zero where there are none."""
        return sum((self._embeddings.vector(at).unit() for at in self.places(text)), Vector.zero())

    def near(self, vector: Vector, without: list[int]) -> Near:
        """Words of this port near a vector, some of them left out."""
        if not vector.value.size:
            return Near.nothing()
        near = self._embeddings.nearest(np.zeros(vector.value.size, np.int64), vector.dimension, vector.value)
        return self._kinship.spelt(near.where(~np.isin(near.word, without)), self._port)

    def named(self, near: Near, n: int) -> tuple[Similar, ...]:
        """The nearest n as text."""
        return tuple(
            Similar(self.text(int(w)), float(s)) for w, s in zip(near.word[:n], near.similarity[:n], strict=True)
        )

    def of(self, place: int) -> Vector:
        """The vector of a word."""
        return self._embeddings.vector(place)

    def text(self, place: int) -> str:
        return _decoded(self._kinship.text(place))

    def similar(self, text: bytes, n: int = SHOWN) -> tuple[Similar, ...]:
        """The words nearest to a text, at most n."""
        return self.named(self.near(self.vector(text), self.places(text)), n)

    def category(self, text: bytes) -> Category | None:
        """The category of a word, or the one that most of its kin belong to; of a text, that of its last word."""
        places = self.places(text)
        if not places:
            return None
        label = int(self._categories.labels(self._embeddings.name[places[-1:]])[0])
        if label < 0:
            near = self._kin(places[-1])
            theirs = self._categories.labels(self._embeddings.name[near.word])
            belong = theirs >= 0
            if not belong.any():
                return None
            label = int(np.bincount(theirs[belong], near.similarity[belong]).argmax())
        return self._described(label)

    def _kin(self, place: int) -> Near:
        """The words of this port whose similarity to a word stands out, the nearest of them."""
        vector = self._embeddings.vector(place)
        query = np.zeros(vector.value.size, np.int64)
        near = self._embeddings.nearest(query, vector.dimension, vector.value, np.array([place]))
        near = self._kinship.spelt(near.where(near.stands_out), self._port)
        return near.where(near.rank < KIN)

    def members(self, label: int) -> list[str]:
        """The members of a category, those read most first."""
        return [self.text(int(at)) for at in self._member_places(label)]

    def _member_places(self, label: int) -> NDArray[np.int64]:
        name = self._categories.members(label)
        words = self._kinship.words
        order = np.lexsort((name, -words.count[words.places(name)]))
        return self._embeddings.index(name[order])

    def _described(self, label: int) -> Category:
        place = self._member_places(label)
        total = sum((self._embeddings.vector(int(at)) for at in place), Vector.zero())
        before, after = (self._frames(total, side) for side in (RIGHT_BEFORE, RIGHT_AFTER))
        return Category(label, self.text(int(place[0])), int(place.size), before, after)

    def _frames(self, vector: Vector, side: int) -> tuple[Similar, ...]:
        """The words of a vector's dimensions that stand on one side, the strongest first."""
        at = np.flatnonzero(vector.dimension % PLACES == side)
        at = at[np.lexsort((at, -vector.value[at]))][:SHOWN]
        place = self._kinship.words.places(self._embeddings.frame[vector.dimension[at] // PLACES])
        return tuple(
            Similar(_decoded(self._kinship.words.payload(int(word))), float(value) / vector.length)
            for word, value in zip(place, vector.value[at], strict=True)
            if word >= 0
        )


def _decoded(payload: bytes) -> str:
    return payload.decode("utf-8", "surrogateescape")
