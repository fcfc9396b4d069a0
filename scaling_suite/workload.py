"""Rungs: the training text, the held-out lines and the planted facts of one step of the ladder, on disk.

A source of any size flows in as a stream of lines; three files flow out. Memory stays constant. The
source is read up to a window to choose the held-out lines, then once from the start until the rung is
full.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from scaling_suite import facts, heldout
from scaling_suite.errors import SourceError, WorkloadError
from scaling_suite.sizes import format_size
from scaling_suite.source import BLOCK_BYTES, LONG_LINE_BYTES, line_pieces, read_blocks, source_bytes

__all__ = ["Rung", "WorkloadError", "ladder_sizes", "prepare_rung", "source_bytes"]

DEFAULT_SEED = 7
FILE_NAMES = ("corpus.txt", "heldout.txt", "facts.jsonl")
MIN_RUNG_BYTES = 512  # three times the longest fact, and some text
ONE_FACT_LINE_IN = 200
TIMES_PLANTED = 3
MAX_FACTS_PLANTED = 100_000  # reached at about 10 GB
MAX_FACTS_ASKED = 200  # enough to know the recalled share within 4 points; asking stays quick at 1 GB
MAX_SHARE_MISSING = 0.05  # of what was asked, when the source ends: held-out lines are taken out of it
MAX_SHARE_UNFILLED = 0.25  # of the rung: a line is cut rather than left out when leaving it out costs more


@dataclass(frozen=True)
class Rung:
    """One step of the ladder, on disk.

    size_bytes : int     the size asked
    corpus : Path        the training text: at most size_bytes, cut at line borders, the facts planted inside
    corpus_bytes : int
    corpus_lines : int   lines that hold something: not empty, nor a carriage return alone
    heldout : Path       lines that no rung trains on, the same for every rung of one source and seed
    facts : Path         JSON lines {"prefix", "answer"}: the planted facts to ask
    """

    size_bytes: int
    corpus: Path
    corpus_bytes: int
    corpus_lines: int
    heldout: Path
    facts: Path


@dataclass(frozen=True)
class Plan:
    """How many facts a rung holds, and where.

    Occurrence k of TIMES_PLANTED × distinct facts belongs near byte (k + ½) / occurrences of the rung and is
    fact k modulo distinct: each fact appears once in each third of the text.
    """

    size_bytes: int
    distinct: int
    seed: int

    @property
    def occurrences(self) -> int:
        return TIMES_PLANTED * self.distinct

    def position(self, occurrence: int) -> int:
        return (2 * occurrence + 1) * self.size_bytes // (2 * self.occurrences)

    def line(self, occurrence: int) -> bytes:
        return facts.fact(occurrence % self.distinct, self.seed).line

    def total_bytes(self) -> int:
        return TIMES_PLANTED * sum(len(self.line(index)) for index in range(self.distinct))

    def asked(self) -> Iterator[facts.Fact]:
        """At most MAX_FACTS_ASKED of the facts, evenly spread over the text."""
        asked = min(self.distinct, MAX_FACTS_ASKED)
        return (facts.fact(number * self.distinct // asked, self.seed) for number in range(asked))


def prepare_rung(source: Path | None, size_bytes: int, folder: Path, seed: int = DEFAULT_SEED) -> Rung:
    """Write the files of one rung into `folder`, which is made when it is not there.

    source : a file, or a folder of text files; None is the generator of this package
    seed : decides the held-out lines, the facts, and the generator's text

    The same arguments give the same bytes, and a smaller rung has a beginning of the lines of a larger one.
    Raises WorkloadError when the size is too small, the source too short, or a file cannot be read or
    written.
    """
    if size_bytes < MIN_RUNG_BYTES:
        raise WorkloadError(
            f"a rung of {format_size(size_bytes)} is too small to hold text and facts: "
            f"ask for at least {format_size(MIN_RUNG_BYTES)}"
        )
    if source is not None:
        _check_long_enough(source, source_bytes(source), size_bytes)
    chosen, mean_line_bytes = _survey(_pieces(source, seed), seed)
    plan = Plan(size_bytes, _facts_for(size_bytes, mean_line_bytes), seed)
    corpus, heldout_file, facts_file = (folder / name for name in FILE_NAMES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        heldout_file.write_bytes(b"".join(line + b"\n" for line in chosen.lines))
        facts.write_facts(facts_file, plan.asked())
        with corpus.open("wb", buffering=BLOCK_BYTES) as file:
            written = _write_corpus(file, _pieces(source, seed), plan, chosen)
    except OSError as error:
        why = error.strerror or error
        raise WorkloadError(f"the rung cannot be written to {folder} ({why}): give another folder") from error
    if source is not None and written.source_ended:
        _check_long_enough(source, written.bytes, size_bytes)
    return Rung(size_bytes, corpus, written.bytes, written.lines, heldout_file, facts_file)


def ladder_sizes(first: int, last: int, factor: int = 10) -> list[int]:
    """The sizes of a ladder in bytes: from `first`, each `factor` times the one before, to `last` itself."""
    if first < 1 or factor < 2:
        raise WorkloadError(f"a ladder starts at 1 byte or more and grows by 2 or more, not {first} by {factor}")
    if first > last:
        raise WorkloadError(f"a ladder goes up, not from {format_size(first)} to {format_size(last)}")
    sizes = itertools.takewhile(lambda size: size < last, (first * factor**step for step in itertools.count()))
    return [*sizes, last]


def _pieces(source: Path | None, seed: int) -> Iterator[tuple[bytes, bool]]:
    if source is not None:
        return line_pieces(read_blocks(source))
    from scaling_suite.generator import generate  # needs numpy, which a ladder over a file does without

    return line_pieces(generate(seed))


def _survey(pieces: Iterator[tuple[bytes, bool]], seed: int) -> tuple[heldout.HeldOut, float]:
    """The held-out lines of the first part of a source, and the mean length of its lines with line feeds."""
    seen = lines = 0

    def whole_lines() -> Iterator[bytes]:
        nonlocal seen, lines
        inside = False
        for piece, ends in pieces:
            seen += len(piece) + ends
            if seen > heldout.WINDOW_BYTES:
                return
            lines += ends and (inside or _says_something(piece))
            if ends and not inside:
                yield piece
            inside = not ends

    chosen = heldout.choose_heldout(whole_lines(), seed)
    return chosen, seen / max(lines, 1)


def _facts_for(size_bytes: int, mean_line_bytes: float) -> int:
    lines = size_bytes / mean_line_bytes
    return min(max(1, round(lines / ONE_FACT_LINE_IN / TIMES_PLANTED)), MAX_FACTS_PLANTED)


@dataclass(frozen=True)
class Written:
    """What was written of a rung's text, and whether the source ended before the rung was full."""

    bytes: int
    lines: int
    source_ended: bool


