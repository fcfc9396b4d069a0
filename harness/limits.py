"""Limits on one attempt, and who holds them.

watchdog        the launcher reads the private memory of the worker and its children every 5 ms and kills the
                group above the limit; RLIMIT_DATA, far above it, is the net in case the launcher is starved.
watchdog_only   the same without the net.
rlimit_data     the kernel refuses private writable memory above the limit: MemoryError near the right point.
rlimit_as       the kernel refuses address space: counts reservations, thread stacks and mapped files too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

LIMITERS = ("watchdog", "watchdog_only", "rlimit_data", "rlimit_as")
GIB = 1024**3


def net_bytes(memory_bytes: int) -> int:
    """The second net below the watchdog: reached only when the launcher gets no processor for a long time."""
    return 2 * memory_bytes + GIB


@dataclass(frozen=True)
class Limits:
    """memory_bytes : private memory of the worker and its children; time_s : wall clock of one attempt."""

    memory_bytes: int
    time_s: float
    limiter: str = "watchdog"

    @property
    def watched_bytes(self) -> int | None:
        """The limit that the launcher holds, if it holds one."""
        return self.memory_bytes if self.limiter.startswith("watchdog") else None

    def resource_limits(self) -> dict[str, int]:
        """Names in the module `resource` and the limits that the worker sets on itself."""
        match self.limiter:
            case "watchdog":
                return {"RLIMIT_DATA": net_bytes(self.memory_bytes)}
            case "rlimit_data":
                return {"RLIMIT_DATA": self.memory_bytes}
            case "rlimit_as":
                return {"RLIMIT_AS": self.memory_bytes}
        return {}

    def under(self, limiter: str) -> Limits:
        return replace(self, limiter=limiter)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def other_limiter(limiter: str, verdict: str) -> str:
    """The limiter that tells a true memory break from an artefact of the one that saw it."""
    if limiter == "watchdog":
        return "rlimit_data" if verdict == "memory_limit" else "watchdog_only"
    if limiter == "watchdog_only":
        return "rlimit_data"
    return "watchdog"
