"""A finding and its weight, and what every rule asks of a report."""

from __future__ import annotations

from dataclasses import dataclass

from harness import units
from harness.report.models import Attempt, Finding, Report, Rung

GIGABYTE = 10**9
CRASHES = frozenset({"segv", "abort", "bus", "fpe", "ill"})
MEMORY_VERDICTS = frozenset({"memory_limit", "memory_error", "oom_killed"})


@dataclass(frozen=True)
class Weighed:
    """weight: errors 80 to 100, warnings 40 to 79, notes below."""

    weight: float
    finding: Finding


def finding(
    weight: float, kind: str, title: str, evidence: list[str], advice: str, confidence: str = "high"
) -> Weighed:
    severity = "error" if weight >= 80 else "warning" if weight >= 40 else "note"
    kept = [line for line in evidence if line]
    return Weighed(
        weight, Finding(kind=kind, severity=severity, title=title, evidence=kept, confidence=confidence, advice=advice)
    )


ALARMS = ("error", "warning")


def first_alarm(report: Report) -> Finding | None:
    """The heaviest finding, where there is one that is more than a note."""
    return next((each for each in report.findings if each.severity in ALARMS), None)


def smallest_broken(report: Report) -> Rung | None:
    """The smallest size that broke."""
    broken = [rung for rung in (*report.rungs, *report.narrowing) if not rung.passed]
    return min(broken, key=lambda rung: rung.size_bytes, default=None)


def passed_rungs(report: Report) -> list[Rung]:
    return sorted((rung for rung in report.rungs if rung.passed), key=lambda rung: rung.size_bytes)


def box_of(attempt: Attempt) -> str:
    return f"black box: {attempt.black_box}" if attempt.black_box else ""


def between(report: Report) -> str:
    found = report.break_
    if found is None or found.last_passed_bytes is None:
        return "it breaks at the smallest size tried" if found else ""
    return f"passes {units.label(found.last_passed_bytes)}, breaks at {units.label(found.first_broken_bytes)}"


def python_frames(fault: str) -> list[str]:
    return [line.strip() for line in fault.splitlines() if line.strip().startswith("File ")]


def site_of(report: Report, attempt: Attempt) -> list[str]:
    """Where it was when it ended, by whoever could tell."""
    site = report.crash_site
    if site is not None:
        place = f" at {site.where}" if site.where else ""
        return [f"{site.tool}: {site.what}{place}", " ← ".join(site.stack[:4])]
    return [f"faulthandler: {frame}" for frame in python_frames(attempt.fault)[:3]]
