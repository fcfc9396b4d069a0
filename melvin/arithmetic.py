"""Logarithms with the same bits on every machine.

A library's log2 may differ in its last bit from one processor to the next; what is learnt must not. Only operations
that IEEE 754 defines exactly are used here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TERMS = 10  # of the series; what is left out is below 1e-16
TWO_OVER_LN2 = 2.8853900817779268  # 2 / ln 2
SQRT_HALF = 0.7071067811865476


def log2(value: ArrayLike) -> NDArray[np.float64]:
    """Logarithm to base 2 of positive numbers, by 2 atanh((m - 1) / (m + 1)) / ln 2 of the mantissa (A&S 4.1.27)."""
    mantissa, exponent = np.frexp(np.asarray(value, np.float64))
    small = mantissa < SQRT_HALF
    mantissa += mantissa * small
    z = (mantissa - 1) / (mantissa + 1)
    square = z * z
    series = np.zeros_like(z)
    for term in range(TERMS - 1, -1, -1):  # in place: of large arrays, each new one costs as much as the arithmetic
        series *= square
        series += 1 / (2 * term + 1)
    series *= z
    series *= TWO_OVER_LN2
    series += exponent - small
    return np.asarray(series)
