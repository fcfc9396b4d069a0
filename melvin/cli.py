"""The command line: train, feed, merge, query, inspect, verify, diff, score; others stand in `commands`.

Results go to standard output (with --json one JSON document), everything else to standard error. Exit codes: 0 done, 1
the learner's own error with one sentence, 2 wrong usage, 3 two brains differ, 128 + the number of a signal that stopped
a training (what was learnt is saved).
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

from melvin.brain import Brain, Progress
from melvin.brainfile import verify as verify_file
from melvin.commands.shared import SIGNALLED, PathType, brain_argument, json_option, port_option, show
from melvin.commands.talk import chat, generate, teach
from melvin.container import remove_remains
from melvin.diff import diff
from melvin.errors import BrainFileError, InputError, MelvinError, ResumeError
from melvin.feeding import feed
from melvin.feeding.files import AUTO
from melvin.lines import to_bytes
from melvin.lock import Lock
from melvin.relations import NONE, Near
from melvin.settings import MECHANISMS, Settings
from melvin.training import Every, Signals, Source, Training, parse_every

DIFFERENT = 3  # what `diff` says of two brains that do
REDRAWS_PER_S = 10  # of the progress line
TEXT_PROBE_BYTES = 1 << 13  # a file in a folder is text when its first bytes hold no NUL


class Failure(click.ClickException):
    """A MelvinError as click shows it: one sentence, exit code 1."""


class Group(click.Group):
    """Turns every MelvinError into its sentence, once."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MelvinError as error:
            raise Failure(str(error)) from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="melvin")
def main() -> None:
    """A byte-level graph that learns from lines of text."""


for command in (generate, teach, chat):
    main.add_command(command)


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
    interrupted: bool


# ---------------------------------------------------------------- train


class EveryType(click.ParamType[Every]):
    """60s, 10min, 2h or 100000lines."""

    name = "often"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Every:
        try:
            return value if isinstance(value, Every) else parse_every(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


@main.command()
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
def train(
    brain: Path,
    corpus: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    port: str,
    every: Every,
    resume: bool | None,
    without: tuple[str, ...],
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
        learner = Brain.open(brain) if brain.exists() else Brain(Settings.without(without))
        if without and learner.settings != Settings.without(without):
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
        interrupted=not finished,
    )
    if ended:
        click.echo(
            f"{brain} has reached the end of its training: nothing is left to do. "
            "Without --resume, the same command learns CORPUS on top of it.",
            err=True,
        )
    if as_json or not ended:
        show(asdict(summary), as_json, _summary_text(summary))
    if not finished:
        name = signal.Signals(signals.number).name
        click.echo(f"{name}: what was learnt is saved. The same command with --resume goes on from there.", err=True)
        click.get_current_context().exit(SIGNALLED + signals.number)


def _summary_text(s: Summary) -> str:
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
    ]
    return "\n".join(f"{name:<12} {value}" for name, value in rows)


def _sources(corpus: tuple[str, ...]) -> Iterator[Source]:
    for name in corpus:
        path = Path(name)
        if name == "-":
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
        self._on = sys.stderr.isatty() and not quiet
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
        click.echo(
            f"\r\x1b[K{bar} {share:4.0%} {read / 1e6 / took:6.2f} MB/s "
            f"{(progress.lines - self._lines) / took:9,.0f} lines/s  {progress.symbols:,} symbols  "
            f"{progress.edges:,} edges  {rss:,.0f} MiB",
            nl=False,
            err=True,
        )

    def clear(self) -> None:
        if self._on:
            click.echo("\r\x1b[K", nl=False, err=True)


@main.command("feed")
@brain_argument
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@json_option
@click.option(
    "--port", default=AUTO, show_default=True, help="The port that is taught; auto: that of each file's type."
)
def feed_command(brain: Path, files: tuple[Path, ...], as_json: bool, port: str) -> None:
    """Learn FILEs as frames, by type, and save BRAIN: text, WAV, PNG, JPEG, CSV of sensor rows, candump log, any bytes.

    What happens at one time in several files is bound together. When a file cannot be read, BRAIN stays as it is.
    """
    with Lock(brain):
        remove_remains(brain)
        learner = Brain.open(brain) if brain.exists() else Brain()
        if learner.resume is not None:
            raise ResumeError(f"{brain} stands in the middle of a training: finish it first with train --resume")
        before = learner.stats()
        fed = feed(learner, files, port)
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
    show(document, as_json, "\n".join([*rows, f"{after.bridges:,} bridges between {len(after.ports)} port(s)"]))


# ---------------------------------------------------------------- asking


