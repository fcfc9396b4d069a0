"""Asking a brain: query, why, relation, before, after, score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from melvin.brain import Brain
from melvin.commands.shared import PathType, brain_argument, json_option, number_option, port_option, printable, show
from melvin.errors import InputError
from melvin.lines import to_bytes
from melvin.neighbours import Near
from melvin.relations import NONE
from melvin.training import STDIN, Source


@click.command()
@brain_argument
@click.argument("text")
@json_option
@port_option
@click.option("--focus", default="", help="What is asked for: its words re-weight what may come.")
def query(brain: Path, text: str, as_json: bool, port: str, focus: str) -> None:
    """Show how BRAIN goes on from TEXT."""
    answer = Brain.open(brain).query(to_bytes(text), focus=to_bytes(focus), port=port)
    document = {
        "query": text,
        "text": answer.text,
        "payload_hex": answer.payload.hex(),
        "probability": answer.probability,
        "confidence": answer.confidence,
        "entropy_bits": answer.entropy,
        "choices": answer.choices,
        "focus_width": answer.focus_width,
        "abstained": answer.abstained,
        "candidates": [
            {"text": c.text, "payload_hex": c.payload.hex(), "probability": c.probability, "ends": c.ends}
            for c in answer.candidates
        ],
    }
    known = "I don't know" if answer.abstained else f"{text}{answer.text}"
    rows = [known.encode("utf-8", "surrogateescape").decode("utf-8", "replace")]
    sure = f"probability {answer.probability:.3f}, confidence {answer.confidence:.3f}, "
    sure += f"entropy {answer.entropy:.2f} bits, {answer.choices:.1f} choices"
    rows.append(sure + (f", focus on {answer.focus_width:.1f} words" if focus else ""))
    for c in answer.candidates:
        shown = c.payload.decode("utf-8", "replace")
        rows.append(f"  {c.probability:6.3f}  {shown!r}{' and the line ends' if c.ends else ''}")
    show(document, as_json, "\n".join(rows))


@click.command()
@brain_argument
@click.argument("text")
@click.argument("continuation", required=False)
@json_option
@port_option
def why(brain: Path, text: str, continuation: str | None, as_json: bool, port: str) -> None:
    """Explain how BRAIN goes on from TEXT, or how likely CONTINUATION is: which heads carry it, on what evidence."""
    asked = None if continuation is None else to_bytes(continuation)
    found = Brain.open(brain).why(to_bytes(text), asked, port=port)
    document = {
        "query": text,
        "continuation_hex": found.continuation.hex(),
        "ends": found.ends,
        "probability": found.probability,
        "feedback": found.feedback,
        "reasons": [
            {
                "head": reason.head,
                "share": reason.share,
                "context_hex": reason.context.hex(),
                "starts": reason.starts,
                "attended_hex": reason.attended.hex(),
                "lag": reason.lag,
                "target_hex": reason.target.hex(),
                "ends": reason.ends,
                "found": reason.found,
                "total": reason.total,
                "text": reason.text,
            }
            for reason in found.reasons
        ],
    }
    show(document, as_json, found.text)


@click.command()
@brain_argument
@click.argument("a")
@click.argument("b")
@json_option
@port_option
def relation(brain: Path, a: str, b: str, as_json: bool, port: str) -> None:
    """Show what the word A has to do with the word B in time: causes, enables, prevents, precedes, follows or none.

    Of texts of several words, the last one of A with the first one of B.
    """
    found = Brain.open(brain).relation(to_bytes(a), to_bytes(b), port=port)
    rows = [
        f"{a} {found.kind} {b}" if found.kind != NONE else f"{a} and {b}: none",
        f"strength     {found.strength:.3f}",
        f"pairs        {found.count:,}: {b} after {a} {found.after:,}, before it {found.before:,}",
        f"lag          {found.mean_lag:.2f} words, deviation {found.lag_deviation:.2f}",
        f"P with       {found.p_with:.3f}, of {found.source_trials:,} stretches with {a}",
        f"P without    {found.p_without:.3f}, of {found.trials - found.source_trials:,} others",
        f"Delta-P      {found.delta_p:+.3f}, standard error {found.delta_p_error:.3f}",
        f"among edges  mean {found.edges_mean:+.3f}, deviation {found.edges_deviation:.3f}, of {found.edges:,}",
    ]
    if found.within:
        rows.append(f"within       {found.within}: Delta-P {found.within_delta_p:+.3f}")
    show({**asdict(found), "count": found.count}, as_json, printable(rows))


@click.command()
@brain_argument
@click.argument("text")
@number_option
@json_option
@port_option
def before(brain: Path, text: str, number: int, as_json: bool, port: str) -> None:
    """List the words that come before TEXT, the nearest and strongest first."""
    _show_near(text, Brain.open(brain).before(to_bytes(text), number, port=port), as_json)


@click.command()
@brain_argument
@click.argument("text")
@number_option
@json_option
@port_option
def after(brain: Path, text: str, number: int, as_json: bool, port: str) -> None:
    """List the words that come after TEXT, the nearest and strongest first."""
    _show_near(text, Brain.open(brain).after(to_bytes(text), number, port=port), as_json)


def _show_near(text: str, found: list[Near], as_json: bool) -> None:
    words = [
        {
            "text": word.text,
            "payload_hex": word.payload.hex(),
            "count": word.count,
            "mean_lag": word.mean_lag,
            "lag_deviation": word.lag_deviation,
        }
        for word in found
    ]
    rows = [f"{w.text:<20} {w.count:8,}  lag {w.mean_lag:5.2f} ± {w.lag_deviation:.2f}" for w in found]
    show({"query": text, "words": words}, as_json, printable(rows) if rows else "no word comes near it")


@click.command()
@brain_argument
@click.argument("file", type=PathType(str))
@json_option
def score(brain: Path, file: str, as_json: bool) -> None:
    """Show how many bits per byte FILE (- for standard input) costs, told line by line by BRAIN."""
    opened = Brain.open(brain)
    try:
        with Source(None if file == STDIN else Path(file), 0).open() as stream:
            bits = opened.score(_lines(stream))
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    show({"brain": str(brain), "file": file, "bits_per_byte": bits}, as_json, f"{bits:.4f} bits per byte")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    for line in stream:
        yield line.rstrip(b"\n")
