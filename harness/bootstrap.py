"""The first lines of a worker, before anything large is imported: limits, and what it leaves when it dies.

Standard library only. Everything here is inherited by the children of the worker, except the fault handler.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import resource
import signal
from pathlib import Path
from typing import IO, Any

from harness.limits import Limits

PR_SET_PDEATHSIG = 1  # linux/prctl.h
FAULT_FILE = "fault.txt"
EARLY_DUMP_SHARE = 0.8  # of the time limit: where was it, long before it is stopped?
OOM_FIRST = 1000  # the kernel's out-of-memory killer is to choose the worker, nobody else


def die_with_parent() -> None:
    """No orphan survives the launcher."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def set_limits(limits: Limits) -> None:
    """Hold the limits, leave no core file, be the first to go when the machine runs out of memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, value in limits.resource_limits().items():
        resource.setrlimit(getattr(resource, name), (value, value))
    with contextlib.suppress(OSError):  # some containers forbid it; the watchdog does not need it
        Path("/proc/self/oom_score_adj").write_text(str(OOM_FIRST))


def arm_fault_handler(folder: Path, time_limit_s: float) -> IO[str]:
    """Stacks go to a file in `folder` on a crash, on SIGUSR1, and once at 80 % of the time limit.

    The caller keeps the file alive for as long as the process lives.
    """
    file = (folder / FAULT_FILE).open("w")
    faulthandler.enable(file, all_threads=True)
    faulthandler.register(signal.SIGUSR1, file=file, all_threads=True)
    faulthandler.dump_traceback_later(time_limit_s * EARLY_DUMP_SHARE, repeat=False, file=file)
    return file


def prepare(job: dict[str, Any]) -> IO[str]:
    """All of it, in order."""
    die_with_parent()
    limits = Limits(**job["limits"])
    file = arm_fault_handler(Path(job["folder"]), limits.time_s)
    set_limits(limits)
    return file
