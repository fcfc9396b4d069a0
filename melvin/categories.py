"""Categories: words that stand in the same frames, and what is known of one from the others.

A word's *kin* are the words nearest to it whose similarity stands out among all that share a frame with it. What
followed them says what may follow the word where it was never seen (see `heads`). A word that was never read at all has
a place, the words before it: its kin are those that stand there.

A *category* is made of the common words that are one another's kin, by label propagation (Raghavan, Albert and Kumara
2007) in rounds: each word takes the label that its mutual kin, and itself, give most similarity to. A word that is less
common belongs where its kin do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melvin.contexts import F64
from melvin.tables import I64, U32, run_starts
from melvin.vectors import Embeddings, Near, sums
from melvin.words import Words

KIN = 8  # words asked in place of one
CATEGORISED = 1 << 10  # words that make categories: those read most
ROUNDS = 8  # of label propagation: a category is at the most so many steps of kinship across


@dataclass(frozen=True)
class Categories:
    """Which common words belong together.

    name : uint32, shape (n,)    their names, ascending
    label : uint32, shape (n,)   of each, the place of its category's first member in this table
    """

    name: U32
    label: U32

    @classmethod
    def empty(cls) -> Categories:
        return cls(np.empty(0, np.uint32), np.empty(0, np.uint32))

    def labels(self, name: U32) -> I64:
        """The category of each word, -1 where it has none here. Shape (n,) -> (n,)."""
        if not self.name.size:
            return np.full(name.shape, -1)
        at = np.minimum(np.searchsorted(self.name, name), self.name.size - 1)
        return np.where(self.name[at] == name, self.label[at].astype(np.int64), -1)

    def members(self, label: int) -> U32:
        """Names of a category's members, ascending."""
        return np.asarray(self.name[self.label == label])


def categorise(embeddings: Embeddings, words: Words) -> Categories:
    """The categories of the words read most."""
    chosen = _commonest(embeddings, words)
    some = embeddings.take(chosen)
    every = np.arange(chosen.size)
    near = some.nearest(*some.spread(every), every)
    near = near.where(near.stands_out)
    near = near.where(near.rank < KIN)
    label = propagate(chosen.size, *mutual(near))
    member = np.flatnonzero(np.bincount(label, minlength=chosen.size)[label] > 1)
    _, first, place = np.unique(label[member], return_index=True, return_inverse=True)
    return Categories(some.name[member], first[place.reshape(-1)].astype(np.uint32))


def mutual(near: Near) -> tuple[I64, I64, F64]:
    """Pairs of words each of which is near the other, seen from both; and the lesser of the two similarities."""
    size = int(max(near.query.max(initial=0), near.word.max(initial=0))) + 1
    there, back = near.query * size + near.word, near.word * size + near.query
    order = np.argsort(there)
    at = np.minimum(np.searchsorted(there[order], back), max(there.size - 1, 0))
    found = there[order][at] == back if there.size else np.zeros(0, np.bool_)
    lesser = np.minimum(near.similarity[found], near.similarity[order][at[found]])
    return near.query[found], near.word[found], lesser


def propagate(size: int, one: I64, other: I64, similarity: F64) -> I64:
    """A label for each of `size` nodes, from their weighted edges (each given both ways). -> int64, shape (size,)

    Similarities count in whole thousandths, so that sums do not depend on their order.
    """
    label = np.arange(size)
    weight = np.rint(similarity * 1000).astype(np.int64)
    strongest = np.zeros(size, np.int64)
    np.maximum.at(strongest, one, weight)
    node = np.concatenate((one, np.arange(size)))
    source = np.concatenate((other, np.arange(size)))
    given = np.concatenate((weight, strongest))
    for _ in range(ROUNDS):
        offer, total = sums(node * size + label[source], given)
        order = np.lexsort((offer % size, -total, offer // size))
        best = offer[order][run_starts((offer[order] // size).astype(np.uint64))]
        moved = best % size
        if (moved == label).all():
            break
        label = moved
    return label


def _commonest(embeddings: Embeddings, words: Words) -> I64:
    """Places of the words with a vector that were read most, ascending."""
    at = words.places(embeddings.name)
    known = np.flatnonzero(at >= 0)
    order = np.lexsort((known, -words.count[at[known]]))[:CATEGORISED]
    return np.sort(known[order])
