"""`harness roundtrip`: is what was loaded what was saved?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from harness import workload
from harness.attempts import Plan, Trials
from harness.commands.options import Duration
from harness.console import human
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import GIB, Limits
from harness.machine import describe_machine, describe_subject, describe_tool
from harness.one_job import WorkerFailed, run_job
from harness.output import append_step_summary, make_folder, write
from harness.plain_text import plain_text
from harness.progress import Progress
from harness.subject import SubjectName, parse_subject

SCHEMA = "harness.roundtrip/1"
MEMORY_BYTES = 4 * GIB
OUTSIDE_BYTES = 10_000  # of text that a command subject is taught


@click.command("roundtrip")
@click.argument("brain", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--subject", default="melvin", show_default=True, help="melvin, python:package.module:Class or command:file.toml."
)
@click.option("--examples", default=100, show_default=True, type=click.IntRange(1), help="Cases that are drawn.")
@click.option("--large", default=4, show_default=True, type=click.IntRange(0), help="Large cases from the builder.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of the large cases.")
@click.option("--time-limit", default="10min", show_default=True, type=Duration(), help="Of the whole search.")
@click.option("--json", "as_json", is_flag=True, help="The report on stdout, as one JSON document.")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Where to write.")
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
        folder = make_folder("roundtrip", output)
        limits = Limits(MEMORY_BYTES, time_limit)
        if name.command is None:
            job = {
                "task": "roundtrip",
                "subject": name.text,
                "brain": None if brain is None else str(brain.resolve()),
                "examples": examples,
                "large": large,
                "seed": seed,
            }
            record = run_job(launcher, job, folder, limits)
        else:
            record = from_outside(name, launcher, folder, limits, seed)
    report = {
        "schema": SCHEMA,
        "tool": describe_tool().model_dump(),
        "machine": describe_machine().model_dump(),
        "subject": describe_subject(name).model_dump(),
        "brain": None if brain is None else str(brain),
        **{part: record[part] for part in ("cases", "offered", "findings")},
    }
    text = json.dumps(report, indent=1)
    write(folder / "report.json", text + "\n")
    write(folder / "summary.md", markdown(report))
    append_step_summary(markdown(report))
    shutil.rmtree(folder / "work", ignore_errors=True)
    show(report, human())
    if as_json:
        click.echo(text)
    ctx.exit(ExitCode.LOSSY if report["findings"] else ExitCode.OK)


def from_outside(name: SubjectName, launcher: Launcher, folder: Path, limits: Limits, seed: int) -> dict[str, Any]:
    """A command, on a small text: counts and answers before and after it is read again, the file after a query."""
    with Progress(human()) as progress:
        trials = Trials(Plan(name, None, seed, limits, None), launcher, folder, progress, workload.prepare)
        attempt = trials.try_once(OUTSIDE_BYTES).attempts[0]
    record = attempt.evidence.result
    if record is None or not record.get("complete"):
        raise WorkerFailed(f"{name.text} did not get through a text of 10 kB: {attempt.verdict.because}")
    broken = [check for check in record["checks"] if not check["holds"]]
    findings = [
        {
            "where": "outside",
            "kind": check["verdict"],
            "detail": f"{check['name']}: {check['detail']}",
            "witness": "a text of 10 kB",
        }
        for check in broken
    ]
    checked = {check["name"]: True for check in record["checks"]}
    return {"cases": 1, "offered": checked, "findings": findings}


COLUMNS = ("where", "kind", "what is lost", "smallest case")


def rows(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(found["where"], found["kind"], found["detail"], found["witness"]) for found in report["findings"]]


def show(report: dict[str, Any], console: Console) -> None:
    looked = ", ".join(what for what, there in report["offered"].items() if there)
    console.print(f"{report['subject']['name']}: {report['cases']} cases; looked at: {looked}", soft_wrap=True)
    if not report["findings"]:
        console.print("nothing is lost", style="green")
        return
    table = Table(*COLUMNS)
    for row in rows(report):
        table.add_row(*(plain_text(cell) for cell in row))
    console.print(table)


def markdown(report: dict[str, Any]) -> str:
    lines = [f"# Round trip of {report['subject']['name']}", "", f"{report['cases']} cases.", ""]
    if not report["findings"]:
        return "\n".join([*lines, "Nothing is lost.", ""])
    lines += [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for row in rows(report):
        cells = (plain_text(cell).replace("|", "\\|") for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
