"""Learning under a profiler, in a worker of its own: where the time goes (py-spy), or who holds the peak (memray).

What is imported before learning is in neither. py-spy attaches to the worker: a program that py-spy starts hides how it
ended. memray's sizes are what was asked of the allocators, not what is resident.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.programs import find_program
from harness.stacks import Frame, Stack, below, merged, shown_path
from harness.stage_clock import LEARN, StageClock
from harness.subject import make_subject, subject_of

PR_SET_PTRACER, ANYBODY = 0x59616D61, ctypes.c_ulong(-1)  # linux/prctl.h: where Yama asks who may attach
READY = "Sampling process"
OURS = "harness/tasks/profile.py"
MOST_SNAPSHOTS = 400


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """The record has `profile`: stacks with their weights; or `problem`, why there are none."""
    subject = make_subject(subject_of(job))
    corpus, folder = Path(job["corpus"]), Path(job["folder"])

    def learn() -> None:
        clock.enter(LEARN)
        subject.learn(corpus, clock)
        clock.enter("query")

    if job["profile"] == "time":
        return sampled(learn, folder / "time.speedscope.json", job["rate_hz"], job["native"])
    return allocated(learn, folder / "memory.memray", job["native"])


def sampled(learn: Callable[[], None], file: Path, rate_hz: int, native: bool) -> dict[str, Any]:
    """Learn while py-spy looks at the stack so many times a second."""
    program = find_program("py-spy")
    if program is None:
        return {"problem": "py-spy is not installed (pip install py-spy)"}
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)
    argv = [program, "record", "--pid", str(os.getpid()), "--format", "speedscope", "--output", str(file)]
    argv += ["--rate", str(rate_hz), "--full-filenames", *(["--native"] if native else [])]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as spy:
        assert spy.stdout is not None
        said = b""
        while READY.encode() not in said:
            if not (line := spy.stdout.readline()):
                told = said.decode(errors="backslashreplace").strip().splitlines() or ["no message"]
                return {"problem": f"py-spy may not attach: {told[-1].strip()}"}
            said += line
        try:
            learn()
        finally:
            spy.send_signal(signal.SIGINT)
            spy.communicate()
    if spy.returncode != 0 or not file.exists():
        return {"problem": f"py-spy ended with exit code {spy.returncode}"}
    stacks = samples_of(json.loads(file.read_bytes()))
    return {"profile": {"file": file.name, "rate_hz": rate_hz, **_as_json(merged(stacks))}}


def samples_of(document: dict[str, Any]) -> list[tuple[Stack, float]]:
    """Every sample of all threads in a speedscope file, in seconds."""
    frames = [Frame(one["name"], one["file"] or "", one["line"] or 0) for one in document["shared"]["frames"]]
    return [
        (tuple(frames[at] for at in sample), weight)
        for profile in document["profiles"]
        for sample, weight in zip(profile["samples"], profile["weights"], strict=True)
    ]


def allocated(learn: Callable[[], None], file: Path, native: bool) -> dict[str, Any]:
    """Learn while memray notes every allocation; who held memory when there was most of it."""
    if importlib.util.find_spec("memray") is None:
        return {"problem": "memray is not installed (pip install memray)"}
    import memray

    with memray.Tracker(destination=memray.FileDestination(file, overwrite=True), native_traces=native):
        learn()
    reader = memray.FileReader(file)
    stacks: list[tuple[Stack, float]] = []
    for record in reader.get_high_watermark_allocation_records(merge_threads=True):
        trace = record.hybrid_stack_trace() if native else record.stack_trace()
        stacks.append((tuple(Frame(*call) for call in reversed(trace)), float(record.size)))
    taken = [(one.time / 1000, one.rss, one.heap) for one in reader.get_memory_snapshots()]
    step = max(1, -(-len(taken) // MOST_SNAPSHOTS))
    first = taken[0][0] if taken else 0.0
    snapshots = [(at - first, rss, heap) for at, rss, heap in taken[::step]]
    return {
        "profile": {
            "file": file.name,
            "allocations": reader.metadata.total_allocations,
            "snapshots": snapshots,
            **_as_json(merged(stacks)),
        }
    }


def _as_json(stacks: dict[Stack, float]) -> dict[str, Any]:
    """Frames, and stacks as their numbers: what called us is left out, and where Python lies."""
    short = merged((_shown(below(stack, OURS)), weight) for stack, weight in stacks.items())
    number: dict[Frame, int] = {}
    rows = [([number.setdefault(frame, len(number)) for frame in stack], weight) for stack, weight in short.items()]
    return {"frames": [list(frame) for frame in number], "stacks": rows}


def _shown(stack: Stack) -> Stack:
    return tuple(frame._replace(file=shown_path(frame.file)) for frame in stack)
