"""Does the time of learning grow faster than the text? Asked by several rules."""

from __future__ import annotations

from harness.diagnosis.finding import GIGABYTE, passed_rungs
from harness.diagnosis.forecast import Projection, project
from harness.report.models import Report
from harness.statistics import fit_slope

SUPER_LINEAR = 1.25  # the lower end of the slope's interval must lie above: n log n is 1.1 at most
STEEPER = 1.1  # and the step before must not have been linear: one slow rung is no curve
LEAST_CPU_S = 0.15  # of the largest rung, for its growth to mean something
LEAST_CPU_BEFORE_S = 0.02  # and of the one before


def time_growth(report: Report) -> Projection | None:
    """The CPU time of learning at 1 GB, if it grows faster than the text."""
    timed = [(rung.corpus_bytes, rung.learning.cpu_s) for rung in passed_rungs(report) if rung.learning is not None]
    if len(timed) < 2 or timed[-1][1] < LEAST_CPU_S or timed[-2][1] < LEAST_CPU_BEFORE_S:
        return None
    found = project([size for size, _ in timed], [cpu_s for _, cpu_s in timed], GIGABYTE)
    if found is None or found.slope_low <= SUPER_LINEAR:
        return None
    before = fit_slope([size for size, _ in timed[-3:-1]], [cpu_s for _, cpu_s in timed[-3:-1]])
    return None if before is not None and before.value < STEEPER else found
