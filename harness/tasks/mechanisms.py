"""What a subject can be asked to do without: it is the subject that knows."""

from __future__ import annotations

from typing import Any

from harness.returned import mechanisms_of
from harness.stage_clock import StageClock
from harness.subject import Ablates, make_subject, subject_of


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """The record has `mechanisms`: what is worth switching off, by name; empty where the subject does not say."""
    clock.enter("query")
    subject = make_subject(subject_of(job))
    return {"mechanisms": mechanisms_of(subject) if isinstance(subject, Ablates) else {}}
