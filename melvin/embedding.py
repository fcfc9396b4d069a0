"""Sparse semantic embeddings: a word is the frames that it stands in more often than chance.

A dimension is a frame: one of the words seen most, right before, right behind, or one further; so sides stay apart, and
a dimension can be read. A word has up to ACTIVE dimensions, those that save most bits when its neighbours are told,

    gain = count * log2(count * N / (word * frame))      the positive pointwise mutual information, as often as seen

which is what `patterns` gains by a pair. A value is log2(1 + gain): of what was seen often and of what is telling, but
neither drowns the rest. All is a function of the pairs counted.
"""

from __future__ import annotations

import numpy as np

from melvin.arithmetic import log2
from melvin.tables import I64, U32, Counts, places_within, run_starts
from melvin.vectors import DIMENSIONS, FRAME_LAGS, FRAME_WORDS, PLACES, VALUE_ONE, Embeddings
from melvin.words import BORDER, LAG_MASK, WORD_BITS, row_of, unpack_pair

ACTIVE = 16  # dimensions of a word at the most
FIRST_BITS = 14  # of a word's name
_REST_BITS = np.uint32(WORD_BITS - FIRST_BITS)
_VALUE_BITS = 15  # of a value in a key to be sorted: log2 of no gain is 128
_PLACE_BITS = 24  # of a pair's place in such a key
MAX_VALUE = (1 << _VALUE_BITS) - 1


def embed(pairs: Counts) -> Embeddings:
    """The vectors of all words that pairs were counted of. Source of the formulas: see the module's head."""
    pairs = _near(pairs)
    word, other, lag, behind = unpack_pair(pairs.key)
    starts = run_starts(word.astype(np.uint64))
    if not starts.size:
        return Embeddings.empty()
    frame = _frame_words(word.take(starts), np.add.reduceat(pairs.count, starts, dtype=np.int64))
    slot = slots(frame, other)
    used = np.flatnonzero(frame.take(slot) == other)
    if not used.size:
        return Embeddings.empty()
    dimension = slot.take(used) * PLACES + behind.take(used) * FRAME_LAGS + lag.take(used) - 1
    count, word = pairs.count.take(used).astype(np.float64), word.take(used)
    starts = run_starts(word.astype(np.uint64))
    row = np.repeat(np.arange(starts.size), np.diff(starts, append=word.size))
    by_word = np.add.reduceat(count, starts)
    by_frame = np.bincount(dimension, count, DIMENSIONS)
    bits = log2(count * by_word.sum() / (by_word[row] * by_frame[dimension]))
    value = np.rint(VALUE_ONE * log2(1 + np.maximum(count * bits, 0))).astype(np.int64)
    kept = _best(row, value)
    row, dimension, value = row[kept], dimension[kept], value[kept]
    size = np.bincount(row, minlength=starts.size)
    return Embeddings(
        frame=frame,
        name=word[starts][size > 0],
        size=size[size > 0].astype(np.uint8),
        dimension=dimension.astype(np.uint16),
        value=value.astype(np.uint16),
    )


def _near(pairs: Counts) -> Counts:
    """Those of a word and one that stands so near that it may make a frame."""
    begin = int(np.searchsorted(pairs.key, np.uint64(row_of(int(BORDER))[1])))  # what stood near a border
    one = np.uint64(1)
    # A lag of 0 becomes the largest number there is: one comparison asks for both ends.
    return Counts(pairs.key[begin:], pairs.count[begin:]).where(
        lambda part: (part.key & LAG_MASK) - one < np.uint64(FRAME_LAGS)
    )


def _frame_words(name: U32, seen: I64) -> U32:
    """The words seen most, and the line's border; ascending."""
    order = np.lexsort((name, -seen))[: FRAME_WORDS - 1]
    return np.concatenate(([BORDER], np.sort(name[order])))


def slots(frame: U32, name: U32) -> I64:
    """Where names stand in an ascending table; of one that is not in it, the place of another.

    Names are spread evenly: their first bits tell about where that is, a search would take ten steps.
    """
    having = np.bincount(frame >> _REST_BITS, minlength=1 << FIRST_BITS)
    place = (np.cumsum(having) - having).take(name >> _REST_BITS)
    for _ in range(int(having.max()) - 1):
        place += frame.take(place, mode="clip") < name
    return np.asarray(np.minimum(place, frame.size - 1))


def _best(row: I64, value: I64) -> I64:
    """Places of the ACTIVE largest positive values of each row, in the order in which they stand."""
    some = np.flatnonzero(value > 0)
    key = row[some].astype(np.uint64) << np.uint64(_VALUE_BITS + _PLACE_BITS)
    key |= (MAX_VALUE - value[some]).astype(np.uint64) << np.uint64(_PLACE_BITS)
    key |= np.arange(some.size, dtype=np.uint64)
    key.sort()
    best = places_within(key >> np.uint64(_VALUE_BITS + _PLACE_BITS)) < ACTIVE
    chosen = key[best] & np.uint64((1 << _PLACE_BITS) - 1)
    return np.sort(some[chosen.astype(np.int64)])
