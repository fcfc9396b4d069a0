"""From evidence to a verdict: pure, first match wins. It says how an attempt ended; a diagnosis says why."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import Any

from harness.evidence import Evidence
from harness.plain_text import one_line
from harness.stages import is_learning

VERDICTS = (
    "ok",
    "timeout",
    "memory_limit",
    "oom_killed",
    "killed_external",
    "memory_error",
    "segv",
    "abort",
    "bus",
    "fpe",
    "ill",
    "cpu_limit",
    "file_limit",
    "exception",
    "vanished",
    "wrong_result",
    "too_slow",
    "lossy_save",
    "limit_artefact",
    "inconclusive",
)
NOT_A_BREAK = frozenset({"ok", "limit_artefact", "inconclusive"})
OF_MEMORY = frozenset({"memory_limit", "memory_error"})  # tried again under another limiter

BY_SIGNAL = {
    signal.SIGSEGV: "segv",
    signal.SIGBUS: "bus",
    signal.SIGFPE: "fpe",
    signal.SIGILL: "ill",
    signal.SIGABRT: "abort",
    signal.SIGXCPU: "cpu_limit",
    signal.SIGXFSZ: "file_limit",
}
OUT_OF_MEMORY_TEXT = re.compile(
    r"^MemoryError\b|Cannot allocate memory|Memory allocation still failed|can't start new thread"
    r"|std::bad_alloc|out of memory",
    re.MULTILINE | re.IGNORECASE,
)
SHADOW_TEXT = re.compile(r"Sanitizer failed to allocate|ReserveShadowMemoryRange failed")
EXHAUSTED_SHARE = 0.05  # of the machine's memory still available: an outside SIGKILL is then the kernel's
PRESSURE_PERCENT = 10.0  # of the last 10 s lost to waiting for memory: the same
SHOWN = 300  # characters of what an exception says


@dataclass(frozen=True)
class Verdict:
    """How an attempt ended, and the sentence that says on what grounds."""

    name: str
    because: str

    @property
    def passed(self) -> bool:
        return self.name in NOT_A_BREAK


@dataclass(frozen=True)
class Rate:
    """Speed of learning.

    lines_per_s : by the clock on the wall
    lines_per_busy_s : the same without the time spent waiting for a processor
    """

    lines_per_s: float
    lines_per_busy_s: float


def judge(
    evidence: Evidence, *, corpus_lines: int, min_lines_per_s: float | None = None, memory_bytes: int | None = None
) -> Verdict:
    """The verdict on one attempt, by the first rule that matches. memory_bytes: the limit, whoever held it."""
    return (
        _stopped_by_us(evidence)
        or _no_room_for_a_sanitizer(evidence)
        or _ended_by_signal(evidence)
        or _out_of_memory(evidence)
        or _ended_badly(evidence)
        or _failed_check(evidence)
        or _over_memory(evidence, memory_bytes)
        or _too_slow(evidence, corpus_lines, min_lines_per_s)
        or Verdict("ok", "everything ran and every check holds")
    )


def _where(evidence: Evidence) -> str:
    beat = evidence.heartbeat
    return f"in stage {beat.stage or '(none reached)'} after {beat.lines:,} lines"


def _stopped_by_us(evidence: Evidence) -> Verdict | None:
    if evidence.stopped_for == "memory":
        size = (evidence.anon_bytes_at_stop or 0) / 1024**2
        return Verdict("memory_limit", f"stopped at {size:,.0f} MiB of private memory, {_where(evidence)}")
    if evidence.stopped_for == "time":
        return Verdict("timeout", f"not done after {evidence.wall_s:,.1f} s, {_where(evidence)}")
    return None


def _code(evidence: Evidence) -> int:
    """The exit code that tells: that of the command run for the subject, else the worker's own."""
    return evidence.exit_code if evidence.command_exit_code is None else evidence.command_exit_code


def _ended_by_signal(evidence: Evidence) -> Verdict | None:
    code = _code(evidence)
    if code >= 0:
        return None
    name = signal_name(code)
    if -code == signal.SIGKILL and (grounds := _killed_for_memory(evidence)):
        return Verdict("oom_killed", f"killed by the kernel for memory ({grounds}), {_where(evidence)}")
    verdict = BY_SIGNAL.get(signal.Signals(-code)) if name else None
    if verdict is None:
        return Verdict("killed_external", f"ended by {name or -code} that the harness did not send, {_where(evidence)}")
    hint = ""
    if verdict == "abort" and OUT_OF_MEMORY_TEXT.search(evidence.stderr.tail):
        hint = "; stderr speaks of memory that could not be had"
    return Verdict(verdict, f"{name} {_where(evidence)}{hint}")