@main.command()
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
    sure = f"probability {answer.probability:.3f}, entropy {answer.entropy:.2f} bits, {answer.choices:.1f} choices"
    rows.append(sure + (f", focus on {answer.focus_width:.1f} words" if focus else ""))
    for c in answer.candidates:
        shown = c.payload.decode("utf-8", "replace")
        rows.append(f"  {c.probability:6.3f}  {shown!r}{' and the line ends' if c.ends else ''}")
    show(document, as_json, "\n".join(rows))


@main.command()
@brain_argument
@click.argument("text")
@click.argument("continuation", required=False)
@json_option
@click.option("--port", default="text", show_default=True, help="The port that is asked.")
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


@main.command()
@brain_argument
@click.argument("a")
@click.argument("b")
@json_option
@click.option("--port", default="text", show_default=True, help="The port that is asked.")
def relation(brain: Path, a: str, b: str, as_json: bool, port: str) -> None:
    """Show what the word A has to do with the word B in time: causes, enables, prevents, precedes, follows or none."""
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
    show({**asdict(found), "count": found.count}, as_json, _printable(rows))


def _printable(rows: list[str]) -> str:
    return "\n".join(rows).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


number_option = click.option("-n", "number", default=5, show_default=True, type=click.IntRange(min=1), help="Words.")


@main.command()
@brain_argument
@click.argument("text")
@number_option
@json_option
@click.option("--port", default="text", show_default=True, help="The port that is asked.")
def before(brain: Path, text: str, number: int, as_json: bool, port: str) -> None:
    """List the words that come before TEXT, the nearest and strongest first."""
    _show_near(text, Brain.open(brain).before(to_bytes(text), number, port=port), as_json)


@main.command()
@brain_argument
@click.argument("text")
@number_option
@json_option
@click.option("--port", default="text", show_default=True, help="The port that is asked.")
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
    show({"query": text, "words": words}, as_json, _printable(rows) if rows else "no word comes near it")


@main.command("merge")
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("brains", metavar="A B...", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def merge_command(out: Path, brains: tuple[Path, ...], as_json: bool) -> None:
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
    show(document, as_json, "\n".join(f"{name:<12} {value}" for name, value in rows))


@main.command()
@brain_argument
@json_option
@click.option("--top", default=10, show_default=True, type=click.IntRange(min=0), help="Newest patterns to list.")
def inspect(brain: Path, as_json: bool, top: int) -> None:
    """Show what BRAIN holds."""
    opened = Brain.open(brain)
    stats = asdict(opened.stats())
    newest = [
        {"payload": p.payload.decode("utf-8", "replace"), "level": p.level, "born": p.born}
        for port in opened.stats().ports
        for p in opened.patterns(port=port)[::-1][:top]
    ]
    rows = [
        f"{name:<12} {value:,}" if isinstance(value, int) else f"{name:<12} {', '.join(value)}"
        for name, value in stats.items()
    ]
    rows += [
        f"{'file':<12} {brain.stat().st_size:,} bytes",
        *(f"  {p['payload']!r}  level {p['level']}" for p in newest),
    ]
    show({**stats, "file_bytes": brain.stat().st_size, "newest_patterns": newest}, as_json, "\n".join(rows))


@main.command()
@brain_argument
@json_option
def verify(brain: Path, as_json: bool) -> None:
    """Read every byte of BRAIN and check it; exit code 1 names what is damaged."""
    try:
        verify_file(brain)
    except BrainFileError as error:
        if as_json:
            click.echo(json.dumps({"brain": str(brain), "ok": False, "error": str(error)}))
        raise
    show({"brain": str(brain), "ok": True, "error": None}, as_json, f"{brain} is whole")


@main.command("diff")
@click.argument("a", type=PathType())
@click.argument("b", type=PathType())
@json_option
def diff_command(a: Path, b: Path, as_json: bool) -> None:
    """Explain how the brains A and B differ, by table and field; exit code 3 when they do."""
    found = diff(a, b)
    rows = [f"{d.section:<24} {d.what}" for d in found] or [f"{a} and {b} hold the same"]
    show({"a": str(a), "b": str(b), "differences": [asdict(d) for d in found]}, as_json, "\n".join(rows))
    if found:
        click.get_current_context().exit(DIFFERENT)


@main.command()
@brain_argument
@click.argument("file", type=PathType())
@json_option
def score(brain: Path, file: Path, as_json: bool) -> None:
    """Show how many bits per byte FILE costs, told line by line by BRAIN."""
    opened = Brain.open(brain)
    try:
        with file.open("rb") as stream:
            bits = opened.score(_lines(stream))
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    show({"brain": str(brain), "file": str(file), "bits_per_byte": bits}, as_json, f"{bits:.4f} bits per byte")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    for line in stream:
        yield line.rstrip(b"\n")
