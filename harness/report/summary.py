"""The outcome in one sentence, the same in every view."""

from __future__ import annotations

from harness.report.models import Report
from harness.units import label, memory


def headline(report: Report) -> str:
    """What a person wants to know first."""
    limits = (
        f"under {memory(report.settings.memory_limit_bytes)} and {report.settings.time_limit_s:,.0f} s a rung"
    )
    found = report.break_
    if found is not None:
        if found.last_passed_bytes is None:
            return f"broke at the first rung, {label(found.first_broken_bytes)}: {found.verdict} ({limits})"
        passed, broken = label(found.last_passed_bytes), label(found.first_broken_bytes)
        return f"breaks between {passed} and {broken}: {found.verdict} ({limits})"
    passed_bytes = max((rung.size_bytes for rung in report.rungs if rung.passed), default=None)
    if report.interrupted:
        reached = "before the first rung was done" if passed_bytes is None else f"after {label(passed_bytes)}"
        return f"stopped {reached}: {report.interrupted}"
    if passed_bytes is None:
        return "nothing was tried"
    return f"not broken up to {label(passed_bytes)} ({limits})"


def passed(report: Report) -> bool:
    return report.break_ is None and not report.interrupted
