"""The commands of the workload: options in, one call, its result out. Errors become one sentence here."""

import json
import sys
import tempfile
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from scaling_suite.behaviours import read_cases, with_capability
from scaling_suite.capabilities.cli import capability
from scaling_suite.errors import BrainError, SizeError, WorkloadError
from scaling_suite.judge import Outcome, having_read, judge_all, melvin_learner
from scaling_suite.peers.cli import peers
from scaling_suite.sizes import format_size, parse_size
from scaling_suite.source import read_blocks, source_bytes
from scaling_suite.workload import DEFAULT_SEED, prepare_rung

EXIT_FAILED = 1
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
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to fill.")
@seed_option
def rung(size: int, corpus: Path | None, out: Path, seed: int) -> None:
    """Write the training text, held-out lines and facts of one rung; print where they are as JSON."""
    made = prepare_rung(corpus, size, out, seed)
    click.echo(json.dumps(asdict(made), default=str))


main.add_command(capability)
main.add_command(peers)


@main.group()
def corpus() -> None:
    """Make a corpus of any size, or measure how one grows."""


@corpus.command()
@click.option("--size", required=True, type=Size(), help="Such as 1GB; the text ends at the last line that fits.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
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
        real_prose = [{"size_bytes": size, **dict(zip(names, row, strict=True))} for size, row in REAL_PROSE.items()]
        click.echo(json.dumps({"growth": [asdict(row) for row in rows], "real_prose": real_prose}))
        return
    heads = ("words", "word pairs", "byte 3-grams", "byte 5-grams")
    title = "each cell: here / in real prose\n" + "size".rjust(8) + "".join(head.rjust(24) for head in heads)
    for row in rows:
        if title:
            click.echo(title)
            title = ""
        real = REAL_PROSE[row.decade] if row.decade else ()
        cells = [f"{here:,} / {there:,}" if there else f"{here:,}" for here, there in zip_longest(row.compared, real)]
        click.echo(format_size(row.size_bytes).rjust(8) + "".join(cell.rjust(24) for cell in cells))


@main.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--among", default=0, show_default=True, type=click.IntRange(0), help="Unrelated lines around each case.")
@click.option("--after", type=click.Path(path_type=Path), help="A text that each brain has read before its case.")
@click.option("--capability", "only", multiple=True, help="Run the cases of this capability alone; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_context
def behaviours(
    ctx: click.Context, path: Path, among: int, after: Path | None, only: tuple[str, ...], as_json: bool
) -> None:
    """Run the cases of FILE, each on a fresh brain. Exit code 0 when all pass, 1 when one does not."""
    cases = with_capability(read_cases(path), only)
    if after is not None:
        source_bytes(after)  # the same sentence as for any text that cannot be read
    with tempfile.TemporaryDirectory() as folder:
        learner = melvin_learner() if after is None else having_read(melvin_learner(), after, Path(folder))
        outcomes = list(judge_all(cases, learner, among))
    click.echo(json.dumps(as_document(outcomes, among, after)) if as_json else as_text(outcomes))
    ctx.exit(0 if all(outcome.passed for outcome in outcomes) else EXIT_FAILED)


@main.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--times", default=3, show_default=True, type=click.IntRange(1), help="How often FILE is learnt.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def recall(path: Path, times: int, as_json: bool) -> None:
    """Learn FILE, one fact a line, and ask for each fact's last word; show what came back otherwise.

    Only facts whose other words leave one way to go on are asked for.
    """
    from scaling_suite.recall import measure_recall

    found = measure_recall(path, melvin_learner(), times)
    exact = found.asked - len(found.misses)
    if as_json:
        misses = [
            {name: shown.decode("utf-8", "backslashreplace") for name, shown in pairs}
            for one in found.misses
            for pairs in [[("prefix", one.question.prefix), ("answer", one.question.answer), ("came", one.came)]]
        ]
        counts = {"facts": found.facts, "asked": found.asked, "open": found.open, "exact": exact}
        click.echo(json.dumps({"schema": "scaling_suite.recall/1", "times": times, **counts, "misses": misses}))
        return
    for one in found.misses:
        prefix, answer, came = (
            ascii(text.decode("utf-8", "replace")) for text in (one.question.prefix, one.question.answer, one.came)
        )
        click.echo(f"{prefix}\n    expected: {answer}\n    came:     {came}")
    click.echo(f"{exact} of {found.asked} exact ({found.share:.1%}); {found.open} prefixes have several answers")


@main.command()
@click.argument("brain", type=click.Path(path_type=Path))
@click.argument("text")
@click.option("--port", default="text", show_default=True, help="The port that is asked.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def rows(brain: Path, text: str, port: str, as_json: bool) -> None:
    """Count the rows that BRAIN looks up to predict every byte of TEXT: they must not grow with the brain."""
    from melvin import Brain, MelvinError
    from melvin.reads import reads_of
    from melvin.weights import HEADS

    try:
        known = Brain.open(brain).snapshot
    except MelvinError as error:
        raise BrainError(str(error)) from error
    if port not in known.symbols.ports:
        raise BrainError(f"{brain} has no port {port!r}: it has heard of {', '.join(known.symbols.ports) or 'none'}")
    found = reads_of(known, text.encode("utf-8", "surrogateescape"), known.symbols.ports.index(port))
    held = {"symbols": known.symbols.size, "edges": known.evidence.links.size, "heads": HEADS}
    if as_json:
        click.echo(json.dumps({"schema": "scaling_suite.rows/1", "brain": str(brain), **held, **asdict(found)}))
        return
    click.echo(f"{held['symbols']:,} symbols, {held['edges']:,} edges, {HEADS} heads")
    click.echo(f"{found.places} predictions: {found.rows:,} rows looked up, {found.rows / found.places:.1f} each")
    for name, entries in sorted(found.by_table.items()):
        click.echo(f"  {name:<28}{entries:>10,} entries read")


def as_document(outcomes: list[Outcome], among: int, after: Path | None = None) -> dict[str, Any]:
    """The outcomes for a program."""
    passed = sum(outcome.passed for outcome in outcomes)
    return {
        "schema": "scaling_suite.behaviours/1",
        "among": among,
        "after": None if after is None else str(after),
        "passed": passed,
        "failed": len(outcomes) - passed,
        "capabilities": {
            name: {"passed": good, "failed": total - good} for name, good, total in per_capability(outcomes)
        },
        "cases": [
            {
                "id": outcome.case.id,
                "capability": outcome.case.capability,
                "kind": outcome.case.expect.kind,
                "passed": outcome.passed,
                "expected": outcome.expected,
                "came": outcome.came,
            }
            for outcome in outcomes
        ],
    }


def as_text(outcomes: list[Outcome]) -> str:
    """The outcomes for a person: passed per capability, then every wrong answer."""
    table = [f"{name:<14}{good:>4} of {total}" for name, good, total in per_capability(outcomes)]
    wrong = [
        f"{outcome.case.id}\n    expected: {outcome.expected}\n    came:     {outcome.came}"
        for outcome in outcomes
        if not outcome.passed
    ]
    total = f"{'all':<14}{len(outcomes) - len(wrong):>4} of {len(outcomes)}"
    return "\n".join([*table, total, *wrong])


def per_capability(outcomes: list[Outcome]) -> list[tuple[str, int, int]]:
    """(capability, how many passed, how many there are), in the order of the file."""
    names = dict.fromkeys(outcome.case.capability for outcome in outcomes)
    by_name = {name: [o.passed for o in outcomes if o.case.capability == name] for name in names}
    return [(name, sum(passed), len(passed)) for name, passed in by_name.items()]
