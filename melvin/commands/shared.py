"""What the commands have in common: arguments, options and how a result is shown."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from melvin.contents import Stats
from melvin.errors import InputError, OutputError

SIGNALLED = 128  # + the signal's number, as shells report it
LEARNT = "; what was learnt is saved"  # also where that cannot be printed


class PathType(click.Path):
    """A path that a file can have. path_type : what a command takes it as; who opens it says whether it can be read"""

    def __init__(self, path_type: type[Path | str] = Path) -> None:
        super().__init__(path_type=path_type, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not os.fsdecode(value):
            raise no_path(param.human_readable_name if param else "it")
        if "\0" in os.fsdecode(value):
            self.fail(f"{value!r} holds a NUL byte, and no file has such a name", param, ctx)
        return super().convert(value, param, ctx)


def no_path(name: str) -> InputError:
    return InputError(f"{name} is empty, a path was expected: name a file")


brain_argument = click.argument("brain", type=PathType())
port_option = click.option("--port", default="text", show_default=True, help="The port that is asked.")
number_option = click.option("-n", "number", default=5, show_default=True, type=click.IntRange(min=1), help="Words.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def for_want_of_memory(stats: Stats) -> list[tuple[str, str]]:
    """What was left out to stay within the budget, in words."""
    dropped = [f"{count:,} {name}" for name, count in stats.forgotten.items() if count]
    thinned = [f"{name} to 1/{2**halvings:,}" for name, halvings in stats.thinned.items() if halvings]
    return [
        ("forgotten", ", ".join(dropped) or "nothing"),
        *([("thinned", ", ".join(thinned))] if thinned else []),
    ]


def show(document: dict[str, Any], as_json: bool, text: str, kept: str = "") -> None:
    """Print a result: as one JSON document, or as text; otherwise as `say`."""
    say(json.dumps(document, ensure_ascii=True) if as_json else text, kept=kept)


def say(text: str, *, nl: bool = True, kept: str = "") -> None:
    """Print to standard output.

    Parameters
    ----------
    kept : what is saved all the same where that fails

    Raises
    ------
    OutputError : the disk is full, say; not when the reader of a pipe went away, which ends the program quietly
    """
    if sys.stdout is None:
        raise OutputError(f"cannot write to standard output: it is closed{kept}: lead it elsewhere")
    try:
        click.echo(text, nl=nl)
    except BrokenPipeError:
        raise
    except OSError as error:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())  # takes what is still to be written at the end
        os.close(null)
        raise OutputError(
            f"cannot write to standard output: {error.strerror}{kept}: free space, or lead it elsewhere"
        ) from error


def printable(rows: list[str]) -> str:
    """Rows as lines that any terminal takes: bytes that are no text are replaced."""
    return "\n".join(rows).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
