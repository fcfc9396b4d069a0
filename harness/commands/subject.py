"""`harness subject check FILE`: is a command subject described rightly, and does it run?"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from harness import build_step, workload
from harness.attempts import BUILT, Plan, Trial, Trials
from harness.command_subject import PLACEHOLDERS, formatted, read_command_subject
from harness.commands.options import Duration, PathOption, Size
from harness.console import human
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import Limits
from harness.plain_text import plain_text
from harness.progress import Progress
from harness.report import build, models
from harness.subject import parse_subject
from scaling_suite.workload import DEFAULT_SEED


@click.group("subject")
def command() -> None:
    """Command subjects: trainers described in a TOML file."""


@command.command("check")
@click.argument("file", type=PathOption())
@click.option("--size", default="10KB", show_default=True, type=Size(), help="Of the text of the dry run.")
@click.option("--memory-limit", default="1GiB", show_default=True, type=Size(), help="Private memory of the dry run.")
@click.option("--time-limit", default="1min", show_default=True, type=Duration(), help="Wall time of the dry run.")
@click.pass_context
def check(ctx: click.Context, file: Path, size: int, memory_limit: int, time_limit: float) -> None:
    """Validate FILE, then run all of its commands once on a small text, and say what was read.

    Exit code 0 when everything ran and holds, 4 when it does not, 2 when FILE is not right.
    """
    with Launcher() as launcher:
        described = read_command_subject(file)
        name = parse_subject(f"command:{file}")
        console = human()
        called = f": {plain_text(described.name)}" if described.name else ""
        console.print(f"{file} is a command subject{called}", style="bold", soft_wrap=True)
        table = Table(box=None, pad_edge=False, show_header=False)
        for verb in PLACEHOLDERS:
            argv = getattr(described, verb)
            table.add_row(Text(verb, style="dim"), Text(formatted(argv) if argv else "not offered"))
        console.print(table)
        with tempfile.TemporaryDirectory(prefix="harness-check-") as made, Progress(console) as progress:
            folder = Path(made)
            build_step.build(name.command, folder / BUILT)
            plan = Plan(name, None, DEFAULT_SEED, Limits(memory_limit, time_limit), None)
            trial = Trials(plan, launcher, folder, progress, workload.prepare).try_once(size)
            rung = build.rung(size, trial, folder)
    console.print(found(rung))
    said = trial.attempts[0].evidence.stderr.tail.strip()
    if not trial.passed and said:
        console.print(Text("stderr ends with:\n  " + "\n  ".join(plain_text(said).splitlines()[-8:]), style="dim"))
    console.print(verdict(trial))
    ctx.exit(ExitCode.OK if trial.passed else ExitCode.BREAK)


def found(rung: models.Rung) -> Table:
    """What was read from the output, and every check."""
    table = Table(box=None, pad_edge=False, show_header=False)
    stats = rung.brain.stats if rung.brain else {}
    for name in ("lines", "bytes", "nodes", "edges"):
        table.add_row(Text(name, style="dim"), f"{stats[name]:,}" if name in stats else "not read")
    for name, text in rung.no_numbers.items():
        table.add_row(Text("pattern", style="dim"), Text(f"{name} matched, but {text!r} is no number", style="yellow"))
    for name in rung.unmatched_patterns:
        table.add_row(Text("pattern", style="dim"), Text(f"{name} never matched", style="yellow"))
    for check in rung.checks:
        mark = Text("holds", style="green") if check.holds else Text("fails", style="bold red")
        table.add_row(mark, plain_text(check.name + (f": {check.detail}" if check.detail else "")))
    return table


def verdict(trial: Trial) -> Text:
    """The last line."""
    style = "bold green" if trial.passed else "bold red"
    return Text(plain_text(f"{trial.verdict.name}: {trial.verdict.because}"), style=style)
