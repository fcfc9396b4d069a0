"""`harness faults`: what is on the disk after a fault?"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from harness import build_step
from harness.attempts import BUILT
from harness.commands.options import Duration, PathOption
from harness.commands.publish import publish
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import GIB, Limits
from harness.one_job import run_job
from harness.output import WORK, make_folder
from harness.report.build import of_one_job
from harness.report.fidelity import Faults
from harness.subject import parse_subject

MEMORY_BYTES = 4 * GIB
SWEEPS = "abcdef"


@click.command("faults")
@click.option(
    "--subject", default="melvin", show_default=True, help="melvin, python:package.module:Class or command:file.toml."
)
@click.option("--sweeps", default=SWEEPS, show_default=True, help="Which of them, by their letters.")
@click.option("--short", is_flag=True, help="Few points of each sweep: under a minute.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of lines, moments and damages.")
@click.option("--time-limit", default="15min", show_default=True, type=Duration(), help="Of all sweeps together.")
@click.option("--json", "as_json", is_flag=True, help="The report on stdout, as one JSON document.")
@click.option("-o", "--output", type=PathOption(file_okay=False), help="Where to write.")
@click.pass_context
def command(
    ctx: click.Context,
    subject: str,
    sweeps: str,
    short: bool,
    seed: int,
    time_limit: float,
    as_json: bool,
    output: Path | None,
) -> None:
    """Hit saves, loads and trainings at every point, and judge what is left on the disk.

    \b
    (a) SIGKILL at every call that touches the disk     (d) SIGKILL at random moments, then resumed
    (b) full disk, I/O errors, short writes             (e) SIGTERM, SIGINT, SIGHUP
    (c) allocations that fail                           (f) damaged and hostile files

    The file must be exactly the one before or exactly the one after; a damaged one must be refused. Exit code 5 when
    any point leaves something else, 6 when no point could be hit.
    """
    if unknown := set(sweeps) - set(SWEEPS):
        raise click.BadParameter(f"there is no sweep {', '.join(sorted(unknown))}: name some of {SWEEPS}")
    with Launcher() as launcher:  # before anything grows
        name = parse_subject(subject)
        folder = make_folder("faults", output)
        built = folder.resolve() / WORK / BUILT
        build_step.build(name.command, built)
        what = {"task": "faults", "sweeps": sweeps, "short": short, "seed": seed, "built": str(built)}
        job = {**name.job, **what}
        limits = Limits(MEMORY_BYTES, time_limit)
        record = run_job(launcher, job, folder, limits)
    faults = Faults.model_validate({"short": short, **record})
    code = ExitCode.LOSSY
    if faults.hold:
        code = ExitCode.OK if faults.tested else ExitCode.INCONCLUSIVE
    report = of_one_job("faults", name, seed, limits, code, faults=faults)
    shutil.rmtree(folder / WORK, ignore_errors=True)
    publish(report, folder, as_json)
    ctx.exit(code)
