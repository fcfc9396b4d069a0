"""The commands of the workload: options in, one call, its result out. Errors become one sentence here."""

import json
import sys
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from scaling_suite.errors import SizeError, WorkloadError
from scaling_suite.sizes import format_size, parse_size
from scaling_suite.source import read_blocks
from scaling_suite.workload import DEFAULT_SEED, prepare_rung

EXIT_BAD_INPUT = 2


class Size(click.ParamType[int]):
    """A size such as 10MB, as an option."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_size(value)
        except SizeError as error:
            self.fail(str(error), param, ctx)


class Commands(click.Group):
    """The one place where a WorkloadError becomes a sentence on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WorkloadError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(EXIT_BAD_INPUT)


seed_option = click.option("--seed", default=DEFAULT_SEED, show_default=True, type=click.IntRange(min=0))


@click.group(cls=Commands)
def main() -> None:
    """The workload: rungs of a ladder, corpora of any size, behaviours that a learner must show."""


@main.command()
@click.option("--size", required=True, type=Size(), help="Such as 10MB or 512KiB.")
@click.option("--corpus", type=click.Path(path_type=Path), help="A file or folder; default: generated.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to fill."
)
@seed_option
def rung(size: int, corpus: Path | None, out: Path, seed: int) -> None:
    """Write the training text, held-out lines and facts of one rung; print where they are as JSON."""
    made = prepare_rung(corpus, size, out, seed)
    click.echo(json.dumps(asdict(made), default=str))


@main.group()
def corpus() -> None:
    """Make a corpus of any size, or measure how one grows."""


@corpus.command()
@click.option(
    "--size", required=True, type=Size(), help="Such as 1GB; the text ends at the last line that fits."
)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
@seed_option
def make(size: int, out: Path, seed: int) -> None:
    """Write prose of invented words: the same seed gives the same text, a smaller size a beginning of it."""
    from scaling_suite.generator import write_corpus  # numpy is loaded by the commands that need it

    written = write_corpus(out, size, seed)
    click.echo(f"{out}: {format_size(written)}, seed {seed}")


@corpus.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def stats(path: Path, as_json: bool) -> None:
    """Distinct words, word pairs and byte n-grams at each decade, beside those of real prose."""
    from scaling_suite.growth import REAL_PROSE, measure_growth

    rows = measure_growth(read_blocks(path))
    if as_json:
        names = ("words", "word_pairs", "byte_3grams", "byte_5grams")
        real_prose = [
            {"size_bytes": size, **dict(zip(names, row, strict=True))} for size, row in REAL_PROSE.items()
        ]
        click.echo(json.dumps({"growth": [asdict(row) for row in rows], "real_prose": real_prose}))
        return
    heads = ("words", "word pairs", "byte 3-grams", "byte 5-grams")
    click.echo(
        "each cell: here / in real prose\n" + "size".rjust(8) + "".join(head.rjust(24) for head in heads)
    )
    for row in rows:
        real = REAL_PROSE[row.decade] if row.decade else ()
        cells = [
            f"{here:,} / {there:,}" if there else f"{here:,}"
            for here, there in zip_longest(row.compared, real)
        ]
        click.echo(format_size(row.size_bytes).rjust(8) + "".join(cell.rjust(24) for cell in cells))
