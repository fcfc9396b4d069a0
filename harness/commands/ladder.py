"""`harness ladder`: climb, and say where it breaks."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from harness import build_step, workload
from harness.attempts import BUILT, Plan, Trial, Trials
from harness.commands.options import Duration, Size
from harness.console import human
from harness.diagnosis.foretell import forecast_of
from harness.diagnosis.investigate import Bounds, Investigation, investigate
from harness.diagnosis.rules import diagnose
from harness.errors import Interrupted, WorkloadFailed
from harness.exit_codes import ExitCode
from harness.frontier import find_frontier
from harness.ladder import Climb, Repeats, climb, repeat_edges
from harness.launch import Launcher
from harness.limits import LIMITERS, Limits
from harness.machine import describe_machine, describe_subject, describe_tool
from harness.output import append_step_summary, make_folder, write_views
from harness.progress import Progress
from harness.replay import replay_and_tell
from harness.report import build, models, terminal
from harness.report.markdown import render_markdown
from harness.subject import SubjectName, parse_subject
from harness.units import memory
from scaling_suite.errors import WorkloadError
from scaling_suite.sizes import format_size
from scaling_suite.workload import DEFAULT_SEED, ladder_sizes, source_bytes


@dataclass(frozen=True)
class LadderOptions:
    """The options of one ladder, checked."""

    subject: SubjectName
    corpus: Path | None
    sizes: list[int]
    limits: Limits
    min_lines_per_s: float | None
    required: int | None
    bisect_runs: int
    seed: int
    notes: list[str]
    bounds: Bounds
    frontier: bool = False
    repeats: int = 1


@click.command("ladder")
@click.option(
    "--subject", default="melvin", show_default=True, help="melvin, python:package.module:Class, or command:file.toml."
)
@click.option("--corpus", type=click.Path(path_type=Path), help="A text file or folder. [default: generated text]")
@click.option("--from", "first", default="1KB", show_default=True, type=Size(), help="The first rung.")
@click.option("--to", "last", default="1GB", show_default=True, type=Size(), help="The last rung.")
@click.option("--factor", default=10, show_default=True, type=click.IntRange(2, 1000), help="From rung to rung.")
@click.option("--memory-limit", default="4GiB", show_default=True, type=Size(), help="Private memory of a worker.")
@click.option("--time-limit", default="10min", show_default=True, type=Duration(), help="Wall time of a rung.")
@click.option(
    "--limiter",
    default="watchdog",
    show_default=True,
    type=click.Choice(LIMITERS),
    help="Who holds the memory limit.",
)
@click.option(
    "--min-lines-per-sec",
    type=click.FloatRange(min=0, min_open=True),
    help="Slower than this is a break (too_slow).",
)
@click.option("--required", type=Size(), help="Exit 4 only when it breaks below this size. [default: at any rung]")
@click.option(
    "--bisect-runs",
    default=6,
    show_default=True,
    type=click.IntRange(0, 30),
    help="Runs spent on narrowing down a break.",
)
@click.option(
    "--repeats",
    default=2,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Tries of the largest size that passed and the smallest that broke.",
)
@click.option(
    "--seed",
    default=DEFAULT_SEED,
    show_default=True,
    type=click.IntRange(min=0),
    help="Of the text and the facts.",
)
@click.option(
    "--witness-runs",
    default=150,
    show_default=True,
    type=click.IntRange(0, 10_000),
    help="Runs spent on shrinking the text of a crash.",
)
@click.option(
    "--witness-time",
    default="2min",
    show_default=True,
    type=Duration(),
    help="Time spent on shrinking the text of a crash.",
)
@click.option("--frontier", is_flag=True, help="Also find the breaking size under smaller memory limits.")
@click.option(
    "--replay",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Run the attempt of a black box again, instead; it runs the command that the box names.",
)
@click.option("--json", "as_json", is_flag=True, help="The report on stdout, as one JSON document.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write. [default: reports/ladder-TIME]",
)
@click.pass_context
def command(
    ctx: click.Context,
    subject: str,
    corpus: Path | None,
    first: int,
    last: int,
    factor: int,
    memory_limit: int,
    time_limit: float,
    limiter: str,
    min_lines_per_sec: float | None,
    required: int | None,
    bisect_runs: int,
    repeats: int,
    seed: int,
    witness_runs: int,
    witness_time: float,
    frontier: bool,
    replay: Path | None,
    as_json: bool,
    output: Path | None,
) -> None:
    """Train on 1KB, 10KB, 100KB, … up to the first break; say where it breaks, and how time and memory grow.

    Each rung runs in a process of its own, under limits. It learns, saves, loads, verifies, answers; what it
    learnt is held against lines it never saw and facts planted in its text. "Not broken up to 1GB" is a
    result too.
    """
    with Launcher() as launcher:  # before anything grows
        if replay is not None:
            ctx.exit(replay_and_tell(replay, launcher, as_json))
        sizes, notes = _sizes(corpus, first, last, factor)
        limits = Limits(memory_limit, time_limit, limiter)
        options = LadderOptions(
            parse_subject(subject),
            corpus,
            sizes,
            limits,
            min_lines_per_sec,
            required,
            bisect_runs,
            seed,
            notes,
            Bounds(witness_runs, witness_time),
            frontier,
            repeats,
        )
        folder = make_folder("ladder", output)
        console = human()
        report = run(options, launcher, folder, console)
    write_views(report, folder)
    append_step_summary(render_markdown(report))
    console.print()
    terminal.show(report, console)
    console.print(f"report: {folder / 'report.html'}", style="dim", soft_wrap=True)
    if as_json:
        click.echo(report.to_json())
    ctx.exit(report.exit_code)


def _sizes(corpus: Path | None, first: int, last: int, factor: int) -> tuple[list[int], list[str]]:
    """The rungs, cut off where the corpus ends, and a note when it was."""
    try:
        if corpus is None:
            return ladder_sizes(first, last, factor), []
        offered = source_bytes(corpus)
        if offered >= last:
            return ladder_sizes(first, last, factor), []
        note = f"the corpus ends at {format_size(offered)}: that is the last rung, not {format_size(last)}"
        return ladder_sizes(first, offered, factor), [note]
    except WorkloadError as error:
        raise WorkloadFailed(str(error)) from error


def run(options: LadderOptions, launcher: Launcher, folder: Path, console: Console) -> models.Report:
    """Climb, and report on it. A person's Ctrl-C or a service's SIGTERM ends the climb, not the report."""
    plan = Plan(options.subject, options.corpus, options.seed, options.limits, options.min_lines_per_s)
    held = options.limits
    limits = f"{memory(held.memory_bytes)}, {held.time_s:,.0f} s a rung, {held.limiter}"
    text = "generated text" if options.corpus is None else str(options.corpus)
    span = f"{format_size(options.sizes[0])} to {format_size(options.sizes[-1])}"
    console.print(f"{options.subject.text} on {text}, {span}; limits: {limits}", style="bold", soft_wrap=True)
    climbed: Climb[Trial] = Climb([], [])
    forecasts: list[models.Forecast] = []
    seen = Investigation()
    frontier = None
    repeats = None
    notes = list(options.notes)
    interrupted = None
    build_step.build(options.subject.command, folder / BUILT)
    with Progress(console) as progress:
        trials = Trials(plan, launcher, folder, progress, workload.prepare)

        def announce(trial: Trial) -> None:
            progress.trial_ended(trial)
            if climbed.rungs and not climbed.narrowing and (made := forecast_of(climbed.rungs, options.limits)):
                forecasts.append(made)
                progress.foretold(made)

        try:
            climb(
                options.sizes,
                trials.try_and_confirm,
                narrow_with=trials.try_once,
                runs=options.bisect_runs,
                climbed=climbed,
                announce=announce,
            )
            if options.bisect_runs and options.repeats > 1:
                repeats = repeat_edges(climbed, trials.try_once, options.repeats, progress.trial_ended)
            seen = investigate(trials, climbed, folder, options.bounds)
            if options.frontier:
                frontier = find_frontier(trials, options.sizes, options.limits)
        except Interrupted as stop:
            interrupted = f"{signal.Signals(stop.signal_number).name} {progress.where}"
        except WorkloadFailed as error:
            if not climbed.rungs:
                raise
            notes.append(f"the climb ended early: {error}")
    report = report_on(options, climbed, folder, notes, interrupted, repeats)
    more = {"forecasts": forecasts, "frontier": frontier, **vars(seen)}
    report = report.model_copy(update=more)
    return report.model_copy(update={"findings": diagnose(report)})


def report_on(
    options: LadderOptions,
    climbed: Climb[Trial],
    folder: Path,
    notes: list[str],
    interrupted: str | None,
    repeats: Repeats | None = None,
) -> models.Report:
    """The report on a climb that has ended."""
    rungs = [build.rung(size, trial, folder) for size, trial in climbed.rungs]
    found = build.breaking(climbed, repeats)
    return models.Report(
        kind="ladder",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=["python", "-m", "harness", *sys.argv[1:]],
        exit_code=exit_code(rungs, found, options.required, interrupted),
        tool=describe_tool(),
        machine=describe_machine(),
        subject=describe_subject(options.subject),
        settings=models.Settings(
            corpus=None if options.corpus is None else str(options.corpus),
            seed=options.seed,
            sizes_bytes=options.sizes,
            memory_limit_bytes=options.limits.memory_bytes,
            time_limit_s=options.limits.time_s,
            limiter=options.limits.limiter,
            min_lines_per_s=options.min_lines_per_s,
            required_bytes=options.required,
            bisect_runs=options.bisect_runs,
        ),
        rungs=rungs,
        narrowing=[build.rung(size, trial, folder) for size, trial in climbed.narrowing],
        break_=found,
        scaling=build.scaling(rungs),
        interrupted=interrupted,
        notes=notes,
    )


def exit_code(
    rungs: list[models.Rung], found: models.Break | None, required: int | None, interrupted: str | None
) -> ExitCode:
    """What the run says to a script."""
    if interrupted:
        return ExitCode.INTERRUPTED
    if found is not None:
        if found.verdict == "lossy_save":
            return ExitCode.LOSSY
        if required is None or (found.last_passed_bytes or 0) < required:
            return ExitCode.BREAK
    if any(rung.verdict == "inconclusive" for rung in rungs):
        return ExitCode.INCONCLUSIVE
    return ExitCode.OK
