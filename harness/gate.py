"""Gate: is a candidate worse than a base? Time in interleaved pairs of fresh processes, work to the digit, memory.

A number from another machine or another day tells nothing: base and candidate learn the same text here and now. Time
that is too noisy to tell is said to be, and never a pass.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from harness import build_step, workload
from harness.attempts import BUILT, Asked, Attempt, Plan, Trials
from harness.diagnosis.investigate import WORK_BYTES, learning_cpu_s, work_of
from harness.errors import BaselineError, SubjectError
from harness.launch import Launcher
from harness.output import leave_no_empty
from harness.pairs import Compared, border_of, compare, compared
from harness.progress import Progress
from harness.report.gate import BASE, CANDIDATE, SIDES, Broken, Measure, Outcome, Pair, Run, Settings
from harness.report.models import Work
from harness.stage_clock import LEARN, WORK
from harness.stages import is_learning
from scaling_suite.workload import Rung

LEAST_CPU_S = 0.05  # of learning: what takes less is no measure of its speed
PAIRS_TO_SEE = 3  # whether it takes longer than that
SHORTEST_CPU_S = 1e-6  # what no clock can see took so long
LEAST_MEMORY = 1 << 20  # bytes: that much more or less is the interpreter's affair


class _Ended(Exception):
    """Going on tells no more: one of the two did not end its learning well, or it takes no time to speak of."""


class Comparison:
    """Both sides, and what was measured of them so far: where it is interrupted, nothing of that is lost.

    lines : of the text;  broken : the side that broke, which ends it
    """

    def __init__(
        self, plans: Mapping[str, Plan], settings: Settings, launcher: Launcher, folder: Path, progress: Progress
    ) -> None:
        self.lines: int | None = None
        self.broken: Broken | None = None
        self._work: dict[str, Work] = {}
        self._runs: dict[str, list[Run]] = {side: [] for side in SIDES}
        self._plans, self._settings, self._folder, self._progress = plans, settings, folder, progress
        self._trials = {
            side: Trials(plan, launcher, folder / side, progress, workload.prepare) for side, plan in plans.items()
        }

    @property
    def pairs(self) -> list[Pair]:
        return [Pair(base=base, candidate=candidate) for base, candidate in zip(*self._runs.values(), strict=False)]

    def run(self) -> None:
        """Count the work of both, then run pairs until it is clear which is slower.

        Raises
        ------
        SubjectError : the candidate cannot be found or built
        BaselineError : the base cannot
        """
        try:
            self._compare()
        finally:
            for side in SIDES:
                leave_no_empty(self._folder / side)

    def _compare(self) -> None:
        for side in SIDES:
            self._build(side)
        with suppress(_Ended):
            for side in SIDES:
                self._look_at(side)
            self._progress.preparing(self._settings.size_bytes)
            with self._trials[BASE].text_of(self._settings.size_bytes) as rung:
                self.lines = rung.corpus_lines
                one, other = (self._learns(side, rung) for side in SIDES)
                compare(one, other, self._settings.tolerance.slowdown, self._settings.most_pairs, self._announce)

    def measures(self) -> list[Measure]:
        """Time, work and memory, as far as they are known, held against what is tolerated."""
        tolerance = self._settings.tolerance
        found: list[Measure | None] = []
        if self.pairs:
            found += [
                time_of(self.pairs, tolerance.slowdown, self._settings.most_pairs),
                memory_of(self.pairs, tolerance.memory),
            ]
        if len(self._work) == len(SIDES):
            found.append(work_measure(self._work[BASE], self._work[CANDIDATE], tolerance.work))
        return [measure for measure in found if measure is not None]

    def _build(self, side: str) -> None:
        with _told_of(side):
            build_step.build(self._plans[side].subject.command, self._folder / side / BUILT)

    def _look_at(self, side: str) -> None:
        """Let it run once before anything is timed: it is then compiled, and read from the disk. Count its work."""
        program = self._plans[side].subject.command is not None
        size, asked = self._settings.size_bytes, Asked(f"{side}-0", until=LEARN)
        if not program:
            size, asked = min(size, WORK_BYTES), replace(asked, until=WORK)
        with self._trials[side].text_of(size) as rung:
            work = work_of(rung, self._ended_well(side, rung, asked))
        if work is not None:
            self._work[side] = work

    def _learns(self, side: str, rung: Rung) -> Callable[[], float]:
        """CPU seconds that it takes, each time in a fresh process."""

        def learn() -> float:
            asked = Asked(f"{side}-{len(self._runs[side]) + 1}", until=LEARN)
            self._runs[side].append(run_of(self._ended_well(side, rung, asked)))
            return self._runs[side][-1].cpu_s

        return learn

    def _ended_well(self, side: str, rung: Rung, asked: Asked) -> Attempt:
        self._progress.name = f"{side:<9}"
        with _told_of(side):
            attempt = self._trials[side].attempt(rung, self._plans[side].limits, asked)
        if attempt.verdict.passed:
            return attempt
        box = None if attempt.black_box is None else str(attempt.black_box.relative_to(self._folder))
        self.broken = Broken(side=side, verdict=attempt.verdict.name, because=attempt.verdict.because, black_box=box)
        raise _Ended

    def _announce(self, seen: Compared) -> None:
        base, candidate = (runs[-1].cpu_s for runs in self._runs.values())
        self._progress.say(
            f"pair {seen.pairs:>2}  base {base:.3f} s, candidate {candidate:.3f} s of CPU time: "
            f"{candidate / base - 1:+.1%}; median {seen.median - 1:+.1%}"
        )
        if seen.pairs == PAIRS_TO_SEE and too_short(self.pairs):
            raise _Ended


@contextmanager
def _told_of(side: str) -> Iterator[None]:
    """What is wrong with the base is said to be the base's."""
    try:
        yield
    except SubjectError as error:
        if side == BASE:
            raise BaselineError(f"the base cannot be run: {error}") from error
        raise


