"""`harness report`: make the views of a report again."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands.options import PathOption
from harness.console import human, put
from harness.output import make_folder, write_views
from harness.report.document import parse_document, read_json
from harness.report.views import KINDS, OF


@click.command("report")
@click.argument("file", type=PathOption())
@click.option("--json", "as_json", is_flag=True, help="The report on stdout, as one JSON document of this version.")
@click.option(
    "-o",
    "--output",
    type=PathOption(file_okay=False),
    help="Where to write. [default: beside FILE]",
)
def command(file: Path, as_json: bool, output: Path | None) -> None:
    """Show the report in FILE (or in the folder FILE), and write its page and other views."""
    source = file / "report.json" if file.is_dir() else file
    report = parse_document(read_json(source), str(source), *KINDS)
    folder = source.parent if output is None else make_folder("report", output)
    write_views(report, folder)
    console = human()
    OF[type(report)].show(report, console)
    console.print(f"page: {folder / 'report.html'}", style="dim", soft_wrap=True)
    if as_json:
        put(report.to_json())
