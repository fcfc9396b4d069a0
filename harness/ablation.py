"""Ablation: what is each mechanism of a subject worth? It is tried with all of them, then without each, on one text.

The subject says which mechanisms it has; here they are names. Each variant runs in a worker of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness import workload
from harness.attempts import Asked, Plan, Trial, Trials
from harness.errors import SubjectError
from harness.launch import Launcher
from harness.limits import GIB, Limits
from harness.one_job import run_job
from harness.progress import Progress
from harness.report.ablation import FULL
from harness.stage_clock import PROBE
from harness.subject import SubjectName

TO_NAME_THEM = Limits(GIB, 60.0)  # a subject that says what it has learns nothing: no limit of a training is meant


def mechanisms_of(subject: SubjectName, launcher: Launcher, folder: Path) -> dict[str, tuple[str, ...]]:
    """What can be switched off, by name, as the subject itself says.

    Raises
    ------
    SubjectError : nothing can
    """
    found: Mapping[str, Sequence[str]] = {}
    if subject.command is None:
        found = run_job(launcher, {"task": "mechanisms", "subject": subject.text}, folder, TO_NAME_THEM)["mechanisms"]
    if not found:
        raise SubjectError(
            f"{subject.text} names no mechanism to do without: an ablation needs a Python subject with mechanisms() "
            "that can be made with without=(...)"
        )
    return {name: tuple(off) for name, off in found.items()}


def ablate(
    plan: Plan,
    size_bytes: int,
    variants: Mapping[str, Sequence[str]],
    launcher: Launcher,
    folder: Path,
    progress: Progress,
    repeats: int = 1,
) -> Iterator[tuple[str, Trial]]:
    """Try the full subject and every variant, `repeats` times in turn: what a busy machine adds differs each time."""
    variants = {FULL: (), **variants}
    trials = {
        name: Trials(
            replace(plan, subject=replace(plan.subject, without=tuple(off))),
            launcher,
            folder,
            progress,
            workload.prepare,
        )
        for name, off in variants.items()
    }
    width = max(len(name) for name in trials)
    progress.preparing(size_bytes)
    with trials[FULL].text_of(size_bytes) as rung:
        for number in range(1, repeats + 1):
            for name, one in trials.items():
                progress.name = f"{name:<{width}}"
                attempt = one.attempt(rung, plan.limits, Asked(f"{name}-{number}", until=PROBE))
                trial = Trial(rung, [attempt], attempt.verdict)
                yield name, trial
                progress.trial_ended(trial)  # once the caller has it: an interruption loses nothing that was told
