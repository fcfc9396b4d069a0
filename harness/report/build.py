"""From what happened to a report: pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import units
from harness.attempts import Attempt, Trial
from harness.evidence import Output
from harness.ladder import Climb, Repeats
from harness.limits import Limits
from harness.machine import circumstances, describe_subject
from harness.report import models
from harness.report.ablation import Measures, Variant
from harness.report.fidelity import Faults, RoundTrip
from harness.stages import is_learning
from harness.statistics import Slope, fit_slope, local_slopes, marginal
from harness.subject import SubjectName
from harness.verdict import signal_name

MEGABYTE = 1e6
OF_PROGRESS = ("progress_lines", "progress_bytes", "stage")  # a short training may have none to tell
SCALING_FROM_BYTES = 1_000_000  # below, the cost of a start hides how cost grows


def rung(size_bytes: int, trial: Trial, folder: Path) -> models.Rung:
    """One size, tried. Black boxes are named relative to `folder`: a report moves with them."""
    deciding = trial.deciding.evidence
    record: dict[str, Any] = deciding.result or {}
    lines, size = trial.rung.corpus_lines, trial.rung.corpus_bytes
    stages = [_stage(stage, deciding.stage_peak_anon_bytes, lines, size) for stage in record.get("stages", [])]
    complete = bool(record.get("complete"))
    brain = record.get("brain")
    return models.Rung(
        size_bytes=size_bytes,
        label=units.label(size_bytes),
        corpus_bytes=size,
        corpus_lines=lines,
        verdict=trial.verdict.name,
        passed=trial.passed,
        because=trial.verdict.because,
        peak_rss_bytes=deciding.peak_rss_bytes,
        peak_anon_bytes=deciding.peak_anon_bytes,
        stages=stages,
        learning=_learning(stages, lines, size) if complete else None,
        quality=models.Quality.model_validate(record["quality"]) if complete else None,
        latency=models.Latency.model_validate(record["latency"]) if record.get("latency") else None,
        brain=_brain(brain) if brain else None,
        ledger=_ledger(record.get("ledger")),
        unmatched_patterns=[
            name for name, found in record.get("output_matched", {}).items() if not found and name not in OF_PROGRESS
        ],
        no_numbers=record.get("no_numbers", {}),
        left_running=record.get("left_running", []),
        command_peak_rss_bytes=record.get("command_peak_rss_bytes"),
        checks=[models.Check.model_validate(check) for check in record.get("checks", [])],
        attempts=[_attempt(attempt, folder) for attempt in trial.attempts],
    )


def variant(name: str, without: Sequence[str], trial: Trial, tried: models.Rung) -> Variant:
    """One variant of an ablation, from its rung."""
    record: dict[str, Any] = trial.deciding.evidence.result or {}
    quality, learning, brain = tried.quality, tried.learning, tried.brain
    return Variant(
        name=name,
        without=list(without),
        verdict=tried.verdict,
        passed=tried.passed,
        because=tried.because,
        measures=Measures(
            bits_per_byte=quality.bits_per_byte if quality else None,
            facts_recalled=quality.facts_recalled if quality else None,
            lines_per_cpu_s=learning.lines_per_cpu_s if learning else None,
            peak_anon_bytes=tried.peak_anon_bytes,
            brain_bytes=brain.file_bytes if brain else None,
            capabilities=record.get("capabilities", {}),
        ),
        black_box=tried.attempts[0].black_box,
    )


def _stage(stage: dict[str, Any], polled: dict[str, int], lines: int, size: int) -> models.Stage:
    seen = [value for value in (stage["peak_anon_bytes"], polled.get(stage["name"])) if value is not None]
    learning = is_learning(stage["name"]) and stage["wall_s"] > 0
    return models.Stage(
        **{**stage, "peak_anon_bytes": max(seen, default=None)},
        lines_per_s=lines / stage["wall_s"] if learning else None,
        mb_per_s=size / MEGABYTE / stage["wall_s"] if learning else None,
    )


def _learning(stages: list[models.Stage], lines: int, size: int) -> models.Learning | None:
    learning = [stage for stage in stages if is_learning(stage.name)]
    wall_s, cpu_s = sum(stage.wall_s for stage in learning), sum(stage.cpu_s for stage in learning)
    if wall_s <= 0:
        return None
    waits = [stage.run_queue_wait_s for stage in learning if stage.run_queue_wait_s is not None]
    return models.Learning(
        wall_s=wall_s,
        cpu_s=cpu_s,
        run_queue_wait_s=sum(waits) if waits else None,
        lines_per_s=lines / wall_s,
        lines_per_cpu_s=lines / cpu_s if cpu_s > 0 else None,
        mb_per_s=size / MEGABYTE / wall_s,
        mb_per_cpu_s=size / MEGABYTE / cpu_s if cpu_s > 0 else None,
    )


def _brain(brain: dict[str, Any]) -> models.Brain:
    stats = brain["stats"]
    return models.Brain(file_bytes=brain["file_bytes"], nodes=stats.get("nodes"), edges=stats.get("edges"), stats=stats)


def _ledger(ledger: dict[str, Any] | None) -> models.Ledger | None:
    if ledger is None or ledger["before"]["anon_bytes"] is None:
        return None
    before, after = ledger["before"], ledger["after"]
    trimmed = after.get("trimmed_anon_bytes", after["anon_bytes"])
    malloc = before["malloc_bytes"], after["malloc_bytes"]
    return models.Ledger(
        kept_blocks=after["blocks"] - before["blocks"],
        kept_malloc_bytes=None if None in malloc else malloc[1] - malloc[0],
        kept_anon_bytes=trimmed - before["anon_bytes"],
        returned_bytes=after["anon_bytes"] - trimmed,
    )


def _output(output: Output) -> models.OutputStream:
    return models.OutputStream(bytes=output.bytes, lines=output.lines, head=output.head, tail=output.tail)


def _attempt(attempt: Attempt, folder: Path) -> models.Attempt:
    evidence = attempt.evidence
    return models.Attempt(
        limiter=attempt.limits.limiter,
        verdict=attempt.verdict.name,
        because=attempt.verdict.because,
        wall_s=evidence.wall_s,
        cpu_s=evidence.cpu_user_s + evidence.cpu_system_s,
        involuntary_switches=evidence.involuntary_switches,
        peak_rss_bytes=evidence.peak_rss_bytes,
        peak_anon_bytes=evidence.peak_anon_bytes,
        exit=models.Exit(
            code=evidence.exit_code,
            signal=signal_name(evidence.exit_code),
            command_code=evidence.command_exit_code,
            stopped_for=evidence.stopped_for,
            result_complete=bool(evidence.result and evidence.result.get("complete")),
        ),
        last_stage=evidence.heartbeat.stage,
        last_bytes=evidence.heartbeat.bytes,
        last_lines=evidence.heartbeat.lines,
        stdout=_output(evidence.stdout),
        stderr=_output(evidence.stderr),
        fault=evidence.fault,
        samples=[models.Sample.model_validate(sample, from_attributes=True) for sample in evidence.samples],
        black_box=str(attempt.black_box.relative_to(folder)) if attempt.black_box else None,
    )


def breaking(climb: Climb[Trial], repeats: Repeats | None = None) -> models.Break | None:
    """The bound on the breaking size, or None when nothing broke."""
    found = climb.smallest_broken
    if found is None:
        return None
    first_broken, trial = found
    broken_rung = climb.rungs[-1][1]  # was tried twice where that tells something
    return models.Break(
        last_passed_bytes=climb.largest_passed,
        first_broken_bytes=first_broken,
        verdict=trial.verdict.name,
        because=trial.verdict.because,
        broken_tries=repeats.broken_tries if repeats else None,
        broken_times=repeats.broken_times if repeats else None,
        passed_tries=repeats.passed_tries if repeats else None,
        confirmed_by=[attempt.limits.limiter for attempt in broken_rung.attempts if not attempt.verdict.passed],
    )


def scaling(rungs: Sequence[models.Rung]) -> models.Scaling | None:
    """How time and memory grow over the rungs that passed."""
    passed = [rung for rung in rungs if rung.passed and rung.learning is not None]
    if len(passed) < 2:
        return None
    sizes = [rung.corpus_bytes for rung in passed]
    times = [rung.learning.cpu_s for rung in passed if rung.learning is not None]
    memory = [float(rung.peak_anon_bytes) for rung in passed]
    brains = [float(rung.brain.file_bytes) for rung in passed if rung.brain is not None]
    large = [i for i, rung in enumerate(passed) if rung.size_bytes >= SCALING_FROM_BYTES]
    large_sizes = [sizes[i] for i in large]
    return models.Scaling(
        scaling_from_bytes=SCALING_FROM_BYTES,
        time=_slope(fit_slope(large_sizes, [times[i] for i in large])),
        memory=_slope(fit_slope(large_sizes, [memory[i] for i in large])),
        time_steps=[_as_model(slope) for slope in local_slopes(sizes, times)],
        memory_steps=[_as_model(slope) for slope in local_slopes(sizes, memory)],
        peak_anon_bytes_per_byte=marginal(sizes, memory),
        brain_bytes_per_byte=marginal(sizes, brains) if len(brains) == len(sizes) else None,
    )


def _slope(slope: Slope | None) -> models.Slope | None:
    return None if slope is None else _as_model(slope)


def _as_model(slope: Slope) -> models.Slope:
    return models.Slope.model_validate(slope, from_attributes=True)


def of_one_job(
    kind: str, subject: SubjectName, seed: int, limits: Limits, exit_code: int, **part: Faults | RoundTrip
) -> models.Report:
    """The report of a command that runs one job and climbs no ladder; `part` is the field that it fills."""
    return models.Report(
        kind=kind,
        **circumstances(),
        exit_code=exit_code,
        subject=describe_subject(subject),
        settings=models.Settings(
            corpus=None,
            seed=seed,
            sizes_bytes=[],
            memory_limit_bytes=limits.memory_bytes,
            time_limit_s=limits.time_s,
            limiter=limits.limiter,
            bisect_runs=0,
        ),
    ).model_copy(update=part)
