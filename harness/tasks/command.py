"""The task of a command subject: everything that can be told of a trainer from outside, without touching it.

Train, look at the brain, ask, ask again what it holds, resume, train a second time. Output is read while it is
written; counts, progress and stages are found in it by the subject's regular expressions. The record has the shape of
`train`'s, so that one report holds both.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from harness.errors import HarnessError
from harness.heartbeat import LARGEST
from harness.placeholders import fill
from harness.plain_text import plain_text
from harness.procfs import KIB
from harness.stage_clock import ENDED, LEARN, StageClock
from harness.stages import is_learning
from harness.tasks.train import RESUME_CHECK_BYTES, check, read_facts, recalls, size_of, split_in_half, spread

CHUNK_BYTES = 256 * 1024
KEPT_BYTES = 64 * 1024  # of a command's stdout, where an answer may stand
QUERIES = 20  # each is a process of its own
QUERIES_S = 20.0  # and together they may take this long
MOST_DIGITS = 20  # of a number: more than the largest has
SHOWN = 40  # characters of what should be a number
END = 0  # of a command, beside its streams 1 and 2
DRAIN_S = 1.0  # after a command has ended, for those that hold its output to end, too: no part of learning
COUNTS = ("lines", "bytes", "nodes", "edges")
ASKED_FOR_NUMBERS = ("train", "stats", "resume")  # what other commands print is an answer, say
NUMBERS = {*COUNTS, "progress_lines", "progress_bytes"}


class CommandFailed(HarnessError):
    """A command of the subject did not end with exit code 0."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}")
        self.command_exit_code = code


def whole_number(text: str) -> int | None:
    """The number that a program printed, `1,800` too; None where it is none, the largest there is for a larger one."""
    digits = re.sub(r"[,_ ']", "", text)
    if not re.fullmatch("[0-9]+", digits):
        return None
    return min(int(digits.lstrip("0")[:MOST_DIGITS] or "0"), LARGEST)


@dataclass
class Reader:
    """Finds values in output that arrives in pieces. values: name -> the last match."""

    patterns: dict[str, re.Pattern[bytes]]
    on_value: Callable[[str, str], None] | None = None
    values: dict[str, str] = field(default_factory=dict)
    stdout: bytes = b""
    seen_bytes: int = 0
    _rest: dict[int, bytes] = field(default_factory=dict)

    def feed(self, stream: int, chunk: bytes) -> None:
        """A piece of stdout (1) or stderr (2); only whole lines are searched, an empty piece ends the stream."""
        self.seen_bytes += len(chunk)
        if stream == 1 and len(self.stdout) < KEPT_BYTES:
            self.stdout += chunk[: KEPT_BYTES - len(self.stdout)]
        text = self._rest.pop(stream, b"") + chunk
        cut = text.rfind(b"\n") + 1 if chunk else len(text)
        self._rest[stream] = text[cut:][-KEPT_BYTES:]
        for name, pattern in self.patterns.items():
            last = None
            for last in pattern.finditer(text, 0, cut):  # noqa: B007 - the last one counts
                pass
            if last is not None:
                self.values[name] = (last[1] or b"").decode("utf-8", "replace")
                if self.on_value is not None:
                    self.on_value(name, self.values[name])

    def count(self, name: str) -> int | None:
        return whole_number(self.values.get(name, ""))

    def counts(self) -> dict[str, int]:
        return {name: value for name in COUNTS if (value := self.count(name)) is not None}


