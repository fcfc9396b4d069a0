"""Plots of what a brain knows: bits a byte, facts that are recalled, time of an answer. Pure."""

from __future__ import annotations

from collections.abc import Callable

from harness import units
from harness.report.models import Latency, Report
from harness.report.plot import Plot, log_axis, rung_tip, size_axis
from harness.report.svg import (
    Chart,
    Linear,
    Point,
    Scale,
    Series,
    y_range,
)


def bits_per_byte(report: Report) -> Plot | None:
    """What lines never seen cost, by size."""
    points, rows = [], []
    for rung in report.rungs:
        quality = rung.quality
        if quality is None:
            continue
        if quality.bits_per_byte is not None:
            tip = f"{quality.bits_per_byte:.3f} bits per byte"
            points.append(Point(rung.size_bytes, quality.bits_per_byte, rung_tip(rung, tip)))
        rows.append((rung.label, units.decimal(quality.bits_per_byte, 3), units.size(quality.heldout_bytes)))
    if not points:
        return None
    high = max(point.y for point in points)
    y: Scale = Linear(0.0, max(high * 1.1, 1.0), *y_range(), label=lambda value: f"{value:g}")
    x = size_axis([point.x for point in points])
    chart = Chart(
        "Cost of unseen text",
        x,
        y,
        "size of the corpus",
        "bits per byte",
        [Series("held-out lines", "c1", points)],
    )
    return Plot(
        "Cost of unseen text",
        "Bits per byte on lines that no rung trains on, the same at every size. Learning makes it fall.",
        chart.svg(),
        ("size", "bits/byte", "scored"),
        rows,
    )


def recalled(report: Report) -> Plot | None:
    """Planted facts that come back, by size."""
    points, rows = [], []
    for rung in report.rungs:
        quality = rung.quality
        if quality is None or not quality.facts_asked:
            continue
        share = quality.facts_recalled / quality.facts_asked
        text = f"{quality.facts_recalled} of {quality.facts_asked} facts recalled"
        points.append(Point(rung.size_bytes, share, rung_tip(rung, text)))
        counts = (units.count(quality.facts_asked), units.count(quality.facts_recalled))
        rows.append((rung.label, *counts, f"{share:.1%}"))
    if not points:
        return None
    x = size_axis([point.x for point in points])
    y = Linear(0.0, 1.05, *y_range(), label=lambda value: f"{value:.0%}")
    series = [Series("planted facts recalled", "c3", points)]
    return Plot(
        "Facts recalled",
        "Each planted fact stands in the text three times. Asked its start, the answer must be its end.",
        Chart("Facts recalled", x, y, "size of the corpus", "share recalled", series).svg(),
        ("size", "asked", "recalled", "share"),
        rows,
    )


def answer_time(report: Report) -> Plot | None:
    """How long an answer took, by size: flat where no query scans what was learnt."""
    timed = [(rung, rung.latency) for rung in report.rungs if rung.latency is not None]
    if not timed:
        return None

    def points(seconds: Callable[[Latency], float]) -> list[Point]:
        return [
            Point(rung.size_bytes, seconds(latency) * 1e3, rung_tip(rung, units.duration(seconds(latency))))
            for rung, latency in timed
            if seconds(latency) > 0
        ]

    series = [
        Series("median", "c1", points(lambda latency: latency.median_s)),
        Series("99th percentile", "c2", points(lambda latency: latency.p99_s)),
    ]
    values = [point.y for one in series for point in one.points]
    if not values:
        return None
    x = size_axis([rung.size_bytes for rung, _ in timed])
    y = log_axis(values, lambda value: f"{value:g}")
    return Plot(
        "Time to answer",
        "Wall time of one question. It should not grow with what was learnt: no answer needs to look at all of it.",
        Chart("Time to answer", x, y, "size of the corpus", "milliseconds", series).svg(),
        ("size", "questions", "median", "99th percentile"),
        [
            (
                rung.label,
                units.count(latency.queries),
                units.duration(latency.median_s),
                units.duration(latency.p99_s),
            )
            for rung, latency in timed
        ],
    )
