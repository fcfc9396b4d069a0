"""What is like what: similar, category, compose, remove, substitute, analogy; and primed, across ports."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from melvin.brain import Brain
from melvin.commands.shared import PathType, brain_argument, json_option, number_option, port_option, printable, show
from melvin.composition import Composed
from melvin.lines import to_bytes
from melvin.thesaurus import Similar

NOTHING_NEAR = "no word is like it"


@click.command()
@brain_argument
@click.argument("text")
@number_option
@json_option
@port_option
def similar(brain: Path, text: str, number: int, as_json: bool, port: str) -> None:
    """List the words that stand where TEXT stands, the nearest first."""
    found = Brain.open(brain).similar(to_bytes(text), number, port=port)
    show({"query": text, "words": [word._asdict() for word in found]}, as_json, _list(found) or NOTHING_NEAR)


@click.command()
@brain_argument
@click.argument("text")
@json_option
@port_option
def category(brain: Path, text: str, as_json: bool, port: str) -> None:
    """Show the category of the word TEXT: its members, and what stands before and after them."""
    opened = Brain.open(brain)
    found = opened.category(to_bytes(text), port=port)
    members = [] if found is None else opened.members(found, port=port)
    document = {"query": text, "category": None if found is None else asdict(found), "members": members}
    show(document, as_json, printable(members) if members else f"{text} has no category")


def _composition(name: str, words: str, does: str) -> click.Command:
    """A command that shows what the brain's method of this name makes of so many words, each named by a letter."""

    def ask(brain: Path, as_json: bool, port: str, **given: str) -> None:
        _show_composed(getattr(Brain.open(brain), name)(*(given[word] for word in words), port=port), as_json)

    command = click.command(name, help=does)(port_option(json_option(ask)))
    command.params[:0] = [click.Argument(["brain"], type=PathType()), *(click.Argument([word]) for word in words)]
    return command


compose = _composition("compose", "ab", "Show the word nearest to A and B together.")
remove = _composition("remove", "ab", "Show the word nearest to A without B.")
substitute = _composition("substitute", "sab", "Show the word nearest to S with B in place of A.")
analogy = _composition("analogy", "abc", "A is to B as C is to what?")


@click.command()
@brain_argument
@click.argument("text")
@click.option("--on", required=True, help="The port on which something is brought to mind.")
@number_option
@json_option
@port_option
def primed(brain: Path, text: str, on: str, number: int, as_json: bool, port: str) -> None:
    """List what TEXT brings to mind on another port, best first."""
    found = Brain.open(brain).primed(to_bytes(text), port, on=on, n=number)
    document = [
        {"payload_hex": one.payload.hex(), "probability": one.probability, "baseline": one.baseline} for one in found
    ]
    rows = [
        f"{one.payload.decode('utf-8', 'replace'):<20} {one.probability:6.3f}  among all {one.baseline:.3f}"
        for one in found
    ]
    show({"query": text, "on": on, "primed": document}, as_json, "\n".join(rows) or "nothing is brought to mind")


def _show_composed(found: Composed, as_json: bool) -> None:
    rows = f"{found.text}  confidence {found.confidence:.3f}\n{_list(found.candidates)}" if found.text else NOTHING_NEAR
    show(
        {
            "text": found.text,
            "confidence": found.confidence,
            "candidates": [word._asdict() for word in found.candidates],
        },
        as_json,
        rows,
    )


def _list(words: list[Similar] | tuple[Similar, ...]) -> str:
    return printable([f"{word.text:<20} {word.similarity:6.3f}" for word in words])
