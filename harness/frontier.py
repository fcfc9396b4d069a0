"""The frontier: which size breaks under which memory limit. Two axes, one monotone search, few runs.

What passes under a limit passes under a larger one, and what breaks breaks under a smaller one: so the search walks
along the edge, and marks the fields that follow without a run as not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.attempts import Trials
from harness.limits import Limits
from harness.report.models import Cell, Frontier

LIMITS = 6  # the limit of the ladder, and five halvings of it
LEAST_LIMIT_BYTES = 16 * 1024**2  # below, an interpreter alone is over it


def find_frontier(trials: Trials, sizes: Sequence[int], limits: Limits) -> Frontier:
    """The frontier over the rungs' sizes and the limits from the ladder's own downwards."""
    steps = sorted({limits.memory_bytes >> step for step in range(LIMITS)})
    limits_bytes = [step for step in steps if step >= LEAST_LIMIT_BYTES] or [limits.memory_bytes]

    def verdict(size: int, limit: int) -> tuple[str, bool]:
        trial = trials.try_under(size, limit)
        return trial.verdict.name, trial.passed

    return Frontier(limits_bytes=limits_bytes, sizes_bytes=list(sizes), cells=walk(sizes, limits_bytes, verdict))


def walk(sizes: Sequence[int], limits: Sequence[int], verdict: Callable[[int, int], tuple[str, bool]]) -> list[Cell]:
    """Every field, by limit and size. `verdict` runs a size under a limit: its name, and whether it passed."""
    cells = []
    reached = 0  # so many sizes passed under the limit before
    for limit in limits:
        for size in sizes[:reached]:
            cells.append(Cell(limit_bytes=limit, size_bytes=size, verdict="ok", passed=True, measured=False))
        broke = ""
        for size in sizes[reached:]:
            name, passed = (broke, False) if broke else verdict(size, limit)
            measured = not broke
            cells.append(Cell(limit_bytes=limit, size_bytes=size, verdict=name, passed=passed, measured=measured))
            if passed:
                reached += 1
            else:
                broke = name
    return cells
