"""The memory of a process in three ledgers: live objects, malloc in use, resident. One alone calls too much a leak.

Standard library only: workers read it. glibc's `mallinfo2` where there is one (not `mallinfo`, which is 32 bits wide).
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

from harness.procfs import MemoryReader

_MALLINFO2 = ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"]


class _MallInfo2(ctypes.Structure):
    """struct mallinfo2 of malloc.h."""

    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO2]


def read_ledger(*, trim: bool = False) -> dict[str, Any]:
    """Blocks of Python objects, bytes in use by malloc (None where it cannot be told), private bytes resident.

    trim : first hand free memory back to the kernel, so that what stays resident is really held
    """
    gc.collect()
    libc = ctypes.CDLL(None)
    found: dict[str, Any] = {"blocks": sys.getallocatedblocks(), "malloc_bytes": None, "anon_bytes": _anon()}
    if hasattr(libc, "mallinfo2"):
        libc.mallinfo2.restype = _MallInfo2
        info = libc.mallinfo2()
        found["malloc_bytes"] = info.uordblks + info.hblkhd
    if trim and hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
        found["trimmed_anon_bytes"] = _anon()
    return found


def _anon() -> int | None:
    reader = MemoryReader("self")
    try:
        memory = reader.read()
    finally:
        reader.close()
    return None if memory is None else memory.committed
