"""Sampling: how a text may go on, drawn byte by byte from what the brain expects.

Each byte is drawn with a number of its own, fixed by the seed. Asking for many places at once costs little more than
for one, so the next bytes are drafted from the byte contexts alone with the same numbers, and asked about together: as
far as the draft is what the brain draws, it stands; from where it is not, it is drafted anew. What is drawn does not
depend on how good the drafts were.

Source: speculative sampling (Leviathan, Kalman and Matias 2023), with one draw for draft and model.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from melvin.contexts import ORDER, Context, ngrams
from melvin.errors import InputError
from melvin.lines import lines_block
from melvin.query import Reader
from melvin.symbols import BYTES, CODE_BITS, END_CODE

DRAFT = 6  # bytes drafted at a time: on prose 3 or 4 of them stand
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
    chance = np.random.default_rng(seed).random(length)
    made = b""
    while len(made) < length:
        draft = _draft(reader.contexts, text + made, port, chance[len(made) : len(made) + DRAFT])
        for place, spread in enumerate(reader.ahead(text + made, draft, port)[: length - len(made)]):
            drawn = _drawn(spread, chance[len(made)], temperature)
            if drawn == BYTES:
                return made
            made += bytes([drawn])
            if draft[place : place + 1] != bytes([drawn]):
                break
    return made


def _drawn(spread: NDArray[np.float64], chance: float, temperature: float) -> int:
    """The byte, or BYTES for the line's end, that a number in [0, 1) draws."""
    if temperature == 0:
        return int(spread.argmax())
    weight = np.cumsum((spread / spread.max()) ** (1 / temperature))
    return int(np.searchsorted(weight, chance * weight[-1], side="right"))


def _draft(contexts: tuple[Context, ...], text: bytes, port: int, chance: NDArray[np.float64]) -> bytes:
    """What the longest byte contexts that were seen would draw; shorter than asked for where they say nothing."""
    block = lines_block([text])
    key = int(ngrams(block, np.full(ORDER, END_CODE, np.uint64), port)[-1]) >> CODE_BITS
    draft = bytearray()
    for number in chance:
        longest_first = range(len(contexts) - 1, 0, -1)
        drawn = (_followed(contexts[length], length, key, port, number) for length in longest_first)
        code = next((code for code in drawn if code), END_CODE)
        if code == END_CODE:
            break
        draft.append(code - 1)
        key = key << CODE_BITS | code
    return bytes(draft)


def _followed(table: Context, length: int, key: int, port: int, number: float) -> int:
    """The code that a number draws from what followed the last `length` codes; 0 where they were never seen."""
    wanted = np.uint64(key & ((1 << (CODE_BITS * length)) - 1) | port << (CODE_BITS * ORDER))
    at = int(np.searchsorted(table.row, wanted))
    if at == table.row.size or table.row[at] != wanted:
        return 0
    row = slice(int(table.first[at]), int(table.first[at + 1]))
    weight = np.cumsum(table.count[row])
    return int(table.code[row][np.searchsorted(weight, number * weight[-1], side="right")])
