"""Which stages belong to learning. A subject may name stages of its own: those belong to learning."""

from harness.stage_clock import ENDED, PROBE, START

AFTER_LEARNING = ("save", "load", "verify", "query", "resume", "repeat", ENDED, PROBE)


def is_learning(stage: str) -> bool:
    """Whether a stage's cost is part of lines per second."""
    return stage != START and stage not in AFTER_LEARNING
