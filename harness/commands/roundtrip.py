"""`harness roundtrip`: is what was loaded what was saved?"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from harness import build_step, workload
from harness.attempts import BUILT
from harness.commands.options import Duration, PathOption
from harness.commands.publish import publish
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import GIB, Limits
from harness.one_job import run_job
from harness.output import WORK, make_folder
from harness.report.build import of_one_job
from harness.report.fidelity import Loss, RoundTrip
from harness.subject import parse_subject

MEMORY_BYTES = 4 * GIB
OUTSIDE_BYTES = 10_000  # of text that a command subject is taught


@click.command("roundtrip")
@click.argument("brain", required=False, type=PathOption(exists=True))
@click.option(
    "--subject", default="melvin", show_default=True, help="melvin, python:package.module:Class or command:file.toml."
)
@click.option("--examples", default=100, show_default=True, type=click.IntRange(1), help="Cases that are drawn.")
@click.option("--large", default=4, show_default=True, type=click.IntRange(0), help="Large cases from the builder.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of the large cases.")
@click.option("--time-limit", default="10min", show_default=True, type=Duration(), help="Of the whole search.")
@click.option("--json", "as_json", is_flag=True, help="The report on stdout, as one JSON document.")
@click.option("-o", "--output", type=PathOption(file_okay=False), help="Where to write.")
@click.pass_context
def command(
    ctx: click.Context,
    brain: Path | None,
    subject: str,
    examples: int,
    large: int,
    seed: int,
    time_limit: float,
    as_json: bool,
    output: Path | None,
) -> None:
    """Search for what a subject loses when it saves and loads, and show the smallest case; or check the file BRAIN.

    Each loss is named: where (table and field), which kind, what was there and what is there. Exit code 5 when
    something is lost.
    """
    with Launcher() as launcher:  # before anything grows
        name = parse_subject(subject)
        if name.command is not None and brain is not None:
            raise click.UsageError("one file is checked by a Python subject that can load it: leave out BRAIN")
        folder = make_folder("roundtrip", output)
        limits = Limits(MEMORY_BYTES, time_limit)
        job = {
            **name.job,
            "task": "roundtrip",
            "brain": None if brain is None else str(brain.resolve()),
            "examples": examples,
            "large": large,
            "seed": seed,
        }
        if name.command is not None:
            built = folder.resolve() / WORK / BUILT
            build_step.build(name.command, built)
            built.parent.mkdir(exist_ok=True)
            corpus = workload.make_corpus(built.with_name("corpus.txt"), OUTSIDE_BYTES, seed)
            job |= {"built": str(built), "corpus": str(corpus)}
        record = run_job(launcher, job, folder, limits)
    trip = RoundTrip(
        brain=None if brain is None else str(brain),
        cases=record["cases"],
        offered=record["offered"],
        losses=[Loss.model_validate(found) for found in record["findings"]],
    )
    code = ExitCode.LOSSY if trip.losses else ExitCode.OK
    report = of_one_job("roundtrip", name, seed, limits, code, roundtrip=trip)
    shutil.rmtree(folder / WORK, ignore_errors=True)
    publish(report, folder, as_json)
    ctx.exit(code)
