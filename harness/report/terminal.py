"""The terminal's view of a report: one table, what broke, how costs grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness import units
from harness.report.fidelity import COUNTS
from harness.report.fidelity import Table as TextTable
from harness.report.models import Brain, Frontier, Learning, Quality, Report, Rung, Scaling
from harness.report.summary import conditions, fidelity_tables, forecast_lines, headline, passed, work_line

STDERR_LINES_SHOWN = 12


def show(report: Report, console: Console) -> None:
    """Print the whole view."""
    console.print(view(report, console.width), soft_wrap=not console.is_terminal)


def view(report: Report, width: int) -> RenderableType:
    """The view for a terminal of this many columns."""
    parts: list[RenderableType] = [_table("Ladder", report.rungs, width)] if report.rungs else []
    parts += [part for table in fidelity_tables(report) for part in _of_text(table)]
    if report.narrowing:
        ordered = sorted(report.narrowing, key=lambda rung: rung.size_bytes)
        parts.append(_table("Narrowing down", ordered, width))
    parts += [_broken(rung) for rung in report.rungs if not rung.passed]
    if report.scaling is not None:
        parts.append(_scaling(report.scaling))
    if report.work is not None:
        parts.append(Text(work_line(report.work)))
    if report.forecasts:
        parts.append(_forecasts(report))
    if report.frontier is not None:
        parts.append(_frontier(report.frontier))
    parts += [Text(f"note: {note}", style="yellow") for note in report.notes]
    if report.rungs:
        parts.append(diagnosis(report))
    parts.append(
        Text(
            f"{report.subject.name}: {headline(report)} ({conditions(report)})",
            style="bold green" if passed(report) else "bold red",
        )
    )
    return Group(*parts)


def _of_text(table: TextTable) -> Iterator[RenderableType]:
    if table.rows:
        shown = Table(title=table.title, title_justify="left", title_style="bold", header_style="dim", box=None)
        for column in table.columns:
            shown.add_column(column, justify="right" if column in COUNTS else "left", overflow="fold")
        for number, row in enumerate(table.rows):
            shown.add_row(*(Text(cell) for cell in row), style="bold red" if number in table.bad else "")
        yield shown
    else:
        yield Text(table.empty)
    yield from (Text(f"  {remark}", style="dim") for remark in table.remarks)


SEVERITY_STYLE = {"error": "bold red", "warning": "bold yellow", "note": "bold"}


def diagnosis(report: Report) -> RenderableType:
    """Findings by weight: title, evidence, what to do."""
    if not report.findings and report.break_ is not None:
        return Text("diagnosis: it broke, and no rule says why", style="yellow")
    if not report.findings:
        return Text("diagnosis: nothing is wrong as far as it was looked at", style="green")
    lines = [Text("Diagnosis", style="bold")]
    for number, finding in enumerate(report.findings, 1):
        style = SEVERITY_STYLE.get(finding.severity, "")
        lines.append(
            Text.assemble(
                (f"{number}. {finding.title}", style), (f"  [{finding.kind}, {finding.confidence} confidence]", "dim")
            )
        )
        lines += [Text(f"   - {line}") for line in finding.evidence]
        lines.append(Text(f"   do: {finding.advice}", style="cyan"))
    return Group(*lines)


def _forecasts(report: Report) -> RenderableType:
    lines = [Text(line) for line in forecast_lines(report)]
    return Group(Text("Forecast", style="bold"), *lines)


def _frontier(frontier: Frontier) -> Table:
    table = Table(
        title="Frontier", title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    table.add_column("limit", no_wrap=True)
    for size in frontier.sizes_bytes:
        table.add_column(units.label(size), justify="right", no_wrap=True)
    for limit in reversed(frontier.limits_bytes):
        row = [cell for cell in frontier.cells if cell.limit_bytes == limit]
        style = {True: "green", False: "red"}
        cells = [Text(cell.verdict, style=style[cell.passed] + ("" if cell.measured else " dim")) for cell in row]
        table.add_row(units.memory(limit), *cells)
    return table


@dataclass(frozen=True)
class _Column:
    """A column, the cell of a rung in it, and how wide it is at most."""

    name: str
    cell: Callable[[Rung], str]
    width: int


def _learning(show: Callable[[Learning], str]) -> Callable[[Rung], str]:
    return lambda rung: show(rung.learning) if rung.learning else units.NOT_MEASURED


def _quality(show: Callable[[Quality], str]) -> Callable[[Rung], str]:
    return lambda rung: show(rung.quality) if rung.quality else units.NOT_MEASURED


def _brain(show: Callable[[Brain], str]) -> Callable[[Rung], str]:
    return lambda rung: show(rung.brain) if rung.brain else units.NOT_MEASURED


# In order of what a narrow terminal can do without: it shows as many as fit.
COLUMNS = (
    _Column("lines/s", _learning(lambda it: units.count(it.lines_per_s)), 9),
    _Column("MB/CPU s", _learning(lambda it: units.decimal(it.mb_per_cpu_s)), 8),
    _Column("private", lambda rung: units.memory(rung.peak_anon_bytes), 10),
    _Column("bits/byte", _quality(lambda it: units.decimal(it.bits_per_byte, 3)), 9),
    _Column("recalled", _quality(lambda it: units.share(it.facts_recalled, it.facts_asked)), 8),
    _Column("CPU", _learning(lambda it: units.duration(it.cpu_s)), 9),
    _Column("brain", _brain(lambda it: units.size(it.file_bytes)), 7),
    _Column("nodes", _brain(lambda it: units.count(it.nodes)), 11),
    _Column("edges", _brain(lambda it: units.count(it.edges)), 11),
    _Column("answer", lambda rung: units.duration(rung.latency.median_s if rung.latency else None), 8),
    _Column("waited", _learning(lambda it: units.duration(it.run_queue_wait_s)), 8),
)
ALWAYS_WIDTH = 8 + 2 + 15  # size and verdict, which always show


def _table(title: str, rungs: list[Rung], width: int) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    table.add_column("size", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    left = width - ALWAYS_WIDTH
    shown = []
    for column in COLUMNS:
        left -= column.width + 2
        if left < 0:
            break
        shown.append(column)
        table.add_column(column.name, justify="right", no_wrap=True)
    for rung in rungs:
        style = "green" if rung.verdict == "ok" else "yellow" if rung.passed else "bold red"
        cells = [column.cell(rung) for column in shown]
        table.add_row(rung.label, Text(rung.verdict, style=style), *cells)
    return table


def _broken(rung: Rung) -> RenderableType:
    lines = [Text(f"{rung.label}: {rung.verdict}", style="bold red"), Text(f"  {rung.because}")]
    for attempt in rung.attempts if len(rung.attempts) > 1 else []:
        lines.append(Text(f"  {attempt.limiter}: {attempt.verdict}, {attempt.because}", style="dim"))
    last = rung.attempts[0]
    if fault := last.fault.strip():
        lines.append(Text("  stack:\n" + _indent(fault.splitlines()[:STDERR_LINES_SHOWN]), style="dim"))
    if tail := last.stderr.tail.strip():
        lines.append(Text("  stderr:\n" + _indent(tail.splitlines()[-STDERR_LINES_SHOWN:]), style="dim"))
    if last.black_box:
        lines.append(Text(f"  black box: {last.black_box}"))
    return Group(*lines)


def _indent(lines: list[str]) -> str:
    return "\n".join("    " + line for line in lines)


def _scaling(scaling: Scaling) -> RenderableType:
    lines = []
    for name, slope in (("CPU time of learning", scaling.time), ("peak private memory", scaling.memory)):
        if slope is not None:
            text = f"{name} grows as size^{units.slope(slope.value, slope.low, slope.high)}"
            lines.append(Text(f"{text} from {units.size(slope.from_bytes)} to {units.size(slope.to_bytes)}"))
    return Group(*lines)
