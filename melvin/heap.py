"""Give the memory of large arrays back when they are freed.

glibc maps large blocks one by one, but raises the size from which it does so, up to 32 MiB, each time one is freed;
after that, tables lie in one heap, and what stands between two that were freed keeps it from shrinking. On 50 MB of
prose a brain held 488 MiB so, and 286 MiB with the size fixed. With that, glibc would also give back the end of the
heap whenever 128 KiB of it are free: of the work arrays of each block, a thousand pages that the next one waits for.
A user's own setting is left alone, and so are other systems.
"""

import ctypes
import os
import platform

VARIABLE = "MALLOC_MMAP_THRESHOLD_"
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1  # malloc.h
MAPPED_BYTES = 1 << 22  # the work arrays of a block are smaller: they stay in the heap, and are used again,
KEPT_BYTES = 1 << 25  # as long as no more than this lies free at its end: what is given back must be made zero again


def map_large_arrays() -> None:
    """Fix the size from which blocks are mapped, and what the heap keeps of smaller ones."""
    if VARIABLE not in os.environ and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
