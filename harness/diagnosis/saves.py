"""Rules about results: what was learnt, saved and loaded is not what it must be."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnosis.finding import Weighed, between, box_of, finding, passed_rungs, smallest_broken
from harness.report.models import Check, Report

FACTS_THAT_TELL = 2  # so many that do not come back are no accident


def failed_checks(report: Report) -> Iterator[Weighed]:
    """What must be true after a rung, and is not."""
    rung = smallest_broken(report)
    failed = [check for check in rung.checks if not check.holds] if rung is not None else []
    for check in failed[:1]:
        assert rung is not None
        kind, weight, title, advice = _meaning(check)
        if kind == "exit_0_without_brain":
            return  # `no_result` says it
        evidence = [f"{check.name}: not true" + (f" ({check.detail})" if check.detail else ""), between(report)]
        evidence += [f"also not true: {other.name}" for other in failed[1:]]
        yield finding(weight, kind, title, [*evidence, box_of(rung.attempts[0])], advice)


def nothing_recalled(report: Report) -> Iterator[Weighed]:
    """Planted facts, none of which comes back."""
    told = [(rung.label, rung.quality) for rung in passed_rungs(report) if rung.quality and rung.quality.facts_asked]
    asked = sum(quality.facts_asked for _, quality in told)
    if asked < FACTS_THAT_TELL or any(quality.facts_recalled for _, quality in told):
        return
    yield finding(
        42,
        "nothing_recalled",
        f"None of {asked} planted facts comes back when it is asked for",
        [f"{label}: 0 of {quality.facts_asked}" for label, quality in told],
        "Begin with a smaller size: what was told once may be lost in much text. If nothing comes back there either, "
        "ask by hand for the start of a line; see that `query` looks at what was learnt and prints how it goes on. A "
        "program that is not meant to do so says `recalls = false` under [expects], a class "
        "`recalls = False`.",
        "medium",
    )


def _meaning(check: Check) -> tuple[str, float, str, str]:
    """Kind, weight, title and advice of a failed check."""
    if check.verdict == "vanished":
        return "exit_0_without_brain", 94, "", ""
    if "empty when loaded" in check.detail:
        return (
            "empty_save",
            93,
            "A brain that was full when saved is empty when loaded",
            "Check that opening never creates or truncates a file, that closing does not save over it, and that the "
            "reader fails loudly on what it cannot read.",
        )
    if "starts from nothing" in check.detail:
        return (
            "resume_restarts",
            90,
            "Resuming starts from nothing",
            "Load the brain before learning on, and do not clear its tables when learning begins.",
        )
    if "leaves the file alone" in check.name:
        return (
            "query_writes",
            89,
            "Asking changes the brain",
            "Open the brain read-only for queries; do not save on close unless something was learnt.",
        )
    if "two trainings" in check.name:
        return (
            "non_deterministic",
            88,
            "Two trainings on the same text differ",
            "Look for seeds taken from the clock or the process, for the order of hash tables and of threads, and for "
            "memory read before it is written.",
        )
    if check.verdict == "lossy_save":
        return (
            "lossy_save",
            91,
            "What is loaded is not what was saved",
            "Compare table by table what is written with what is read: counts first, then types and order.",
        )
    return "wrong_result", 86, f"A result is wrong: {check.name}", "The check's detail says what was found instead."
