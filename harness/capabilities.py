"""What this machine allows: each capability is tried, not guessed."""

from __future__ import annotations

import importlib.util
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.programs import find_program

PY_SPY_WAIT_S = 20.0


@dataclass(frozen=True)
class Capability:
    """name, what it is for, whether it works here, and what was found."""

    name: str
    purpose: str
    works: bool
    detail: str


def examine() -> list[Capability]:
    """Every capability that the harness uses when it is there."""
    return [_try(name, purpose, probe) for name, purpose, probe in PROBES]


def _try(name: str, purpose: str, probe: Callable[[], str]) -> Capability:
    try:
        return Capability(name, purpose, True, probe())
    except (OSError, LookupError, ValueError, ImportError, subprocess.SubprocessError) as error:
        return Capability(name, purpose, False, str(error).splitlines()[0] if str(error) else type(error).__name__)


def _readable(path: str) -> Callable[[], str]:
    return lambda: f"{path}: {len(Path(path).read_bytes())} bytes"


def _clear_refs() -> str:
    descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY)
    try:
        os.pwrite(descriptor, b"5", 0)
    finally:
        os.close(descriptor)
    return "/proc/self/clear_refs is writable"


def _pidfd() -> str:
    descriptor = os.pidfd_open(os.getpid())
    os.close(descriptor)
    return "os.pidfd_open works"


def _oom_score() -> str:
    path = Path("/proc/self/oom_score_adj")
    score = path.read_text().strip()
    path.write_text(score)
    return "/proc/self/oom_score_adj is writable"


def _data_limit() -> str:
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    return f"soft {_limit(soft)}, hard {_limit(hard)}"


def _limit(value: int) -> str:
    return "unlimited" if value == resource.RLIM_INFINITY else f"{value:,} bytes"


def _children() -> str:
    Path(f"/proc/self/task/{os.getpid()}/children").read_bytes()
    return "/proc/PID/task/TID/children is there"


def _kernel_log() -> str:
    os.close(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))
    return "/dev/kmsg is readable"


def _program(name: str) -> Callable[[], str]:
    def probe() -> str:
        path = find_program(name)
        if path is None:
            raise LookupError("not on PATH, nor beside Python")
        return path

    return probe


def _py_spy() -> str:
    """Attach to a child of ours that waits for us, as the harness does to a worker that hangs."""
    path = _program("py-spy")()
    waiting = "import sys; print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            argv = [path, "dump", "--pid", str(child.pid)]
            dump = subprocess.run(argv, capture_output=True, text=True, timeout=PY_SPY_WAIT_S, check=False)
        finally:
            child.send_signal(signal.SIGKILL)
    if dump.returncode != 0:
        raise LookupError(f"may not attach: {(dump.stderr.strip().splitlines() or ['no message'])[0]}")
    return f"{path}, may attach to a child"


def _memray() -> str:
    if importlib.util.find_spec("memray") is None:
        raise LookupError("not installed")
    return "installed"


PROBES: list[tuple[str, str, Callable[[], str]]] = [
    ("pidfd", "to see the end of a worker without polling", _pidfd),
    ("children", "to count the memory of a worker's children", _children),
    ("clear_refs", "peak memory of each stage instead of the whole run", _clear_refs),
    ("schedstat", "to tell a slow subject from a busy machine", _readable("/proc/self/schedstat")),
    ("io", "bytes written per stage", _readable("/proc/self/io")),
    ("smaps_rollup", "the anatomy of a peak", _readable("/proc/self/smaps_rollup")),
    ("pressure", "to tell memory pressure from an outside kill", _readable("/proc/pressure/memory")),
    ("kernel log", "to name the kernel's out-of-memory kills", _kernel_log),
    ("oom_score_adj", "so that the kernel kills the worker first, nobody else", _oom_score),
    ("RLIMIT_DATA", "the net below the memory watchdog", _data_limit),
    ("py-spy", "where the time goes, and the stack of a worker that hangs", _py_spy),
    ("memray", "who holds the peak of memory, and native memory that leaks", _memray),
    ("strace", "faults in the middle of a save", _program("strace")),
    ("gdb", "where a native subject crashed", _program("gdb")),
    ("valgrind", "instruction counts, heap errors of a native subject", _program("valgrind")),
    ("cc", "the native canaries", _program("cc")),
]
