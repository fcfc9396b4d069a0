"""Canaries: subjects that are broken on purpose, put on a ladder; does the harness name what is wrong, first of all?

It measures the harness, not the subjects: a canary that is missed, or an alarm on a good one, is a defect of ours.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from fixtures.canaries.registry import CANARIES, Canary
from harness import workload
from harness.attempts import Asked, Plan, Trials
from harness.diagnosis.finding import first_alarm
from harness.diagnosis.investigate import Bounds, learning_cpu_s
from harness.launch import Launcher
from harness.limits import Limits
from harness.output import write_views
from harness.pairs import compare
from harness.programs import find_program
from harness.progress import Progress
from harness.replay import replay, replay_ladder
from harness.report.models import Report
from harness.stage_clock import LEARN
from harness.subject import SubjectName, parse_subject
from harness.whole_ladder import LadderOptions, run
from scaling_suite.workload import DEFAULT_SEED

SUBJECTS = Path(__file__).parents[1] / "fixtures" / "subjects"
C_SUBJECT = SUBJECTS / "c_trainer.toml"
HONEST = "python:fixtures.canaries.honest:Honest"
COMPILER = "cc"
TEXT_BYTES = 4_000_000  # the largest rung of a canary, and the lines that are held out
BOUNDS = Bounds(runs=120, time_s=60.0)


@dataclass(frozen=True)
class Outcome:
    """What came of one canary. outcome : "caught", "missed", "false alarm", "quiet" (a good one, rightly) or "skipped".

    replayed : whether its black box broke the same way again, or, without one, its whole ladder came to the same
    verdicts and the same first finding; None when it was skipped
    """

    canary: Canary
    outcome: str
    found: str
    said: str
    wall_s: float
    replayed: bool | None = None

    @property
    def right(self) -> bool:
        return self.outcome in ("caught", "quiet", "skipped") and self.replayed is not False


def chosen(quick: bool, only: str | None) -> list[Canary]:
    """The canaries to run: all, the short form, or those whose name or language holds a word."""
    wanted = [canary for canary in CANARIES if canary.quick or not quick]
    if only:
        wanted = [canary for canary in wanted if only.lower() in f"{canary.language} {canary.name}".lower()]
    return wanted


def fly(canaries: Sequence[Canary], launcher: Launcher, folder: Path) -> Iterator[Outcome]:
    """Run them one after the other, on one generated text; each leaves its report below `folder`."""
    text = workload.make_corpus(folder / "corpus.txt", TEXT_BYTES, DEFAULT_SEED)
    for canary in canaries:
        begin = time.monotonic()
        if canary.language == "C" and find_program(COMPILER) is None:
            said = f"there is no {COMPILER}: install a C compiler to run the canaries in C"
            yield Outcome(canary, "skipped", "", said, 0.0)
            continue
        home = folder / f"{canary.language}-{canary.name}".replace(" ", "-").replace("%", "percent").replace(",", "")
        home.mkdir(parents=True, exist_ok=True)
        if canary.pairs:
            found, said = in_pairs(canary, text, launcher, home)
            replayed = in_pairs(canary, text, launcher, home)[0] == found
        else:
            report = on_a_ladder(canary, text, launcher, home)
            found, said = first_finding(report)
            replayed = replay_all(report, launcher, home)
        yield Outcome(canary, judge(canary, found), found, said, time.monotonic() - begin, replayed)


def judge(canary: Canary, found: str) -> str:
    """`found` is the kind of the first finding, empty when there is none."""
    if canary.finding is None:
        return "false alarm" if found else "quiet"
    return "caught" if found == canary.finding else "missed"


def subject_of(canary: Canary) -> SubjectName:
    if canary.language == "Python":
        return parse_subject(f"python:fixtures.canaries.{canary.subject}")
    name = parse_subject(f"command:{C_SUBJECT}")
    assert name.command is not None
    build = [*name.command["build"], f"-DDEFECT={canary.subject}"]
    return SubjectName(name.text, command={**name.command, "build": build})


def silent() -> Console:
    return Console(file=io.StringIO(), width=120, markup=False)


def on_a_ladder(canary: Canary, text: Path, launcher: Launcher, home: Path) -> Report:
    """Its ladder, with report and views in `home`."""
    options = LadderOptions(
        subject=subject_of(canary),
        corpus=text,
        sizes=list(canary.sizes),
        limits=Limits(canary.memory_bytes, canary.time_s),
        min_lines_per_s=None,
        required=None,
        bisect_runs=0,
        seed=DEFAULT_SEED,
        notes=[],
        bounds=BOUNDS,
    )
    report = run(options, launcher, home, silent())
    write_views(report, home)
    return report


def first_finding(report: Report) -> tuple[str, str]:
    """Kind and title of the first finding that is an alarm."""
    alarm = first_alarm(report)
    return (alarm.kind, alarm.title) if alarm else ("", "nothing is wrong")


def replay_all(report: Report, launcher: Launcher, home: Path) -> bool:
    """Run the first black box again; without one, where what is wrong is a finding or nothing, the whole ladder."""
    boxes = [attempt.black_box for rung in report.rungs for attempt in rung.attempts if attempt.black_box]
    if boxes:
        return replay(home / boxes[0], launcher, home / "replay", Progress(silent())).same
    return replay_ladder(home, launcher, home / "replay", silent()).same


def in_pairs(canary: Canary, text: Path, launcher: Launcher, home: Path) -> tuple[str, str]:
    """Against the honest learner: is it slower?"""
    limits = Limits(canary.memory_bytes, canary.time_s)

    def trials(subject: SubjectName, name: str) -> Trials:
        plan = Plan(subject, text, DEFAULT_SEED, limits, None)
        return Trials(plan, launcher, home / name, Progress(silent()), workload.prepare)

    base, candidate = trials(parse_subject(HONEST), "base"), trials(subject_of(canary), "candidate")
    with base.text_of(canary.sizes[0]) as rung:
        asked = Asked("pair", until=LEARN, trace=False)
        compared = compare(
            lambda: learning_cpu_s(base.attempt(rung, limits, asked)),
            lambda: learning_cpu_s(candidate.attempt(rung, limits, asked)),
        )
    said = (
        f"{compared.median - 1:+.1%} CPU time of learning (fastest {compared.fastest - 1:+.1%}), {compared.pairs} pairs"
    )
    return ("slower" if compared.slower else ""), said
