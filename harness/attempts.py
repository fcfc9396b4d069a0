"""Trying a size: make its text, run a worker under limits, judge; if memory broke it, ask another limiter.

A break that goes away under another limiter is an artefact of the limit, not of the subject. Every broken
attempt leaves a black box: a folder with the exact command, environment, job, evidence, stacks and output.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from harness import units
from harness.errors import OutputError, SubjectMissing
from harness.evidence import Evidence
from harness.launch import Launcher, worker_environment
from harness.limits import Limits, other_limiter
from harness.output import WORK, leave_no_empty
from harness.subject import SubjectName
from harness.supervise import STACK_OF, Spawn
from harness.verdict import OF_MEMORY, Verdict, judge
from scaling_suite.workload import Rung

JOB_SCHEMA = "harness.job/1"
BLACK_BOX = "black-box"
BUILT = "built"  # what a command subject's build step makes, below the folder of the run
KEPT_FILE_BYTES = 16 * 1024**2  # a black box keeps what the subject wrote up to this size per file


@dataclass(frozen=True)
class Attempt:
    """One worker from start to end. black_box: the folder that a broken attempt leaves, else None."""

    limits: Limits
    evidence: Evidence
    verdict: Verdict
    black_box: Path | None


@dataclass(frozen=True)
class Trial:
    """One size, tried: the text, the attempts in order, and the verdict on all of them together."""

    rung: Rung
    attempts: list[Attempt]
    verdict: Verdict

    @property
    def passed(self) -> bool:
        return self.verdict.passed

    @property
    def deciding(self) -> Attempt:
        """The attempt whose measures stand for the size: the first one that passed, else the first."""
        return next((attempt for attempt in self.attempts if attempt.verdict.passed), self.attempts[0])


class Watcher(Protocol):
    """Somebody who wants to see it happen."""

    def preparing(self, size_bytes: int) -> None: ...
    def attempt_started(self, rung: Rung, limits: Limits, why: str) -> None: ...
    def sample(self, event: dict[str, Any]) -> None: ...
    def attempt_ended(self, attempt: Attempt) -> None: ...


@dataclass(frozen=True)
class Plan:
    """What to try, and how: the settings that every size of one ladder shares."""

    subject: SubjectName
    source: Path | None
    seed: int
    limits: Limits
    min_lines_per_s: float | None


@dataclass(frozen=True)
class Asked:
    """What one attempt differs in from the next.

    number : of the black box; until : "learn" to end after learning; under : a program that runs the command, such as
    gdb; trace : False for a helper of a search, that nobody watches and that leaves nothing; keep : leave the folder
    all the same
    """

    number: str = "1"
    why: str = ""
    until: str | None = None
    under: tuple[str, ...] = ()
    discard_output: bool = False
    trace: bool = True
    keep: bool = False


class Trials:
    """Tries sizes for a ladder, in a folder of its own."""

    def __init__(
        self,
        plan: Plan,
        launcher: Launcher,
        folder: Path,
        watcher: Watcher,
        prepare: Callable[[Path | None, int, Path, int], Rung],
    ) -> None:
        self.plan = plan
        self.limiter = plan.limits.limiter  # changes when the first one proves to be the cause of a break
        self._launcher = launcher
        self._folder = folder
        self._watcher = watcher
        self._prepare = prepare
        self._begun = False  # the subject was there once: if it goes, that is a break

    def try_and_confirm(self, size_bytes: int) -> Trial:
        """Try a size; a memory break is tried again under another limiter, a foreign kill as it was."""
        return self._try(size_bytes, confirm=True)

    def try_once(self, size_bytes: int) -> Trial:
        """Try a size with one attempt, for a search that will end in its own neighbourhood anyway."""
        return self._try(size_bytes, confirm=False)

    def try_under(self, size_bytes: int, memory_bytes: int) -> Trial:
        """Try a size once under another memory limit; nobody needs its black box."""
        limits = replace(self.plan.limits.under(self.limiter), memory_bytes=memory_bytes)
        with self.text_of(size_bytes) as rung:
            attempt = self.attempt(rung, limits, Asked("frontier", trace=False))
        return Trial(rung, [attempt], attempt.verdict)

    def _try(self, size_bytes: int, *, confirm: bool) -> Trial:
        self._watcher.preparing(size_bytes)
        work = self._folder / WORK
        try:
            rung = self._prepare(self.plan.source, size_bytes, work, self.plan.seed)
            limits = self.plan.limits.under(self.limiter)
            attempts = [self.attempt(rung, limits, Asked())]
            verdict = attempts[0].verdict
            if confirm and verdict.name in OF_MEMORY:
                limits = limits.under(other_limiter(limits.limiter, verdict.name))
                why = f"{verdict.name} under {self.limiter}; is it the limiter?"
                attempts.append(self.attempt(rung, limits, Asked("2", why)))
                verdict = self._confirmed(attempts)
            elif confirm and verdict.name == "killed_external":
                attempts.append(self.attempt(rung, limits, Asked("2", "killed from outside; once more")))
                verdict = attempts[-1].verdict
        except SubjectMissing:
            shutil.rmtree(work, ignore_errors=True)
            leave_no_empty(self._folder)
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return Trial(rung, attempts, verdict)

    def _confirmed(self, attempts: list[Attempt]) -> Verdict:
        first, second = attempts
        if not second.verdict.passed:
            return first.verdict
        self.limiter = second.limits.limiter
        return Verdict(
            "limit_artefact",
            f"{first.verdict.name} under {first.limits.limiter}, {second.verdict.name} under {second.limits.limiter}",
        )

    @contextmanager
    def text_of(self, size_bytes: int) -> Iterator[Rung]:
        """The text of a rung again, for as long as it is looked at."""
        work = self._folder / WORK
        try:
            yield self._prepare(self.plan.source, size_bytes, work, self.plan.seed)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def attempt(self, rung: Rung, limits: Limits, asked: Asked) -> Attempt:
        """Run one worker on a text that is there, and judge it.

        Raises
        ------
        SubjectMissing : there never was anything to judge, the subject cannot be found
        """
        name = f"{units.label(rung.size_bytes)}-{asked.number}" if asked.trace else asked.number
        folder = self._folder / BLACK_BOX / name
        spawn, recipe = self._spawn(rung, limits, folder, asked)
        if asked.trace:
            self._watcher.attempt_started(rung, limits, asked.why)
        evidence = self._launcher.run(spawn, self._watcher.sample)
        if evidence.subject_missing and not self._begun:
            leave_nothing(folder)
            raise SubjectMissing(evidence.subject_missing)
        self._begun = True
        if self.plan.subject.command is not None:  # the worker's own stack is the harness's
            evidence = replace(evidence, fault="".join(stacks_of_programs(folder)))
        verdict = judge(
            evidence,
            corpus_lines=rung.corpus_lines,
            min_lines_per_s=self.plan.min_lines_per_s,
            memory_bytes=limits.memory_bytes,
        )
        if asked.keep or (asked.trace and verdict.name != "ok"):
            recipe["corpus"]["sha256"] = sha256(rung.corpus)
            seal(folder, recipe, evidence, verdict)
        else:
            leave_nothing(folder)
        attempt = Attempt(limits, evidence, verdict, folder if folder.exists() else None)
        if asked.trace:
            self._watcher.attempt_ended(attempt)
        return attempt

    def _spawn(self, rung: Rung, limits: Limits, folder: Path, asked: Asked) -> tuple[Spawn, dict[str, Any]]:
        job = {
            "schema": JOB_SCHEMA,
            **self.plan.subject.job,
            "corpus": str(rung.corpus.resolve()),
            "lines": rung.corpus_lines,
            "heldout": str(rung.heldout.resolve()),
            "facts": str(rung.facts.resolve()),
            "folder": str(folder.resolve()),
            "built": str((self._folder / BUILT).resolve()),
            "limits": limits.as_json(),
            "until": asked.until,
            "under": list(asked.under),
            "discard_output": asked.discard_output,
        }
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
            job_file = folder.resolve() / "job.json"
            job_file.write_text(json.dumps(job, indent=1))
        except OSError as error:
            raise OutputError(f"cannot write {folder}: {error.strerror}; give another folder with -o") from error
        argv = [sys.executable, "-m", "harness.worker", str(job_file)]
        spawn = Spawn(argv, worker_environment(), str(folder.resolve()), limits, asked.discard_output)
        source = None if self.plan.source is None else str(self.plan.source.resolve())
        corpus = {
            "source": source,
            "size_bytes": rung.size_bytes,
            "seed": self.plan.seed,
            "lines": rung.corpus_lines,
        }
        recipe = {
            "argv": argv,
            "environment": spawn.environment,
            "working_folder": str(Path.cwd()),
            "corpus": corpus,
            "min_lines_per_s": self.plan.min_lines_per_s,
        }
        return spawn, recipe


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def leave_nothing(folder: Path) -> None:
    """Remove the folder of an attempt, and the one above where it was the only one."""
    shutil.rmtree(folder)
    with suppress(OSError):  # others are in it
        folder.parent.rmdir()


def stacks_of_programs(folder: Path) -> list[str]:
    """What was seen of each program that a worker ran, when it was stopped."""
    return [file.read_text(errors="backslashreplace") for file in sorted(folder.glob(f"{STACK_OF}*.txt"))]


def seal(folder: Path, recipe: dict[str, Any], evidence: Evidence, verdict: Verdict) -> None:
    """Make a black box of an attempt's folder: what was run, what was seen; large files of the subject go."""
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_size > KEPT_FILE_BYTES:
            file.unlink()
    (folder / "heartbeat").unlink(missing_ok=True)  # its content is in the evidence, readable
    (folder / "recipe.json").write_text(json.dumps(recipe, indent=1))
    told = {"verdict": verdict.name, "because": verdict.because, **evidence.as_json()}
    (folder / "evidence.json").write_text(json.dumps(told, indent=1))
