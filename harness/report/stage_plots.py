"""Plots of the stages of a run: what share each has, and what memory it holds meanwhile. Pure."""

from __future__ import annotations

from harness import units
from harness.report.models import Report, Rung
from harness.report.plot import Plot
from harness.report.svg import (
    Bars,
    Chart,
    Linear,
    Part,
    Point,
    Rule,
    Series,
    x_range,
    y_range,
)
from harness.stage_clock import START

STAGE_COLOURS = (
    "start",
    "read",
    "parse",
    "count",
    "consolidate",
    "learn",
    "save",
    "load",
    "verify",
    "query",
    "resume",
)
OTHER_COLOUR = "other"
NOT_SHARED = (START, "resume")  # the process itself, and a check of ours that learns everything a second time


def stage_shares(report: Report) -> Plot | None:
    """Which stage the wall time of a rung went to."""
    bars: list[tuple[str, list[Part]]] = []
    rows = []
    for rung in report.rungs:
        stages = sorted((s for s in rung.stages if s.name not in NOT_SHARED), key=lambda s: _order(s.name))
        total = sum(stage.wall_s for stage in stages)
        if total <= 0:
            continue
        bars.append(
            (
                rung.label,
                [
                    Part(
                        stage.name,
                        _stage_css(stage.name),
                        stage.wall_s / total,
                        f"{rung.label} {stage.name}: {units.duration(stage.wall_s)}, {stage.wall_s / total:.1%}",
                    )
                    for stage in stages
                ],
            )
        )
        rows += [
            (
                rung.label,
                stage.name,
                units.duration(stage.wall_s),
                units.duration(stage.cpu_s),
                units.duration(stage.run_queue_wait_s),
                units.memory(stage.peak_rss_bytes),
                units.memory(stage.peak_anon_bytes),
                units.size(stage.written_bytes),
                units.decimal(stage.mb_per_s),
                units.count(stage.lines_per_s),
            )
            for stage in rung.stages
        ]
    if not bars:
        return None
    return Plot(
        "Where the time goes",
        "Share of each stage in the wall time, without the start of the process and the check of resuming.",
        Bars("Share of stages", bars, "share of the rung's time").svg(),
        (
            "size",
            "stage",
            "wall",
            "CPU",
            "waited",
            "peak resident",
            "peak private",
            "written",
            "MB/s",
            "lines/s",
        ),
        rows,
    )


def _order(name: str) -> int:
    return STAGE_COLOURS.index(name) if name in STAGE_COLOURS else STAGE_COLOURS.index("learn")


def _stage_css(name: str) -> str:
    return f"stage-{name if name in STAGE_COLOURS else OTHER_COLOUR}"


def memory_by_time(report: Report) -> Plot | None:
    """Memory over the life of the last rung's first attempt: what it was doing when it grew."""
    if not report.rungs:
        return None
    rung = report.rungs[-1]
    samples = rung.attempts[0].samples
    if len(samples) < 2:
        return None
    private = [
        Point(s.at_s, s.anon_bytes / units.MIB, f"{s.at_s:.2f} s, {s.stage}: {units.memory(s.anon_bytes)}")
        for s in samples
    ]
    resident = [
        Point(s.at_s, s.rss_bytes / units.MIB, f"{s.at_s:.2f} s, {s.stage}: {units.memory(s.rss_bytes)}")
        for s in samples
    ]
    top = max(point.y for point in (*private, *resident))
    limit = report.settings.memory_limit_bytes / units.MIB
    rules = [Rule(limit, f"limit {units.memory(limit * units.MIB)}", "limit")] if limit < 2 * top else []
    x = Linear(0.0, max(samples[-1].at_s, 1e-3), *x_range(), label=lambda value: f"{value:g}")
    y = Linear(0.0, max(top, limit if rules else 0.0) * 1.12, *y_range(), label=lambda value: f"{value:g}")
    series = [
        Series("private memory", "c1", private, marked=False),
        Series("resident memory", "c2", resident, marked=False),
    ]
    title = f"Memory over time at {rung.label}"
    chart = Chart(title, x, y, "seconds since the start of the worker", "MiB", series, rules)
    return Plot(
        title,
        "What the largest rung held while it ran.",
        chart.svg(),
        ("stage", "from", "to", "peak private", "peak resident"),
        _stage_spans(rung),
    )


def _stage_spans(rung: Rung) -> list[tuple[str, ...]]:
    """First and last sight of each stage, and its peaks."""
    spans: dict[str, list[float]] = {}
    for sample in rung.attempts[0].samples:
        span = spans.setdefault(sample.stage or START, [sample.at_s, sample.at_s, 0, 0])
        span[1] = sample.at_s
        span[2] = max(span[2], sample.anon_bytes)
        span[3] = max(span[3], sample.rss_bytes)
    return [
        (name, units.duration(first), units.duration(last), units.memory(anon), units.memory(rss))
        for name, (first, last, anon, rss) in spans.items()
    ]
