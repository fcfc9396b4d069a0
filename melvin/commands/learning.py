"""Learning from files: train, feed."""

from __future__ import annotations

import resource
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from melvin.brain import Brain, Progress
from melvin.budget import DEFAULT_MEMORY, format_memory, parse_memory
from melvin.commands.shared import (
    LEARNT,
    SIGNALLED,
    PathType,
    brain_argument,
    for_want_of_memory,
    json_option,
    no_path,
    show,
)
from melvin.container import remove_remains
from melvin.contents import Stats
from melvin.errors import InputError, ResumeError
from melvin.feeding import feed as feed_files
from melvin.feeding.files import AUTO
from melvin.lock import Lock
from melvin.settings import MECHANISMS, Settings
from melvin.signals import Signals
from melvin.training import STDIN, Every, Source, Training, parse_every

REDRAWS_PER_S = 10  # of the progress line
TEXT_PROBE_BYTES = 1 << 13  # a file in a folder is text when its first bytes hold no NUL


@dataclass(frozen=True)
class Summary:
    """What a training run did, and what the brain holds after it."""

    brain: str
    files: int
    read_bytes: int
    learnt_bytes: int
    learnt_lines: int
    symbols: int
    patterns: int
    edges: int
    average_degree: float
    bytes_per_symbol: float
    generation: int
    wall_s: float
    cpu_s: float
    mb_per_s: float
    lines_per_s: float
    peak_rss_bytes: int
    brain_bytes: int
    memory: int
    forgotten: dict[str, int]
    thinned: dict[str, int]
    interrupted: bool


