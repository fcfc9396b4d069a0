"""Learning under a profiler, in a worker of its own: where the time goes (py-spy), or who holds the peak (memray).

What is imported before learning is in neither, nor is what the harness does when the subject tells how far it is.
py-spy attaches to the worker: a program that py-spy starts hides how it ended. It follows child processes, memray does
not. memray's sizes are what was asked of the allocators, not what is resident.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.heartbeat import Beats, HeartbeatWriter
from harness.programs import find_program
from harness.stacks import Frame, Stack, below, merged, package_of, shown_paths
from harness.stage_clock import LEARN, StageClock
from harness.subject import make_subject, subject_of
from harness.supervise import HEARTBEAT_FILE

PR_SET_PTRACER, ANYBODY = 0x59616D61, ctypes.c_ulong(-1)  # linux/prctl.h: where Yama asks who may attach
READY = "Sampling process"
PROCESS = "process "  # how the name of what py-spy puts above the frames of a process begins; it has no file
OURS = "harness/tasks/profile.py"
HARNESS, SUBJECTS = "harness", "harness/subjects/"  # the clock that a subject is given, and subjects of ours
MOST_SNAPSHOTS = 400
UNSEEN = 1 / 10  # of the CPU time, in child processes: less is not told
TOO_SHORT = "nothing was seen: learning was over before the first look: give a larger --size or --rate"
NO_MEMORY = "nothing was seen: learning asked for no memory"


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """The record has `profile`: stacks with their weights; or `problem`, why there are none; or what is not in them."""
    subject = make_subject(subject_of(job))
    corpus, folder, native = Path(job["corpus"]), Path(job["folder"]), job["native"]
    spent = {"own": 0.0, "children": 0.0}
    clock.enter(LEARN)
    beats = Beats(HeartbeatWriter(folder / HEARTBEAT_FILE), LEARN)

    def learn() -> None:
        own, children = time.process_time(), _of_children()
        subject.learn(corpus, beats)
        spent.update(own=time.process_time() - own, children=_of_children() - children)

    if job["profile"] == "time":
        file = folder / "time.speedscope.json"
        problem = sampled(learn, file, job["rate_hz"], native)
        read = _samples
    else:
        file = folder / "memory.memray"
        problem = allocated(learn, file, native)
        read = _allocations
    clock.enter("query")
    if problem:
        return {"problem": problem}
    found, children_s = read(file, job)
    if not found["stacks"]:
        return {"problem": TOO_SHORT if job["profile"] == "time" else NO_MEMORY}
    unseen = unseen_children(spent["own"], spent["children"], children_s)
    return {"profile": {"file": file.name, **found}} | ({"problem": unseen} if unseen else {})


def _of_children() -> float:
    """CPU time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def unseen_children(own_s: float, children_s: float, seen_s: float) -> str:
    """What is said of child processes that took much of the CPU time and are not in the profile; empty else."""
    share = (children_s - seen_s) / max(own_s + children_s, 1e-9)
    if share <= UNSEEN:
        return ""
    return f"{share:.0%} of the CPU time was spent in child processes, which are not in the profile"


def sampled(learn: Callable[[], None], file: Path, rate_hz: int, native: bool) -> str:
    """Learn while py-spy looks at the stack so many times a second. Why it did not; empty where it did."""
    program = find_program("py-spy")
    if program is None:
        return "py-spy is not installed (pip install py-spy)"
    _let_anybody_look()
    os.register_at_fork(after_in_child=_let_anybody_look)
    argv = [program, "record", "--pid", str(os.getpid()), "--format", "speedscope", "--output", str(file)]
    argv += ["--rate", str(rate_hz), "--full-filenames", "--subprocesses", *(["--native"] if native else [])]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as spy:
        assert spy.stdout is not None
        said = b""
        while READY.encode() not in said:
            if not (line := spy.stdout.readline()):
                told = said.decode(errors="backslashreplace").strip().splitlines() or ["no message"]
                return f"py-spy may not attach: {told[-1].strip()}"
            said += line
        try:
            learn()
        finally:
            spy.send_signal(signal.SIGINT)
            spy.communicate()
    if spy.returncode != 0 or not file.exists():
        return f"py-spy ended with exit code {spy.returncode}"
    return ""


def _let_anybody_look() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)


def _samples(file: Path, job: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """What py-spy saw, and how many seconds of it in child processes."""
    stacks, children_s = samples_of(json.loads(file.read_bytes()))
    return {"rate_hz": job["rate_hz"], **_as_json(merged(stacks))}, children_s


def samples_of(document: dict[str, Any]) -> tuple[list[tuple[Stack, float]], float]:
    """Every sample of all threads and processes in a speedscope file, in seconds; and those of child processes in all.

    Above the frames of a process stands one that names it, and above that those of its parents.
    """
    frames = [Frame(one["name"], one["file"] or "", one["line"] or 0) for one in document["shared"]["frames"]]
    names = {at for at, frame in enumerate(frames) if not frame.file and frame.function.startswith(PROCESS)}
    stacks: list[tuple[Stack, float]] = []
    children_s = 0.0
    for profile in document["profiles"]:
        for sample, weight in zip(profile["samples"], profile["weights"], strict=True):
            stack = tuple(frames[at] for at in sample if at not in names)
            stacks.append((stack, weight))
            if len(sample) - len(stack) > 1:
                children_s += weight
    return stacks, children_s


def allocated(learn: Callable[[], None], file: Path, native: bool) -> str:
    """Learn while memray notes every allocation. Why it did not; empty where it did."""
    if importlib.util.find_spec("memray") is None:
        return "memray is not installed (pip install memray)"
    import memray

    with memray.Tracker(destination=memray.FileDestination(file, overwrite=True), native_traces=native):
        learn()
    return ""


def _allocations(file: Path, job: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """Who held memory when there was most of it. Child processes are not in it."""
    import memray

    reader = memray.FileReader(file)
    stacks: list[tuple[Stack, float]] = []
    for record in reader.get_high_watermark_allocation_records(merge_threads=True):
        trace = record.hybrid_stack_trace() if job["native"] else record.stack_trace()
        stacks.append((tuple(Frame(*call) for call in reversed(trace)), float(record.size)))
    taken = [(one.time / 1000, one.rss, one.heap) for one in reader.get_memory_snapshots()]
    step = max(1, -(-len(taken) // MOST_SNAPSHOTS))
    first = taken[0][0] if taken else 0.0
    snapshots = [(at - first, rss, heap) for at, rss, heap in taken[::step]]
    found = {"allocations": reader.metadata.total_allocations, "snapshots": snapshots, **_as_json(merged(stacks))}
    return found, 0.0


def _as_json(stacks: dict[Stack, float]) -> dict[str, Any]:
    """Frames, and stacks as their numbers: what called us is left out, what we did ourselves, and where Python lies."""
    shown = shown_paths()
    named = (
        (tuple(frame._replace(file=shown(frame.file)) for frame in below(stack, OURS)), weight)
        for stack, weight in stacks.items()
    )
    short = merged((stack, weight) for stack, weight in named if stack and not any(map(_is_clock, stack)))
    number: dict[Frame, int] = {}
    rows = [([number.setdefault(frame, len(number)) for frame in stack], weight) for stack, weight in short.items()]
    return {"frames": [list(frame) for frame in number], "stacks": rows}


def _is_clock(frame: Frame) -> bool:
    return package_of(frame.file) == HARNESS and not frame.file.startswith(SUBJECTS)
