"""The task of `harness faults`: every sweep that the subject and the machine allow, as rows of one table."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.faults import allocations, calls, damage, outside, sizes, trainings
from harness.faults.bench import LINES, Bench, Row
from harness.roundtrip.offers import Forges, Trains
from harness.runner import Runner
from harness.stage_clock import StageClock
from harness.subject import make_subject, parse_subject
from harness.tasks.roundtrip import scratch

NO_STRACE = "(a), (b) by strace: it is not installed; RLIMIT_FSIZE and a full tmpfs stand in"


@dataclass(frozen=True)
class Extent:
    """How many points each sweep has at most: calls of a kind, sizes, allocations of a kind, kills, requests, files.

    outside_files : of a command, each of which is a process
    """

    calls: int
    sizes: int
    allocations: int
    kills: int
    requests: int
    files: int
    outside_files: int
    lines: int


FULL = Extent(
    calls=400, sizes=400, allocations=110, kills=120, requests=15, files=11_000, outside_files=2_000, lines=1200
)
SHORT = Extent(calls=8, sizes=24, allocations=8, kills=8, requests=2, files=400, outside_files=100, lines=300)


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """The record has `rows`, and `left_out`: sweeps that could not be run, and why."""
    folder = scratch(Path(job["folder"]))
    left_out: list[str] = []
    rows: list[dict[str, Any]] = []
    try:
        extent = SHORT if job["short"] else FULL
        if job.get("command"):
            small = commanded(job, folder / "small", clock)
            large = commanded(job, folder / "large", clock, outside.MOST_LINES)
            made = sweeps_of_a_command(small, large, extent, job["sweeps"], left_out, clock)
            file_bytes = len(small.new_bytes)
        else:
            name = parse_subject(job["subject"])
            bench = Bench(lambda: make_subject(name), folder, job["seed"])
            made = sweeps(bench, extent, job["sweeps"], left_out, clock)
            file_bytes = len(bench.new_bytes)
        for row in made:
            rows.append(asdict(row))
            clock.progress(0, sum(one["points"] for one in rows))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"rows": rows, "left_out": left_out, "file_bytes": file_bytes}


def commanded(job: dict[str, Any], folder: Path, clock: StageClock, lines: int = LINES) -> outside.OutsideBench:
    """The bench of a command subject."""
    return outside.OutsideBench(lambda: Runner(job, clock), folder, job["seed"], lines)


def sweeps_of_a_command(
    bench: outside.OutsideBench,
    large: outside.OutsideBench,
    extent: Extent,
    wanted: str,
    left_out: list[str],
    clock: StageClock,
) -> Iterator[Row]:
    """Calls and sizes on a small brain, random moments on one that takes longer."""
    left_out.append(outside.NO_CHECKPOINTS.format(verb=bench.command.verb))
    if {"a", "b"} & set(wanted):
        clock.enter("calls")
        if calls.available():
            yield from calls.save_sweep(bench, extent.calls)
        else:
            left_out.append(NO_STRACE)
        clock.enter("sizes")
        yield from sizes.size_sweep(bench, extent.sizes)
        yield from sizes.full_disk_sweep(bench, extent.sizes)
    if "c" in wanted:
        left_out.append(outside.NO_ALLOCATIONS)
    clock.enter("kills")
    yield from outside.signals(large, extent.kills, extent.requests, wanted)
    if "f" in wanted:
        clock.enter("damage")
        if bench.command.verifies:
            yield from damage.sweep(bench, extent.outside_files)
        else:
            left_out.append(outside.NO_VERIFY)


def sweeps(bench: Bench, extent: Extent, wanted: str, left_out: list[str], clock: StageClock) -> Iterator[Row]:
    subject = bench.make()
    trains = isinstance(subject, Trains)
    if not trains:
        left_out.append("(a), (d), (e) on trainings: the subject offers no training with checkpoints")
    strace = calls.available()
    if not strace:
        left_out.append(NO_STRACE)
    if {"a", "b"} & set(wanted):
        clock.enter("calls")
        if strace:
            yield from calls.save_sweep(bench, extent.calls)
        if strace and isinstance(subject, Trains):
            corpus = bench.folder / "few.txt"
            corpus.write_bytes(b"".join(line + b"\n" for _, line in bench.lines * 4))
            yield from calls.checkpoint_sweep(bench, subject, corpus, trainings.EVERY_LINES, extent.calls)
        clock.enter("sizes")
        yield from sizes.size_sweep(bench, extent.sizes)
        yield from sizes.full_disk_sweep(bench, extent.sizes)
    if "c" in wanted:
        clock.enter("allocations")
        if allocations.available():
            yield from allocations.sweep(bench, extent.allocations)
        else:
            left_out.append("(c): this Python has no _testcapi")
    if isinstance(subject, Trains) and {"d", "e"} & set(wanted):
        clock.enter("kills")
        course = trainings.Course(bench, subject, extent.lines)
        if "d" in wanted:
            yield from trainings.kills(course, extent.kills)
        if "e" in wanted:
            yield from trainings.requests(course, extent.requests)
    if "f" in wanted:
        clock.enter("damage")
        yield from damage.sweep(bench, extent.files)
        if isinstance(subject, Forges):
            yield from damage.hostile(bench, subject)
