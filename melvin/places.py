"""Places: where in lines something is to be predicted, and all that the heads need to know of them.

Made by `encode` of many places at once; what `trace` makes of one alone says the same in plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.kinship import Said
from melvin.tables import I64, U32, U64
from melvin.weights import BEGINNING, FIRST, INSIDE


@dataclass(frozen=True)
class Boundary:
    """Where symbols are told by the symbol before: behind all that is read, or before its chunk; of n predictions.

    source : uint32, shape (n,)       the symbol that ends there
    low, high : int64, shape (n,)     ranks of the symbols that begin with the bytes since
    depth : int64, shape (n,)         number of those bytes
    valid : bool, shape (n,)
    """

    source: U32
    low: I64
    high: I64
    depth: I64
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Begun:
    """All places at which the symbol that is coming may have begun: in the chunk that is read, or behind it.

    place : int64, shape (k,), ascending   which prediction
    part : uint64, shape (k,)              hash of the bytes of the chunk before there; 0 where there are none
    here : uint32, shape (k,)              name of the chunk before, with that part
    low, high : int64, shape (k,)          ranks of the symbols that begin with the bytes since
    depth : int64, shape (k,)              number of those bytes
    """

    place: I64
    part: U64
    here: U32
    low: I64
    high: I64
    depth: I64


@dataclass(frozen=True)
class Places:
    """Where predictions are asked for: the byte context and what was read of n places in lines of one port.

    behind, chunk : the symbol that is coming begins here, or with the chunk
    begun : or anywhere in it
    before : uint32, shape (n,)            name of the chunk before the last whole one
    attended : uint32, shape (foci, n)     the chunks attended to with their lags; NOTHING where there is none
    told : int64, shape (n,)               bytes of the last whole chunk and of this one
    said : the chunks of those lines
    last, second, far : int64, shape (n,)  which of them is the chunk before, one more, the one attended to; or -1
    lag : uint8, shape (n,)   how far back the one attended to is
    """

    context: U64
    behind: Boundary
    chunk: Boundary
    begun: Begun
    before: U32
    attended: U32
    told: I64
    said: Said
    last: I64
    second: I64
    far: I64
    lag: NDArray[np.uint8]

    @property
    def here(self) -> U32:
        """uint32, shape (n,): name of the chunk before, with all that is read of this one."""
        return self.begun.here.compress(self.begun.depth == 0)

    @property
    def position(self) -> I64:
        """int64, shape (n,): where what comes stands, see `weights`."""
        return np.where(self.last < 0, FIRST, np.where(self.chunk.depth == 0, BEGINNING, INSIDE))
