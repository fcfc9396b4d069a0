"""Compete: chunks of symbols -> what is left of them when pairs that form patterns have merged.

Among adjacent pairs that form a known pattern, a pair merges when its pattern is older than those its two neighbours
would form; this repeats until no pair forms a pattern. Many chunks are parsed together, as arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melvin.hashing import ABSENT
from melvin.symbols import Symbols
from melvin.tables import I64, U32, in_a_row

FINISHED = 8  # while one symbol in so many merges at a time, finished chunks are not set aside


def compete(
    symbols: Symbols, stream: U32, begins: NDArray[np.bool_], position: I64, formed: U32 | None = None
) -> tuple[U32, NDArray[np.bool_], I64]:
    """Merge pairs into patterns until none is left; a pair never crosses a chunk's beginning.

    Parameters
    ----------
    stream : uint32, shape (n,)     ground symbols of all chunks, one chunk after the other
    begins : bool, shape (n,)       True where a chunk begins
    position : int64, shape (n,)    whatever is to be kept beside each symbol
    formed : uint32, shape (n - 1,)   what each symbol and the one after it form, where that is at hand

    Returns
    -------
    The symbols that are left, where chunks begin among them, and their positions (a pattern keeps its left part's).
    """
    if not stream.size:
        return stream, begins, position
    left_over = np.full(stream.size, ABSENT)  # of each finished chunk, its symbols at the places of their left ends
    place, held, last = np.arange(stream.size), stream.copy(), np.append(begins[1:], True)  # last : it ends its chunk
    if formed is None:
        asked = np.flatnonzero(~last)
        offer = np.full(stream.size, ABSENT)  # what each symbol and the one after it would form
        offer[asked] = symbols.pattern_of(held.take(asked), held.take(asked + 1))
    else:
        offer = np.append(formed, ABSENT) | -last.astype(np.uint32)  # all bits set where a chunk ends: ABSENT
    while (winners := np.flatnonzero(_winning(offer))).size:
        held[winners] = offer.take(winners)
        last[winners] = last.take(winners + 1)
        kept = np.ones(held.size, np.bool_)
        kept[winners + 1] = False
        some = np.flatnonzero(kept)
        place, held, last, offer = place.take(some), held.take(some), last.take(some), offer.take(some)
        winners -= np.arange(winners.size)  # where they are now: each one before them lost its neighbour
        offer[winners] = ABSENT
        changed = np.zeros(held.size, np.bool_)
        changed[winners] = changed[winners - 1] = True
        asked = np.flatnonzero(changed & ~last)  # of the first one the last one stands before: it ends its chunk
        offer[asked] = symbols.pattern_of(held.take(asked), held.take(asked + 1))
        if FINISHED * winners.size < held.size:  # most have found their form: go on with those chunks that have not
            left_over[place] = held
            some = _in_work(offer, last)
            place, held, last, offer = place.take(some), held.take(some), last.take(some), offer.take(some)
            left_over[place] = ABSENT
    left_over[place] = held
    some = np.flatnonzero(left_over != ABSENT)
    return left_over.take(some), begins.take(some), position.take(some)


def _winning(offer: U32) -> NDArray[np.bool_]:
    """Where a symbol and the one after it merge. offer : uint32, shape (n,)   what they would form; ABSENT: nothing

    Theirs is older than the offers of both neighbours. In a run of equal offers ("aaaa") every second one merges,
    counted from the run's beginning.
    """
    wins = np.empty(offer.size, np.bool_)
    wins[:1] = offer[:1] != ABSENT
    np.less(offer[1:], offer[:-1], out=wins[1:])
    equal = (offer[1:] == offer[:-1]) & (offer[1:] != ABSENT)
    if equal.any():
        tied = np.flatnonzero(equal) + 1
        begins = np.append(True, tied[1:] != tied[:-1] + 1)
        begin = tied.compress(begins).take(np.cumsum(begins) - 1)  # the second of its run
        wins[tied] = (tied - begin) % 2 == 1
    wins[:-1] &= offer[:-1] <= offer[1:]
    return wins


def _in_work(offer: U32, last: NDArray[np.bool_]) -> I64:
    """The symbols of all chunks in which any merge is offered. offer, last : shape (n,) -> (m,)"""
    end = np.flatnonzero(last)
    chunk = np.searchsorted(end, np.flatnonzero(offer != ABSENT))
    chunk = chunk.compress(np.append(True, chunk[1:] != chunk[:-1])[: chunk.size])
    first = np.append(-1, end).take(chunk) + 1
    return in_a_row(first, end.take(chunk) + 1 - first)


def compete_one(pattern_of: Callable[[tuple[int, int]], int], stream: list[int]) -> list[int]:
    """The same for one chunk, whose ground symbols flow in. pattern_of : as `Symbols.pattern_of`, of one pair"""
    absent = int(ABSENT)
    while True:
        offers = [absent, *map(pattern_of, pairwise(stream)), absent]
        if min(offers) == absent:
            return stream
        merged, begin, run = list[int](), 0, 0
        for at, (before, mine, after) in enumerate(zip(offers, offers[1:], offers[2:], strict=False)):
            run = run + 1 if mine == before else 0
            if mine != absent and (mine < before or (mine == before and run % 2 == 0)) and mine <= after:
                merged += [*stream[begin:at], mine]
                begin = at + 2
        stream = merged + stream[begin:]
