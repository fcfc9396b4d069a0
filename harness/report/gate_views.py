"""Every view of a gate: table in the terminal, Markdown, page with plots. Pure: a report in, text out."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from harness import units
from harness.report.gate import BASE, CANDIDATE, SIDES, Gate, Measure
from harness.report.html import Figure, render_page
from harness.report.markdown import text
from harness.report.plot import Plot
from harness.report.svg import Chart, Linear, Point, Rule, Series, x_range, y_range
from harness.report.tables import markdown_table, terminal_table

HEADS = ("measure", "base", "candidate", "change", "95 % interval", "border", "outcome")
NUMBERS = slice(1, -1)  # columns of them
TOLD = {"ok": "ok", "regression": "regression", "cannot_tell": "cannot tell"}
NAMES = {"time": "CPU time of learning", "work": "opcodes a line", "memory": "peak private memory"}
SHOWN: dict[str, Callable[[float], str]] = {"time": units.duration, "work": units.count, "memory": units.memory}
STYLES = {"ok": "green", "regression": "bold red", "cannot_tell": "yellow"}
MARKS = {"ok": "good", "regression": "bad", "cannot_tell": "unsure"}
ROOM = 1.15  # of an axis, beyond the outermost value


def change(ratio: float) -> str:
    """How much more the candidate's is."""
    return f"{ratio - 1:+.1%}".replace("-", "−")


