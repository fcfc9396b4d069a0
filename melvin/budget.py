"""Budget: the memory that a brain may take, and what follows from it for the tables that grow with what is read.

It is private memory that counts: tables, what is derived from them, and all that is worked out on the way, saving and
asking included. A brain keeps its budget for as long as it lives: what it forgets depends on it, so it is a setting
like any other, and the same on every machine.
"""

from __future__ import annotations

import re

from melvin.errors import InputError

MIB = 1 << 20
DEFAULT_MEMORY = 1 << 30
RESERVED = 160 * MIB  # for what does not grow with what is read: the interpreter, a block's work arrays
LEAST_MEMORY = 256 * MIB
MOST_MEMORY = 1 << 50  # sizes that follow from it still fit into any integer
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


def parse_memory(text: str) -> int:
    """Bytes meant by `512MiB`, `2GB` (1000s), or a plain number.

    Raises
    ------
    InputError : it is none of these, or less than a brain can work with
    """
    found = re.fullmatch(r"([0-9]{1,18})\s*([A-Za-z]{0,3})", text.strip(), re.ASCII)
    if found is None or found[2].upper() not in UNITS:
        raise InputError(f"{text!r} is not a size of memory: write a whole number and a unit, such as 512MiB or 2GB")
    memory = int(found[1]) * UNITS[found[2].upper()]
    if not LEAST_MEMORY <= memory <= MOST_MEMORY:
        raise InputError(
            f"{text} of memory is not what a brain can work with: give it {LEAST_MEMORY // MIB}MiB or more"
        )
    return memory


def format_memory(memory: int) -> str:
    """A size as it is given on the command line."""
    return f"{memory // MIB}MiB" if memory % MIB == 0 else f"{memory}B"


def within(memory: int, entries: int) -> int:
    """What of a budget is left for a table that has so many entries in DEFAULT_MEMORY."""
    return max(entries * (memory - RESERVED) // (DEFAULT_MEMORY - RESERVED), 1)
