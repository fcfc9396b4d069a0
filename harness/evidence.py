"""What is known about one attempt after its worker has ended: plain facts, no judgement. `verdict` judges.

The launcher gathers it, one JSON document carries it to the orchestrator.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from harness.heartbeat import NO_HEARTBEAT, Heartbeat


@dataclass(frozen=True)
class Output:
    """One of the worker's output streams: all of it counted, its head and tail kept."""

    bytes: int = 0
    lines: int = 0
    head: str = ""
    tail: str = ""


@dataclass(frozen=True)
class Sample:
    """Memory of the worker and its children at one moment."""

    at_s: float
    stage: str
    bytes: int
    lines: int
    rss_bytes: int
    anon_bytes: int


@dataclass(frozen=True)
class Evidence:
    """Facts about one attempt.

    exit_code : of the worker; negative: the signal that ended it
    command_exit_code : of a command that the worker ran for its subject and that failed; None if it ran none
    stopped_for : "memory", "time" or "cancelled" when the harness ended it, else None
    result : the worker's record, None if none arrived; result_error says what was wrong with what arrived
    peak_rss_bytes : the largest of what the worker saw, what the launcher polled and what wait4 says
    peak_anon_bytes : private memory of the worker and its children, polled every 5 ms
    stage_peak_anon_bytes : the same, by the stage that the heartbeat named
    """

    exit_code: int
    wall_s: float
    cpu_user_s: float
    cpu_system_s: float
    peak_rss_bytes: int
    peak_anon_bytes: int
    involuntary_switches: int = 0
    command_exit_code: int | None = None
    stopped_for: str | None = None
    anon_bytes_at_stop: int | None = None
    result: dict[str, Any] | None = None
    result_error: str | None = None
    heartbeat: Heartbeat = NO_HEARTBEAT
    stdout: Output = Output()
    stderr: Output = Output()
    fault: str = ""
    stage_peak_anon_bytes: dict[str, int] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    memory_available_share: float | None = None
    memory_pressure_percent: float | None = None
    oom_kills: int | None = None
    kernel_log: str | None = None

    @property
    def subject_missing(self) -> str | None:
        """Why the worker had no subject to try: it cannot be found. None where it had one."""
        result = self.result or {}
        return result["exception"]["message"] if result.get("subject_missing") else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Evidence:
        fields = dict(document)
        fields["heartbeat"] = Heartbeat(**fields["heartbeat"])
        fields["stdout"] = Output(**fields["stdout"])
        fields["stderr"] = Output(**fields["stderr"])
        fields["samples"] = [Sample(**sample) for sample in fields["samples"]]
        return cls(**fields)
