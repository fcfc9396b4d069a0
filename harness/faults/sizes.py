"""Sweep (b) without strace: files may not grow beyond a size (RLIMIT_FSIZE: short writes, then EFBIG or SIGXFSZ), and
a file system that is truly full (a tmpfs of a few pages, where a process may mount one).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterator
from functools import partial

from harness.faults.bench import Bench, Row, run, spread
from harness.roundtrip.checks import content

CLONE_NEWNS = 0x00020000  # linux/sched.h
MS_PRIVATE, MS_REC = 1 << 18, 1 << 14  # linux/mount.h
PAGE_BYTES = 4096
WAS_BEFORE, WAS_AFTER, WAS_CORRUPT, NO_MOUNT = 40, 41, 42, 43  # exit codes of a child in its own mount


def size_sweep(bench: Bench, most: int) -> Iterator[Row]:
    """A save that is cut off at every size, by an error and by a signal."""
    for kind, action in (("short write, then EFBIG", signal.SIG_IGN), ("short write, then SIGXFSZ", signal.SIG_DFL)):
        row = Row("b", f"{kind}, at every size of save", "RLIMIT_FSIZE")
        for size in spread(len(bench.new_bytes) + 2, most):

            def save(size: int = size, action: signal.Handlers = action) -> None:
                signal.signal(signal.SIGXFSZ, action)
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
                bench.save()

            code = run(save)
            killed = code == -signal.SIGXFSZ
            row.died += code < 0 and not killed
            bench.judge(row, f"files end at {size} bytes", killed=killed)
        yield row


def full_disk_sweep(bench: Bench, most: int) -> Iterator[Row]:
    """A save to a tmpfs that is full after so many pages."""
    row = Row("b", "ENOSPC: a full file system, by pages", "tmpfs")
    least = -(-len(bench.old_bytes) // PAGE_BYTES) + 1
    pages = [least + page for page in spread(2 * least + 8, most)]
    for count in pages:
        code = run(partial(_on_a_small_disk, bench, count))
        if code == NO_MOUNT:
            row.note = "this process may not mount a tmpfs: not run"
            break
        what = {WAS_BEFORE: "before", WAS_AFTER: "after"}.get(code, "corrupt")
        row.count(what, f"a disk of {count} pages: the child ended with {code}")
    yield row


def _on_a_small_disk(bench: Bench, pages: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    folder = os.fsencode(bench.path.parent)
    options = b"size=%d" % (pages * PAGE_BYTES)
    if libc.unshare(CLONE_NEWNS) or libc.mount(None, b"/", None, MS_PRIVATE | MS_REC, None):
        return NO_MOUNT
    if libc.mount(b"tmpfs", folder, b"tmpfs", 0, options):
        return NO_MOUNT
    bench.path.write_bytes(bench.old_bytes)
    raised = False
    try:
        bench.new.save(bench.path)
    except Exception:  # the border: a subject may raise what it likes, the file tells
        raised = True
    left = content(bench.path)
    alone = [file.name for file in bench.path.parent.iterdir()] == [bench.path.name]
    if left == bench.old_bytes and raised and alone:
        return WAS_BEFORE
    return WAS_AFTER if left == bench.new_bytes and alone else WAS_CORRUPT