class Runner:
    """Runs the commands of one subject."""

    def __init__(self, job: dict[str, Any], clock: StageClock) -> None:
        self.command: dict[str, Any] = job["command"]
        self.clock = clock
        self.under: list[str] = job.get("under", [])
        self.discard: bool = job.get("discard_output", False)
        self.built = job["built"]
        self.environment = {**os.environ, **self.command["environment"]}
        self.matched: dict[str, bool] = {}
        self.no_numbers: dict[str, str] = {}  # what matched where a number was expected
        self.left_running: list[str] = []  # commands that ended while somebody else held their output
        self.output_bytes = 0
        reads = self.command["reads"]
        self.patterns = {name: re.compile(text.encode(), re.MULTILINE) for name, text in reads.items() if text}

    def offers(self, name: str) -> bool:
        return self.command[name] is not None

    def run(self, name: str, *, corpus: Path | None = None, brain: Path, query: str = "", lines: int = 0) -> Reader:
        """One command to its end.

        Raises
        ------
        CommandFailed
            if its exit code is not 0.
        """
        values = {"brain": str(brain), "built": self.built, "query": query, "lines": str(lines)}
        if corpus is not None:
            values["corpus"] = str(corpus)
        learning = name in ("train", "resume")
        argv = [*(self.under if learning else []), *fill(self.command[name], **values)]
        reader = Reader(self.patterns, self._heard if name == "train" else None)
        with ExitStack() as closing:
            stdin: int | IO[bytes] = subprocess.DEVNULL
            if self.command["stdin"] == "input" and corpus is not None:
                stdin = closing.enter_context(corpus.open("rb"))
            elif self.command["stdin"] == "input" and name == "query":
                stdin = closing.enter_context(_pipe_holding(query.encode("utf-8", "surrogateescape") + b"\n"))
            output = subprocess.DEVNULL if self.discard else subprocess.PIPE
            process = closing.enter_context(
                subprocess.Popen(
                    argv, stdin=stdin, stdout=output, stderr=output, cwd=self.command["folder"], env=self.environment
                )
            )
            if not self.discard and not self._listen(process, reader) and name not in self.left_running:
                self.left_running.append(name)
            code = process.wait()
        self.output_bytes += reader.seen_bytes
        for count in NUMBERS & reader.values.keys():
            if name in ASKED_FOR_NUMBERS and reader.count(count) is None:
                self.no_numbers[count] = plain_text(reader.values[count][:SHOWN])
        for pattern in self.patterns:
            self.matched[pattern] = self.matched.get(pattern, False) or pattern in reader.values
        if code != 0:
            raise CommandFailed(f"{name} ({Path(self.command[name][0]).name})", code)
        return reader

    def answer(self, brain: Path, query: str) -> str:
        """What the brain answers."""
        said = self.run("query", brain=brain, query=query)
        if "answer" in self.patterns:
            return said.values.get("answer", "")
        return said.stdout.decode("utf-8", "replace").removeprefix(query)

    def become(self, name: str, *, corpus: Path, brain: Path, lines: int) -> NoReturn:
        """Replace this process (a child that was forked for it) by a command that learns."""
        values = {"brain": str(brain), "built": self.built, "lines": str(lines), "corpus": str(corpus)}
        argv = fill(self.command[name], **values)
        stdin = os.open(corpus if self.command["stdin"] == "input" else os.devnull, os.O_RDONLY)
        os.dup2(stdin, 0)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.chdir(self.command["folder"])
        os.execve(argv[0], argv, self.environment)  # noqa: S606

    def _listen(self, process: subprocess.Popen[bytes], reader: Reader) -> bool:
        """Read both streams to their ends; all of it is passed on to our own, where it is counted and kept.

        False when the process has ended and a stream has not: another process, left behind, holds it.
        """
        assert process.stdout is not None
        assert process.stderr is not None
        streams = {1, 2}
        deadline = learnt_in = None
        with selectors.DefaultSelector() as selector, open(os.pidfd_open(process.pid), "rb") as end:  # noqa: PTH123
            selector.register(process.stdout, selectors.EVENT_READ, 1)
            selector.register(process.stderr, selectors.EVENT_READ, 2)
            selector.register(end, selectors.EVENT_READ, END)
            while streams and (deadline is None or time.monotonic() < deadline):
                ready = selector.select(deadline and max(0.0, deadline - time.monotonic()))
                for key, _ in sorted(ready, key=lambda event: event[0].data == END):  # last: what it said is read
                    if key.data == END:
                        deadline = time.monotonic() + DRAIN_S
                        selector.unregister(end)
                        continue
                    chunk = os.read(key.fd, CHUNK_BYTES)
                    reader.feed(key.data, chunk)
                    if not chunk:
                        selector.unregister(key.fileobj)
                        streams.remove(key.data)
                    left = chunk
                    while left:
                        left = left[os.write(key.data, left) :]
                if deadline is not None and streams and is_learning(self.clock.stage) and not selector.select(0):
                    learnt_in, reader.on_value = self.clock.stage, None
                    self.clock.enter(ENDED)
        self.clock.enter(learnt_in or self.clock.stage)
        for stream in streams:
            reader.feed(stream, b"")
        return not streams

    def _heard(self, name: str, value: str) -> None:
        if name == "stage" and value:
            self.clock.enter(value)
        elif name in ("progress_lines", "progress_bytes", "nodes", "edges"):
            number = whole_number(value)
            at = dict(zip(("progress_bytes", "progress_lines", "nodes", "edges"), self.clock.position, strict=True))
            at[name] = -1 if number is None else number
            self.clock.progress(*at.values())


