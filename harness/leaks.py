"""A leak hunt: one worker measures the ledgers of every epoch; where one rises, others profile who did it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.attempts import Plan
from harness.diagnosis.leaking import WARM_UP, Judgement, judge_readings, with_profile
from harness.errors import SubjectError
from harness.evidence import Evidence
from harness.launch import Launcher
from harness.one_job import run_worker
from harness.output import WORK
from harness.progress import Progress
from harness.readings import count_readings, read_readings
from harness.report.leak import Broke, Profile, Reading
from harness.subject import SubjectName
from harness.verdict import judge
from scaling_suite.workload import Rung

FEWEST_EPOCHS = 8  # of them 6 count, the fewest that a sure interval can be made of
MOST_EPOCHS = 200  # the exact interval of so many takes a second
CAPTURE = "memray.bin"
READINGS = "readings"
# Freed memory that a thread caches counts as in use (glibc): without that cache a reading is exact to the byte.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


def check_subject(subject: SubjectName) -> None:
    """Refuse what has no process to watch.

    Raises
    ------
    SubjectError : a command subject
    """
    if subject.command is not None:
        raise SubjectError(
            f"{subject.text} is run in a process of its own each time, and its memory ends with it: "
            "`python -m harness ladder` watches how a program grows"
        )


class Hunt:
    """Finds out, and keeps what it has found: whoever interrupts it can still report."""

    def __init__(
        self, plan: Plan, rung: Rung, epochs: int, launcher: Launcher, folder: Path, progress: Progress
    ) -> None:
        self.broke: Broke | None = None
        self.profiles: list[Profile] = []
        self._plan = plan
        self._rung = rung
        self._epochs = epochs
        self._launcher = launcher
        self._folder = folder.resolve()
        self._progress = progress

    def run(self) -> None:
        """Measure; profile what rises. A leak may be a Python object that grows: then no native profile is needed."""
        evidence = self._work(None)
        verdict = judge(evidence, corpus_lines=self._rung.corpus_lines, memory_bytes=self._plan.limits.memory_bytes)
        if not verdict.passed:
            tail = evidence.stderr.tail
            self.broke = Broke(verdict=verdict.name, because=verdict.because, fault=evidence.fault, stderr_tail=tail)
        if self.judgement.verdict in ("leak", "retention"):
            self.profiles.append(self._profile("tracemalloc"))
        if self.judgement.verdict in ("leak", "resident_growth"):
            self.profiles.append(self._profile("memray"))

    @property
    def readings(self) -> list[Reading]:
        """What has been read so far, also while a worker runs or after it broke."""
        read = read_readings(self._folder / WORK / READINGS)
        return [Reading.model_validate({"epoch": number, **one}) for number, one in enumerate(read, 1)]

    @property
    def judgement(self) -> Judgement:
        judgement = judge_readings(self.readings, self._rung.corpus_lines)
        traced = next((profile for profile in self.profiles if profile.profiler == "tracemalloc"), None)
        return judgement if traced is None else with_profile(judgement, traced)

    def _work(self, profiler: str | None) -> Evidence:
        self._progress.name = profiler or "epochs"
        self._progress.attempt_started(self._rung, self._plan.limits, "")
        readings = self._folder / WORK / READINGS

        def heard(event: dict[str, Any]) -> None:
            if profiler is None:
                self._progress.name = f"epoch {count_readings(readings) + 1}"
            self._progress.sample(event)

        job = {
            **self._plan.subject.job,
            "task": "leak",
            "corpus": str(self._rung.corpus.resolve()),
            "facts": str(self._rung.facts.resolve()),
            "epochs": self._epochs,
            "warm_up": WARM_UP,
            "readings": str(readings),
            "profiler": profiler,
            "capture": str(self._folder / CAPTURE),
        }
        return run_worker(self._launcher, job, self._folder, self._plan.limits, heard, ENVIRONMENT)

    def _profile(self, profiler: str) -> Profile:
        evidence = self._work(profiler)
        verdict = judge(evidence, corpus_lines=self._rung.corpus_lines)
        found = (evidence.result or {}).get("profile")
        if found is None:
            return Profile(profiler=profiler, epochs=0, problem=f"{profiler}: {verdict.name}, {verdict.because}")
        return Profile.model_validate({"profiler": profiler, **found})
