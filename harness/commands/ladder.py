"""`harness ladder`: climb, and say where it breaks."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands.options import (
    Duration,
    PathOption,
    Rate,
    Size,
    corpus_option,
    json_option,
    memory_limit_option,
    output_option,
    seed_option,
    time_limit_option,
)
from harness.commands.publish import publish
from harness.console import human
from harness.diagnosis.investigate import Bounds
from harness.errors import WorkloadFailed
from harness.launch import Launcher
from harness.limits import LIMITERS, Limits
from harness.output import make_folder
from harness.replay import replay_and_tell
from harness.subject import parse_subject
from harness.whole_ladder import LadderOptions, run
from scaling_suite.errors import WorkloadError
from scaling_suite.sizes import format_size
from scaling_suite.workload import ladder_sizes, source_bytes


@click.command("ladder")
@click.option(
    "--subject", default="melvin", show_default=True, help="melvin, python:package.module:Class, or command:file.toml."
)
@corpus_option
@click.option("--from", "first", default="1KB", show_default=True, type=Size(), help="The first rung.")
@click.option("--to", "last", default="1GB", show_default=True, type=Size(), help="The last rung.")
@click.option("--factor", default=10, show_default=True, type=click.IntRange(2, 1000), help="From rung to rung.")
@memory_limit_option
@time_limit_option("10min", "a rung")
@click.option(
    "--limiter",
    default="watchdog",
    show_default=True,
    type=click.Choice(LIMITERS),
    help="Who holds the memory limit.",
)
@click.option(
    "--min-lines-per-sec",
    type=Rate(),
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
@seed_option
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
    type=PathOption(exists=True, file_okay=False),
    help="Run the attempt of a black box, or the ladder of a report's folder, again; it runs the command named there.",
)
@json_option
@output_option("ladder")
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
        if required is not None and required > sizes[-1]:
            last_rung = "; ".join([format_size(sizes[-1]), *notes])
            raise click.UsageError(
                f"--required {format_size(required)} is never tried, the last rung is {last_rung}: "
                "climb higher with --to, or require less"
            )
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
        folder = make_folder("ladder", output, corpus)
        console = human()
        report = run(options, launcher, folder, console)
    publish(report, folder, as_json)
    ctx.exit(report.exit_code)


def _sizes(corpus: Path | None, first: int, last: int, factor: int) -> tuple[list[int], list[str]]:
    """The rungs, cut off where the corpus ends, and a note when it was."""
    try:
        if corpus is None:
            return ladder_sizes(first, last, factor), []
        offered = source_bytes(corpus)
        if offered >= last:
            return ladder_sizes(first, last, factor), []
        if offered < first:
            raise WorkloadFailed(
                f"{corpus} holds {format_size(offered)}, less than the first rung, {format_size(first)}: "
                "give a larger text, or a smaller --from"
            )
        note = f"the corpus ends at {format_size(offered)}: that is the last rung, not {format_size(last)}"
        return ladder_sizes(first, offered, factor), [note]
    except WorkloadError as error:
        raise WorkloadFailed(str(error)) from error
