"""A whole ladder: climb, narrow down, try the edges again, look into what broke, and report on it.

What it was asked stands beside its report in `recipe.json`, so that it can be replayed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from harness import build_step, workload
from harness.attempts import BUILT, Plan, Trial, Trials
from harness.diagnosis.foretell import forecast_of
from harness.diagnosis.investigate import Bounds, Investigation, investigate
from harness.diagnosis.rules import diagnose
from harness.errors import Interrupted, WorkloadFailed
from harness.exit_codes import ExitCode
from harness.frontier import find_frontier
from harness.ladder import Climb, Repeats, climb, repeat_edges
from harness.launch import Launcher
from harness.limits import Limits
from harness.machine import circumstances, describe_subject
from harness.output import write
from harness.progress import Progress
from harness.report import build, models
from harness.subject import SubjectName, parse_subject
from harness.units import memory
from scaling_suite.sizes import format_size

RECIPE = "recipe.json"
RECIPE_SCHEMA = "harness.recipe/1"


@dataclass(frozen=True)
class LadderOptions:
    """The options of one ladder, checked."""

    subject: SubjectName
    corpus: Path | None
    sizes: list[int]
    limits: Limits
    min_lines_per_s: float | None
    required: int | None
    bisect_runs: int
    seed: int
    notes: list[str]
    bounds: Bounds
    frontier: bool = False
    repeats: int = 1

    def as_json(self) -> dict[str, Any]:
        """What makes the same ladder again, with the argument vectors of a command subject as they were resolved."""
        return {
            "schema": RECIPE_SCHEMA,
            "subject": self.subject.text,
            "command": self.subject.command,
            "corpus": None if self.corpus is None else str(self.corpus.resolve()),
            "sizes_bytes": self.sizes,
            "limits": self.limits.as_json(),
            "min_lines_per_s": self.min_lines_per_s,
            "required_bytes": self.required,
            "bisect_runs": self.bisect_runs,
            "seed": self.seed,
            "notes": self.notes,
            "witness": asdict(self.bounds),
            "frontier": self.frontier,
            "repeats": self.repeats,
            "working_folder": str(Path.cwd()),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> LadderOptions:
        """Raises KeyError, TypeError or ValueError where the document is not whole."""
        command, corpus = document["command"], document["corpus"]
        named = document["subject"]
        return cls(
            SubjectName(named, command=command) if command else parse_subject(named),
            None if corpus is None else Path(corpus),
            [int(size) for size in document["sizes_bytes"]],
            Limits(**document["limits"]),
            document["min_lines_per_s"],
            document["required_bytes"],
            document["bisect_runs"],
            document["seed"],
            list(document["notes"]),
            Bounds(**document["witness"]),
            document["frontier"],
            document["repeats"],
        )


def run(options: LadderOptions, launcher: Launcher, folder: Path, console: Console) -> models.Report:
    """Climb, and report on it. A person's Ctrl-C or a service's SIGTERM ends the climb, not the report."""
    plan = Plan(options.subject, options.corpus, options.seed, options.limits, options.min_lines_per_s)
    held = options.limits
    limits = f"{memory(held.memory_bytes)}, {held.time_s:,.0f} s a rung, {held.limiter}"
    text = "generated text" if options.corpus is None else str(options.corpus)
    span = f"{format_size(options.sizes[0])} to {format_size(options.sizes[-1])}"
    console.print(f"{options.subject.text} on {text}, {span}; limits: {limits}", style="bold", soft_wrap=True)
    climbed: Climb[Trial] = Climb([], [])
    forecasts: list[models.Forecast] = []
    seen = Investigation()
    frontier = None
    repeats = None
    notes = list(options.notes)
    interrupted = None
    recipe = json.dumps(options.as_json(), indent=1) + "\n"
    build_step.build(options.subject.command, folder / BUILT)
    with Progress(console) as progress:
        trials = Trials(plan, launcher, folder, progress, workload.prepare)

        def announce(trial: Trial) -> None:
            progress.trial_ended(trial)
            if climbed.rungs and not climbed.narrowing and (made := forecast_of(climbed.rungs, options.limits)):
                forecasts.append(made)
                progress.foretold(made)

        try:
            climb(
                options.sizes,
                trials.try_and_confirm,
                narrow_with=trials.try_once,
                runs=options.bisect_runs,
                climbed=climbed,
                announce=announce,
            )
            if options.bisect_runs and options.repeats > 1:
                repeats = repeat_edges(climbed, trials.try_once, options.repeats, progress.trial_ended)
            seen = investigate(trials, climbed, folder, options.bounds)
            if options.frontier:
                frontier = find_frontier(trials, options.sizes, options.limits)
        except Interrupted as stop:
            interrupted = progress.stopped(stop)
        except WorkloadFailed as error:
            if not climbed.rungs:
                raise
            notes.append(f"the climb ended early: {error}")
    write(folder / RECIPE, recipe)
    report = report_on(options, climbed, folder, notes, interrupted, repeats)
    more = {"forecasts": forecasts, "frontier": frontier, **vars(seen)}
    report = report.model_copy(update=more)
    report = report.model_copy(update={"findings": diagnose(report)})
    return report.model_copy(update={"exit_code": ExitCode.LEAK}) if leaks(report) else report


def leaks(report: models.Report) -> bool:
    """Whether nothing else is wrong with it, and memory that outlives the learner is proven."""
    kept = any(found.kind in ("leak", "retention") and found.confidence == "high" for found in report.findings)
    return kept and report.break_ is None and report.exit_code == ExitCode.OK


def report_on(
    options: LadderOptions,
    climbed: Climb[Trial],
    folder: Path,
    notes: list[str],
    interrupted: str | None,
    repeats: Repeats | None = None,
) -> models.Report:
    """The report on a climb that has ended."""
    rungs = [build.rung(size, trial, folder) for size, trial in climbed.rungs]
    found = build.breaking(climbed, repeats)
    return models.Report(
        kind="ladder",
        **circumstances(),
        exit_code=exit_code(rungs, found, options.required, interrupted),
        subject=describe_subject(options.subject),
        settings=models.Settings(
            corpus=None if options.corpus is None else str(options.corpus),
            seed=options.seed,
            sizes_bytes=options.sizes,
            memory_limit_bytes=options.limits.memory_bytes,
            time_limit_s=options.limits.time_s,
            limiter=options.limits.limiter,
            min_lines_per_s=options.min_lines_per_s,
            required_bytes=options.required,
            bisect_runs=options.bisect_runs,
        ),
        rungs=rungs,
        narrowing=[build.rung(size, trial, folder) for size, trial in climbed.narrowing],
        break_=found,
        scaling=build.scaling(rungs),
        interrupted=interrupted,
        notes=notes,
    )


def exit_code(
    rungs: list[models.Rung], found: models.Break | None, required: int | None, interrupted: str | None
) -> ExitCode:
    """What the run says to a script."""
    if interrupted:
        return ExitCode.INTERRUPTED
    if found is not None:
        if found.verdict == "lossy_save":
            return ExitCode.LOSSY
        if required is None or (found.last_passed_bytes or 0) < required:
            return ExitCode.BREAK
    climbed = max((rung.size_bytes for rung in rungs if rung.passed), default=0)
    if found is None and required is not None and climbed < required:
        return ExitCode.INCONCLUSIVE  # the text ended before
    if any(rung.verdict == "inconclusive" for rung in rungs):
        return ExitCode.INCONCLUSIVE
    return ExitCode.OK
