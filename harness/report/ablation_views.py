"""Every view of an ablation: table in the terminal, Markdown, page with plots. Pure: a report in, text out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from harness import units
from harness.report.ablation import FULL, Ablation, Measures, Variant
from harness.report.differences import Difference, Differences
from harness.report.html import render_page
from harness.report.markdown import text
from harness.report.plot import Plot
from harness.report.tables import markdown_table, terminal_table
from harness.units import signed


@dataclass(frozen=True)
class Column:
    """A measure: how it is shown, how a difference is, and what a larger one without a mechanism says of it.

    speaks_for : +1 where more without the mechanism means that it is good for something, -1 where it costs something
    """

    name: str
    of: Callable[[Measures], float | None]
    show: Callable[[float], str]
    show_more: Callable[[float], str]
    speaks_for: int
    axis: str


def _bits(value: float) -> str:
    return f"{value:.4f}"


NUMBERS = slice(1, -2)  # columns of them
MEASURES = (
    Column("bits/byte", lambda it: it.bits_per_byte, _bits, signed(_bits), +1, "bits per byte more without it"),
    Column(
        "recalled", lambda it: it.facts_recalled, units.count, signed(units.count), -1, "facts recalled more without it"
    ),
    Column(
        "lines/CPU s", lambda it: it.lines_per_cpu_s, units.count, signed(units.count), -1, "lines per CPU second more"
    ),
    Column("private", lambda it: it.peak_anon_bytes, units.memory, signed(units.memory), +1, "peak memory more"),
    Column("brain", lambda it: it.brain_bytes, units.size, signed(units.size), +1, "size of the brain more"),
)


def _columns(report: Ablation) -> list[Column]:
    """Those of every report, and one for each capability that was probed."""
    names = sorted({name for one in report.variants for name in one.measures.capabilities})
    percent = "{:.0%}".format
    return [
        *MEASURES,
        *(
            Column(name, lambda it, n=name: it.capabilities.get(n), percent, signed(percent), -1, f"{name} more")  # type: ignore[misc]
            for name in names
        ),
    ]


def headline(report: Ablation) -> str:
    """What a person wants to know first."""
    if report.interrupted:
        return f"stopped: {report.interrupted}"
    full = report.full
    broken = [one.name for one in report.variants if not one.passed]
    if full is None or not full.passed or broken:
        return f"broke: {', '.join(broken) or 'nothing was tried'}"
    idle = useless(report)
    tried = len(report.variants) - 1
    if idle:
        return f"{tried} variants; nothing gets worse on this text without {', '.join(idle)}"
    return f"{tried} variants; each mechanism is worth something on this text"


def useless(report: Ablation) -> list[str]:
    """Mechanisms without which nothing gets worse."""
    full = report.full
    if full is None:
        return []
    tried = [one for one in report.variants if one.difference is not None]
    return [one.name for one in tried if not one.brings(full.measures)]


def good(report: Ablation) -> bool:
    return not report.interrupted and all(one.passed for one in report.variants) and not useless(report)


def conditions(report: Ablation) -> str:
    """The text, and what was asked of it."""
    its = report.settings
    parts = [
        f"{units.label(its.size_bytes)} of {its.corpus or 'generated text'}",
        f"{units.count(its.corpus_lines)} lines",
    ]
    parts.append(f"scored on {units.size(its.heldout_bytes)} of held-out lines")
    parts.append(f"{units.count(its.facts_asked)} planted facts asked")
    return ", ".join(parts)


def heads(columns: Sequence[Column]) -> list[str]:
    return ["without", *(column.name for column in columns), "it brings", "it costs"]


def rows(report: Ablation, columns: Sequence[Column]) -> list[list[str]]:
    """The full subject, and every variant beside it."""
    full = report.full
    return [
        [
            "nothing (full)" if one.name == FULL else one.name,
            *(_cell(column, one) for column in columns),
            *_judged(one, full),
        ]
        for one in report.variants
    ]


def _cell(column: Column, one: Variant) -> str:
    value = column.of(one.measures)
    if value is None:
        return units.NOT_MEASURED
    more = None if one.difference is None else column.of(one.difference)
    return column.show(value) if more is None else f"{column.show(value)} ({column.show_more(more)})"


def _judged(one: Variant, full: Variant | None) -> tuple[str, str]:
    if not one.passed:
        return one.verdict, ""
    if full is None or one.difference is None:
        return "", ""
    return ", ".join(one.brings(full.measures)) or "nothing", ", ".join(one.costs(full.measures)) or "nothing"


def show(report: Ablation, console: Console) -> None:
    """Print the table and the outcome. Capabilities that lose are told by name, without their columns."""
    table = terminal_table("Ablation", heads(MEASURES), NUMBERS)
    for one, row in zip(report.variants, rows(report, MEASURES), strict=True):
        style = "bold" if one.name == FULL else "red" if not one.passed else "yellow" if row[-2] == "nothing" else ""
        table.add_row(*(Text(cell) for cell in row), style=style)
    console.print(table, soft_wrap=not console.is_terminal)
    console.print(Text("in brackets: how much more than the full subject", style="dim"))
    console.print(Text(conditions(report), style="dim"), soft_wrap=True)
    style = "bold green" if good(report) else "bold yellow"
    console.print(Text(f"{report.subject.name}: {headline(report)}", style=style), soft_wrap=True)


def render_markdown(report: Ablation) -> str:
    """The summary of a CI job."""
    columns = _columns(report)
    lines = [f"## Ablation of {text(report.subject.name)}: {text(headline(report))}", "", text(conditions(report)), ""]
    lines += markdown_table(heads(columns), rows(report, columns), NUMBERS)
    return "\n".join(lines) + "\n"


def plots(report: Ablation) -> list[Plot]:
    """For each measure, how much more of it there is without each mechanism."""
    found = []
    for column in _columns(report):
        bars = []
        for one in report.variants:
            more = None if one.difference is None else column.of(one.difference)
            if more is not None:
                speaks = None if more == 0 else (more > 0) == (column.speaks_for > 0)
                bars.append(Difference(one.name, more, speaks, f"without {one.name}: {_cell(column, one)}"))
        if bars:
            whole = all(bar.value == round(bar.value) for bar in bars)
            drawing = Differences(column.name, bars, column.axis, column.show_more, whole)
            named = [(bar.name, column.show_more(bar.value)) for bar in bars]
            found.append(Plot(column.name, CAPTIONS[column.name in COSTS], drawing.svg(), ("without", "more"), named))
    return found


COSTS = ("lines/CPU s", "private", "brain")
CAPTIONS = {
    False: "Green: it is worse without the mechanism, so that is what it is worth. Red: it is better without.",
    True: "Red: it costs less without the mechanism, so that is what it costs. Green: it costs more without.",
}


def render_html(report: Ablation) -> str:
    """The page: one file, no script, no network."""
    columns = _columns(report)
    return render_page(
        "ablation.html",
        report,
        kind="ablation",
        named=report.subject.name,
        headline=headline(report),
        outcome="good" if good(report) else "",
        conditions=conditions(report),
        subjects=[("subject", report.subject)],
        heads=heads(columns),
        rows=rows(report, columns),
        plots=plots(report),
    )
