"""Rules about costs: time that grows faster than the text, output, memory that grows or stays."""

from __future__ import annotations

from collections.abc import Iterator

from harness import units
from harness.diagnosis.finding import (
    GIGABYTE,
    MEMORY_VERDICTS,
    Weighed,
    between,
    box_of,
    finding,
    passed_rungs,
    site_of,
    smallest_broken,
)
from harness.diagnosis.forecast import fit_growth, reach
from harness.diagnosis.growth import time_growth
from harness.report.models import Report, Rung
from harness.stages import is_learning
from harness.statistics import fit_slope

LEAST_CPU_S = 0.15  # of the largest rung, for its growth to mean something
FIXED = 0.1  # of the output: it grew by less from one rung to the next, and does not depend on the input
KEPT_BYTES_PER_BYTE = 2.0  # private memory that outlives the learner, per further byte of input
HELD = 1 / 2  # of what stays resident, that must be in use by malloc to be called a leak of native memory
KEPT_LEAST_BYTES = 2 * 1024**2
OBJECTS_PER_LINE = 0.3  # Python objects that outlive the learner, per further line
EXPLAINED = 0.25  # of the memory limit: less than this by its growth so far, and size does not explain the break
NEAR = 20  # a break foretold at so many times the largest size tried is a warning; further away it is a note


def super_linear_time(report: Report) -> Iterator[Weighed]:
    """Time that grows faster than the text."""
    growth = time_growth(report)
    if growth is None:
        return
    passed = passed_rungs(report)
    timed_out = (broken := smallest_broken(report)) is not None and broken.verdict in (
        "timeout",
        "cpu_limit",
        "too_slow",
    )
    slope = units.slope(growth.slope, growth.slope_low, growth.slope_high)
    yield finding(
        95 if timed_out else 72,
        "super_linear_time",
        f"Time grows as size^{growth.slope:.2f}: {units.long_duration(growth.value)} at 1 GB",
        [
            f"slope per decade {slope}, from {passed[-2].label} to {passed[-1].label}",
            *_slope_of_stages(passed),
            f"projected at 1 GB: {units.long_duration(growth.value)} of CPU time, "
            f"between {units.long_duration(growth.low)} and {units.long_duration(growth.high)}",
            broken.because if timed_out and broken is not None else "",
        ],
        "Something is looked at again for each line: a list searched from its start, a table sorted each time, a "
        "string that is copied to grow. Profile the largest rung that passes; the function whose share grows is it.",
    )


def _slope_of_stages(passed: list[Rung]) -> list[str]:
    """The stage that grows fastest, where stages are known."""
    if len(passed) < 2:
        return []
    before = {stage.name: stage.cpu_s for stage in passed[-2].stages}
    slopes = []
    for stage in passed[-1].stages:
        if not is_learning(stage.name) or stage.cpu_s < LEAST_CPU_S:
            continue
        fitted = fit_slope(
            [passed[-2].corpus_bytes, passed[-1].corpus_bytes], [before.get(stage.name, 0.0), stage.cpu_s]
        )
        if fitted is not None:
            slopes.append((fitted.value, f"stage {stage.name}: {units.slope(fitted.value, fitted.low, fitted.high)}"))
    return [text for _, text in sorted(slopes, reverse=True)[:3]]


def debug_output(report: Report) -> Iterator[Weighed]:
    """Output that grows with the input, and what it costs."""
    quiet = report.quiet
    if quiet is None:
        return
    lines, size = quiet.stdout_lines + quiet.stderr_lines, quiet.stdout_bytes + quiet.stderr_bytes
    stream = "stderr" if quiet.stderr_bytes >= quiet.stdout_bytes else "stdout"
    cost = f", and {quiet.factor:.1f} times slower for it" if quiet.factor > 1.3 else ""
    evidence = [
        f"at {units.label(quiet.size_bytes)}: {units.size(size)} of output, {lines:,} lines",
        f"learning took {units.duration(quiet.loud_wall_s)} with its output read, "
        f"{units.duration(quiet.quiet_wall_s)} with it discarded: a factor of {quiet.factor:.2f}",
    ]
    more_lines, more, of_lines, of_bytes = lines, size, quiet.lines, quiet.size_bytes  # per further line and byte
    if before := quiet.smaller:
        more_lines, more = lines - before.output_lines, size - before.output_bytes
        of_lines, of_bytes = quiet.lines - before.lines, quiet.size_bytes - before.size_bytes
        evidence.append(f"at {units.label(before.size_bytes)}: {units.size(before.output_bytes)} of output")
    if more < FIXED * size:
        yield finding(
            82 if quiet.factor >= 10 else 50,
            "debug_output",
            f"Output on {stream}: {units.size(size)}, whatever the size of the input{cost}",
            evidence,
            "Print once and in few words; leave the rest to a switch that is off.",
        )
        return
    per_line = f"{more_lines / max(of_lines, 1):,.1f} lines and {more / max(of_lines, 1):,.0f} bytes per line of input"
    projected = size + more / of_bytes * (GIGABYTE - quiet.size_bytes)
    yield finding(
        82 if quiet.factor >= 10 else 70,
        "debug_output",
        f"Debug output on {stream}: {per_line}{cost}",
        [*evidence, f"projected at 1 GB: {units.size(projected)} of output" if before else ""],
        "Print per block or per second, not per line; compile the rest out, and never flush inside the loop.",
    )


