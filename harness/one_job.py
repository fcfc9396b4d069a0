"""One job of one subject in a worker, under limits, for commands that need no ladder."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import HarnessError, OutputError, SubjectError, SubjectMissing
from harness.evidence import Evidence
from harness.exit_codes import ExitCode
from harness.launch import Launcher, worker_environment
from harness.limits import Limits
from harness.output import WORK, leave_no_empty
from harness.plain_text import plain_text
from harness.supervise import Spawn
from harness.verdict import judge

JOB_SCHEMA = "harness.job/1"


class SubjectFailed(HarnessError):
    """The subject ended the job before there was a result."""

    exit_code = ExitCode.BREAK


def run_job(
    launcher: Launcher,
    job: dict[str, Any],
    folder: Path,
    limits: Limits,
    on_event: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """The record of one job.

    Raises
    ------
    SubjectMissing : the subject cannot be found
    SubjectError : the job cannot be done with this subject or file
    SubjectFailed : with the verdict, and the last words of a program
    OutputError : the folder cannot be written
    """
    evidence = run_worker(launcher, job, folder, limits, on_event)
    record = evidence.result
    if record is not None and record.get("unusable"):
        raise SubjectError(record["exception"]["message"])
    if record is None or not record.get("complete"):
        verdict = judge(evidence, corpus_lines=0, min_lines_per_s=None)
        last = evidence.stderr.tail.strip().splitlines()[-1:] if evidence.command_exit_code is not None else []
        said = f"; the last it said: {plain_text(last[0])}" if last else ""
        raise SubjectFailed(f"{job['subject']} failed, {verdict.name}: {verdict.because}{said}")
    return record


def run_worker(
    launcher: Launcher,
    job: dict[str, Any],
    folder: Path,
    limits: Limits,
    on_event: Callable[[dict[str, Any]], None] = lambda _: None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Evidence:
    """How one job went, whatever came of it. environment : for this worker, beside that of every worker

    Raises
    ------
    SubjectMissing : the subject cannot be found
    OutputError : the folder cannot be written
    """
    work = folder.resolve() / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
        file = work / "job.json"
        file.write_text(json.dumps({"schema": JOB_SCHEMA, "folder": str(work), "limits": limits.as_json(), **job}))
    except OSError as error:
        raise OutputError(f"cannot write {work}: {error.strerror}; give another folder with -o") from error
    argv = [sys.executable, "-m", "harness.worker", str(file)]
    spawn = Spawn(argv, {**worker_environment(), **environment}, str(work), limits)
    evidence = launcher.run(spawn, on_event)
    if evidence.subject_missing:
        shutil.rmtree(work)
        leave_no_empty(folder)
        raise SubjectMissing(evidence.subject_missing)
    return evidence
