"""Searching: many keys looked for in one sorted table.

In no order, each search waits for memory; in order, it begins where the one before left the cache.
"""

from __future__ import annotations

import numpy as np

from melvin.tables import I64, U64


def nearly_sorted(key: U64) -> I64:
    """An order in which keys ascend but for their lowest bits, which is enough. Shape (n,) -> (n,)

    Those bits give way to the key's place, so that one sort orders both: numpy's sort is SIMD, its argsort is not.
    """
    place = np.uint64((1 << key.size.bit_length()) - 1)
    numbered = key & ~place
    numbered |= np.arange(key.size, dtype=np.uint64)
    numbered.sort()
    numbered &= place
    return numbered.view(np.int64)


def find(table: U64, key: U64) -> I64:
    """np.searchsorted(table, key), of keys in any order. key : uint64, shape (n,) or (n, m), a row's near its first"""
    order = nearly_sorted(key if key.ndim == 1 else key[:, 0])
    place = np.empty(key.shape, np.int64)
    place[order] = np.searchsorted(table, key[order])
    return place
