"""`harness canary`: are broken subjects caught, and good ones left in peace?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from harness import units
from harness.commands.options import PathOption
from harness.console import human, put
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.output import make_folder
from harness.plain_text import plain_text

if TYPE_CHECKING:
    from harness.canaries import Outcome

STYLES = {"caught": "green", "quiet": "green", "missed": "bold red", "false alarm": "bold red", "skipped": "yellow"}


@click.command("canary")
@click.option("--quick", is_flag=True, help="The short form: one of each kind, for CI.")
@click.option("--only", help="Only those whose language or name holds this word.")
@click.option("--json", "as_json", is_flag=True, help="The outcomes on stdout, as one JSON document.")
@click.option(
    "-o",
    "--output",
    type=PathOption(file_okay=False),
    help="Where to write their reports. [default: reports/canary-TIME]",
)
@click.pass_context
def command(ctx: click.Context, quick: bool, only: str | None, as_json: bool, output: Path | None) -> None:
    """Run subjects that are broken on purpose, in Python and C, and good ones; print what was caught and missed.

    Caught: the first finding names the defect. A good subject must give no finding that is an error or a warning. Each
    must do the same again when it is replayed: its black box, or its whole ladder where it left none. Exit code 0 when
    all of that holds, else 3.
    """
    from harness.canaries import chosen, fly  # the fixtures are needed by this command only

    with Launcher() as launcher:
        canaries = chosen(quick, only)
        if not canaries:
            raise click.UsageError(f"no canary has {only!r} in its name")
        console = human()
        folder = make_folder("canary", output)
        outcomes = []
        for outcome in fly(canaries, launcher, folder):
            outcomes.append(outcome)
            mark = Text(f"{outcome.outcome:<12}", style=STYLES[outcome.outcome])
            name = f"{outcome.canary.language:<7} {outcome.canary.name:<28}"
            console.print(Text.assemble(mark, name, (plain_text(outcome.said), "dim")), soft_wrap=True)
    console.print()
    console.print(table(outcomes))
    console.print(summary(outcomes))
    if as_json:
        put(json.dumps(document(outcomes), indent=1))
    ctx.exit(ExitCode.OK if all(outcome.right for outcome in outcomes) else ExitCode.REGRESSION)


def table(outcomes: list[Outcome]) -> Table:
    """One row per canary."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("canary", "language", "outcome", "first finding", "expected", "replayed", "took"):
        made.add_column(name, no_wrap=True)
    for outcome in outcomes:
        replayed = {True: "same", False: "not the same", None: units.NOT_MEASURED}[outcome.replayed]
        made.add_row(
            outcome.canary.name,
            outcome.canary.language,
            Text(outcome.outcome, style=STYLES[outcome.outcome]),
            outcome.found or "none",
            outcome.canary.finding or "none",
            Text(replayed, style="bold red" if outcome.replayed is False else ""),
            units.duration(outcome.wall_s),
        )
    return made


def summary(outcomes: list[Outcome]) -> Text:
    """The last line."""
    count = {name: sum(outcome.outcome == name for outcome in outcomes) for name in STYLES}
    broken = sum(outcome.canary.finding is not None and outcome.outcome != "skipped" for outcome in outcomes)
    good = sum(outcome.canary.finding is None and outcome.outcome != "skipped" for outcome in outcomes)
    boxes = [outcome.replayed for outcome in outcomes if outcome.replayed is not None]
    text = (
        f"{count['caught']} of {broken} caught, {count['missed']} missed, {count['false alarm']} false alarms on "
        f"{good} good ones, {sum(boxes)} of {len(boxes)} replayed the same"
    )
    if count["skipped"]:
        text += f", {count['skipped']} skipped: no C compiler"
    return Text(text, style="bold green" if all(outcome.right for outcome in outcomes) else "bold red")


def document(outcomes: list[Outcome]) -> dict[str, object]:
    """The outcomes for a program."""
    return {
        "schema": "harness.canary/1",
        "canaries": [
            {
                "name": outcome.canary.name,
                "language": outcome.canary.language,
                "outcome": outcome.outcome,
                "expected": outcome.canary.finding,
                "found": outcome.found or None,
                "said": outcome.said,
                "replayed": outcome.replayed,
                "wall_s": outcome.wall_s,
            }
            for outcome in outcomes
        ],
    }
