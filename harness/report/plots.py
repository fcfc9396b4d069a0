"""The plots of a ladder, each with the table of its numbers. Pure: a report in, drawings out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness import units
from harness.report.models import Latency, Report, Rung, Slope
from harness.report.svg import (
    Bars,
    Chart,
    Heat,
    HeatCell,
    Linear,
    Log,
    Part,
    Point,
    Rule,
    Scale,
    Series,
    x_range,
    y_range,
)
from harness.stage_clock import START

ROOM = 1.35  # the share of free space beyond the outermost values of a logarithmic axis
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


@dataclass(frozen=True)
class Plot:
    """A drawing, what it says in one sentence, and the table of its numbers."""

    title: str
    caption: str
    svg: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def plots(report: Report) -> list[Plot]:
    """Every plot that this report has numbers for."""
    drawn = (
        frontier,
        throughput,
        memory_by_size,
        predicted,
        slopes,
        stage_shares,
        bits_per_byte,
        recalled,
        answer_time,
        memory_by_time,
    )
    return [plot for make in drawn if (plot := make(report)) is not None]


def _size_axis(sizes: Sequence[float]) -> Log:
    low, high = min(sizes), max(sizes)
    return Log(low / ROOM, high * ROOM, *x_range(), label=lambda value: units.label(round(value)))


def _log_axis(values: Sequence[float], label: Callable[[float], str], unit: float = 1.0, base: float = 10.0) -> Log:
    low, high = min(values), max(values)
    if high < low * base:  # at least one power, so that noise does not look like a trend
        middle = (low * high) ** 0.5
        low, high = min(low, middle / base**0.5), max(high, middle * base**0.5)
    return Log(low / ROOM, high * ROOM, *y_range(), label=label, base=base, unit=unit)


def _tip(rung: Rung, text: str) -> str:
    return f"{rung.label}: {text}"


def throughput(report: Report) -> Plot | None:
    """Speed of learning by size, by CPU time and by the clock on the wall."""
    rungs = [rung for rung in report.rungs if rung.learning is not None]
    by_cpu, by_wall, rows = [], [], []
    for rung in rungs:
        learning = rung.learning
        assert learning is not None
        if learning.mb_per_cpu_s:
            lines = units.count(learning.lines_per_cpu_s)
            tip = f"{learning.mb_per_cpu_s:.2f} MB per CPU second, {lines} lines"
            by_cpu.append(Point(rung.size_bytes, learning.mb_per_cpu_s, _tip(rung, tip)))
        tip = f"{learning.mb_per_s:.2f} MB per second, {units.count(learning.lines_per_s)} lines"
        by_wall.append(Point(rung.size_bytes, learning.mb_per_s, _tip(rung, tip)))
        rows.append(
            (
                rung.label,
                units.decimal(learning.mb_per_cpu_s),
                units.decimal(learning.mb_per_s),
                units.count(learning.lines_per_cpu_s),
                units.count(learning.lines_per_s),
                units.duration(learning.cpu_s),
                units.duration(learning.wall_s),
                units.duration(learning.run_queue_wait_s),
            )
        )
    speeds = [point.y for point in (*by_cpu, *by_wall)]
    if not speeds:
        return None
    series = [
        Series("per CPU second", "c1", by_cpu),
        Series("per second on the wall", "c2", by_wall, dashed=True),
    ]
    y = _log_axis(speeds, lambda value: f"{value:g}")
    x = _size_axis([rung.size_bytes for rung in rungs])
    chart = Chart("Speed of learning", x, y, "size of the corpus", "MB learnt per second", series)
    return Plot(
        "Speed of learning",
        "Where the lines part the machine was busy: waiting for a processor counts in the second only.",
        chart.svg(),
        ("size", "MB/CPU s", "MB/s", "lines/CPU s", "lines/s", "CPU", "wall", "waited for a processor"),
        rows,
    )


def memory_by_size(report: Report) -> Plot | None:
    """Peak memory by size against the limit, broken rungs too."""
    rungs = report.rungs
    if not rungs:
        return None
    private = [
        Point(rung.size_bytes, rung.peak_anon_bytes, _tip(rung, units.memory(rung.peak_anon_bytes)))
        for rung in rungs
        if rung.peak_anon_bytes
    ]
    resident = [
        Point(rung.size_bytes, rung.peak_rss_bytes, _tip(rung, units.memory(rung.peak_rss_bytes)))
        for rung in rungs
        if rung.peak_rss_bytes
    ]
    brains = [
        Point(rung.size_bytes, rung.brain.file_bytes, _tip(rung, units.memory(rung.brain.file_bytes)))
        for rung in rungs
        if rung.brain is not None and rung.brain.file_bytes
    ]
    series = [
        Series("private memory", "c1", private),
        Series("resident memory", "c2", resident),
        Series("brain file", "c3", brains),
    ]
    broken = [
        Point(
            rung.size_bytes,
            rung.peak_anon_bytes,
            _tip(rung, f"{rung.verdict}, {units.memory(rung.peak_anon_bytes)}"),
        )
        for rung in rungs
        if not rung.passed and rung.peak_anon_bytes
    ]
    if broken:
        series.append(Series("broke here", "broken", broken, joined=False))
    limit = report.settings.memory_limit_bytes
    values = [point.y for one in series for point in one.points]
    y = _log_axis([*values, limit], units.memory_tick, unit=units.MIB, base=4.0)
    x = _size_axis([rung.size_bytes for rung in rungs])
    rule = Rule(limit, f"limit {units.memory(limit)}", "limit")
    chart = Chart("Peak memory", x, y, "size of the corpus", "peak memory", series, [rule])
    rows = [
        (
            rung.label,
            units.memory(rung.peak_anon_bytes),
            units.memory(rung.peak_rss_bytes),
            units.size(rung.brain.file_bytes if rung.brain else None),
            rung.verdict,
        )
        for rung in rungs
    ]
    return Plot(
        "Peak memory",
        "Private memory is the cost, and what the limit holds. Resident memory counts mapped files too.",
        chart.svg(),
        ("size", "private", "resident", "brain file", "verdict"),
        rows,
    )


def predicted(report: Report) -> Plot | None:
    """The breaking size that was foretold after each rung, against what was found."""
    told = [each for each in report.forecasts if each.predicted_bytes and each.low_bytes]
    if not told:
        return None
    far = max(each.high_bytes or each.predicted_bytes or 0 for each in told)
    points = [
        Point(
            each.after_bytes,
            each.predicted_bytes or 0,
            f"after {units.label(each.after_bytes)}: {units.label(each.predicted_bytes or 0)}",
            each.low_bytes,
            each.high_bytes or far,
        )
        for each in told
    ]
    found = report.break_
    rules = (
        [Rule(found.first_broken_bytes, f"broke at {units.label(found.first_broken_bytes)}", "limit")] if found else []
    )
    values = [float(edge) for point in points for edge in (point.low, point.high) if edge] + [rule.y for rule in rules]
    x = _size_axis([rung.size_bytes for rung in report.rungs])
    y = _log_axis(values, lambda value: units.label(round(value)))
    series = [Series("predicted breaking size", "c1", points)]
    return Plot(
        "Predicted and found",
        "After each rung, the size at which it should break under these limits, with a 95 % interval.",
        Chart("Predicted breaking size", x, y, "largest size tried so far", "breaking size", series, rules).svg(),
        ("after", "for", "grows as", "predicted", "from", "to"),
        [
            (
                units.label(each.after_bytes),
                each.cause,
                f"size^{each.slope:.2f}",
                units.label(each.predicted_bytes or 0),
                units.label(each.low_bytes or 0),
                units.label(each.high_bytes) if each.high_bytes else "beyond 1 TB",
            )
            for each in told
        ],
    )


def frontier(report: Report) -> Plot | None:
    """Which size breaks under which memory limit."""
    found = report.frontier
    if found is None:
        return None
    cells = [
        HeatCell(
            found.sizes_bytes.index(cell.size_bytes),
            found.limits_bytes[::-1].index(cell.limit_bytes),
            cell.passed,
            cell.measured,
            "ok" if cell.passed else cell.verdict.replace("_", " "),
            f"{units.label(cell.size_bytes)} under {units.memory(cell.limit_bytes)}: {cell.verdict}"
            + ("" if cell.measured else ", follows from its neighbours"),
        )
        for cell in found.cells
    ]
    columns = [units.label(size) for size in found.sizes_bytes]
    rows = [units.memory(limit) for limit in found.limits_bytes[::-1]]
    by_place = {(cell.limit_bytes, cell.size_bytes): cell.verdict for cell in found.cells}
    return Plot(
        "Frontier",
        "Strong colours were run, pale ones follow: what passes under a limit passes under a larger one.",
        Heat("Frontier", columns, rows, cells, "size of the corpus", "memory limit").svg(),
        ("limit", *columns),
        [
            (units.memory(limit), *(by_place.get((limit, size), units.NOT_MEASURED) for size in found.sizes_bytes))
            for limit in found.limits_bytes[::-1]
        ],
    )


def slopes(report: Report) -> Plot | None:
    """The local slope of each step: 1 is linear, and a curve that bends shows where it does."""
    scaling = report.scaling
    if scaling is None or not scaling.time_steps:
        return None

    def points(steps: Sequence[Slope], shift: float) -> list[Point]:
        return [
            Point(
                (step.from_bytes * step.to_bytes) ** 0.5 * shift,
                step.value,
                f"{units.size(step.from_bytes)} to {units.size(step.to_bytes)}: "
                f"{units.slope(step.value, step.low, step.high)}",
                step.low,
                step.high,
            )
            for step in steps
        ]

    series = [
        Series("CPU time of learning", "c1", points(scaling.time_steps, 0.94)),
        Series("private memory", "c2", points(scaling.memory_steps, 1.06)),
    ]
    values = [edge for one in series for point in one.points for edge in (point.low, point.high) if edge is not None]
    y = Linear(min(0.0, *values) - 0.1, max(1.5, *values) + 0.1, *y_range(), label=lambda value: f"{value:g}")
    x = _size_axis([rung.size_bytes for rung in report.rungs if rung.passed])
    chart = Chart(
        "Growth per decade",
        x,
        y,
        "size of the corpus",
        "slope (cost ~ size^slope)",
        series,
        [Rule(1.0, "linear")],
    )
    rows = [
        (
            f"{units.size(time.from_bytes)} – {units.size(time.to_bytes)}",
            units.slope(time.value, time.low, time.high),
            units.slope(memory.value, memory.low, memory.high),
        )
        for time, memory in zip(scaling.time_steps, scaling.memory_steps, strict=True)
    ]
    return Plot(
        "Growth per decade",
        "One mark per step, with a 95 % interval. Above 1, ten times the text costs more than tenfold.",
        chart.svg(),
        ("step", "CPU time", "private memory"),
        rows,
    )


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


def bits_per_byte(report: Report) -> Plot | None:
    """What lines never seen cost, by size."""
    points, rows = [], []
    for rung in report.rungs:
        quality = rung.quality
        if quality is None:
            continue
        if quality.bits_per_byte is not None:
            tip = f"{quality.bits_per_byte:.3f} bits per byte"
            points.append(Point(rung.size_bytes, quality.bits_per_byte, _tip(rung, tip)))
        rows.append((rung.label, units.decimal(quality.bits_per_byte, 3), units.size(quality.heldout_bytes)))
    if not points:
        return None
    high = max(point.y for point in points)
    y: Scale = Linear(0.0, max(high * 1.1, 1.0), *y_range(), label=lambda value: f"{value:g}")
    x = _size_axis([point.x for point in points])
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
        points.append(Point(rung.size_bytes, share, _tip(rung, text)))
        counts = (units.count(quality.facts_asked), units.count(quality.facts_recalled))
        rows.append((rung.label, *counts, f"{share:.1%}"))
    if not points:
        return None
    x = _size_axis([point.x for point in points])
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
            Point(rung.size_bytes, seconds(latency) * 1e3, _tip(rung, units.duration(seconds(latency))))
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
    x = _size_axis([rung.size_bytes for rung, _ in timed])
    y = _log_axis(values, lambda value: f"{value:g}")
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
