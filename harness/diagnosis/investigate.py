"""What a diagnosis needs to know beyond the climb: a few more attempts, bounded in number and time.

A rung that floods its output is learnt again with the output discarded. A crash is shrunk to a witness, and the witness
is run under a debugger where the subject is a program.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.attempts import Asked, Attempt, Trial, Trials, stacks_of_programs
from harness.diagnosis.crash_site import READERS, TOOLS, read_attached, read_sanitizer
from harness.diagnosis.finding import CRASHES
from harness.diagnosis.witness import Found, shrink
from harness.ladder import Climb
from harness.programs import find_program
from harness.report import models
from harness.stage_clock import LEARN, WORK
from harness.stages import is_learning
from scaling_suite.workload import Rung

WITNESS_FILE = "witness.txt"
FLOOD_LINES = 0.5  # lines of output per line of input
FLOOD_SHARE = 0.2  # bytes of output per byte of input
FLOOD_BYTES = 64 * 1024  # less than this is no flood, whatever the input
SHOWN_BYTES = 400
WORK_BYTES = 10_000  # of text whose opcodes are counted: always the same, so that reports can be compared
LARGEST_SHRUNK_BYTES = 100_000_000  # a text above this size is not held in memory to be cut
TIME_FACTOR = 3.0  # a shrunk text may take this much longer than the whole one took to crash
LEAST_TIME_S = 5.0
DEBUGGER_FACTOR = 50.0  # valgrind is that much slower


@dataclass(frozen=True)
class Bounds:
    """What may be spent on a witness."""

    runs: int = 150
    time_s: float = 120.0


@dataclass(frozen=True)
class Investigation:
    """What was found beyond the climb."""

    witness: models.Witness | None = None
    crash_site: models.CrashSite | None = None
    quiet: models.Quiet | None = None
    work: models.Work | None = None


def investigate(trials: Trials, climbed: Climb[Trial], folder: Path, bounds: Bounds) -> Investigation:
    """All of it."""
    found = climbed.smallest_broken
    witness, site = None, None
    if found is not None and found[1].verdict.name in CRASHES | {"exception"}:
        witness, site = look_at_crash(trials, *found, folder, bounds)
    if found is not None and found[1].verdict.name in ("timeout", "memory_limit"):
        box = found[1].attempts[0].black_box
        site = None if box is None else first_told(stacks_of_programs(box))
    return Investigation(witness, site, compare_quiet(trials, climbed), count_work(trials, climbed))


def first_told(stacks: list[str]) -> models.CrashSite | None:
    """The first of these stacks that says where a program is."""
    sites = (read_attached(stack) for stack in stacks)
    return next((site for site in sites if site is not None and not site.stack[0].startswith("??")), None)


# Output


def floods(attempt: Attempt, rung: Rung) -> bool:
    """Whether the output grows with the input, as far as one attempt can tell."""
    out, err = attempt.evidence.stdout, attempt.evidence.stderr
    written = out.bytes + err.bytes
    per_line = (out.lines + err.lines) / max(rung.corpus_lines, 1)
    return written >= FLOOD_BYTES and (per_line >= FLOOD_LINES or written >= FLOOD_SHARE * rung.corpus_bytes)


def compare_quiet(trials: Trials, climbed: Climb[Trial]) -> models.Quiet | None:
    """Learn the largest passed size with its output read and with its output discarded, if it floods."""
    passed = [(size, trial) for size, trial in climbed.rungs if trial.passed]
    if not passed:
        return None
    size, trial = passed[-1]
    if not floods(trial.deciding, trial.rung):
        return None
    with trials.text_of(size) as rung:
        loud = trials.attempt(rung, trial.deciding.limits, Asked("loud", until=LEARN, trace=False))
        quiet = trials.attempt(
            rung, trial.deciding.limits, Asked("quiet", until=LEARN, trace=False, discard_output=True)
        )
    if not (loud.verdict.passed and quiet.verdict.passed) or not floods(loud, trial.rung):
        return None
    out, err = loud.evidence.stdout, loud.evidence.stderr
    return models.Quiet(
        size_bytes=size,
        lines=trial.rung.corpus_lines,
        stdout_bytes=out.bytes,
        stdout_lines=out.lines,
        stderr_bytes=err.bytes,
        stderr_lines=err.lines,
        loud_wall_s=learning_s(loud),
        quiet_wall_s=learning_s(quiet),
        smaller=written(trials, *passed[-2]) if len(passed) > 1 else None,
    )


def written(trials: Trials, size: int, trial: Trial) -> models.Written | None:
    """What learning this size writes; None where it breaks now."""
    with trials.text_of(size) as rung:
        attempt = trials.attempt(rung, trial.deciding.limits, Asked("loud", until=LEARN, trace=False))
    out, err = attempt.evidence.stdout, attempt.evidence.stderr
    return (
        models.Written(
            size_bytes=size,
            lines=rung.corpus_lines,
            output_bytes=out.bytes + err.bytes,
            output_lines=out.lines + err.lines,
        )
        if attempt.verdict.passed
        else None
    )


def count_work(trials: Trials, climbed: Climb[Trial]) -> models.Work | None:
    """Count the opcodes of learning a small text; None for a program, and where no size passed."""
    passed = [size for size, trial in climbed.rungs if trial.passed]
    if trials.plan.subject.command is not None or not passed:
        return None
    size = min(WORK_BYTES, max(passed))
    with trials.text_of(size) as rung:
        limits = trials.plan.limits.under(trials.limiter)
        return work_of(rung, trials.attempt(rung, limits, Asked(WORK, until=WORK, trace=False)))


def work_of(rung: Rung, attempt: Attempt) -> models.Work | None:
    """What an attempt counted that was asked to; None where it did not come so far."""
    opcodes = (attempt.evidence.result or {}).get("opcodes")
    if opcodes is None:
        return None
    return models.Work(size_bytes=rung.size_bytes, lines=rung.corpus_lines, opcodes=opcodes)


def learning_s(attempt: Attempt) -> float:
    """Wall time of all stages of learning, without the time spent waiting for a processor."""
    stages = (attempt.evidence.result or {}).get("stages", [])
    learning = [stage for stage in stages if is_learning(stage["name"])]
    return float(sum(max(stage["wall_s"] - (stage["run_queue_wait_s"] or 0.0), 0.0) for stage in learning))


def learning_cpu_s(attempt: Attempt) -> float:
    """CPU time of all stages of learning."""
    stages = (attempt.evidence.result or {}).get("stages", [])
    return float(sum(stage["cpu_s"] for stage in stages if is_learning(stage["name"])))


# Crashes


def look_at_crash(
    trials: Trials, size: int, trial: Trial, folder: Path, bounds: Bounds
) -> tuple[models.Witness | None, models.CrashSite | None]:
    """Shrink the text of a crash, then ask a debugger about what is left."""
    broken = trial.attempts[0]
    in_learning = is_learning(broken.evidence.heartbeat.stage) and bool(broken.evidence.heartbeat.stage)
    until = LEARN if in_learning else None
    limits = dataclasses.replace(
        broken.limits, time_s=min(broken.limits.time_s, max(LEAST_TIME_S, TIME_FACTOR * broken.evidence.wall_s))
    )
    with trials.text_of(size) as rung:
        text = rung.corpus.read_bytes() if rung.corpus_bytes <= LARGEST_SHRUNK_BYTES else b""
        file = rung.corpus.with_name(WITNESS_FILE)

        def attempt(candidate: bytes, asked: Asked) -> Attempt:
            file.write_bytes(candidate)
            lines = candidate.count(b"\n") + (not candidate.endswith(b"\n"))
            cut = dataclasses.replace(
                rung, size_bytes=len(candidate), corpus=file, corpus_bytes=len(candidate), corpus_lines=lines
            )
            under = limits if not asked.under else dataclasses.replace(limits, time_s=limits.time_s * DEBUGGER_FACTOR)
            return trials.attempt(cut, under, asked)

        def breaks(candidate: bytes) -> bool:
            again = attempt(candidate, Asked(WITNESS, until=until, trace=False))
            return same_break(broken, again)

        found = (
            shrink(text, breaks, runs=bounds.runs, time_s=bounds.time_s)
            if text and in_learning and bounds.runs
            else None
        )
        smallest = found.text if found is not None and found.reproduced else text
        site = None
        if trials.plan.subject.command is not None:
            site = read_sanitizer(broken.evidence.stderr.head + broken.evidence.stderr.tail)
            site = site or ask_debuggers(lambda asked: attempt(smallest, asked), until)
    if found is None:
        return None, site
    witness = describe(found, text)
    if found.reproduced:
        (folder / WITNESS_FILE).write_bytes(found.text)
        witness = witness.model_copy(update={"file": WITNESS_FILE})
    return witness, site


WITNESS = "witness"  # the name of the folder of an attempt to shrink


def same_break(first: Attempt, second: Attempt) -> bool:
    """The same verdict, and for an error the same kind of error."""
    if first.verdict.name != second.verdict.name:
        return False
    raised = [((one.evidence.result or {}).get("exception") or {}).get("type") for one in (first, second)]
    codes = [one.evidence.command_exit_code for one in (first, second)]
    return raised[0] == raised[1] and codes[0] == codes[1]


def describe(found: Found, text: bytes) -> models.Witness:
    lines = found.text.splitlines()
    return models.Witness(
        from_bytes=len(text),
        from_lines=text.count(b"\n"),
        bytes=len(found.text),
        lines=max(len(lines), 1),
        longest_line_bytes=max(map(len, lines), default=0),
        runs=found.runs,
        wall_s=found.wall_s,
        tries=found.tries,
        reproduced=found.reproduced,
        any_input=found.any_input,
        content_matters=found.content_matters,
        finished=found.finished,
        shown=found.text[:SHOWN_BYTES].decode("utf-8", "backslashreplace"),
    )


def ask_debuggers(attempt: Callable[[Asked], Attempt], until: str | None) -> models.CrashSite | None:
    """The first debugger that is here and can tell."""
    for name, arguments in TOOLS:
        program = find_program(name)
        if program is None:
            continue
        tried = attempt(Asked(f"under-{name}", until=until, under=(program, *arguments), trace=False, keep=True))
        said = ""
        if tried.black_box is not None:
            for stream in ("stdout.txt", "stderr.txt"):
                said += (tried.black_box / stream).read_text(errors="backslashreplace")
        if (site := READERS[name](said)) is not None:
            return site
    return None