def _write_corpus(file: BinaryIO, pieces: Iterator[tuple[bytes, bool]], plan: Plan, chosen: heldout.HeldOut) -> Written:
    """Copy lines that are not held out, with the facts between them, until the next line does not fit."""
    left = plan.size_bytes - plan.total_bytes()  # for lines of the source
    written = lines = occurrence = 0
    inside, source_ended = False, True  # inside a line whose pieces come one by one
    due = plan.position(0)
    for piece, ends in pieces:
        if not inside:
            while written >= due:
                written += file.write(plan.line(occurrence))
                occurrence += 1
                due = plan.position(occurrence)
            if ends and chosen.holds(piece):
                continue
        if len(piece) + 1 > left:  # 1: its line feed, now or later
            source_ended = False
            long = inside or not ends or len(piece) >= LONG_LINE_BYTES
            cut = piece[: left - 1] if long or left > MAX_SHARE_UNFILLED * plan.size_bytes else b""
            if cut and (inside or not chosen.holds(cut)):
                written += file.write(cut)
                inside = True
            break
        written += file.write(piece + b"\n" if ends else piece)
        left -= len(piece) + ends
        lines += ends and (inside or _says_something(piece))
        inside = not ends
    if inside:
        written += file.write(b"\n")
        lines += 1
    for rest in range(occurrence, plan.occurrences):
        written += file.write(plan.line(rest))
    return Written(written, lines + plan.occurrences, source_ended)


def _says_something(line: bytes) -> bool:
    return line not in (b"", b"\r")


def _check_long_enough(source: Path, offered: int, size_bytes: int) -> None:
    if offered < (1 - MAX_SHARE_MISSING) * size_bytes:
        raise SourceError(
            f"{source} offers {format_size(offered)} of text, the rung asks for {format_size(size_bytes)}: "
            f"ask for a smaller rung, give a larger corpus, or leave it out to use the generator"
        )
