"""What Linux tells about a process, read from /proc through descriptors that stay open (20 µs a reading).

Standard library only: the launcher and the worker's first lines import this.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
STATUS_BYTES = 4096  # /proc/PID/status is about 1.5 kB


@dataclass(frozen=True)
class Memory:
    """Resident memory of one process, in bytes, as in /proc/PID/status.

    rss : all resident pages; anon : private memory, the real cost; file : mapped files, cache that the kernel
    may drop;
    shmem : shared memory; peak_rss : high-water mark of rss since start or since it was last reset (`VmHWM`).
    """

    rss: int
    anon: int
    file: int
    shmem: int
    peak_rss: int

    @property
    def committed(self) -> int:
        """What cannot be dropped without swap: private plus shared memory. Limits are held against this."""
        return self.anon + self.shmem

    def __add__(self, other: Memory) -> Memory:
        return Memory(
            self.rss + other.rss,
            self.anon + other.anon,
            self.file + other.file,
            self.shmem + other.shmem,
            self.peak_rss + other.peak_rss,
        )


def _kib_field(text: bytes, name: bytes) -> int:
    start = text.find(b"\n" + name + b":")
    if start < 0:
        return 0
    start += len(name) + 2
    return int(text[start : text.index(b"kB", start)]) * KIB


def parse_status(text: bytes) -> Memory | None:
    """Memory from the text of /proc/PID/status; None for a zombie, which has no memory lines any more."""
    if b"\nVmRSS:" not in text:
        return None
    return Memory(
        rss=_kib_field(text, b"VmRSS"),
        anon=_kib_field(text, b"RssAnon"),
        file=_kib_field(text, b"RssFile"),
        shmem=_kib_field(text, b"RssShmem"),
        peak_rss=_kib_field(text, b"VmHWM"),
    )


class ProcFile:
    """A /proc file kept open and read from its start again and again."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, size: int = STATUS_BYTES) -> bytes:
        return os.pread(self._descriptor, size, 0)

    def close(self) -> None:
        os.close(self._descriptor)


def open_proc_file(path: str) -> ProcFile | None:
    """The file, or None where this kernel or container does not offer it."""
    try:
        return ProcFile(path)
    except OSError:
        return None


class MemoryReader:
    """Memory of one process, again and again. `read` gives None once the process is gone."""

    def __init__(self, pid: int | str) -> None:
        self._status = open_proc_file(f"/proc/{pid}/status")

    def read(self) -> Memory | None:
        if self._status is None:
            return None
        try:
            return parse_status(self._status.read())
        except ProcessLookupError:
            return None

    def close(self) -> None:
        if self._status is not None:
            self._status.close()
            self._status = None


def proportional_bytes(pid: int) -> int | None:
    """Private and shared memory of a process, in which a page of several processes counts in parts; None: not told."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except OSError:
        return None
    return _kib_field(text, b"Pss_Anon") + _kib_field(text, b"Pss_Shmem") if b"\nPss_Anon:" in text else None


def children_of(pid: int) -> list[int]:
    """Every living descendant of a process, itself left out."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for task in _tasks(waiting.pop()):
            try:
                direct = [int(word) for word in (task / "children").read_bytes().split()]
            except OSError:  # the thread ended meanwhile, or the kernel was built without this file
                continue
            found += direct
            waiting += direct
    return found


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def memory_total_bytes() -> int:
    """Physical memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def memory_available_share() -> float | None:
    """Share of the machine's memory that could still be given out, 0 to 1."""
    try:
        text = Path("/proc/meminfo").read_bytes()
    except OSError:
        return None
    total, available = _kib_field(b"\n" + text, b"MemTotal"), _kib_field(text, b"MemAvailable")
    return available / total if total else None


def memory_pressure_percent() -> float | None:
    """Share of the last 10 s in which every task waited for memory (PSI "full avg10"), in percent."""
    try:
        text = Path("/proc/pressure/memory").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("full"):
            return float(line.split("avg10=")[1].split()[0])
    return None


def oom_kill_count() -> int | None:
    """How often the kernel killed for memory in our control group, where that is counted."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            text = Path(path).read_text()
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None


def kernel_log_about(pid: int) -> str | None:
    """The kernel's last message that names this process, where the log may be read."""
    try:
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    needles = (f"[{pid}]".encode(), f"process {pid} ".encode(), f"pid={pid},".encode())
    found = None
    try:
        while True:
            try:
                record = os.read(log, 8192)
            except BlockingIOError:
                return found
            except OSError:  # records overwritten while we read: go on with the next
                continue
            if any(needle in record for needle in needles):
                found = record.split(b";", 1)[-1].split(b"\n", 1)[0].decode("utf-8", "replace")
    finally:
        os.close(log)
