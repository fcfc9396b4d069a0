"""Sampling: how a text may go on, drawn byte by byte from what the brain expects.

Each byte is drawn with a number of its own, fixed by the seed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from melvin.codes import BYTES
from melvin.errors import InputError
from melvin.reader import Reader

MAX_SAMPLE = 1 << 20  # bytes of the longest sample


def sample(reader: Reader, text: bytes, port: int, length: int, seed: int, temperature: float) -> bytes:
    """How a text may go on: to the line's end, at most so many bytes.

    Raises
    ------
    InputError : length, seed or temperature are none
    """
    if not 0 <= length <= MAX_SAMPLE:
        raise InputError(f"a length of {length}: it must be a number of bytes from 0 to {MAX_SAMPLE}")
    if seed < 0:
        raise InputError(f"a seed of {seed}: it must not be negative")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise InputError(f"a temperature of {temperature}: it must be 0 (the likeliest byte each time) or more")
    made = bytearray()
    for number in np.random.default_rng(seed).random(length):
        drawn = _drawn(reader.distribution([text + made], port)[0], number, temperature)
        if drawn == BYTES:
            break
        made.append(drawn)
    return bytes(made)


def _drawn(spread: NDArray[np.float64], chance: float, temperature: float) -> int:
    """The byte, or BYTES for the line's end, that a number in [0, 1) draws."""
    if temperature == 0:
        return int(spread.argmax())
    weight = np.cumsum((spread / spread.max()) ** (1 / temperature))
    return int(np.searchsorted(weight, chance * weight[-1], side="right"))
