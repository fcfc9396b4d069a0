"""The commands of a subject, run one at a time. Their output is read while it is written.

Counts, progress and stages are found in it by the subject's regular expressions; all of it is passed on to our own
streams, where it is counted and kept.
"""

from __future__ import annotations

import os
import re
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
from harness.stage_clock import ENDED, StageClock
from harness.stages import is_learning

CHUNK_BYTES = 256 * 1024
KEPT_BYTES = 64 * 1024  # of a command's stdout, where an answer may stand
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
