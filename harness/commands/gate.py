"""`harness gate`: is this version slower, or does it take more, than that one?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from harness.attempts import Plan
from harness.commands.options import (
    Share,
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
from harness.errors import HarnessError, Interrupted
from harness.exit_codes import ExitCode
from harness.gate import Comparison
from harness.launch import Launcher
from harness.limits import Limits
from harness.machine import circumstances, describe_subject
from harness.output import leave_no_empty, make_folder
from harness.pairs import FEWEST_PAIRS, MOST_PAIRS, SLOWDOWN
from harness.progress import Progress
from harness.report.gate import BASE, CANDIDATE, Gate, Settings, Tolerance
from harness.subject import parse_subject
from harness.versions import Sides, sides_of


@click.command("gate")
@click.option("--base", required=True, help="A revision (main), a folder with another version, or another subject.")
@click.option(
    "--subject", default="melvin", show_default=True, help="melvin, python:package.module:Class, or command:file.toml."
)
@corpus_option
@click.option("--size", default="1MB", show_default=True, type=Size(), help="Of the text that is learnt.")
@click.option(
    "--slowdown",
    default=f"{SLOWDOWN:.0%}",
    show_default=True,
    type=Share(),
    help="That must be caught: half of it is the border.",
)
@click.option("--work", default="1%", show_default=True, type=Share(), help="More opcodes a line than this fail.")
@click.option("--memory", default="10%", show_default=True, type=Share(), help="More private memory than this fails.")
@click.option(
    "--pairs", default=MOST_PAIRS, show_default=True, type=click.IntRange(FEWEST_PAIRS, 1000), help="At the most."
)
@memory_limit_option
@time_limit_option("10min", "a run")
@seed_option
@json_option
@output_option("gate")
@click.pass_context
def command(
    ctx: click.Context,
    base: str,
    subject: str,
    corpus: Path | None,
    size: int,
    slowdown: float,
    work: float,
    memory: float,
    pairs: int,
    memory_limit: int,
    time_limit: float,
    seed: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Hold the code here against a base: lines per CPU second, opcodes a line, private memory.

    Base and candidate learn the same text in turn, each time in a fresh process, until it is clear which is slower.
    Exit code 3 when the candidate is worse, 6 when noise leaves it open, 7 when there is no base, 4 when the candidate
    breaks.
    """
    with Launcher() as launcher:  # before anything grows
        plan = Plan(parse_subject(subject), corpus, seed, Limits(memory_limit, time_limit), None)
        settings = Settings(
            corpus=None if corpus is None else str(corpus),
            seed=seed,
            size_bytes=size,
            memory_limit_bytes=memory_limit,
            time_limit_s=time_limit,
            tolerance=Tolerance(slowdown=slowdown, work=work, memory=memory),
            most_pairs=pairs,
        )
        with sides_of(base, plan.subject) as sides:
            folder = make_folder("gate", output, corpus)
            report = run(plan, sides, settings, launcher, folder)
            publish(report, folder, as_json)
    ctx.exit(report.exit_code)


def run(plan: Plan, sides: Sides, settings: Settings, launcher: Launcher, folder: Path) -> Gate:
    """Compare, and report. A person's Ctrl-C or a service's SIGTERM ends the pairs, not the report."""
    plans = {BASE: replace(plan, subject=sides.base), CANDIDATE: replace(plan, subject=sides.candidate)}
    described = {side: describe_subject(its.subject) for side, its in plans.items()}  # as it is before it is run
    interrupted = None
    with Progress(human()) as progress:
        compared = Comparison(plans, settings, launcher, folder, progress)
        try:
            compared.run()
        except Interrupted as stop:
            interrupted = progress.stopped(stop)
        except HarnessError:
            leave_no_empty(folder)
            raise
    report = Gate(
        **circumstances(),
        exit_code=ExitCode.OK,
        base_named=sides.named,
        base=described[BASE],
        candidate=described[CANDIDATE],
        settings=settings.model_copy(update={"corpus_lines": compared.lines}),
        measures=compared.measures(),
        pairs=compared.pairs,
        broken=compared.broken,
        interrupted=interrupted,
    )
    return report.model_copy(update={"exit_code": exit_code(report)})


def exit_code(report: Gate) -> ExitCode:
    """What the run says to a script."""
    if report.interrupted:
        return ExitCode.INTERRUPTED
    if report.broken is not None:
        return ExitCode.BREAK if report.broken.side == CANDIDATE else ExitCode.BASELINE
    if report.regressions:
        return ExitCode.REGRESSION
    open_ = any(measure.outcome == "cannot_tell" for measure in report.measures)
    return ExitCode.INCONCLUSIVE if open_ else ExitCode.OK
