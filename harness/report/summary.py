"""The outcome in one sentence, the same in every view."""

from __future__ import annotations

from harness.report.fidelity import Table, faults_headline, faults_table, loss_table, trip_headline
from harness.report.models import Forecast, Report, Work
from harness.units import duration, label, memory


def work_line(work: Work) -> str:
    """What learning asks of Python, which no load on the machine changes."""
    return f"learning takes {work.per_line:,.0f} opcodes of Python a line ({label(work.size_bytes)}, on every run)"


def headline(report: Report) -> str:
    """What a person wants to know first."""
    if report.faults is not None:
        return faults_headline(report.faults)
    if report.roundtrip is not None:
        return trip_headline(report.roundtrip)
    found = report.break_
    if found is not None:
        if found.last_passed_bytes is None:
            return f"broke at the first rung, {label(found.first_broken_bytes)}: {found.verdict}"
        passed_at, broken_at = label(found.last_passed_bytes), label(found.first_broken_bytes)
        return f"breaks between {passed_at} and {broken_at}: {found.verdict}"
    passed_bytes = largest_passed(report)
    if report.interrupted:
        reached = "before the first rung was done" if passed_bytes is None else f"after {label(passed_bytes)}"
        return f"stopped {reached}: {report.interrupted}"
    if passed_bytes is None:
        return "nothing was tried"
    return f"not broken up to {label(passed_bytes)}"


def conditions(report: Report) -> str:
    """The limits that the headline holds under: another machine, another limit, another breaking size."""
    settings = report.settings
    whole = report.faults is not None or report.roundtrip is not None
    of = "in all" if whole else "a rung"
    return f"under {memory(settings.memory_limit_bytes)} of memory and {duration(settings.time_limit_s)} {of}"


def passed(report: Report) -> bool:
    """Whether it came to its end without a break, a loss, or a file that is neither before nor after."""
    lossless = report.roundtrip is None or not report.roundtrip.losses
    holds = report.faults is None or (report.faults.tested and report.faults.hold)
    return report.break_ is None and not report.interrupted and lossless and holds


def fidelity_tables(report: Report) -> list[Table]:
    """What faults left, what a round trip lost: the same rows in every view."""
    tables = [] if report.faults is None else [faults_table(report.faults)]
    return tables if report.roundtrip is None else [*tables, loss_table(report.roundtrip)]


def told(forecast: Forecast) -> str:
    """A forecast as a sentence; empty where nothing is foretold."""
    if forecast.predicted_bytes is None or forecast.low_bytes is None:
        return ""
    high = label(forecast.high_bytes) if forecast.high_bytes else "more than 1 TB"
    what = "memory" if forecast.cause == "memory" else "time"
    between = f"between {label(forecast.low_bytes)} and {high}"
    return f"breaks at about {label(forecast.predicted_bytes)} for {what}, {between}"


def forecast_lines(report: Report) -> list[str]:
    """What each rung foretold, and what was found in the end."""
    foretold = [forecast for forecast in report.forecasts if told(forecast)]
    lines = [f"after {label(forecast.after_bytes)}: {told(forecast)}" for forecast in foretold]
    if lines and (report.break_ is None or report.break_.last_passed_bytes is not None):
        lines.append(f"found: {headline(report)}{verdict_on_forecast(report)}")
    return lines


def largest_passed(report: Report) -> int | None:
    return max((rung.size_bytes for rung in report.rungs if rung.passed), default=None)


def verdict_on_forecast(report: Report) -> str:
    """Whether the break lies in the interval that was foretold last; without a break, whether that was refuted."""
    found = report.break_
    last = next((forecast for forecast in reversed(report.forecasts) if forecast.low_bytes), None)
    if last is None or last.low_bytes is None:
        return ""
    of = f"the interval foretold last, after {label(last.after_bytes)}"
    if found is None:
        passed_bytes = largest_passed(report) or 0
        if last.high_bytes is not None and last.high_bytes <= passed_bytes:
            return f", beyond {of}: that forecast was wrong"
        return f", not yet at the end of {of}"
    if found.last_passed_bytes is None:
        return ""
    high = last.high_bytes or found.first_broken_bytes
    inside = found.first_broken_bytes >= last.low_bytes and found.last_passed_bytes <= high
    return f", {'inside' if inside else 'outside'} {of}"
