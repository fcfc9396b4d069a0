"""Brains as files: merge, inspect, verify, diff."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from melvin.brain import Brain
from melvin.brainfile import verify as verify_file
from melvin.commands.shared import PathType, brain_argument, for_want_of_memory, json_option, say, show
from melvin.container import remove_remains
from melvin.diff import diff as compare
from melvin.errors import BrainFileError, InputError
from melvin.lock import Lock

DIFFERENT = 3  # what `diff` says of two brains that do


@click.command()
@click.argument("out", type=PathType())
@click.argument("brains", metavar="A B...", nargs=-1, required=True, type=PathType())
@json_option
def merge(out: Path, brains: tuple[Path, ...], as_json: bool) -> None:
    """Write OUT, a brain that has learnt what the brains A, B, ... have. They stay as they are."""
    if len(brains) < 2:
        raise click.UsageError("name two brains or more to merge")
    if not out.absolute().parent.is_dir():
        raise InputError(f"the folder {out.absolute().parent} does not exist: make it, or name another path for OUT")
    with Lock(out):
        if out.exists():
            raise InputError(f"{out} is there already: name another path, merging makes a new brain")
        remove_remains(out)
        merged = Brain.open(brains[0])
        for path in brains[1:]:
            merged = merged.merge(Brain.open(path))
        merged.save(out)
    stats = merged.stats()
    document = {"brain": str(out), "merged": [str(path) for path in brains], **asdict(stats)}
    document["brain_bytes"] = out.stat().st_size
    rows = [
        ("merged", f"{len(brains)} brains into {out}, {out.stat().st_size:,} bytes"),
        ("learnt", f"{stats.bytes:,} bytes, {stats.lines:,} lines"),
        ("symbols", f"{stats.symbols:,}, {stats.patterns:,} of them patterns"),
        ("edges", f"{stats.edges:,}"),
    ]
    show(document, as_json, "\n".join(f"{name:<12} {value}" for name, value in rows), f"; {out} is saved")


@click.command()
@brain_argument
@json_option
@click.option("--top", default=10, show_default=True, type=click.IntRange(min=0), help="Newest patterns to list.")
def inspect(brain: Path, as_json: bool, top: int) -> None:
    """Show what BRAIN holds."""
    opened = Brain.open(brain)
    held = opened.stats()
    stats = asdict(held)
    newest = [
        {"payload": p.payload.decode("utf-8", "replace"), "level": p.level, "born": p.born}
        for port in held.ports
        for p in reversed(opened.patterns(port=port, newest=top))
    ]
    rows = [
        *(f"{name:<13} {value:,}" for name, value in stats.items() if isinstance(value, int)),
        f"{'ports':<13} {', '.join(stats['ports'])}",
        *(f"{name:<13} {value}" for name, value in for_want_of_memory(held)),
        f"{'file':<13} {brain.stat().st_size:,} bytes",
        *(f"  {p['payload']!r}  level {p['level']}" for p in newest),
    ]
    curve = opened.learning_curve()
    rows += [f"{p.bytes:>16,} bytes  {p.bits_per_byte:7.4f} bits/byte  of {p.predicted:,}" for p in curve]
    document = {"file_bytes": brain.stat().st_size, "newest_patterns": newest, "learning_curve": [*map(asdict, curve)]}
    show({**stats, **document}, as_json, "\n".join(rows))


@click.command()
@brain_argument
@json_option
def verify(brain: Path, as_json: bool) -> None:
    """Read every byte of BRAIN and check it; exit code 1 names what is damaged."""
    try:
        verify_file(brain)
    except BrainFileError as error:
        if as_json:
            say(json.dumps({"brain": str(brain), "ok": False, "error": str(error)}))
        raise
    show({"brain": str(brain), "ok": True, "error": None}, as_json, f"{brain} is whole")


@click.command()
@click.argument("a", type=PathType())
@click.argument("b", type=PathType())
@json_option
def diff(a: Path, b: Path, as_json: bool) -> None:
    """Explain how the brains A and B differ, by table and field; exit code 3 when they do."""
    found = compare(a, b)
    rows = [f"{d.section:<24} {d.what}" for d in found] or [f"{a} and {b} hold the same"]
    show({"a": str(a), "b": str(b), "differences": [asdict(d) for d in found]}, as_json, "\n".join(rows))
    if found:
        click.get_current_context().exit(DIFFERENT)