class MemoryType(click.ParamType[int]):
    """512MiB, 2GB or bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_memory(str(value))
        except InputError as error:
            self.fail(str(error), param, ctx)


class EveryType(click.ParamType[Every]):
    """60s, 10min, 2h or 100000lines."""

    name = "often"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Every:
        try:
            return value if isinstance(value, Every) else parse_every(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


@click.command()
@brain_argument
@click.argument("corpus", nargs=-1, required=True)
@json_option
@click.option("--quiet", is_flag=True, help="No progress line.")
@click.option("--port", default="text", show_default=True, help="The port that is taught.")
@click.option(
    "--checkpoint-every",
    "every",
    type=EveryType(),
    default="10min",
    show_default=True,
    help="Save what is learnt so far: 60s, 10min, 100000lines.",
)
@click.option(
    "--resume/--no-resume",
    default=None,
    help="Go on where a training of the same CORPUS stopped / learn CORPUS from its start all the same.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(MECHANISMS),
    help="Switch a mechanism off, for as long as the brain lives; may be given several times.",
)
@click.option(
    "--memory",
    type=MemoryType(),
    help="What the brain may take, for as long as it lives; beyond it, it forgets.  "
    f"[default: {format_memory(DEFAULT_MEMORY)}]",
)
def train(
    brain: Path,
    corpus: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    port: str,
    every: Every,
    resume: bool | None,
    without: tuple[str, ...],
    memory: int | None,
) -> None:
    """Learn CORPUS (files, folders, or - for standard input) and save BRAIN; a brain that is there goes on learning.

    A folder stands for all text files below it, in the order of their paths. Ctrl-C, SIGTERM and SIGHUP save what is
    learnt so far; --resume then goes on, and ends with the brain of one go. With --resume and no BRAIN it begins; with
    one whose training has reached its end there is nothing left to do: that is said, with exit code 0.
    """
    sources = list(_sources(corpus))
    if not brain.absolute().parent.is_dir():
        raise InputError(
            f"the folder {brain.absolute().parent} does not exist: make it, or name another path for the brain"
        )
    with Lock(brain), Signals() as signals:
        remove_remains(brain)
        learner = Brain.open(brain) if brain.exists() else Brain(Settings.without(without), memory=memory)
        if memory not in (None, learner.settings.memory):
            raise InputError(
                f"{brain} has {format_memory(learner.settings.memory)} of memory, for as long as it lives: "
                "leave out --memory, or name another path for the brain"
            )
        if without and learner.settings.off != Settings.without(without).off:
            off = ", ".join(learner.settings.off) or "nothing"
            raise InputError(
                f"{brain} has {off} switched off, for as long as it lives: name another path for the brain"
            )
        training = Training(learner, brain, sources, settings={"port": port}, every=every, signals=signals)
        ended = bool(resume) and brain.exists() and learner.resume is None
        if resume and learner.resume is not None:
            training.go_on()
        elif learner.resume is not None and resume is None:
            raise ResumeError(
                f"{brain} stands in the middle of a training: go on with --resume and the same input, "
                "or learn CORPUS from its start all the same with --no-resume"
            )
        before = learner.stats()
        bar = _ProgressLine(sum(s.size for s in sources), before.bytes, quiet)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            finished = ended or training.run(bar.show)
        finally:
            bar.clear()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    after = learner.stats()
    size = after.bytes - before.bytes
    summary = Summary(
        brain=str(brain),
        files=len(training.done),
        read_bytes=sum(one.size for one in training.done),
        learnt_bytes=size,
        learnt_lines=after.lines - before.lines,
        symbols=after.symbols,
        patterns=after.patterns,
        edges=after.edges,
        average_degree=after.edges / max(after.symbols, 1),
        bytes_per_symbol=brain.stat().st_size / max(after.symbols, 1),
        generation=after.generation,
        wall_s=wall,
        cpu_s=cpu,
        mb_per_s=size / 1e6 / wall,
        lines_per_s=(after.lines - before.lines) / wall,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        brain_bytes=brain.stat().st_size,
        memory=after.memory,
        forgotten=after.forgotten,
        thinned=after.thinned,
        interrupted=not finished,
    )
    if ended:
        click.echo(
            f"{brain} has reached the end of its training: nothing is left to do. "
            "Without --resume, the same command learns CORPUS on top of it.",
            err=True,
        )
    if as_json or not ended:
        show(asdict(summary), as_json, _summary_text(summary, after), LEARNT)
    if not finished:
        name = signal.Signals(signals.number).name
        click.echo(f"{name}: what was learnt is saved. The same command with --resume goes on from there.", err=True)
        click.get_current_context().exit(SIGNALLED + signals.number)


def _summary_text(s: Summary, after: Stats) -> str:
    rows = [
        ("learnt", f"{s.learnt_bytes:,} bytes, {s.learnt_lines:,} lines, {s.files} file(s)"),
        ("symbols", f"{s.symbols:,}, {s.patterns:,} of them patterns"),
        ("edges", f"{s.edges:,}, {s.average_degree:.1f} a symbol"),
        (
            "brain",
            f"{s.brain}, {s.brain_bytes:,} bytes, {s.bytes_per_symbol:,.0f} a symbol, generation {s.generation}",
        ),
        ("time", f"{s.wall_s:.2f} s, {s.cpu_s:.2f} s of CPU"),
        ("speed", f"{s.mb_per_s:.2f} MB/s, {s.lines_per_s:,.0f} lines/s"),
        ("peak memory", f"{s.peak_rss_bytes / 2**20:,.0f} MiB"),
        *for_want_of_memory(after),
    ]
    return "\n".join(f"{name:<12} {value}" for name, value in rows)


def _sources(corpus: tuple[str, ...]) -> Iterator[Source]:
    for name in corpus:
        try:
            yield from _named(name)
        except OSError as error:
            raise InputError(f"cannot read {name}: {error.strerror}") from error


def _named(name: str) -> Iterator[Source]:
    path = Path(name)
    if not name:
        raise no_path("CORPUS")
    if name == STDIN:
        yield Source(None, 0)
    elif path.is_dir():
        found = [p for p in sorted(path.rglob("*")) if p.is_file() and _is_text(p)]
        if not found:
            raise InputError(f"there is no text file below {path}: name another folder")
        yield from (Source(p, p.stat().st_size) for p in found)
    elif path.exists():
        yield Source(path, path.stat().st_size)
    else:
        raise InputError(f"there is no file or folder {path}: check the path")


def _is_text(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"\0" not in file.read(TEXT_PROBE_BYTES)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


class _ProgressLine:
    """One line on a terminal's standard error; nothing elsewhere."""

    WIDTH = 24

    def __init__(self, total: int, already: int, quiet: bool) -> None:
        self._total, self._already = total, already
        self._on = sys.stderr is not None and sys.stderr.isatty() and not quiet
        self._start = time.perf_counter()
        self._drawn = 0.0
        self._lines = -1

    def show(self, progress: Progress) -> None:
        now = time.perf_counter()
        if self._lines < 0:
            self._lines = progress.lines
        if not self._on or now - self._drawn < 1 / REDRAWS_PER_S:
            return
        self._drawn = now
        took = max(now - self._start, 1e-9)
        read = progress.bytes - self._already
        share = min(read / self._total, 1.0) if self._total else 0.0
        bar = "█" * int(share * self.WIDTH) + "·" * (self.WIDTH - int(share * self.WIDTH)) if self._total else ""
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cost = f"{progress.bits_per_byte:.2f} bits/byte  " if progress.bits_per_byte is not None else ""
        click.echo(
            f"\r\x1b[K{bar} {share:4.0%} {read / 1e6 / took:6.2f} MB/s "
            f"{(progress.lines - self._lines) / took:9,.0f} lines/s  {progress.symbols:,} symbols  "
            f"{progress.edges:,} edges  {cost}{rss:,.0f} MiB",
            nl=False,
            err=True,
        )

    def clear(self) -> None:
        if self._on:
            click.echo("\r\x1b[K", nl=False, err=True)


@click.command()
@brain_argument
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=PathType())
@json_option
@click.option(
    "--port", default=AUTO, show_default=True, help="The port that is taught; auto: that of each file's type."
)
def feed(brain: Path, files: tuple[Path, ...], as_json: bool, port: str) -> None:
    """Learn FILEs as frames, by type, and save BRAIN: text, WAV, PNG, JPEG, CSV of sensor rows, candump log, any bytes.

    What happens at one time in several files is bound together. When a file cannot be read, BRAIN stays as it is.
    """
    with Lock(brain):
        remove_remains(brain)
        learner = Brain.open(brain) if brain.exists() else Brain()
        if learner.resume is not None:
            raise ResumeError(f"{brain} stands in the middle of a training: finish it first with train --resume")
        before = learner.stats()
        fed = feed_files(learner, files, port)
        learner.save(brain)
    after = learner.stats()
    document = {
        "brain": str(brain),
        "files": [asdict(one) for one in fed],
        "learnt_bytes": after.bytes - before.bytes,
        "ports": after.ports,
        "bridges": after.bridges,
    }
    rows = [f"{one.file}: {one.frames:,} frames of {one.type} to port {one.port}, {one.bytes:,} bytes" for one in fed]
    rows.append(f"{after.bridges:,} bridges between {len(after.ports)} port(s)")
    show(document, as_json, "\n".join(rows), LEARNT)
