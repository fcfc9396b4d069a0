"""Every view of a leak hunt: table in the terminal, Markdown, page with plots. Pure: a report in, text out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from harness import units
from harness.exit_codes import ExitCode
from harness.report.html import render_page
from harness.report.leak import LeakReport, Profile, Reading, Site, Trend
from harness.report.markdown import text
from harness.report.plot import Plot
from harness.report.svg import Chart, Linear, Point, Series, x_range, y_range
from harness.report.tables import markdown_table, terminal_table

HEADS = ("ledger", "per epoch", "99 % interval", "per line", "trend")
OF_READINGS = ("epoch", "blocks", "objects", "malloc in use", "resident", "after trim")
OF_SITES = ("place", "function", "per epoch", "blocks")
STYLES = {"good": "green", "bad": "red", "unsure": "yellow"}
LEAST_RANGE = 16  # times the floor of a ledger: less on the axis would make a trend of noise
ROOM = 0.08  # beyond the outermost values, as a share of the range


def _blocks(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.2f}"


@dataclass(frozen=True)
class Ledger:
    """How a ledger is called and shown."""

    title: str
    show: Callable[[float], str]


LEDGERS = {
    "blocks": Ledger("Python blocks", _blocks),
    "objects": Ledger("tracked objects", _blocks),
    "malloc": Ledger("malloc in use", units.size),
    "resident": Ledger("private resident", units.size),
}
PLOTTED = ("blocks", "malloc", "resident")


def headline(report: LeakReport) -> str:
    """What a person wants to know first."""
    if report.broke is not None:
        epoch = min(len(report.readings) + 1, report.settings.epochs)
        return f"broke in epoch {epoch}: {report.broke.verdict}, {report.broke.because}"
    if report.interrupted:
        return f"stopped: {report.interrupted}"
    return finding(report)


def finding(report: LeakReport) -> str:
    """The verdict, how much it is, and where it comes from."""
    name = report.verdict.replace("_", " ")
    parts = [f"{name}: {report.because}"]
    if report.verdict == "flat":
        return f"flat: {report.because}"
    if amounts := grown(report):
        parts[0] = f"{name}: {amounts} stay after each epoch, {report.because}"
    profile = naming(report)
    if profile is not None:
        parts.append(f"allocated at {place(profile.sites[0])}")
        if held := next((kind for kind in profile.kinds if kind.held_by), None):
            parts.append(f"held by {held.held_by[-1]}")
    return "; ".join(parts)


def grown(report: LeakReport) -> str:
    """What stays of an epoch, by the ledgers that show it best; empty where nothing does."""
    names = {"retention": ("malloc", "resident"), "leak": ("malloc",), "resident_growth": ("resident",)}
    rising = [
        one for name in names.get(report.verdict, ()) if (one := report.trend(name)) is not None and one.says == "rises"
    ]
    amounts = []
    blocks = report.trend("blocks")
    if blocks is not None and blocks.says == "rises":
        amounts.append(f"{_blocks(blocks.per_epoch)} blocks")
    if rising:
        most = max(rising, key=lambda one: one.per_epoch)
        amounts.append(f"{units.size(most.per_epoch)} ({units.size(most.per_line)} per line)")
    return " and ".join(amounts)


PROFILERS = {"retention": "tracemalloc", "leak": "memray", "resident_growth": "memray"}


def naming(report: LeakReport) -> Profile | None:
    """The profile that names the place: of the profiler that sees memory of this kind."""
    fitting = PROFILERS.get(report.verdict)
    return next((profile for profile in report.profiles if profile.sites and profile.profiler == fitting), None)


def place(site: Site) -> str:
    return f"{site.where} in {site.function}" if site.function else site.where


def conditions(report: LeakReport) -> str:
    """The text, and how often it was learnt."""
    its = report.settings
    return (
        f"{units.label(its.size_bytes)} of {its.corpus or 'generated text'}, {units.count(its.corpus_lines)} lines, "
        f"{len(report.readings)} of {its.epochs} epochs, the first {its.warm_up_epochs} left out; "
        f"{report.confidence} confidence"
    )


def rows(report: LeakReport) -> list[list[str]]:
    """A row a ledger."""
    return [_row(one, LEDGERS[one.ledger]) for one in report.trends]


def _row(trend: Trend, ledger: Ledger) -> list[str]:
    show = units.signed(ledger.show)
    interval = f"[{show(trend.low)}, {show(trend.high)}]"
    return [ledger.title, show(trend.per_epoch), interval, show(trend.per_line), trend.says]


def site_rows(profile: Profile) -> list[list[str]]:
    return [
        [one.where, one.function, units.size(one.bytes_per_epoch), _blocks(one.blocks_per_epoch)]
        for one in profile.sites
    ]


def remarks(report: LeakReport) -> list[str]:
    """What stands beside the tables: what came back, which types there are more of, what could not be profiled."""
    found = []
    if report.returned_share is not None and report.verdict in ("fragmentation", "resident_growth"):
        share = max(0.0, report.returned_share)
        found.append(f"{share:.0%} of what resident memory rose by came back when it was asked for")
    if report.broke is not None or report.interrupted:
        found.append(f"so far: {finding(report)}")
    for profile in report.profiles:
        if profile.problem:
            found.append(f"not profiled: {profile.problem}")
        elif profile.profiler == PROFILERS.get(report.verdict) and not profile.sites:
            found.append(f"{profile.profiler} saw nothing that stays: {UNSEEN[profile.profiler]}")
        elif profile is not naming(report):
            found.append(f"{profile.profiler}: Python asked for {units.size(profile.bytes_per_epoch)} more each epoch")
        else:
            found += _of_naming(profile)
    return found


UNSEEN = {
    "tracemalloc": "it sees what Python and numpy allocate",
    "memray": "it sees calls of malloc and mmap that the linker bound, not those that are made through ctypes",
}


def _of_naming(profile: Profile) -> list[str]:
    found = []
    for kind in profile.kinds:
        held = f", the newest held by {' in '.join(kind.held_by)}" if kind.held_by else ""
        found.append(f"{_blocks(kind.per_epoch)} objects of type {kind.name} more each epoch{held}")
    if profile.file:
        found.append(f"all that stayed: python -m memray flamegraph --leaks {profile.file}")
    return found


def readings(report: LeakReport) -> list[list[str]]:
    """All of them, those of the warm-up too."""
    columns = ("blocks", "objects", "malloc_bytes", "anon_bytes", "trimmed_anon_bytes")
    return [[str(one.epoch), *(units.count(getattr(one, name)) for name in columns)] for one in report.readings]


def show(report: LeakReport, console: Console) -> None:
    """Print the table, who did it, and the outcome."""
    table = terminal_table("Leak", HEADS, slice(1, -1))
    for one, row in zip(report.trends, rows(report), strict=True):
        table.add_row(*(Text(cell) for cell in row), style="red" if one.says == "rises" else "")
    console.print(table, soft_wrap=not console.is_terminal)
    if profile := naming(report):
        sites = terminal_table(f"What stays, by {profile.profiler}", OF_SITES, slice(2, None))
        for row in site_rows(profile):
            sites.add_row(*(Text(cell) for cell in row))
        console.print(sites, soft_wrap=not console.is_terminal)
    for remark in remarks(report):
        console.print(Text(remark, style="dim"), soft_wrap=True)
    console.print(Text(conditions(report), style="dim"), soft_wrap=True)
    style = f"bold {STYLES[outcome_of(report)]}"
    console.print(Text(f"{report.subject.name}: {headline(report)}", style=style), soft_wrap=True)


def outcome_of(report: LeakReport) -> str:
    """Whether all is well, as the page says it: "good", "bad", or "unsure" where it was stopped or cannot be told."""
    if report.exit_code in (ExitCode.INCONCLUSIVE, ExitCode.INTERRUPTED):
        return "unsure"
    return "good" if report.exit_code == ExitCode.OK else "bad"


def render_markdown(report: LeakReport) -> str:
    """The summary of a CI job."""
    lines = [f"## Leak hunt of {text(report.subject.name)}: {text(headline(report))}", "", text(conditions(report)), ""]
    lines += markdown_table(HEADS, rows(report), slice(1, -1)) if report.trends else ["nothing was read often enough"]
    if profile := naming(report):
        lines += [
            "",
            f"What stays, by {text(profile.profiler)}:",
            "",
            *markdown_table(OF_SITES, site_rows(profile), slice(2, None)),
        ]
    lines += ["", *(f"- {text(remark)}" for remark in remarks(report))]
    return "\n".join(lines).rstrip() + "\n"


def plots(report: LeakReport) -> list[Plot]:
    """Each ledger over the epochs that count, with the line through its middle."""
    return [_plot(one, LEDGERS[one.ledger], report.counted) for one in report.trends if one.ledger in PLOTTED]


def _plot(trend: Trend, ledger: Ledger, counted: Sequence[Reading]) -> Plot:
    show = units.signed(ledger.show)
    first, last = counted[0].epoch, counted[-1].epoch
    read = [(one.epoch, value) for one in counted if (value := one.of(trend.ledger)) is not None]
    level = read[0][1]
    points = [Point(epoch, value - level, f"epoch {epoch}: {show(value - level)}") for epoch, value in read]
    start = trend.at_first - level
    fitted = [Point(epoch, start + trend.per_epoch * (epoch - first), "") for epoch in (first, last)]
    values = [point.y for point in (*points, *fitted)]
    least = LEAST_RANGE * trend.floor_per_epoch
    low, high = min(values), max(max(values), min(values) + least)
    room = ROOM * (high - low)
    x = Linear(first - 0.5, last + 0.5, *x_range(), lambda value: f"{value:g}")
    y = Linear(low - room, high + room, *y_range(), ledger.show)
    series = [
        Series(f"since epoch {first}", "c1", points, joined=False),
        Series(f"{show(trend.per_epoch)} per epoch", "c2", fitted, dashed=True, marked=False),
    ]
    chart = Chart(ledger.title, x, y, "epoch", "more than in the first that counts", series)
    caption = f"{ledger.title}, {trend.says}: {_row(trend, ledger)[2]} per epoch."
    table = [(str(epoch), units.count(value), show(value - level)) for epoch, value in read]
    return Plot(ledger.title, caption, chart.svg(), ("epoch", ledger.title, "more"), table)


def render_html(report: LeakReport) -> str:
    """The page: one file, no script, no network."""
    return render_page(
        "leak.html",
        report,
        kind="leak hunt",
        named=report.subject.name,
        headline=headline(report),
        outcome=outcome_of(report),
        conditions=conditions(report),
        subjects=[("subject", report.subject)],
        heads=HEADS,
        rows=rows(report),
        plots=plots(report),
        remarks=remarks(report),
        profile=naming(report),
        site_heads=OF_SITES,
        site_rows=site_rows,
        reading_heads=OF_READINGS,
        readings=readings(report),
    )