def run_of(attempt: Attempt) -> Run:
    """What one run of learning took."""
    stages = [stage for stage in (attempt.evidence.result or {}).get("stages", []) if is_learning(stage["name"])]
    waits = [stage["run_queue_wait_s"] for stage in stages if stage["run_queue_wait_s"] is not None]
    return Run(
        cpu_s=max(learning_cpu_s(attempt), SHORTEST_CPU_S),
        wall_s=sum(stage["wall_s"] for stage in stages),
        run_queue_wait_s=sum(waits) if waits else None,
        peak_anon_bytes=attempt.evidence.peak_anon_bytes,
    )


def time_of(pairs: list[Pair], slowdown: float, most_pairs: int) -> Measure:
    """CPU time of learning: the candidate's is at most half of the slowdown above the base's, or it is slower."""
    seen = compared([(pair.base.cpu_s, pair.candidate.cpu_s) for pair in pairs], slowdown, most_pairs)
    base, candidate = (statistics.median(getattr(pair, side).cpu_s for pair in pairs) for side in SIDES)
    said = f"{seen.above} of {seen.pairs} pairs above the border; of the fastest runs {seen.fastest - 1:+.1%}"
    outcome: Outcome = "cannot_tell"
    if too_short(pairs):
        said = "learning takes too little time to be compared: give a larger --size"
    elif not seen.clear:
        share = waiting_share(pairs)
        if share is not None:
            said += f"; {share:.0%} of the wall time was waiting for a processor"
    else:
        outcome = "regression" if seen.slower else "ok"
    return Measure(
        name="time",
        base=base,
        candidate=candidate,
        ratio=seen.median,
        low=seen.low,
        high=seen.high,
        most=border_of(slowdown),
        outcome=outcome,
        because=said,
    )


def too_short(pairs: list[Pair]) -> bool:
    """Whether learning takes too little time on both sides to be a measure of speed."""
    medians: list[float] = [statistics.median(getattr(pair, side).cpu_s for pair in pairs) for side in SIDES]
    return max(medians) < LEAST_CPU_S


def waiting_share(pairs: list[Pair]) -> float | None:
    """How much of the wall time of all runs was waiting for a processor; None where the machine does not tell."""
    runs = [getattr(pair, side) for pair in pairs for side in SIDES]
    waits = [run.run_queue_wait_s for run in runs if run.run_queue_wait_s is not None]
    wall_s = sum(run.wall_s for run in runs)
    return sum(waits) / wall_s if waits and wall_s > 0 else None


def work_measure(base: Work, candidate: Work, more: float) -> Measure:
    """Opcodes of Python a line: the same on every run, so that a small change is one."""
    ratio = candidate.per_line / base.per_line
    return Measure(
        name="work",
        base=base.per_line,
        candidate=candidate.per_line,
        ratio=ratio,
        most=1.0 + more,
        outcome="regression" if ratio > 1.0 + more else "ok",
        because=f"counted on {base.lines} lines: the same on every run",
    )


def memory_of(pairs: list[Pair], more: float) -> Measure | None:
    """Peak private memory, as the middle of the runs has it."""
    base, candidate = (statistics.median(getattr(pair, side).peak_anon_bytes for pair in pairs) for side in SIDES)
    if base <= 0:
        return None
    small = candidate - base <= LEAST_MEMORY
    larger = candidate > base * (1.0 + more)
    return Measure(
        name="memory",
        base=base,
        candidate=candidate,
        ratio=candidate / base,
        most=1.0 + more,
        outcome="regression" if larger and not small else "ok",
        because="the median of the runs" + ("; less than 1 MiB more is let pass" if larger and small else ""),
    )
