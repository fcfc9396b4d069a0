"""The outcome in one sentence, the same in every view."""

from __future__ import annotations

from harness.report.models import Report
from harness.units import duration, label, memory


def headline(report: Report) -> str:
    """What a person wants to know first."""
    found = report.break_
    if found is not None:
        if found.last_passed_bytes is None:
            return f"broke at the first rung, {label(found.first_broken_bytes)}: {found.verdict}"
        passed_at, broken_at = label(found.last_passed_bytes), label(found.first_broken_bytes)
        return f"breaks between {passed_at} and {broken_at}: {found.verdict}"
    passed_bytes = max((rung.size_bytes for rung in report.rungs if rung.passed), default=None)
    if report.interrupted:
        reached = "before the first rung was done" if passed_bytes is None else f"after {label(passed_bytes)}"
        return f"stopped {reached}: {report.interrupted}"
    if passed_bytes is None:
        return "nothing was tried"
    return f"not broken up to {label(passed_bytes)}"


def conditions(report: Report) -> str:
    """The limits that the headline holds under: another machine, another limit, another breaking size."""
    settings = report.settings
    return f"under {memory(settings.memory_limit_bytes)} of memory and {duration(settings.time_limit_s)} a rung"


def passed(report: Report) -> bool:
    """Whether it came to its end without a break."""
    return report.break_ is None and not report.interrupted
