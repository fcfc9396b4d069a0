"""The commands of the workload: options in, one call, its result out. Errors become one sentence here."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from scaling_suite.errors import SizeError, WorkloadError
from scaling_suite.sizes import parse_size
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
