"""What the commands have in common: arguments, options and how a result is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from melvin.query import Answer

brain_argument = click.argument("brain", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
port_option = click.option("--port", default="text", show_default=True, help="The port that is asked.")


def show(document: dict[str, Any], as_json: bool, text: str) -> None:
    click.echo(json.dumps(document, ensure_ascii=True) if as_json else text)


def readable(text: bytes) -> str:
    """Bytes as a person reads them."""
    return text.decode("utf-8", "replace")


def told(answer: Answer) -> str:
    """An answer in one or two lines."""
    known = "I don't know" if answer.abstained else readable(answer.query + answer.payload)
    sure = f"probability {answer.probability:.3f}, entropy {answer.entropy:.2f} bits, {answer.choices:.1f} choices"
    return f"{known}\n{sure}"
