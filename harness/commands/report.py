"""`harness report`: make the views of a report again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from harness.commands.options import PathOption
from harness.console import human, put
from harness.errors import ReportError
from harness.output import make_folder, write
from harness.report.document import parse_document, read_json
from harness.report.views import KINDS, OF, files_of


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
    console = human()
    with _one_sentence(source), console.capture() as shown:
        files = files_of(report)
        OF[type(report)].show(report, console)
    folder = source.parent if output is None else make_folder("report", output)
    for name, text in files.items():
        write(folder / name, text)
    console.file.write(shown.get())
    console.print(f"page: {folder / 'report.html'}", style="dim", soft_wrap=True)
    if as_json:
        put(report.to_json())


@contextmanager
def _one_sentence(source: Path) -> Iterator[None]:
    """A report may be anybody's: what no view can be made of is said, before anything is written."""
    try:
        yield
    except (ArithmeticError, LookupError, ValueError) as error:
        raise ReportError(
            f"{source} cannot be shown: its values do not fit together ({type(error).__name__}: {error}); "
            "take a copy that is not damaged, or measure again"
        ) from error
