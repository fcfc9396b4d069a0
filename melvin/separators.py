"""Separators: the bytes behind which a chunk ends, learnt from the bytes' own branching.

What follows a separator is open, even when one knows what stood before it; and so is what came before it, when one
knows what followed (Harris 1955: successor and predecessor variety). Inside a word the bytes around tell. Without the
bytes around, vowels of a small vocabulary branch as widely as its spaces do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melvin.arithmetic import log2
from melvin.codes import BYTES, CODE_BITS, CODE_MASK, CODES
from melvin.contexts import F64, of_port
from melvin.tables import U64, Counts, sum_by_key, sum_runs

SEPARATE_FROM = 1 << 16  # bytes fed: on less, how the bytes branch is chance
MIN_MEAN_CHUNK = 4  # bytes: shorter chunks would hold no patterns
_CONTEXT = np.uint64((1 << (3 * CODE_BITS)) - 1)  # the last three codes of four


def default_separators() -> NDArray[np.bool_]:
    """What separates until enough was read to tell: a space. bool, shape (1, 256)"""
    separator = np.zeros((1, BYTES), np.bool_)
    separator[0, ord(" ")] = True
    return separator


def learn_separators(grams: Counts, ports: int) -> NDArray[np.bool_]:
    """The bytes that separate on each port. -> bool, shape (ports, 256)

    grams : counts of four codes (see `contexts.four_grams`)
    """
    return np.vstack([separators(of_port(grams, port)) for port in range(ports)])


def separators(grams: Counts) -> NDArray[np.bool_]:
    """The bytes whose openness, ahead and behind, stands out by more than a deviation among all bytes as they occur.

    grams : counts of four codes;  -> bool, shape (256,)
    """
    share, ahead, behind = openness(grams)
    separates = stands_out(ahead, share) & stands_out(behind, share)
    while (share * separates).sum() * MIN_MEAN_CHUNK > 1:
        separates[np.argmin(np.where(separates, ahead, np.inf))] = False
    return separates


def stands_out(value: F64, share: F64) -> NDArray[np.bool_]:
    """Above the mean by more than a deviation. Shapes (n,), (n,) -> (n,)."""
    mean = (share * value).sum()
    return np.asarray(value > mean + np.sqrt((share * (value - mean) ** 2).sum()))


def openness(grams: Counts) -> tuple[F64, F64, F64]:
    """Share of each byte, and bits that are open around it: float64, shapes (256,).

    ahead : entropy of what comes next, given the byte and two codes before it
    behind : entropy of what came before, given the byte and two codes after it
    """
    after = sum_runs(grams.key >> np.uint64(CODE_BITS), grams.count)  # two codes, the byte
    before = sum_by_key(grams.key & _CONTEXT, grams.count)  # the byte, two codes
    bits = _weighted(grams)
    seen, ahead = _entropy(grams, bits, 1, after, 0)
    _, behind = _entropy(grams, bits, 2, before, 2)
    return seen / max(seen.sum(), 1.0), ahead, behind


def _entropy(joint: Counts, bits: F64, place: int, context: Counts, context_place: int) -> tuple[F64, F64]:
    """How often each byte was seen, and the entropy left when its context is known; shapes (256,).

    bits : n log2 n of the joint counts
    place, context_place : where the byte stands in the keys, codes from the last
    """
    seen = _by_byte(context.key, context_place, context.count.astype(np.float64))
    left = _by_byte(context.key, context_place, _weighted(context)) - _by_byte(joint.key, place, bits)
    return seen, left / np.maximum(seen, 1)


def _weighted(counts: Counts) -> F64:
    """n log2 n"""
    return np.concatenate([np.empty(0), *(part.count * log2(part.count) for part in counts.parts())])


def _by_byte(key: U64, place: int, value: F64) -> F64:
    """Sums of a value by the byte at a place of the key."""
    code = ((key >> np.uint64(CODE_BITS * place)) & CODE_MASK).astype(np.int64)
    return np.bincount(code, value, CODES + 1)[1 : BYTES + 1].astype(np.float64)
