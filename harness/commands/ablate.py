"""`harness ablate`: what is each mechanism worth?"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from harness.ablation import ablate, mechanisms_of
from harness.attempts import Plan, Trial
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
from harness.errors import HarnessError, Interrupted
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import Limits
from harness.machine import circumstances, describe_subject
from harness.output import WORK, make_folder
from harness.progress import Progress
from harness.report import build
from harness.report.ablation import Ablation, Settings, Variant, with_differences
from harness.subject import parse_subject


@click.command("ablate")
@click.option("--subject", default="melvin", show_default=True, help="melvin or python:package.module:Class.")
@corpus_option
@click.option("--size", default="1MB", show_default=True, type=Size(), help="Of the text that is learnt.")
@click.option("--only", multiple=True, help="Switch off only this one; may be repeated. [default: each]")
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(1, 20), help="Tries; the fastest counts.")
@memory_limit_option
@time_limit_option("20min", "a variant")
@seed_option
@json_option
@output_option("ablate")
@click.pass_context
def command(
    ctx: click.Context,
    subject: str,
    corpus: Path | None,
    size: int,
    only: tuple[str, ...],
    repeats: int,
    memory_limit: int,
    time_limit: float,
    seed: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Switch off every mechanism, one by one and in groups, and show what each is worth and what it costs.

    Each variant learns the same text in a process of its own, and is held against the same lines it never saw and
    the same facts planted in its text. Exit code 4 when a variant breaks.
    """
    with Launcher() as launcher:  # before anything grows
        plan = Plan(parse_subject(subject), corpus, seed, Limits(memory_limit, time_limit), None)
        folder = make_folder("ablate", output, corpus)
        variants = chosen(mechanisms_of(plan.subject, launcher, folder), only)
        report = run(plan, size, variants, repeats, launcher, folder)
    publish(report, folder, as_json)
    ctx.exit(report.exit_code)


def chosen(offered: dict[str, tuple[str, ...]], only: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The variants to try: all that the subject names, or some of them."""
    unknown = [name for name in only if name not in offered]
    if unknown:
        raise HarnessError(f"the subject has no mechanism {unknown[0]!r}: it names {', '.join(offered)}")
    return {name: off for name, off in offered.items() if not only or name in only}


def run(
    plan: Plan,
    size_bytes: int,
    variants: dict[str, tuple[str, ...]],
    repeats: int,
    launcher: Launcher,
    folder: Path,
) -> Ablation:
    """Try them all, and report. A person's Ctrl-C or a service's SIGTERM ends the tries, not the report."""
    best: dict[str, Trial] = {}
    interrupted = None
    with Progress(human()) as progress:
        try:
            for name, trial in ablate(plan, size_bytes, variants, launcher, folder, progress, repeats):
                if name not in best or _counts_before(trial, best[name]):
                    best[name] = trial
        except Interrupted as stop:
            interrupted = progress.stopped(stop)
    shutil.rmtree(folder / WORK, ignore_errors=True)
    rungs = {name: build.rung(size_bytes, trial, folder) for name, trial in best.items()}
    tried = [build.variant(name, variants.get(name, ()), best[name], rung) for name, rung in rungs.items()]
    quality = next((rung.quality for rung in rungs.values() if rung.quality), None)
    return Ablation(
        **circumstances(),
        exit_code=exit_code(tried, interrupted),
        subject=describe_subject(plan.subject),
        settings=Settings(
            corpus=None if plan.source is None else str(plan.source),
            seed=plan.seed,
            size_bytes=size_bytes,
            corpus_lines=next((rung.corpus_lines for rung in rungs.values()), None),
            heldout_bytes=quality.heldout_bytes if quality else None,
            facts_asked=quality.facts_asked if quality else None,
            memory_limit_bytes=plan.limits.memory_bytes,
            time_limit_s=plan.limits.time_s,
            repeats=repeats,
        ),
        variants=with_differences(tried),
        interrupted=interrupted,
    )


def _counts_before(a: Trial, b: Trial) -> bool:
    """A break counts before anything; else the try that took less CPU time."""
    if a.passed != b.passed:
        return not a.passed
    one, other = a.deciding.evidence, b.deciding.evidence
    return one.cpu_user_s + one.cpu_system_s < other.cpu_user_s + other.cpu_system_s


def exit_code(tried: list[Variant], interrupted: str | None) -> ExitCode:
    """What the run says to a script."""
    if interrupted:
        return ExitCode.INTERRUPTED
    if any(one.verdict == "lossy_save" for one in tried):
        return ExitCode.LOSSY
    return ExitCode.OK if all(one.passed for one in tried) else ExitCode.BREAK