def _pipe_holding(text: bytes) -> IO[bytes]:
    """A pipe that holds a short text and then ends (a question is far below the 64 KiB of a pipe)."""
    read, write = os.pipe()
    os.write(write, text)
    os.close(write)
    return os.fdopen(read, "rb")


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """Train on `job["corpus"]` and tell what came of it; with `until` "learn", only train."""
    runner = Runner(job, clock)
    corpus, folder = Path(job["corpus"]), Path(job["folder"])
    lines = job["lines"]
    brain = folder / "brain.m"
    facts = spread(read_facts(Path(job["facts"])), QUERIES) if job.get("facts") else []
    checks: list[dict[str, Any]] = []

    clock.enter(LEARN)
    trained = runner.run("train", corpus=corpus, brain=brain, lines=lines)
    if trained.count("progress_bytes") is None:
        clock.progress(corpus.stat().st_size, trained.count("lines") or lines, *_sizes(trained.counts()))
    record: dict[str, Any] = {
        "brain": None,
        "quality": {"bits_per_byte": None, "facts_planted": len(facts), "facts_asked": 0, "facts_recalled": 0},
        "latency": None,
        "checks": checks,
        "output_matched": runner.matched,
        "no_numbers": runner.no_numbers,
        "left_running": runner.left_running,
        "command_peak_rss_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * KIB,
    }
    if job.get("until") == "learn":
        return record

    clock.enter("save")
    there = brain.exists() and size_of(brain) > 0
    checks.append(check("it wrote a brain", there, "vanished", f"exit code 0, but {_state(brain)}"))
    if not there:
        return record
    saved = digest(brain)
    printed = trained.counts()
    found = printed
    if runner.offers("verify"):
        clock.enter("verify")
        runner.run("verify", brain=brain)
    if runner.offers("stats"):
        clock.enter("load")
        found = runner.run("stats", brain=brain).counts()
    checks += compare_counts(runner, printed, found)
    record["brain"] = {"file_bytes": size_of(brain), "stats": {**printed, **found}}
    if runner.offers("query"):
        clock.enter("query")
        answers, latency = ask(runner, brain, facts)
        recalled = sum(recalls(answer, fact) for answer, fact in zip(answers, facts, strict=False))
        if runner.command["expects"]["recalls"]:
            record["quality"] |= {"facts_asked": len(answers), "facts_recalled": recalled}
        record["latency"] = latency
        if runner.command["expects"]["query_leaves_brain"]:
            same = brain.exists() and digest(brain) == saved
            checks.append(
                check("asking leaves the file alone", same, "wrong_result", "the brain changed while it was queried")
            )
    else:
        answers = []
    if corpus.stat().st_size <= RESUME_CHECK_BYTES and all(item["holds"] for item in checks):
        if runner.command["expects"]["deterministic"]:
            clock.enter("repeat")
            checks.append(repeat_check(runner, corpus, lines, brain, found, answers, facts))
        if runner.offers("resume") and runner.offers("stats"):
            clock.enter("resume")
            checks += resume_checks(runner, corpus, folder, found)
    return record


def _sizes(counts: dict[str, int]) -> tuple[int, int]:
    return counts.get("nodes", -1), counts.get("edges", -1)


def _state(brain: Path) -> str:
    return "the brain is empty (0 bytes)" if brain.exists() else "there is no brain"


