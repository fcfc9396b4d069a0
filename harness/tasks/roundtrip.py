"""The task of `harness roundtrip`: search for losses, or hold one saved file against its promises."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.errors import SubjectError
from harness.returned import answer_of, counts_of
from harness.roundtrip.checks import Case, Judge, content
from harness.roundtrip.elsewhere import look_elsewhere
from harness.roundtrip.losses import Loss, compare
from harness.roundtrip.offers import HasPorts, ShowsState, Trains, teach
from harness.roundtrip.outside import Outside
from harness.roundtrip.outside import search as search_outside
from harness.roundtrip.search import Finding, large_case, search
from harness.runner import Runner
from harness.stage_clock import StageClock
from harness.subject import Scores, Subject, is_resumable, make_subject, parse_subject

PROBES = 3  # in every process that looks


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """The record has `findings` (loss, witness, seen), `cases` and `offered` (what could be looked at)."""
    folder = scratch(Path(job["folder"]))
    if job.get("command"):
        try:
            return from_outside(job, folder, clock)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    name = parse_subject(job["subject"])

    def make() -> Subject:
        return make_subject(name)

    try:
        probes = [line[:3].decode("utf-8", "surrogateescape") for _, line in large_case(job["seed"]).before[:PROBES]]
        if job.get("brain"):
            found = one_file(make, Path(job["brain"]), probes, folder)
            losses = [*found, *look_elsewhere(name, Path(job["brain"]), probes, folder)]
            return {"findings": [told(Finding(loss, Case(()), 1)) for loss in losses], "cases": 1, **offered(make())}
        clock.enter("search")
        judged = 0

        def count(cases: int) -> None:
            nonlocal judged
            judged = cases
            clock.progress(0, cases)

        findings = search(
            Judge(make, folder), examples=job["examples"], large=job["large"], seed=job["seed"], told=count
        )
        clock.enter("elsewhere")
        if not any(finding.loss.kind == "unreadable" for finding in findings):
            case = large_case(job["seed"])
            subject, brain = make(), folder / "elsewhere"
            teach(subject, case.before)
            subject.save(brain)
            losses = look_elsewhere(name, brain, probes, folder)
            findings += [Finding(loss, Case(case.before[:1]), 1) for loss in losses]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"findings": [told(finding) for finding in findings], "cases": judged, **offered(make())}


def from_outside(job: dict[str, Any], folder: Path, clock: StageClock) -> dict[str, Any]:
    """A command subject."""
    clock.enter("search")

    def make_runner(environment: dict[str, str]) -> Runner:
        command = {**job["command"], "environment": {**job["command"]["environment"], **environment}}
        return Runner({**job, "command": command}, clock)

    judge = Outside(make_runner, folder / "outside")
    found, learnt = search_outside(
        judge, Path(job["corpus"]), job["seed"], job["large"], lambda texts: clock.progress(0, texts)
    )
    return {"findings": found, "cases": learnt, "offered": judge.offered}


def scratch(folder: Path) -> Path:
    """A folder for many small files: in memory where there is such a place."""
    memory = Path("/dev/shm")  # noqa: S108
    return Path(tempfile.mkdtemp(prefix="harness-", dir=memory if memory.is_dir() else folder))


def told(finding: Finding) -> dict[str, Any]:
    witness = str(finding.witness)
    size = sum(len(line) + 1 for _, line in finding.witness.before)
    return {**asdict(finding.loss), "witness": witness, "witness_bytes": size, "seen": finding.seen}


def offered(subject: Subject) -> dict[str, Any]:
    return {
        "offered": {
            "state": isinstance(subject, ShowsState),
            "ports": isinstance(subject, HasPorts),
            "scores": isinstance(subject, Scores),
            "resumable": is_resumable(subject),
            "training with checkpoints": isinstance(subject, Trains),
        }
    }


def one_file(make: Callable[[], Subject], brain: Path, probes: list[str], folder: Path) -> list[Loss]:
    """(a), (c) and (e) on a file that is there."""
    before = content(brain)
    first = make()
    try:
        first.load(brain)
    except Exception as error:  # the border: whatever a subject raises is a fact about the file
        raise SubjectError(f"{brain} cannot be loaded: {error}") from error
    again = folder / "again"
    first.save(again)
    losses: list[Loss] = []
    if content(again) != before:
        losses.append(Loss("file", "value", "load and save gives other bytes"))
    second = make()
    second.load(again)
    for what, look in (
        ("counts", counts_of),
        ("answers", lambda subject: [answer_of(subject, probe) for probe in probes]),
    ):
        losses += [Loss(what, loss.kind, loss.detail) for loss in compare(look(first), look(second))]
    if isinstance(first, ShowsState) and isinstance(second, ShowsState):
        losses += compare(first.state(), second.state())
    if content(brain) != before:
        losses.append(Loss("file", "writes_on_query", "loading it and asking changed its bytes"))
    return losses
