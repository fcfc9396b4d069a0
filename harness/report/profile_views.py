"""Every view of a profile: tables in the terminal, Markdown, page with flame graphs. Pure: a report in, text out."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from harness import units
from harness.exit_codes import ExitCode
from harness.report.flame import Flame
from harness.report.html import Figure, render_page
from harness.report.markdown import text
from harness.report.plot import Plot
from harness.report.profile import Memory, Profile, Stacks
from harness.report.svg import Chart, Linear, Point, Series, x_range, y_range
from harness.report.tables import markdown_table, terminal_table
from harness.stacks import Stack, by_function, by_line, package_of, tree, within

FUNCTIONS = ("function", "itself and libraries", "share", "with all it calls", "share", "where")
NUMBERS = slice(1, -1)  # columns of them
LINES = ("line", "itself and libraries", "share", "in")
SHOWN_IN_TERMINAL, SHOWN_ON_PAGE = 12, 25
NOTHING = "nothing was seen: "
ROOM = 1.1  # of an axis, beyond the outermost value
KINDS = (("the subject's code", "c1"), ("other packages", "c2"), ("Python itself", "c3"))


@dataclass(frozen=True)
class Part:
    """One of the two profiles, and how it is told. own : its stacks down to the subject's own code"""

    name: str
    stacks: Stacks
    caption: str
    own: dict[Stack, float]

    def show(self, weight: float) -> str:
        return units.memory(weight) if isinstance(self.stacks, Memory) else units.duration(weight)


def parts(report: Profile) -> list[Part]:
    """Those that there are."""
    found: list[tuple[str, Stacks, str]] = []
    if report.time is not None:
        rate = report.time.rate_hz
        caption = f"The stack of learning, looked at {rate} times a second while it was running."
        found.append(("Time", report.time, caption))
    if report.memory is not None:
        caption = (
            "What was held when learning held most, by who asked for it. It is what was asked of the allocators: pages "
            "never touched and mapped files are in it, so it may be more than what was resident."
        )
        found.append(("Memory at the peak", report.memory, caption))
    own = package(report)
    return [Part(name, stacks, caption, within(stacks.weights, own)) for name, stacks, caption in found]


def package(report: Profile) -> str:
    """The package of the subject."""
    return report.subject.name.removeprefix("python:").partition(":")[0].partition(".")[0]


def headline(report: Profile) -> str:
    """What a person wants to know first."""
    if report.interrupted:
        return f"stopped: {report.interrupted}"
    found = []
    for part in parts(report):
        ranked = by_function(part.own)
        if ranked and part.stacks.total > 0:
            frame, own, _ = ranked[0]
            most = f"{own / part.stacks.total:.0%} of the {'memory' if isinstance(part.stacks, Memory) else 'time'}"
            found.append(f"{most} in {frame.function} ({frame.file}:{frame.line})")
    why = "; ".join(report.problems or ["learning was over at once"]).removeprefix(NOTHING)
    return "; ".join(found) or NOTHING + why


def conditions(report: Profile) -> str:
    its = report.settings
    return f"{units.label(its.size_bytes)} of {its.corpus or 'generated text'}, {units.count(its.corpus_lines)} lines"


def functions(part: Part, most: int) -> list[tuple[str, ...]]:
    whole = part.stacks.total or 1.0
    return [
        (
            frame.function,
            part.show(own),
            f"{own / whole:.1%}",
            part.show(total),
            f"{total / whole:.1%}",
            f"{frame.file}:{frame.line}",
        )
        for frame, own, total in by_function(part.own)[:most]
    ]


def lines(part: Part, most: int) -> list[tuple[str, ...]]:
    whole = part.stacks.total or 1.0
    return [
        (f"{frame.file}:{frame.line}", part.show(own), f"{own / whole:.1%}", frame.function)
        for frame, own in by_line(part.own)[:most]
    ]