def memory(report: Report) -> Iterator[Weighed]:
    """Memory that broke it, or will."""
    rung = smallest_broken(report)
    passed = passed_rungs(report)
    sizes = [each.corpus_bytes for each in passed]
    peaks = [float(each.peak_anon_bytes) for each in passed]
    growth = fit_growth(sizes, peaks)
    per_byte = (peaks[-1] - peaks[-2]) / (sizes[-1] - sizes[-2]) if len(sizes) > 1 else None
    per_line = (
        (peaks[-1] - peaks[-2]) / max(passed[-1].corpus_lines - passed[-2].corpus_lines, 1) if len(sizes) > 1 else None
    )
    measured = (
        f"{per_byte:,.1f} bytes of private memory per further byte of input, {per_line:,.0f} per line"
        if per_byte is not None and per_line is not None
        else ""
    )
    if rung is not None and rung.verdict in MEMORY_VERDICTS:
        limit = report.settings.memory_limit_bytes
        expected = growth.cost_at(rung.corpus_bytes) if growth is not None else max(peaks, default=0.0)
        limiters = " and ".join(report.break_.confirmed_by) if report.break_ else ""
        evidence = [rung.because, f"it breaks under {limiters}" if limiters else ""]
        attempt = rung.attempts[0]
        if not passed or expected < EXPLAINED * limit:
            yield finding(
                87,
                "memory_hog",
                f"It takes memory without end in stage {attempt.last_stage or 'start'}: the size of the input does not "
                "explain it",
                [
                    *evidence,
                    f"by its growth so far it should need {units.memory(expected)}" if passed else "",
                    *site_of(report, attempt),
                    box_of(attempt),
                ],
                "Look for a loop that appends without an end, or a size that is computed from the input and wrong.",
            )
            return
        yield finding(
            86,
            "memory_growth",
            f"Memory grows with the input until the limit: {between(report)}",
            [*evidence, measured, box_of(attempt)],
            "Bound what is kept: count in place, spill to disk, or drop what is rare; the peak per stage in the report "
            "says when it happens.",
        )
        return
    there = None if growth is None else reach(growth, float(report.settings.memory_limit_bytes))
    if growth is None or there is None or there.predicted_bytes is None or there.low_bytes is None:
        return
    largest = passed[-1].size_bytes
    if largest < there.predicted_bytes < GIGABYTE:  # what has passed is no breaking size
        near = there.predicted_bytes < NEAR * largest
        high = units.label(there.high_bytes) if there.high_bytes else "more than 1 TB"
        yield finding(
            60 if near else 30,
            "memory_growth",
            f"Memory grows as size^{growth.slope:.2f}: if it goes on so, it breaks at about "
            f"{units.label(there.predicted_bytes)}",
            [
                measured,
                f"projected breaking size: {units.label(there.predicted_bytes)}, between "
                f"{units.label(max(there.low_bytes, largest))} and {high}, under "
                f"{units.memory(report.settings.memory_limit_bytes)}",
            ],
            "Bound what is kept: count in place, spill to disk, or drop what is rare.",
            "medium",
        )


def kept_memory(report: Report) -> Iterator[Weighed]:
    """Memory that stays when the learner is gone: in three ledgers."""
    told = [(rung, rung.ledger) for rung in passed_rungs(report) if rung.ledger is not None]
    if len(told) < 2:
        return
    (small, before), (large, after) = told[-2], told[-1]
    kept = after.kept_anon_bytes - before.kept_anon_bytes
    per_byte = kept / max(large.corpus_bytes - small.corpus_bytes, 1)
    if kept < KEPT_LEAST_BYTES or per_byte < KEPT_BYTES_PER_BYTE:
        return
    lines = max(large.corpus_lines - small.corpus_lines, 1)
    objects = (after.kept_blocks - before.kept_blocks) / lines
    malloc = (
        None
        if after.kept_malloc_bytes is None or before.kept_malloc_bytes is None
        else (after.kept_malloc_bytes - before.kept_malloc_bytes) / lines
    )
    python = objects >= OBJECTS_PER_LINE
    if not python and malloc is not None and malloc * lines < HELD * kept:
        return  # nobody holds it: pages that the allocators keep for the next time
    yield finding(
        64 if python else 66,
        "retention" if python else "leak",
        f"{kept / lines:,.0f} bytes per line stay when the learner is gone: "
        + ("live Python objects" if python else "native memory that nobody frees"),
        [
            f"objects: {objects:,.2f} per line; malloc in use: {units.count(malloc)} bytes per line; resident: "
            f"{kept / lines:,.0f} bytes per line, after free memory was handed back",
            f"between {small.label} and {large.label}",
        ],
        "Something outside the learner still refers to what it learnt: a module's list, a cache, a cycle."
        if python
        else "An extension allocates per line and does not free; memray with native traces names the caller.",
        "high" if malloc is not None else "medium",
    )
