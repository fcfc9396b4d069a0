"""The memory of a process in three ledgers: live objects, malloc in use, resident. One alone calls too much a leak.

Standard library only: workers read it. glibc's `mallinfo2` where there is one (not `mallinfo`, which is 32 bits wide).
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from typing import Any

from harness.procfs import MemoryReader

_MALLINFO2 = ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"]


class _MallInfo2(ctypes.Structure):
    """struct mallinfo2 of malloc.h."""

    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO2]


class Ledgers:
    """Reads all three, again and again: what is needed for it is there from the start, so a reading adds nothing."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None)
        self._mallinfo2 = getattr(libc, "mallinfo2", None)
        self._malloc_trim = getattr(libc, "malloc_trim", None)
        if self._mallinfo2 is not None:
            self._mallinfo2.restype = _MallInfo2
        self._memory = MemoryReader("self")

    def read(self, *, trim: bool = False) -> dict[str, Any]:
        """Blocks of Python objects, bytes in use by malloc (None where it cannot be told), private bytes resident.

        trim : then hand free memory back to the kernel, and read once more what stays resident (`trimmed_anon_bytes`)
        """
        _empty_caches()
        gc.collect()
        found: dict[str, Any] = {"blocks": sys.getallocatedblocks(), "malloc_bytes": None, "anon_bytes": self._anon()}
        if self._mallinfo2 is not None:
            info = self._mallinfo2()
            found["malloc_bytes"] = info.uordblks + info.hblkhd
        if trim and self._malloc_trim is not None:
            self._malloc_trim(0)
            found["trimmed_anon_bytes"] = self._anon()
        return found

    def close(self) -> None:
        self._memory.close()

    def _anon(self) -> int | None:
        memory = self._memory.read()
        return None if memory is None else memory.committed


def read_ledger(*, trim: bool = False) -> dict[str, Any]:
    """One reading; see `Ledgers.read`."""
    ledgers = Ledgers()
    try:
        return ledgers.read(trim=trim)
    finally:
        ledgers.close()


def _empty_caches() -> None:
    """The interpreter remembers attributes that were looked up on types, and holds their names: ever more objects."""
    empty: Callable[[], None] = getattr(sys, "_clear_internal_caches", sys._clear_type_cache)  # from Python 3.13 on
    empty()
