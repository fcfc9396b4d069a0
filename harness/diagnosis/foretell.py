"""The forecast after a rung: the first of memory and time to reach its limit."""

from __future__ import annotations

from collections.abc import Sequence

from harness.attempts import Trial
from harness.diagnosis.forecast import fit_growth, reach
from harness.limits import Limits
from harness.report import models

VISIBLE_TIME = 0.5  # growth of time below this share of the start is noise


def forecast_of(rungs: Sequence[tuple[int, Trial]], limits: Limits) -> models.Forecast | None:
    """What the rungs that passed foretell; None where too little has grown to tell."""
    passed = [trial for _, trial in rungs if trial.passed]
    if len(passed) < len(rungs):
        return None
    sizes = [trial.rung.corpus_bytes for trial in passed]
    memory = [float(trial.deciding.evidence.peak_anon_bytes) for trial in passed]
    times = [trial.deciding.evidence.wall_s for trial in passed]
    found = []
    for cause, costs, limit, visible in (
        ("memory", memory, float(limits.memory_bytes), None),
        ("time", times, limits.time_s, VISIBLE_TIME),
    ):
        growth = fit_growth(sizes, costs) if visible is None else fit_growth(sizes, costs, visible)
        if growth is None:
            continue
        there = reach(growth, limit)
        if there.predicted_bytes is not None:
            found.append(
                models.Forecast(
                    after_bytes=rungs[-1][0],
                    cause=cause,
                    slope=growth.slope,
                    predicted_bytes=there.predicted_bytes,
                    low_bytes=there.low_bytes,
                    high_bytes=there.high_bytes,
                )
            )
    return min(found, key=lambda each: each.predicted_bytes or 0, default=None)
