"""What the commands have in common: arguments, options and how a result is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from melvin.contents import Stats

SIGNALLED = 128  # + the signal's number, as shells report it


class PathType(click.Path):
    """A path that a file can have."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "\0" in os.fsdecode(value):
            self.fail(f"{value!r} holds a NUL byte, and no file has such a name", param, ctx)
        return super().convert(value, param, ctx)


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


def show(document: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result: as one JSON document, or as text."""
    click.echo(json.dumps(document, ensure_ascii=True) if as_json else text)


def printable(rows: list[str]) -> str:
    """Rows as lines that any terminal takes: bytes that are no text are replaced."""
    return "\n".join(rows).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
