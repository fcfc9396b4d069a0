"""Thinning: which keys a table keeps when there is no room for all.

A table is thinned by halves: it keeps the keys whose name is low enough. Which ones those are depends on the keys
alone, never on the order in which they came. A full one forgets its weakest evidence, of equals that with the highest
names.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melvin.hashing import MULTIPLIER
from melvin.tables import FOLD_KEYS, I64, KEY_BITS, U64, Counts, joined, slices

NAME_BITS = 21  # highest bits of a 63-bit key: a name, evenly spread
MOST_HALVINGS = 63  # then next to nothing is kept: the lowest name alone
BEYOND_BORDER = np.uint64(1 << (63 - NAME_BITS))  # the first key whose name is not 0


def are_kept(key: U64, halvings: int, row_bits: int | None) -> NDArray[np.bool_]:
    """Which keys a table keeps that was thinned so often, at least once. Shape (n,) -> (n,)

    row_bits : of keys that begin with no name, but with a row that is given one: the bits behind the row. A row is kept
        whole or not at all, so that its shares stay true
    """
    if row_bits is None:
        return _is_below(key, 1 << (63 - halvings))
    return np.asarray(names_of_rows(key, row_bits) < np.uint64(1 << (64 - halvings)))


@lru_cache(maxsize=2)
def kept_rows(rows: int, halvings: int, row_bits: int) -> NDArray[np.bool_] | None:
    """Which of so many rows such a table keeps. bool, shape (rows,); None where it keeps all"""
    if not halvings:
        return None
    kept = np.empty(rows, np.bool_)
    for part in slices(rows, FOLD_KEYS):
        row = np.arange(part.start, part.stop, dtype=np.uint64) << np.uint64(row_bits)
        kept[part] = are_kept(row, halvings, row_bits)
    kept.setflags(write=False)  # others are given it, too
    return kept


def chosen(key: U64, halvings: int, row_bits: int | None) -> U64:
    """The keys that such a table keeps."""
    if not halvings:
        return key
    kept = [are_kept(key[part], halvings, row_bits) for part in slices(key.size, FOLD_KEYS)]
    return key.compress(np.concatenate([np.empty(0, np.bool_), *kept]))


def thinned(whole: Counts, halvings: int, row_bits: int | None) -> Counts:
    """What is left of a table that is thinned so often, at least once."""
    if row_bits is None:
        border, begin, end = _named_below(whole.key, 1 << (63 - halvings))
        return joined(whole.cut(slice(border)), whole.cut(slice(begin, end)))
    return whole.where(lambda part: are_kept(part.key, halvings, row_bits))


def forget(counts: Counts, limit: int | None, row_bits: int | None = None) -> Counts:
    """Drop the weakest evidence, what was seen once first, until no more than `limit` keys are left; None: nothing.

    Of evidence that is as weak, that goes whose row has the largest name: what is left of it then tells some rows
    whole, not all of them in part.
    """
    if limit is None or counts.size <= limit:
        return counts
    least, left = 0, counts.size
    while left > limit:
        least += 1
        weakest = int(np.count_nonzero(counts.count == least))
        left -= weakest
    if row_bits is None:
        return _forget_by_name(counts, least, limit - left)
    name = np.empty(weakest, np.uint64)
    end = 0
    for part in counts.parts():
        here = np.flatnonzero(part.count == least)
        name[end : end + here.size] = names_of_rows(part.key.take(here), row_bits)
        end += here.size
    name.partition(limit - left)
    border = name[limit - left]
    del name
    return counts.where(
        lambda part: (part.count > least) | ((part.count == least) & (names_of_rows(part.key, row_bits) < border))
    )


def _forget_by_name(counts: Counts, least: int, few: int) -> Counts:
    """Drop what was seen less than `least` times, and of what was seen so often all but those few named lowest.

    Keys begin with their names, so that those named lowest are two stretches of a table.
    """
    weakest = counts.count == least
    whole = np.cumsum([0, *(np.count_nonzero(weakest[part]) for part in slices(counts.size, FOLD_KEYS))])

    def before(place: int) -> int:
        """How many of the weakest stand before a place."""
        begin = place - place % FOLD_KEYS
        return int(whole[begin // FOLD_KEYS]) + int(np.count_nonzero(weakest[begin:place]))

    highest = 0
    for bit in reversed(range(KEY_BITS)):  # the highest name that no more than these few are below
        border, begin, end = map(before, _named_below(counts.key, highest | 1 << bit).tolist())
        if border + end - begin <= few:
            highest |= 1 << bit
    border, begin, end = _named_below(counts.key, highest)
    weakest[border:begin] = weakest[end:] = False
    weakest |= counts.count > least
    return counts.compress(weakest)


def names_of_rows(key: U64, row_bits: int) -> U64:
    """Evenly spread numbers, one for each row that keys begin with, by which rows are chosen (Fibonacci hashing).

    What stands behind a row is set to ones, so that no row is 0, whose name would be, too, and always chosen.
    """
    name = key | np.uint64((1 << row_bits) - 1)
    name *= MULTIPLIER
    return name


def _is_below(key: U64, name: int) -> NDArray[np.bool_]:
    """Whether keys that begin with a name have a lower one than this."""
    border, other = _keys_below(name)
    return np.asarray((key < border) | (key - BEYOND_BORDER < other - BEYOND_BORDER))  # below 0 it is large


def _named_below(key: U64, name: int) -> I64:
    """Where keys in order have lower names than this: up to the first of three places, and between the others."""
    border, other = _keys_below(name)
    return np.searchsorted(key, np.array([border, BEYOND_BORDER, other]))


def _keys_below(name: int) -> tuple[np.uint64, np.uint64]:
    """Of keys that begin with a name: below which keys it is lower than this one, for those of a border and others.

    A name of 0 stands for a border, which is in more rows than all others: there the next name in the key counts.
    """
    border = min(-(-name >> NAME_BITS), int(BEYOND_BORDER))
    return np.uint64(border), np.uint64(max(name, int(BEYOND_BORDER)))
