"""The task of `harness leak`: the same work again and again in one process, and what is left of it each time.

An epoch makes a subject, learns the text, saves, loads a fresh one, asks it, and drops all of it. It is measured, or
repeated under a profiler that tells who holds what is left.
"""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.heartbeat import Beats, HeartbeatWriter
from harness.ledger import Ledgers
from harness.readings import ReadingsWriter
from harness.returned import WrongValue, answer_of
from harness.stage_clock import LEARN, StageClock
from harness.subject import Clock, SubjectName, make_subject, subject_of
from harness.supervise import HEARTBEAT_FILE
from harness.tasks.leak_native import profile_native
from harness.tasks.leak_objects import profile_objects
from harness.tasks.train import check, read_facts, spread

QUESTIONS = 8  # an epoch
REFERENCE = 1  # epochs between the warm-up and the first look of a profiler
COMPARED = 3  # epochs between its two looks


class NothingSaved(Exception):
    """`save` came back, and there is no file."""


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """The record has `checks`, and `profile` where `job["profiler"]` names one ("tracemalloc", "memray").

    Else `job["epochs"]` epochs are measured, and their readings are in the file `job["readings"]`.
    """
    name = subject_of(job)
    corpus, brain = Path(job["corpus"]), Path(job["folder"]) / "brain.m"
    questions = [fact["prefix"] for fact in spread(read_facts(Path(job["facts"])), QUESTIONS)]

    beats = Beats(HeartbeatWriter(brain.with_name(HEARTBEAT_FILE)), clock.stage)

    def epoch() -> None:
        live_once(name, corpus, brain, questions, beats)
        gc.collect()

    try:
        if job["profiler"] is None:
            measure(epoch, job["epochs"], job["warm_up"], Path(job["readings"]))
            return {"checks": []}
        for _ in range(job["warm_up"] + REFERENCE):
            epoch()
        if job["profiler"] == "memray":
            profile = profile_native(epoch, COMPARED, name.package, brain.parent, Path(job["capture"]))
        else:
            profile = profile_objects(epoch, COMPARED, name.package)
        return {"checks": [], "profile": profile | {"epochs": COMPARED}}
    except WrongValue as error:
        return {"checks": [check("what it returns is of the right kind", False, "wrong_result", str(error))]}
    except NothingSaved:
        return {"checks": [check("it wrote a brain", False, "vanished", "save() returned, but there is no file")]}


def live_once(name: SubjectName, corpus: Path, brain: Path, questions: list[str], clock: Clock) -> None:
    """One epoch. Whatever is made in it is gone when it returns, unless somebody keeps it."""
    subject = make_subject(name)
    clock.enter(LEARN)
    subject.learn(corpus, clock)
    clock.enter("save")
    subject.save(brain)
    if not brain.exists():
        raise NothingSaved
    del subject
    loaded = make_subject(name)
    clock.enter("load")
    loaded.load(brain)
    clock.enter("query")
    for question in questions:
        answer_of(loaded, question)
    if brain.is_dir():
        shutil.rmtree(brain)
    else:
        brain.unlink()


def measure(epoch: Callable[[], None], epochs: int, warm_up: int, readings: Path) -> None:
    """Read the ledgers after each epoch. Free memory is handed back after the last of warm-up and the last of all.

    In between it is not: what an allocator keeps for the next time must be able to add up.
    """
    ledgers, written = Ledgers(), ReadingsWriter(readings)
    for number in range(1, epochs + 1):
        epoch()
        reading = ledgers.read(trim=number in (warm_up, epochs))
        written.write(reading | {"objects": len(gc.get_objects())})
    written.close()
    ledgers.close()
