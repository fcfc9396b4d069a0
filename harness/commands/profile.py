"""`harness profile`: where does the time go, and who holds the memory?"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from harness import workload
from harness.commands.options import Duration, PathOption, Size
from harness.commands.publish import publish
from harness.errors import SubjectError
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import Limits
from harness.machine import circumstances, describe_subject
from harness.one_job import run_job
from harness.output import WORK, make_folder
from harness.report.profile import Memory, Profile, Settings, Time
from harness.subject import parse_subject
from scaling_suite.workload import DEFAULT_SEED

PARTS = ("time", "memory")


@click.command("profile")
@click.option("--subject", default="melvin", show_default=True, help="melvin or python:package.module:Class.")
@click.option("--corpus", type=PathOption(), help="A text file or folder. [default: generated text]")
@click.option("--size", default="10MB", show_default=True, type=Size(), help="Of the text that is learnt.")
@click.option("--only", type=click.Choice(PARTS), help="One of the two. [default: both, one after the other]")
@click.option("--rate", default=200, show_default=True, type=click.IntRange(1, 1000), help="Looks a second, for time.")
@click.option("--native", is_flag=True, help="Functions of compiled code too, where they have names.")
@click.option("--memory-limit", default="4GiB", show_default=True, type=Size(), help="Private memory of a worker.")
@click.option("--time-limit", default="20min", show_default=True, type=Duration(), help="Wall time of a run.")
@click.option("--seed", default=DEFAULT_SEED, show_default=True, type=click.IntRange(min=0), help="Of the text.")
@click.option("--json", "as_json", is_flag=True, help="The report on stdout, as one JSON document.")
@click.option(
    "-o", "--output", type=PathOption(file_okay=False), help="Where to write. [default: reports/profile-TIME]"
)
@click.pass_context
def command(
    ctx: click.Context,
    subject: str,
    corpus: Path | None,
    size: int,
    only: str | None,
    rate: int,
    native: bool,
    memory_limit: int,
    time_limit: float,
    seed: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Learn once under py-spy and once under memray, and show which functions took the time and hold the peak.

    A flame graph and a table of each, and the profilers' own files beside them. Exit code 6 when neither could look.
    """
    with Launcher() as launcher:  # before anything grows
        name = parse_subject(subject)
        if name.command is not None:
            raise SubjectError(f"{subject} is a program: a profile needs a Python subject, whose stack can be read")
        folder = make_folder("profile", output, corpus)
        limits = Limits(memory_limit, time_limit)
        try:
            rung = workload.prepare(corpus, size, folder / WORK, seed)
            job = {**name.job, "task": "profile", "corpus": str(rung.corpus.resolve())}
            job |= {"rate_hz": rate, "native": native}
            told: dict[str, Any] = {}
            for part in (only,) if only else PARTS:
                told[part] = run_job(launcher, {**job, "profile": part}, folder, limits)
                if found := told[part].get("profile"):
                    shutil.move(folder / WORK / found["file"], folder / found["file"])
        finally:
            shutil.rmtree(folder / WORK, ignore_errors=True)
    seen = {part: record["profile"] for part, record in told.items() if "profile" in record}
    report = Profile(
        **circumstances(),
        exit_code=ExitCode.OK if seen else ExitCode.INCONCLUSIVE,
        subject=describe_subject(name),
        settings=Settings(
            corpus=None if corpus is None else str(corpus),
            seed=seed,
            size_bytes=size,
            corpus_lines=rung.corpus_lines,
            memory_limit_bytes=memory_limit,
            time_limit_s=time_limit,
            native=native,
        ),
        time=Time.model_validate(_called(seen["time"])) if "time" in seen else None,
        memory=Memory.model_validate(_called(seen["memory"])) if "memory" in seen else None,
        problems=[record["problem"] for record in told.values() if "problem" in record],
    )
    publish(report, folder, as_json)
    ctx.exit(report.exit_code)


def _called(found: dict[str, Any]) -> dict[str, Any]:
    """A profile as it comes from a worker, in the form of the report."""
    named = {"frames": ("function", "file", "line"), "stacks": ("frames", "weight")}
    named |= {"snapshots": ("at_s", "rss_bytes", "heap_bytes")}
    rows = {key: [dict(zip(names, row, strict=True)) for row in found.get(key, [])] for key, names in named.items()}
    return {**found, **rows}
