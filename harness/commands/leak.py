"""`harness leak`: does memory stay when a subject is gone, and who holds it?"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from harness import workload
from harness.attempts import Plan
from harness.commands.options import (
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
from harness.diagnosis.leaking import LEAKING, WARM_UP, judge_readings
from harness.errors import HarnessError, Interrupted
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.leaks import FEWEST_EPOCHS, MOST_EPOCHS, Hunt, check_subject
from harness.limits import Limits
from harness.machine import circumstances, describe_subject
from harness.output import WORK, leave_no_empty, make_folder
from harness.progress import Progress
from harness.report.leak import Broke, LeakReport, Settings
from harness.subject import parse_subject


@click.command("leak")
@click.option("--subject", default="melvin", show_default=True, help="melvin or python:package.module:Class.")
@corpus_option
@click.option("--size", default="100KB", show_default=True, type=Size(), help="Of the text that is learnt.")
@click.option(
    "--epochs",
    default=12,
    show_default=True,
    type=click.IntRange(FEWEST_EPOCHS, MOST_EPOCHS),
    help=f"How often all of it is done; the first {WARM_UP} do not count.",
)
@memory_limit_option
@time_limit_option("20min", "a worker")
@seed_option
@json_option
@output_option("leak")
@click.pass_context
def command(
    ctx: click.Context,
    subject: str,
    corpus: Path | None,
    size: int,
    epochs: int,
    memory_limit: int,
    time_limit: float,
    seed: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Do the same work again and again in one process, and show what is left of it each time.

    An epoch learns the text, saves, loads, asks, and drops everything. Python objects, memory in use by malloc and
    resident memory are read at its end; where one of them rises, a profiler names the place. Exit code 8 when a leak
    or a retention is proven, 6 when it cannot be told, 4 when the subject breaks.
    """
    with Launcher() as launcher:  # before anything grows
        plan = Plan(parse_subject(subject), corpus, seed, Limits(memory_limit, time_limit), None)
        check_subject(plan.subject)
        folder = make_folder("leak", output, corpus)
        report = run(plan, size, epochs, launcher, folder)
    publish(report, folder, as_json)
    ctx.exit(report.exit_code)


def run(plan: Plan, size_bytes: int, epochs: int, launcher: Launcher, folder: Path) -> LeakReport:
    """Hunt, and report. A person's Ctrl-C or a service's SIGTERM ends the hunt, not the report."""
    hunt, rung, interrupted = None, None, None
    try:
        with Progress(human()) as progress:
            try:
                progress.preparing(size_bytes)
                rung = workload.prepare(plan.source, size_bytes, folder / WORK, plan.seed)
                hunt = Hunt(plan, rung, epochs, launcher, folder, progress)
                hunt.run()
            except Interrupted as stop:
                interrupted = progress.stopped(stop)
        readings = hunt.readings if hunt else []
        judgement = hunt.judgement if hunt else judge_readings([], 0)
    except HarnessError:
        shutil.rmtree(folder / WORK, ignore_errors=True)
        leave_no_empty(folder)
        raise
    shutil.rmtree(folder / WORK, ignore_errors=True)
    broke = hunt.broke if hunt else None
    return LeakReport(
        **circumstances(),
        exit_code=exit_code(judgement.verdict, broke, interrupted),
        subject=describe_subject(plan.subject),
        settings=Settings(
            corpus=None if plan.source is None else str(plan.source),
            seed=plan.seed,
            size_bytes=size_bytes,
            corpus_lines=rung.corpus_lines if rung else None,
            epochs=epochs,
            warm_up_epochs=WARM_UP,
            memory_limit_bytes=plan.limits.memory_bytes,
            time_limit_s=plan.limits.time_s,
        ),
        verdict=judgement.verdict,
        confidence=judgement.confidence,
        because=judgement.because,
        trends=judgement.trends,
        returned_share=judgement.returned_share,
        readings=readings,
        profiles=hunt.profiles if hunt else [],
        broke=broke,
        interrupted=interrupted,
    )


def exit_code(verdict: str, broke: Broke | None, interrupted: str | None) -> ExitCode:
    """What the run says to a script."""
    if interrupted:
        return ExitCode.INTERRUPTED
    if broke is not None:
        return ExitCode.BREAK
    if verdict in LEAKING:
        return ExitCode.LEAK
    return ExitCode.INCONCLUSIVE if verdict == "cannot_tell" else ExitCode.OK
