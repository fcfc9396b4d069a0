"""`harness profile`: where does the time go, and who holds the memory?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness import workload
from harness.commands.options import (
    Size,
    corpus_option,
    json_option,
    memory_limit_option,
    output_option,
    seed_option,
    time_limit_option,
)
from harness.commands.publish import publish
from harness.console import human
from harness.errors import HarnessError, Interrupted, SubjectError
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import Limits
from harness.machine import circumstances, describe_subject
from harness.one_job import SubjectFailed, run_job
from harness.output import WORK, leave_no_empty, make_folder
from harness.progress import Progress
from harness.report.profile import Memory, Profile, Settings, Time
from harness.subject import SubjectName, parse_subject
from scaling_suite.workload import Rung

PARTS = ("time", "memory")


@click.command("profile")
@click.option("--subject", default="melvin", show_default=True, help="melvin or python:package.module:Class.")
@corpus_option
@click.option("--size", default="10MB", show_default=True, type=Size(), help="Of the text that is learnt.")
@click.option("--only", type=click.Choice(PARTS), help="One of the two. [default: both, one after the other]")
@click.option("--rate", default=200, show_default=True, type=click.IntRange(1, 1000), help="Looks a second, for time.")
@click.option("--native", is_flag=True, help="Functions of compiled code too, where they have names.")
@memory_limit_option
@time_limit_option("20min", "a run")
@seed_option
@json_option
@output_option("profile")
@click.pass_context
def command(
    ctx: click.Context,
    subject: str,
    corpus: Path | None,
    size: int,
    only: str | None,
    rate: int,
    native: bool,
    memory_limit: int,
    time_limit: float,
    seed: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Learn once under py-spy and once under memray, and show which functions took the time and hold the peak.

    A flame graph and a table of each, and the profilers' own files beside them. Exit code 6 when neither could look,
    4 when the subject breaks.
    """
    with Launcher() as launcher:  # before anything grows
        name = parse_subject(subject)
        if name.command is not None:
            raise SubjectError(f"{subject} is a program: a profile needs a Python subject, whose stack can be read")
        folder = make_folder("profile", output, corpus)
        looks = Looks(name, rate, native, Limits(memory_limit, time_limit), launcher, folder)
        try:
            looks.take((only,) if only else PARTS, corpus, size, seed)
        except HarnessError:
            shutil.rmtree(folder / WORK, ignore_errors=True)
            leave_no_empty(folder)
            raise
    for found in looks.seen.values():
        shutil.move(folder / WORK / found["file"], folder / found["file"])
    shutil.rmtree(folder / WORK, ignore_errors=True)
    report = Profile(
        **circumstances(),
        exit_code=looks.exit_code,
        subject=describe_subject(name),
        settings=Settings(
            corpus=None if corpus is None else str(corpus),
            seed=seed,
            size_bytes=size,
            corpus_lines=looks.corpus_lines,
            memory_limit_bytes=memory_limit,
            time_limit_s=time_limit,
            native=native,
        ),
        time=Time.model_validate(_called(looks.seen["time"])) if "time" in looks.seen else None,
        memory=Memory.model_validate(_called(looks.seen["memory"])) if "memory" in looks.seen else None,
        problems=looks.problems,
        interrupted=looks.interrupted,
    )
    publish(report, folder, as_json)
    ctx.exit(report.exit_code)


class Looks:
    """Looks at learning under one profiler after the other, and keeps what was seen: who stops it can still report."""

    def __init__(
        self, subject: SubjectName, rate_hz: int, native: bool, limits: Limits, launcher: Launcher, folder: Path
    ) -> None:
        self.seen: dict[str, dict[str, Any]] = {}  # by part, with its file below WORK
        self.problems: list[str] = []
        self.broke = False
        self.interrupted: str | None = None
        self.corpus_lines = 0
        self._job = {**subject.job, "task": "profile", "rate_hz": rate_hz, "native": native}
        self._limits = limits
        self._launcher = launcher
        self._folder = folder

    def take(self, parts: Sequence[str], corpus: Path | None, size_bytes: int, seed: int) -> None:
        """Take them all. A person's Ctrl-C or a service's SIGTERM ends the looks, not the report.

        Raises
        ------
        SubjectFailed : before anything was seen
        Interrupted : before there was a text
        """
        with Progress(human()) as progress:
            progress.preparing(size_bytes)
            rung = workload.prepare(corpus, size_bytes, self._folder / WORK, seed)
            self.corpus_lines = rung.corpus_lines
            try:
                for part in parts:
                    self._take(part, rung, progress)
            except Interrupted as stop:
                self.interrupted = progress.stopped(stop)
            except SubjectFailed as error:
                if not self.seen:
                    raise
                self.broke = True
                self.problems.append(f"{progress.name}: {error}")

    def _take(self, part: str, rung: Rung, progress: Progress) -> None:
        progress.name = part
        progress.attempt_started(rung, self._limits, "")
        job = {**self._job, "corpus": str(rung.corpus.resolve()), "profile": part}
        record = run_job(self._launcher, job, self._folder, self._limits, progress.sample)
        if "profile" in record:
            self.seen[part] = record["profile"]
        if "problem" in record:
            self.problems.append(f"{part}: {record['problem']}" if part in self.seen else record["problem"])

    @property
    def exit_code(self) -> ExitCode:
        """What the run says to a script."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.broke:
            return ExitCode.BREAK
        return ExitCode.OK if self.seen else ExitCode.INCONCLUSIVE


def _called(found: dict[str, Any]) -> dict[str, Any]:
    """A profile as it comes from a worker, in the form of the report."""
    named = {"frames": ("function", "file", "line"), "stacks": ("frames", "weight")}
    named |= {"snapshots": ("at_s", "rss_bytes", "heap_bytes")}
    rows = {key: [dict(zip(names, row, strict=True)) for row in found.get(key, [])] for key, names in named.items()}
    return {**found, **rows}
