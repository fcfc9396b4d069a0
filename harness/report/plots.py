"""The plots of a ladder, each with the table of its numbers. Pure: a report in, drawings out."""

from __future__ import annotations

from collections.abc import Sequence

from harness import units
from harness.report.answer_plots import answer_time, bits_per_byte, recalled
from harness.report.models import Report, Slope
from harness.report.plot import Plot, log_axis, rung_tip, size_axis
from harness.report.stage_plots import memory_by_time, stage_shares
from harness.report.svg import (
    Chart,
    Heat,
    HeatCell,
    Linear,
    Point,
    Rule,
    Series,
    y_range,
)


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
            by_cpu.append(Point(rung.size_bytes, learning.mb_per_cpu_s, rung_tip(rung, tip)))
        tip = f"{learning.mb_per_s:.2f} MB per second, {units.count(learning.lines_per_s)} lines"
        by_wall.append(Point(rung.size_bytes, learning.mb_per_s, rung_tip(rung, tip)))
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
    y = log_axis(speeds, lambda value: f"{value:g}")
    x = size_axis([rung.size_bytes for rung in rungs])
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
        Point(rung.size_bytes, rung.peak_anon_bytes, rung_tip(rung, units.memory(rung.peak_anon_bytes)))
        for rung in rungs
        if rung.peak_anon_bytes
    ]
    resident = [
        Point(rung.size_bytes, rung.peak_rss_bytes, rung_tip(rung, units.memory(rung.peak_rss_bytes)))
        for rung in rungs
        if rung.peak_rss_bytes
    ]
    brains = [
        Point(rung.size_bytes, rung.brain.file_bytes, rung_tip(rung, units.memory(rung.brain.file_bytes)))
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
            rung_tip(rung, f"{rung.verdict}, {units.memory(rung.peak_anon_bytes)}"),
        )
        for rung in rungs
        if not rung.passed and rung.peak_anon_bytes
    ]
    if broken:
        series.append(Series("broke here", "broken", broken, joined=False))
    limit = report.settings.memory_limit_bytes
    values = [point.y for one in series for point in one.points]
    y = log_axis([*values, limit], units.memory_tick, unit=units.MIB, base=4.0)
    x = size_axis([rung.size_bytes for rung in rungs])
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
    x = size_axis([rung.size_bytes for rung in report.rungs])
    y = log_axis(values, lambda value: units.label(round(value)))
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
    x = size_axis([rung.size_bytes for rung in report.rungs if rung.passed])
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