def show(report: Profile, console: Console) -> None:
    """Print where it goes, and the outcome."""
    for part in parts(report):
        table = terminal_table(part.name, FUNCTIONS, NUMBERS)
        for row in functions(part, SHOWN_IN_TERMINAL):
            table.add_row(*map(Text, row))
        console.print(table, soft_wrap=not console.is_terminal)
        console.print()
    for problem in report.problems:
        console.print(Text(f"missing: {problem}", style="yellow"), soft_wrap=True)
    console.print(Text(conditions(report), style="dim"), soft_wrap=True)
    style = "bold green" if report.exit_code == ExitCode.OK else "bold yellow"
    console.print(Text(f"{report.subject.name}: {headline(report)}", style=style), soft_wrap=True)


def render_markdown(report: Profile) -> str:
    """The summary of a CI job."""
    told = [f"## Profile of {text(report.subject.name)}: {text(headline(report))}", "", text(conditions(report)), ""]
    for part in parts(report):
        rows = functions(part, SHOWN_IN_TERMINAL)
        told += [f"### {part.name}", "", *markdown_table(FUNCTIONS, rows, NUMBERS), ""]
    return "\n".join([*told, *(f"- missing: {text(problem)}" for problem in report.problems)]) + "\n"


def figures(report: Profile) -> list[Figure]:
    """How much there was of each, and who had most of it."""
    found = []
    for part in parts(report):
        name = "learning was running" if not isinstance(part.stacks, Memory) else "held at the peak"
        found.append(Figure(part.show(part.stacks.total), name, part.stacks.file))
        found += [
            Figure(f"{own / part.stacks.total:.0%}", frame.function, f"{frame.file}:{frame.line}")
            for frame, own, _ in by_function(part.own)[:2]
            if part.stacks.total
        ]
    return found


def flame(part: Part, own: str) -> Plot:
    """Who called whom, and what was spent there."""

    def css(file: str) -> str:
        first = package_of(file)
        if first == own or file.startswith("harness/subjects"):
            return "c1"
        return "c3" if first in sys.stdlib_module_names else "c2"

    drawing = Flame(part.name, tree(part.stacks.weights, "learn"), part.show, css, list(KINDS))
    return Plot(part.name, part.caption, drawing.svg(), LINES, lines(part, SHOWN_ON_PAGE))


def memory_over_time(memory: Memory) -> Plot | None:
    """What was asked for, and what was resident."""
    taken = memory.snapshots
    if len(taken) < 2 or taken[-1].at_s <= taken[0].at_s:
        return None
    series = [
        Series(name, css, [Point(one.at_s, getattr(one, value), "") for one in taken], marked=False)
        for name, css, value in (("asked for and held", "c1", "heap_bytes"), ("resident", "c2", "rss_bytes"))
    ]
    most = max(point.y for one in series for point in one.points)
    chart = Chart(
        "Memory by time",
        Linear(0.0, taken[-1].at_s, *x_range(), label=lambda value: f"{value:g}"),
        Linear(0.0, ROOM * max(most, 1.0), *y_range(), label=units.memory),
        "seconds, under the profiler",
        "memory",
        series,
    )
    return Plot(
        "Memory by time",
        "The peak above is where the first line is highest.",
        chart.svg(),
        ("seconds", "asked for and held", "resident"),
        [(f"{one.at_s:.2f}", units.memory(one.heap_bytes), units.memory(one.rss_bytes)) for one in taken[::10]],
    )


def render_html(report: Profile) -> str:
    """The page: one file, no script, no network."""
    told = [(part, flame(part, package(report)), functions(part, SHOWN_ON_PAGE)) for part in parts(report)]
    return render_page(
        "profile.html",
        report,
        kind="profile",
        named=report.subject.name,
        headline=headline(report),
        outcome="",
        conditions=conditions(report),
        subjects=[("subject", report.subject)],
        figures=figures(report),
        heads=FUNCTIONS,
        told=told,
        over_time=None if report.memory is None else memory_over_time(report.memory),
    )