def _no_room_for_a_sanitizer(evidence: Evidence) -> Verdict | None:
    """A sanitizer reserves terabytes of addresses, which a limit on the data segment forbids: try another limiter."""
    if _code(evidence) == 0 or not SHADOW_TEXT.search(evidence.stderr.head):
        return None
    return Verdict(
        "memory_error", f"a sanitizer could not reserve its addresses under this limiter, {_where(evidence)}"
    )


def _killed_for_memory(evidence: Evidence) -> str:
    if evidence.kernel_log and "illed process" in evidence.kernel_log:
        return evidence.kernel_log
    if evidence.oom_kills:
        return "the control group counted an out-of-memory kill"
    share, pressure = evidence.memory_available_share, evidence.memory_pressure_percent
    if share is not None and share < EXHAUSTED_SHARE:
        return f"{share:.1%} of the machine's memory was left"
    if pressure is not None and pressure > PRESSURE_PERCENT:
        return f"{pressure:.0f} % of the time was lost to waiting for memory"
    return ""


def _exception(evidence: Evidence) -> dict[str, Any] | None:
    return (evidence.result or {}).get("exception")


def _out_of_memory(evidence: Evidence) -> Verdict | None:
    if _code(evidence) == 0:
        return None
    raised = _exception(evidence)
    if raised is not None and raised["type"].endswith("MemoryError"):
        return Verdict("memory_error", f"{raised['type']} at {raised['where']}, {_where(evidence)}")
    if text := OUT_OF_MEMORY_TEXT.search(evidence.stderr.tail):
        return Verdict("memory_error", f"stderr says {text[0]!r}, {_where(evidence)}")
    return None


def _ended_badly(evidence: Evidence) -> Verdict | None:
    code = _code(evidence)
    if code != 0:
        raised = _exception(evidence)
        if raised is None:
            return Verdict("exception", f"exit code {code} without a result, {_where(evidence)}")
        message = one_line(raised["message"], SHOWN)
        if raised["where"] is None:
            return Verdict("exception", f"{message}, {_where(evidence)}")
        return Verdict("exception", f"{raised['type']}: {message} (at {raised['where']}, {_where(evidence)})")
    if evidence.result is None or not evidence.result.get("complete"):
        why = evidence.result_error or "the result record is not complete"
        return Verdict("vanished", f"exit code 0, but {why}; {_where(evidence)}")
    return None


def _failed_check(evidence: Evidence) -> Verdict | None:
    for check in (evidence.result or {}).get("checks", []):
        if not check["holds"]:
            return Verdict(check["verdict"], f"not true: {check['name']} ({check['detail']})")
    return None


def _over_memory(evidence: Evidence, memory_bytes: int | None) -> Verdict | None:
    """The kernel holds a limit for each process; together they may have had more."""
    if memory_bytes is None or evidence.peak_anon_bytes <= memory_bytes:
        return None
    peak, limit = (size / 1024**2 for size in (evidence.peak_anon_bytes, memory_bytes))
    return Verdict(
        "memory_limit", f"it ended well, but with {peak:,.0f} MiB of private memory, and {limit:,.0f} MiB are allowed"
    )


def _too_slow(evidence: Evidence, corpus_lines: int, min_lines_per_s: float | None) -> Verdict | None:
    if min_lines_per_s is None:
        return None
    rate = learning_rate((evidence.result or {}).get("stages", []), corpus_lines)
    if rate is None or rate.lines_per_s >= min_lines_per_s:
        return None
    measured = f"{rate.lines_per_s:,.0f} lines/s, at least {min_lines_per_s:,.0f} were asked"
    if rate.lines_per_busy_s >= min_lines_per_s:
        without = f"{rate.lines_per_busy_s:,.0f} without the time spent waiting for a processor"
        return Verdict("inconclusive", f"{measured}, but {without}: the machine was too busy to tell")
    return Verdict("too_slow", measured)


def learning_rate(stages: list[dict[str, Any]], corpus_lines: int) -> Rate | None:
    """Speed over all stages of learning; None when nothing was timed."""
    learning = [stage for stage in stages if is_learning(stage["name"])]
    wall_s = sum(stage["wall_s"] for stage in learning)
    waited_s = sum(stage["run_queue_wait_s"] or 0.0 for stage in learning)
    if wall_s <= 0:
        return None
    return Rate(corpus_lines / wall_s, corpus_lines / max(wall_s - waited_s, wall_s * 1e-6))


def signal_name(code: int) -> str | None:
    """SIGSEGV for -11; None for a code that is no signal."""
    if code >= 0:
        return None
    try:
        return signal.Signals(-code).name
    except ValueError:
        return None
