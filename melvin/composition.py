"""Composition: arithmetic with the meanings of words.

Every word counts alike (its vector is brought to one length), a text is the sum of its words, and what comes out is
named by the nearest word that was not asked with. Vectors are sparse, candidates bounded: see `embedding`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melvin.thesaurus import SHOWN, Similar, Thesaurus
from melvin.vectors import Vector

SMALL = 1 / 64  # keeps a product of similarities apart from 0, where one of them is


@dataclass(frozen=True)
class Composed:
    """The word nearest to what was composed.

    text : empty where nothing is near
    confidence : in [0, 1]: the cosine of its vector with what was composed. 1: it stands in exactly these frames; 0: in
        none of them
    candidates : the nearest words, best first
    """

    text: str
    confidence: float
    candidates: tuple[Similar, ...]


def compose(words: Thesaurus, a: bytes, b: bytes) -> Composed:
    """a + b"""
    return _nearest(words, words.vector(a) + words.vector(b), a, b)


def remove(words: Thesaurus, a: bytes, b: bytes) -> Composed:
    """a - b"""
    return _nearest(words, words.vector(a) - words.vector(b), a, b)


def substitute(words: Thesaurus, s: bytes, a: bytes, b: bytes) -> Composed:
    """s - a + b: what s is like with b in place of a."""
    return _nearest(words, words.vector(s) - words.vector(a) + words.vector(b), s, a, b)


def analogy(words: Thesaurus, a: bytes, b: bytes, c: bytes) -> Composed:
    """a is to b as c is to what? Of the words near b - a + c, the one with the best product of similarities.

    cos(x, b) * cos(x, c) / cos(x, a): no one of the three outweighs the others (Levy and Goldberg 2014, 3CosMul).
    """
    known = [words.vector(text) for text in (a, b, c)]
    if not all(vector.value.size for vector in known):
        return Composed("", 0.0, ())
    minus, plus, also = known
    sought = plus - minus + also
    near = words.near(plus + also, _asked(words, a, b, c))
    vectors = [words.of(int(place)) for place in near.word]
    product = np.array(
        [(v.cosine(plus) + SMALL) * (v.cosine(also) + SMALL) / (v.cosine(minus) + SMALL) for v in vectors]
    )
    order = np.argsort(-product, kind="stable")[:SHOWN]
    return _composed(
        tuple(Similar(words.text(int(near.word[at])), max(vectors[at].cosine(sought), 0.0)) for at in order)
    )


def _nearest(words: Thesaurus, vector: Vector, *asked: bytes) -> Composed:
    return _composed(words.named(words.near(vector, _asked(words, *asked)), SHOWN))


def _asked(words: Thesaurus, *texts: bytes) -> list[int]:
    return [place for text in texts for place in words.places(text)]


def _composed(candidates: tuple[Similar, ...]) -> Composed:
    if not candidates:
        return Composed("", 0.0, ())
    return Composed(candidates[0].text, min(max(candidates[0].similarity, 0.0), 1.0), candidates)
