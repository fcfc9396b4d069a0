"""Replay: run the attempt of a black box again, or a whole ladder, and say whether it ends in the same way.

The box holds the job (subject, limits), the recipe of its text, and what was seen. The text is made again and compared
with its checksum; the build step of a command is run again. A box is run, not only read: replay your own.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from harness import build_step, workload
from harness.attempts import BUILT, Asked, Attempt, Plan, Trials, sha256
from harness.command_subject import formatted
from harness.console import human, put
from harness.diagnosis.finding import first_alarm
from harness.errors import HarnessError
from harness.exit_codes import ExitCode
from harness.launch import Launcher
from harness.limits import Limits
from harness.plain_text import plain_text
from harness.progress import Progress
from harness.report.models import Report, read_report
from harness.subject import SubjectName, parse_subject
from harness.whole_ladder import RECIPE, LadderOptions
from harness.whole_ladder import run as climb_ladder


class ReplayError(HarnessError):
    """A black box cannot be run again: a file is missing or damaged, or its text cannot be made."""


@dataclass(frozen=True)
class Replayed:
    """What a black box says, and what came of running it again."""

    verdict: str
    attempt: Attempt
    same_text: bool

    @property
    def same(self) -> bool:
        return self.attempt.verdict.name == self.verdict


def replay(box: Path, launcher: Launcher, folder: Path, progress: Progress) -> Replayed:
    """Run the attempt in `box` again, in `folder`.

    Raises
    ------
    ReplayError
        if the box is not whole.
    """
    job, recipe, seen = (_read(box / name) for name in ("job.json", "recipe.json", "evidence.json"))
    try:
        limits = Limits(**job["limits"])
        command = job.get("command")
        subject = SubjectName(job["subject"], command=command) if command else parse_subject(job["subject"])
        corpus, verdict, home = recipe["corpus"], seen["verdict"], recipe["working_folder"]
        source = None if corpus["source"] is None else Path(corpus["source"])
        asked = Asked(until=job["until"], under=tuple(job["under"]), discard_output=job["discard_output"], why="replay")
        plan = Plan(subject, source, corpus["seed"], limits, recipe["min_lines_per_s"])
        size = int(corpus["size_bytes"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReplayError(f"{box} is not a whole black box: {error!r} is missing or of the wrong kind") from error
    if Path(home).is_dir():
        os.chdir(home)  # where its modules and relative paths were found
    build_step.build(command, folder / BUILT)
    trials = Trials(plan, launcher, folder, progress, workload.prepare)
    with trials.text_of(size) as rung:
        same_text = sha256(rung.corpus) == corpus.get("sha256")
        return Replayed(verdict, trials.attempt(rung, limits, asked), same_text)


@dataclass(frozen=True)
class ReplayedLadder:
    """What the report of a ladder says, and what came of climbing again."""

    then: Report
    now: Report

    @property
    def same(self) -> bool:
        """The same verdict at each rung, and the same first finding."""
        return told(self.then) == told(self.now)


def told(report: Report) -> dict[str, str]:
    """Verdict by rung, and the kind of the first finding that is an alarm."""
    alarm = first_alarm(report)
    return {**{rung.label: rung.verdict for rung in report.rungs}, "finding": alarm.kind if alarm else "none"}


def replay_ladder(box: Path, launcher: Launcher, folder: Path, console: Console) -> ReplayedLadder:
    """Climb the ladder again that left its report and its recipe in `box`, in `folder`.

    Raises
    ------
    ReplayError
        if the recipe is not whole;
    ReportError
        if the report cannot be read.
    """
    then = read_report(box / "report.json")
    document = _read(box / RECIPE)
    try:
        options = LadderOptions.from_json(document)
        home = Path(document["working_folder"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReplayError(f"{box / RECIPE} is not whole: {error!r} is missing or of the wrong kind") from error
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if home.is_dir():
        os.chdir(home)
    return ReplayedLadder(then, climb_ladder(options, launcher, folder, console))


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ReplayError(
            f"{path}: {error.strerror}; a black box is a folder that a broken attempt left, the folder of a ladder "
            f"holds report.json and {RECIPE}"
        ) from error
    except ValueError as error:
        raise ReplayError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ReplayError(f"{path} holds no JSON object")
    return document


def replay_and_tell(box: Path, launcher: Launcher, as_json: bool) -> ExitCode:
    """The command: replay a box or a ladder, say what came of it. OK when it is the same, else INCONCLUSIVE."""
    return (_tell_ladder if (box / "report.json").is_file() else _tell_box)(box.resolve(), launcher, as_json)


def _tell_ladder(box: Path, launcher: Launcher, as_json: bool) -> ExitCode:
    console = human()
    console.print(f"climbing again what {box} reports", style="bold", soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="harness-replay-") as folder:
        done = replay_ladder(box, launcher, Path(folder), console)
    then, now = told(done.then), told(done.now)
    for what in {**then, **now}:
        same = then.get(what) == now.get(what)
        text = f"{what:>8}  {then.get(what, 'not tried')} then, {now.get(what, 'not tried')} now"
        console.print(plain_text(text), style="green" if same else "bold red", soft_wrap=True)
    if as_json:
        document = {"schema": "harness.replay/1", "same": done.same, "then": then, "now": now}
        put(json.dumps(document, indent=1))
    return ExitCode.OK if done.same else ExitCode.INCONCLUSIVE


def _tell_box(box: Path, launcher: Launcher, as_json: bool) -> ExitCode:
    console = human()
    job = _read(box / "job.json")
    named = job.get("subject")
    command = job.get("command")
    if isinstance(command, dict) and isinstance(command.get("train"), list):
        named = f"{named}: {formatted(command['train'])}"
    console.print(f"replaying {box}: {named}", style="bold", soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="harness-replay-") as folder, Progress(console) as progress:
        done = replay(box, launcher, Path(folder), progress)
    if not done.same_text:
        console.print("the text is not the one of the box: its corpus has changed", style="yellow")
    now = done.attempt.verdict
    if done.same:
        console.print(f"broke the same way: {now.name}, {now.because}", style="green", soft_wrap=True)
    else:
        text = f"not the same: {done.verdict} then, {now.name} now ({now.because})"
        console.print(text, style="bold red", soft_wrap=True)
    if as_json:
        told = {"then": done.verdict, "now": now.name, "because": now.because, "same_text": done.same_text}
        put(json.dumps({"schema": "harness.replay/1", "same": done.same, **told}, indent=1))
    return ExitCode.OK if done.same else ExitCode.INCONCLUSIVE
