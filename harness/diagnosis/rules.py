"""The rules of diagnosis: pure, a report in, findings out, the heaviest first.

A verdict says how an attempt ended; a finding says why, with the evidence, how sure that is, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness import units
from harness.diagnosis.costs import debug_output, kept_memory, memory, super_linear_time
from harness.diagnosis.crashes import crash, hang, killed, no_result, too_slow, unexplained
from harness.diagnosis.finding import CRASHES, Weighed, finding, passed_rungs, smallest_broken
from harness.diagnosis.saves import failed_checks, nothing_recalled
from harness.report.models import Finding, Report


def diagnose(report: Report) -> list[Finding]:
    """All that is wrong, ranked."""
    found = [weighed for rule in RULES for weighed in rule(report)]
    if not any(weighed.finding.severity == "error" for weighed in found):
        found += unexplained(report)
    return [weighed.finding for weighed in sorted(found, key=lambda weighed: -weighed.weight)]


def missing_output(report: Report) -> Iterator[Weighed]:
    """Patterns that never match, and output that a crash took along."""
    passed = passed_rungs(report)
    broken = smallest_broken(report)
    if passed and passed[-1].unmatched_patterns:
        names = ", ".join(passed[-1].unmatched_patterns)
        written = passed[-1].attempts[0]
        yield finding(
            50,
            "output_missing",
            f"What it says is never found: {names}",
            [
                f"{written.stdout.lines:,} lines on stdout, {written.stderr.lines:,} on stderr at {passed[-1].label}",
                "the patterns stand under [reads] in the subject's file",
            ],
            "Correct the patterns, or have the program print these values.",
            "medium",
        )
    if passed and passed[-1].no_numbers:
        yield finding(
            50,
            "output_missing",
            f"What it says is no whole number: {', '.join(passed[-1].no_numbers)}",
            [f"{name} matched {text!r}" for name, text in passed[-1].no_numbers.items()],
            "Let the group of the pattern hold digits alone (commas and spaces between them may be), as in "
            "'nodes: (\\d+)', or have the program print whole numbers.",
        )
    if broken is not None and passed and broken.verdict in CRASHES:
        before, after = passed[-1].attempts[0].stdout.bytes, broken.attempts[0].stdout.bytes
        if before > 0 and after == 0:
            yield finding(
                35,
                "output_missing",
                "It has said nothing when it crashes",
                [f"{before:,} bytes on stdout at {passed[-1].label}, none at {broken.label}"],
                "If it prints only at its end, there was nothing to say yet. If it prints while it works, its output "
                "to a pipe is buffered: call setvbuf(stdout, NULL, _IOLBF, 0) once, or write to stderr.",
                "low",
            )


def left_running(report: Report) -> Iterator[Weighed]:
    """Programs that end, and something of them does not."""
    rung = next((rung for rung in report.rungs if rung.left_running), None)
    if rung is not None:
        yield finding(
            44,
            "left_running",
            f"A process is left behind when it ends: by {', '.join(rung.left_running)}",
            [f"at {rung.label} it still held stdout or stderr when the program itself had ended; it was ended"],
            "Wait for every process that is started, or give it an output of its own.",
        )


def flaky_break(report: Report) -> Iterator[Weighed]:
    """A size that breaks now and then."""
    found = report.break_
    if found is None or not found.broken_tries or found.broken_times == found.broken_tries:
        return
    yield finding(
        55,
        "flaky_break",
        f"At {units.label(found.first_broken_bytes)} it broke {found.broken_times} of {found.broken_tries} times",
        [found.because],
        "What it does depends on something other than its input: time, addresses, the order of threads, memory that "
        "was never written. Run it under valgrind or a sanitizer.",
    )


RULES: tuple[Callable[[Report], Iterator[Weighed]], ...] = (
    crash,
    hang,
    too_slow,
    killed,
    no_result,
    failed_checks,
    super_linear_time,
    debug_output,
    memory,
    kept_memory,
    missing_output,
    left_running,
    nothing_recalled,
    flaky_break,
)
