"""The terminal's view of a report: one table, what broke, how costs grow."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.report import units
from harness.report.models import Report, Rung, Scaling
from harness.report.summary import headline, passed

STDERR_LINES_SHOWN = 12


def show(report: Report, console: Console) -> None:
    """Print the whole view."""
    console.print(view(report))


def view(report: Report) -> RenderableType:
    parts: list[RenderableType] = [_table("Ladder", report.rungs)]
    if report.narrowing:
        parts.append(_table("Narrowing down", sorted(report.narrowing, key=lambda rung: rung.size_bytes)))
    parts += [_broken(rung) for rung in report.rungs if not rung.passed]
    if report.scaling is not None:
        parts.append(_scaling(report.scaling))
    parts += [Text(f"note: {note}", style="yellow") for note in report.notes]
    parts.append(Text(f"{report.subject.name}: {headline(report)}", style="bold green" if passed(report) else "bold red"))
    return Group(*parts)


def _table(title: str, rungs: list[Rung]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    table.add_column("size")
    table.add_column("verdict")
    for name in ("lines", "lines/s", "MB/CPU s", "CPU", "waited", "peak private", "bits/byte", "recalled", "brain", "nodes", "answer"):
        table.add_column(name, justify="right", no_wrap=True)
    for rung in rungs:
        learning, quality = rung.learning, rung.quality
        table.add_row(
            rung.label,
            Text(rung.verdict, style="green" if rung.verdict == "ok" else "yellow" if rung.passed else "bold red"),
            units.count(rung.corpus_lines),
            units.count(learning.lines_per_s if learning else None),
            units.decimal(learning.mb_per_cpu_s if learning else None),
            units.duration(learning.cpu_s if learning else None),
            units.duration(learning.run_queue_wait_s if learning else None),
            units.memory(rung.peak_anon_bytes),
            units.decimal(quality.bits_per_byte if quality else None, 3),
            units.share(quality.facts_recalled, quality.facts_asked) if quality else units.NOT_MEASURED,
            units.size(rung.brain.file_bytes if rung.brain else None),
            units.count(rung.brain.nodes if rung.brain else None),
            units.duration(rung.latency.median_s if rung.latency else None),
        )
    return table


def _broken(rung: Rung) -> RenderableType:
    lines = [Text(f"{rung.label}: {rung.verdict}", style="bold red"), Text(f"  {rung.because}")]
    for attempt in rung.attempts:
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
