"""`harness faults`: what is on the disk after a fault?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from harness.commands.options import Duration
from harness.console import human
from harness.errors import SubjectError
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import GIB, Limits
from harness.machine import describe_machine, describe_subject, describe_tool
from harness.one_job import run_job
from harness.output import append_step_summary, make_folder, write
from harness.plain_text import plain_text
from harness.subject import parse_subject

SCHEMA = "harness.faults/1"
MEMORY_BYTES = 4 * GIB
SWEEPS = "abcdef"
COUNTS = ("points", "before", "after", "refused", "corrupt", "littered", "died")
COLUMNS = ("", "kind", "by", *COUNTS)


@click.command("faults")
@click.option("--subject", default="melvin", show_default=True, help="melvin, or python:package.module:Class.")
@click.option("--sweeps", default=SWEEPS, show_default=True, help="Which of them, by their letters.")
@click.option("--short", is_flag=True, help="Few points of each sweep: under a minute.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of lines, moments and damages.")
@click.option("--time-limit", default="15min", show_default=True, type=Duration(), help="Of all sweeps together.")
@click.option("--json", "as_json", is_flag=True, help="The report on stdout, as one JSON document.")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Where to write.")
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
    any point leaves something else.
    """
    if unknown := set(sweeps) - set(SWEEPS):
        raise click.BadParameter(f"there is no sweep {', '.join(sorted(unknown))}: name some of {SWEEPS}")
    with Launcher() as launcher:  # before anything grows
        name = parse_subject(subject)
        if name.command is not None:
            raise SubjectError("faults needs a Python subject: a command's saves are tried by `roundtrip`")
        folder = make_folder("faults", output)
        job = {"task": "faults", "subject": name.text, "sweeps": sweeps, "short": short, "seed": seed}
        record = run_job(launcher, job, folder, Limits(MEMORY_BYTES, time_limit))
    rows = record["rows"]
    total = {count: sum(row[count] for row in rows) for count in COUNTS}
    report = {
        "schema": SCHEMA,
        "tool": describe_tool().model_dump(),
        "machine": describe_machine().model_dump(),
        "subject": describe_subject(name).model_dump(),
        "file_bytes": record["file_bytes"],
        "total": total,
        "rows": rows,
        "left_out": record["left_out"],
    }
    text = json.dumps(report, indent=1)
    write(folder / "report.json", text + "\n")
    write(folder / "summary.md", markdown(report))
    append_step_summary(markdown(report))
    shutil.rmtree(folder / "work", ignore_errors=True)
    show(report, human())
    if as_json:
        click.echo(text)
    ctx.exit(ExitCode.LOSSY if total["corrupt"] or total["littered"] else ExitCode.OK)


def cells(report: dict[str, Any]) -> list[list[str]]:
    table = [[f"({row['sweep']})", row["kind"], row["by"], *(f"{row[c]:,}" for c in COUNTS)] for row in report["rows"]]
    return [*table, ["", "all", "", *(f"{report['total'][count]:,}" for count in COUNTS)]]


def remarks(report: dict[str, Any]) -> list[str]:
    """Notes of rows, what was found, and what could not be run."""
    told = [f"{row['kind']}: {row['note']}" for row in report["rows"] if row["note"]]
    told += [detail for row in report["rows"] for detail in row["details"]]
    return [plain_text(line) for line in [*told, *(f"left out: {why}" for why in report["left_out"])]]


def show(report: dict[str, Any], console: Console) -> None:
    table = Table(*COLUMNS, title=f"{report['subject']['name']}, a file of {report['file_bytes']:,} bytes")
    for row in cells(report):
        table.add_row(*row)
    console.print(table)
    for line in remarks(report):
        console.print(line, soft_wrap=True)


def markdown(report: dict[str, Any]) -> str:
    lines = [f"# Faults: {report['subject']['name']}, a file of {report['file_bytes']:,} bytes", ""]
    lines += [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    lines += [f"| {' | '.join(row)} |" for row in cells(report)]
    return "\n".join([*lines, "", *(f"- {line}" for line in remarks(report)), ""])
