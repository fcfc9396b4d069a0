"""One worker: one job of one subject, in a process of its own.

`python -m harness.worker JOB.json RESULT`: the job comes as a file, one JSON record goes out on descriptor
RESULT, never on stdout. The record arrives even when the subject raises; a worker that ends without one has
vanished.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from harness.bootstrap import prepare
from harness.errors import HarnessError, SubjectError, SubjectMissing
from harness.heartbeat import HeartbeatWriter
from harness.stage_clock import StageClock
from harness.supervise import HEARTBEAT_FILE

RESULT_SCHEMA = "harness.result/1"
TASKS = {"train": "harness.tasks.train", "command": "harness.tasks.command"}
TASKS |= {"roundtrip": "harness.tasks.roundtrip", "faults": "harness.tasks.faults"}
TASKS |= {"mechanisms": "harness.tasks.mechanisms", "profile": "harness.tasks.profile"}
TASKS |= {"leak": "harness.tasks.leak"}


def describe(error: BaseException) -> dict[str, Any]:
    """Type, message and the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else None
    return {"type": type(error).__name__, "message": str(error), "where": where}


def run(job: dict[str, Any], clock: StageClock) -> tuple[dict[str, Any], int]:
    """The record of one job, and the exit code that goes with it."""
    record: dict[str, Any] = {"schema": RESULT_SCHEMA, "complete": False}
    code = 1
    try:
        task = importlib.import_module(TASKS[job["task"]])
        record |= task.run(job, clock)
        record["complete"] = True
        code = 0
    except Exception as error:  # the border: whatever a subject raises is a fact about it
        record["exception"] = describe(error)
        record["subject_missing"] = isinstance(error, SubjectMissing)
        record["unusable"] = isinstance(error, SubjectError)
        record["command_exit_code"] = getattr(error, "command_exit_code", None)
        if isinstance(error, HarnessError):  # a sentence of ours: the place where it was raised is ours, too
            record["exception"]["where"] = None
        elif record["command_exit_code"] is None:
            traceback.print_exc()
    record["stages"] = clock.costs_as_json()
    record["peak_rss_bytes"] = clock.peak_rss_bytes
    return record, code


def main() -> None:
    job_path, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(descriptor, False)
    job = json.loads(job_path.read_bytes())
    fault_file = prepare(job)
    clock = StageClock(HeartbeatWriter(Path(job["folder"]) / HEARTBEAT_FILE))
    worker = os.getpid()
    record, code = run(job, clock)
    if os.getpid() != worker:  # a child that the subject forked and that came back here is not the worker
        os._exit(code)
    text = json.dumps(record).encode()
    while text:
        text = text[os.write(descriptor, text) :]
    fault_file.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