def interval(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return units.NOT_MEASURED
    return f"{change(measure.low)} to {change(measure.high)}"


def headline(report: Gate) -> str:
    """What a person wants to know first."""
    if report.interrupted:
        return f"stopped: {report.interrupted}"
    if report.broken is not None:
        return f"the {report.broken.side} broke: {report.broken.verdict}, {report.broken.because}"
    time = report.time
    if report.regressions:
        worse = (f"{change(one.ratio)} {NAMES[one.name]}" for one in report.regressions)
        return f"regression: {', '.join(worse)}"
    if time is None:
        return "cannot tell whether it is slower: no pair was run"
    told = f"{change(time.ratio)} {NAMES['time']}, {interval(time)}"
    if time.outcome == "cannot_tell":
        return f"cannot tell whether it is slower: {told}; {time.because}"
    return f"no slower: {told}" + (", the same code on both sides" if report.same_code else "")


def outcome_of(report: Gate) -> str:
    """The outcome of all of it, as that of one measure is named."""
    if report.broken is not None:
        return "regression" if report.broken.side == CANDIDATE else "cannot_tell"
    if report.regressions:
        return "regression"
    unclear = report.interrupted or report.time is None or any(one.outcome == "cannot_tell" for one in report.measures)
    return "cannot_tell" if unclear else "ok"


def conditions(report: Gate) -> str:
    """What was compared, and on what."""
    its = report.settings
    corpus = f"{units.label(its.size_bytes)} of {its.corpus or 'generated text'}, {units.count(its.corpus_lines)} lines"
    return f"against {report.base_named}; {corpus}; {units.plural(len(report.pairs), 'pair')} of fresh processes"


def rows(report: Gate) -> list[list[str]]:
    return [
        [
            NAMES[one.name],
            _with_speed(report, one, one.base),
            _with_speed(report, one, one.candidate),
            change(one.ratio),
            interval(one),
            change(one.most),
            TOLD[one.outcome],
        ]
        for one in report.measures
    ]


def _with_speed(report: Gate, measure: Measure, value: float) -> str:
    shown = SHOWN[measure.name](value)
    lines = report.settings.corpus_lines
    return shown if measure.name != "time" or lines is None else f"{shown} ({lines / value:,.0f} lines/s)"


def show(report: Gate, console: Console) -> None:
    """Print the table and the outcome."""
    table = terminal_table("Gate", HEADS, NUMBERS)
    for one, row in zip(report.measures, rows(report), strict=True):
        table.add_row(*(Text(cell) for cell in row[:-1]), Text(row[-1], style=STYLES[one.outcome]))
    if report.measures:
        console.print(table, soft_wrap=not console.is_terminal)
    console.print(Text(conditions(report), style="dim"), soft_wrap=True)
    console.print(
        Text(f"{report.candidate.name}: {headline(report)}", style=f"bold {STYLES[outcome_of(report)]}"), soft_wrap=True
    )


def render_markdown(report: Gate) -> str:
    """The summary of a CI job."""
    mark = {"ok": "✅", "regression": "❌", "cannot_tell": "❔"}[outcome_of(report)]
    lines = [f"## {mark} Gate of {text(report.candidate.name)}: {text(headline(report))}", ""]
    lines += [text(conditions(report)), ""]
    if report.measures:
        lines += markdown_table(HEADS, rows(report), NUMBERS)
        lines += ["", *(f"- {NAMES[one.name]}: {text(one.because)}" for one in report.measures)]
    return "\n".join(lines) + "\n"


def figures(report: Gate) -> list[Figure]:
    """The change of each measure."""
    return [Figure(change(one.ratio), NAMES[one.name], TOLD[one.outcome]) for one in report.measures]


def plots(report: Gate) -> list[Plot]:
    """The ratio of each pair, and the time of each run."""
    time = report.time
    if time is None or not report.pairs:
        return []
    return [_ratios(report, time), _times(report)]


def _pair_axis(report: Gate) -> Linear:
    return Linear(0.0, len(report.pairs) + 1.0, *x_range(), label=lambda value: f"{value:g}" if value % 1 == 0 else "")


def _ratios(report: Gate, time: Measure) -> Plot:
    points = [
        Point(number, ratio - 1, f"pair {number}: {change(ratio)}")
        for number, ratio in enumerate((pair.candidate.cpu_s / pair.base.cpu_s for pair in report.pairs), 1)
    ]
    reach = ROOM * max(time.most - 1, *(abs(point.y) for point in points))
    y = Linear(-reach, reach, *y_range(), label=lambda value: change(1 + value))
    rules = [Rule(time.most - 1, f"border: {change(time.most)}", "limit"), Rule(0.0, "")]
    chart = Chart(
        "Pairs",
        _pair_axis(report),
        y,
        "pair",
        "CPU time more than the base",
        [Series("candidate against base", "c1", points, joined=False)],
        rules,
    )
    return Plot(
        "Pairs",
        "Each dot is one run of both, next to each other. Above the border the candidate was slower in that pair.",
        chart.svg(),
        ("pair", "change"),
        [(f"{point.x:.0f}", change(1 + point.y)) for point in points],
    )


def _times(report: Gate) -> Plot:
    def points(side: str) -> list[Point]:
        runs = [getattr(pair, side) for pair in report.pairs]
        return [
            Point(number, run.cpu_s, f"{side}, pair {number}: {units.duration(run.cpu_s)}")
            for number, run in enumerate(runs, 1)
        ]

    series = [Series(side, css, points(side)) for side, css in zip(SIDES, ("c2", "c1"), strict=True)]
    most = max(point.y for one in series for point in one.points)
    chart = Chart(
        "CPU time of each run",
        _pair_axis(report),
        Linear(0.0, ROOM * most, *y_range(), label=lambda value: f"{value:.3g}"),
        "pair",
        "seconds",
        series,
    )
    return Plot(
        "CPU time of each run",
        "What both have in common is the machine's; what sets them apart is the candidate's.",
        chart.svg(),
        ("pair", BASE, CANDIDATE),
        [
            (str(number), units.duration(pair.base.cpu_s), units.duration(pair.candidate.cpu_s))
            for number, pair in enumerate(report.pairs, 1)
        ],
    )


def render_html(report: Gate) -> str:
    """The page: one file, no script, no network."""
    return render_page(
        "gate.html",
        report,
        kind="gate",
        named=report.candidate.name,
        headline=headline(report),
        outcome=MARKS[outcome_of(report)],
        conditions=conditions(report),
        subjects=[(BASE, report.base), (CANDIDATE, report.candidate)],
        figures=figures(report),
        heads=HEADS,
        rows=list(zip(report.measures, rows(report), strict=True)),
        marks=MARKS,
        names=NAMES,
        plots=plots(report),
    )
