"""`harness doctor`: what this machine lets the harness see and do."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.capabilities import Capability, examine
from harness.console import human, put


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="The findings on stdout, as one JSON document.")
def command(as_json: bool) -> None:
    """Try what the harness needs of this machine, and say what is lost where something is missing."""
    found = examine()
    show(found, human())
    if as_json:
        put(json.dumps({item.name: {"works": item.works, "detail": item.detail} for item in found}, indent=1))


def show(found: list[Capability], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "what", "found", "for"):
        table.add_column(name)
    for item in found:
        mark = Text("yes", style="green") if item.works else Text("no", style="yellow")
        table.add_row(mark, item.name, item.detail, item.purpose)
    console.print(table)