def compare_counts(runner: Runner, printed: dict[str, int], found: dict[str, int]) -> list[dict[str, Any]]:
    """What a brain must satisfy when it is looked at again."""
    checks = []
    expects = runner.command["expects"]
    if expects["nodes_after_load"] and ("nodes" in found or "nodes" in printed):
        empty = found.get("nodes", 0) == 0
        before = printed.get("nodes")
        detail = "the brain is empty when loaded" + (f" (trained with {before:,} nodes)" if before else "")
        if empty and before == 0:
            detail = "training found no nodes at all"
        checks.append(check("the brain holds nodes when loaded", not empty, "lossy_save", detail))
    if expects["same_counts"] and runner.offers("stats"):
        lost = {n: (printed[n], found[n]) for n in printed.keys() & found.keys() if printed[n] != found[n]}
        detail = ", ".join(
            f"{name}: {before} trained, {after} loaded" for name, (before, after) in sorted(lost.items())
        )
        checks.append(check("counts survive a save", not lost, "lossy_save", detail))
    return checks


def ask(runner: Runner, brain: Path, facts: list[dict[str, str]]) -> tuple[list[str], dict[str, Any] | None]:
    """Answers to the starts of planted facts, one process each, and how long they took."""
    answers: list[str] = []
    seconds: list[float] = []
    for fact in facts:
        begin = time.perf_counter()
        answers.append(runner.answer(brain, fact["prefix"]))
        seconds.append(time.perf_counter() - begin)
        if sum(seconds) > QUERIES_S:
            break
    if not seconds:
        return answers, None
    seconds.sort()
    at = len(seconds) - 1
    return answers, {"queries": len(seconds), "median_s": seconds[at // 2], "p99_s": seconds[int(at * 0.99)]}


def repeat_check(
    runner: Runner,
    corpus: Path,
    lines: int,
    brain: Path,
    found: dict[str, int],
    answers: list[str],
    facts: list[dict[str, str]],
) -> dict[str, Any]:
    """A second training on the same text: the same file, or at least the same counts and answers?"""
    again = brain.with_name("again.m")
    trained = runner.run("train", corpus=corpus, brain=again, lines=lines)
    name = "two trainings on the same text agree"
    if not again.exists():
        return check(name, False, "wrong_result", "the second training left no brain")
    if digest(again) == digest(brain):
        return check(name, True, "wrong_result", "")
    counts = runner.run("stats", brain=again).counts() if runner.offers("stats") else trained.counts()
    differ = differences(found, counts, "first", "second")
    if not differ and answers:
        second, _ = ask(runner, again, facts)
        unequal = sum(a != b for a, b in zip(answers, second, strict=False))
        differ = [f"{unequal} of {len(answers)} answers differ"] if unequal else []
    if not differ and not found and not answers:
        differ = ["the two brain files differ"]
    return check(name, not differ, "wrong_result", ", ".join(differ))


def resume_checks(runner: Runner, corpus: Path, folder: Path, whole: dict[str, int]) -> list[dict[str, Any]]:
    """Half, then the other half on top of it: the counts of one go? Those of the second half alone?"""
    first, second = split_in_half(corpus, folder)
    resumed, alone = folder / "resumed.m", folder / "second-half.m"
    runner.run("train", corpus=first, brain=resumed, lines=count_lines(first))
    runner.run("resume", corpus=second, brain=resumed, lines=count_lines(second))
    after = runner.run("stats", brain=resumed).counts()
    runner.run("train", corpus=second, brain=alone, lines=count_lines(second))
    only_second = runner.run("stats", brain=alone).counts()
    differ = differences(whole, after, "in one go", "resumed")
    restarted = bool(differ) and after == only_second
    detail = "resuming starts from nothing: the counts are those of the second half alone" if restarted else ""
    return [
        check("resuming goes on from what was learnt", not restarted, "lossy_save", detail),
        check("learning on after a load gives the brain of one go", not differ, "lossy_save", ", ".join(differ)),
    ]


def differences(a: dict[str, int], b: dict[str, int], a_name: str, b_name: str) -> list[str]:
    """Counts that both have and that are not the same."""
    shared = sorted(a.keys() & b.keys())
    return [f"{key}: {a[key]} {a_name}, {b[key]} {b_name}" for key in shared if a[key] != b[key]]


def count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def digest(path: Path) -> str:
    """SHA-256 over what a brain consists of: a file, or every file of a folder with its name."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(path)).encode() + b"\0")
        with file.open("rb") as content:
            while block := content.read(CHUNK_BYTES):
                total.update(block)
    return total.hexdigest()
