"""The learning curve: what lines cost that were predicted before they were learnt, generation by generation.

Code lengths are integers, so curves of several brains add up: at each number of bytes fed, what was predicted there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melvin.arithmetic import log2
from melvin.contexts import F64
from melvin.tables import I64

MILLI = 1000  # code lengths are in thousandths of a bit


@dataclass(frozen=True)
class Point:
    """What a byte cost when so many had been fed. predicted : bytes that this was measured on, line ends included"""

    bytes: int
    bits_per_byte: float
    predicted: int


@dataclass(frozen=True)
class Curve:
    """Code lengths of held-back lines, by generation; a generation that held nothing back is not in it.

    end : int64, shape (n,), ascending   bytes fed when it ended
    size : int64, shape (n,)             bytes predicted
    cost : int64, shape (n,)             thousandths of a bit that they cost
    """

    end: I64
    size: I64
    cost: I64

    @classmethod
    def empty(cls) -> Curve:
        return cls(*(np.empty(0, np.int64) for _ in range(3)))

    @classmethod
    def at(cls, end: int, size: int, cost: int) -> Curve:
        """One generation's."""
        return cls(*(np.array([value], np.int64) for value in (end, size, cost))) if size else cls.empty()

    def fold(self, other: Curve) -> Curve:
        """Both; what was predicted after as many bytes adds up."""
        end, index = np.unique(np.concatenate((self.end, other.end)), return_inverse=True)
        size, cost = np.zeros(end.size, np.int64), np.zeros(end.size, np.int64)
        np.add.at(size, index, np.concatenate((self.size, other.size)))
        np.add.at(cost, index, np.concatenate((self.cost, other.cost)))
        return Curve(end, size, cost)

    @property
    def points(self) -> list[Point]:
        """Bits per byte, by bytes fed."""
        rows = zip(self.end.tolist(), self.size.tolist(), self.cost.tolist(), strict=True)
        return [Point(end, cost / MILLI / size, size) for end, size, cost in rows]


def code_length(probability: F64) -> int:
    """What came cost, in thousandths of a bit. probability : float64, shape (n,), of each byte that came"""
    return int(np.rint(-MILLI * log2(probability)).sum())
