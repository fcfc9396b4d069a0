"""Rules about ends: a deadly signal or an error and the input that brings it about, a hang, no result at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from harness import units
from harness.diagnosis.finding import (
    CRASHES,
    Weighed,
    between,
    box_of,
    finding,
    python_frames,
    site_of,
    smallest_broken,
)
from harness.diagnosis.growth import time_growth
from harness.report.models import Attempt, Report
from harness.verdict import signal_name

FEW_LINES = 8  # a witness of so few lines names a cause; of more, a size
STALLED_SHARE = 0.2  # CPU per wall time below which a timeout was a wait
RECURSION_FRAMES = 20
RECURSION_SHARE = 0.8  # of the frames of a stack that are the same function, or two in turn


def crash(report: Report) -> Iterator[Weighed]:
    """A deadly signal, or an error that ended it: by which input, where."""
    rung = smallest_broken(report)
    if rung is None or (rung.verdict not in CRASHES and rung.verdict != "exception"):
        return
    attempt = rung.attempts[0]
    after_save = attempt.last_stage in ("load", "verify")
    if after_save:
        yield finding(
            92,
            "unreadable_save",
            f"What it saved cannot be read back: {rung.verdict} in stage {attempt.last_stage}",
            [rung.because, _last_line(attempt), between(report), box_of(attempt)],
            "Write to a temporary file, flush and fsync it, rename it over the old one, and check every write; have "
            "the reader check lengths and a checksum before it trusts them.",
        )
        return
    if recursion := _recursion(attempt, report):
        yield finding(
            98,
            "deep_recursion",
            f"Recursion without end: {recursion}",
            [rung.because, *site_of(report, attempt), between(report), box_of(attempt)],
            "Replace the recursion by a loop with a stack of its own, or bound its depth by something smaller than the "
            "input.",
        )
        return
    witness = report.witness
    said = _last_line(attempt) if attempt.exit.command_code is not None else ""  # of a worker it is the message again
    evidence = [rung.because, said, *site_of(report, attempt), between(report)]
    if witness is not None and not witness.any_input and witness.lines <= FEW_LINES and witness.reproduced:
        what = "line" if witness.lines == 1 else "lines"
        matter = "its bytes do not matter, only its length" if witness.content_matters is False else ""
        title = (
            f"One line of {witness.longest_line_bytes:,} bytes suffices to break it: {rung.verdict}"
            if witness.lines == 1
            else f"{witness.lines} {what} of {witness.bytes:,} bytes suffice to break it: {rung.verdict}"
        )
        yield finding(
            100,
            "input_triggered_crash",
            title,
            [
                f"shrunk from {witness.from_lines:,} lines, {units.size(witness.from_bytes)}, in {witness.runs} runs; "
                f"broke {witness.reproduced} of {witness.tries} times"
                + ("" if witness.finished else "; not minimal yet"),
                matter,
                *evidence,
                f"witness: {witness.file}" if witness.file else "",
                box_of(attempt),
            ],
            "Run the witness under a debugger. "
            + (
                "Look for a buffer of fixed size that a line is copied into: the shortest breaking line is a little "
                "longer than it holds."
                if witness.content_matters is False
                else "Look for what these bytes are taken for."
            ),
        )
        return
    if witness is not None:
        if witness.any_input:
            evidence.append("any input breaks it, a single line too")
        else:
            kind = "any" if witness.content_matters is False else "these"
            evidence.append(f"it takes {witness.lines:,} lines ({kind} lines): fewer pass")
        if witness.reproduced < witness.tries:
            evidence.append(f"flaky: the same text broke it {witness.reproduced} of {witness.tries} times")
    kind = "crash" if rung.verdict in CRASHES else "exception"
    in_stage = f"in stage {attempt.last_stage}" if attempt.last_stage else "at its start"
    counted = witness is not None and not witness.any_input and witness.content_matters is False
    yield finding(
        96 if kind == "crash" else 85,
        kind,
        f"It crashes {in_stage}: {attempt.exit.signal or rung.verdict}"
        if kind == "crash"
        else f"It ends with an error {in_stage}: {_shortened(rung.because)}",
        [*evidence, box_of(attempt)],
        "Look for a table of fixed size, or a counter that overflows: the number of lines alone breaks it."
        if counted
        else "Replay the black box under a debugger; the stack names the place."
        if kind == "crash"
        else "The message and its place are in the black box; handle that case, or say in one sentence what is wrong "
        "with the input.",
    )


def _recursion(attempt: Attempt, report: Report) -> str | None:
    """The function that calls itself, if a stack shows one."""
    if "RecursionError" in attempt.because:
        return "Python gave up (RecursionError)"
    stacks = [python_frames(attempt.fault)]
    if report.crash_site is not None:
        stacks.append(report.crash_site.stack)
    for frames in stacks:
        names = Counter(_function(frame) for frame in frames)
        if len(frames) >= RECURSION_FRAMES:
            often = names.most_common(2)
            if sum(count for _, count in often) >= RECURSION_SHARE * len(frames):
                return f"{' and '.join(name for name, count in often if count > 1)} on {len(frames)} frames or more"
    if report.crash_site is not None and "tack overflow" in report.crash_site.what:
        return f"{report.crash_site.tool} says stack overflow"
    text = attempt.stderr.head + attempt.stderr.tail
    return "AddressSanitizer says stack-overflow" if "AddressSanitizer: stack-overflow" in text else None


def _function(frame: str) -> str:
    """The function of a frame, as faulthandler ("... in name") and debuggers ("#3 0x.. in name (") write it."""
    found = re.search(r"\bin (\S+)", frame) or re.match(r"#\d+\s+(\S+)", frame)
    return found[1] if found else frame


def _last_line(attempt: Attempt) -> str:
    lines = attempt.stderr.tail.strip().splitlines()
    return f"stderr ends with: {lines[-1][:300]}" if lines else ""


def _shortened(text: str) -> str:
    return text if len(text) <= 140 else text[:140] + "…"


def hang(report: Report) -> Iterator[Weighed]:
    """Out of time: waiting, or working?"""
    rung = smallest_broken(report)
    if rung is None or rung.verdict not in ("timeout", "cpu_limit"):
        return
    attempt = rung.attempts[0]
    busy = attempt.cpu_s / max(attempt.wall_s, 1e-9)
    stalled = [s for s in attempt.samples if s.at_s > attempt.wall_s / 2]
    still = len({(s.stage, s.bytes, s.lines) for s in stalled}) <= 1
    if time_growth(report) is not None:
        return  # explained by `super_linear_time`
    evidence = [
        rung.because,
        f"{busy:.0%} of the time on a processor",
        "no progress in the second half of the run" if still else "it still made progress",
        *site_of(report, attempt),
        between(report),
        box_of(attempt),
    ]
    if busy < STALLED_SHARE:
        title = f"It hangs in stage {attempt.last_stage or 'start'}: waiting, not working"
    elif still:
        title = f"It hangs in stage {attempt.last_stage or 'start'}: working without progress"
    else:
        title = "It is too slow for the time limit"
    yield finding(
        95,
        "hang" if busy < STALLED_SHARE or still else "too_slow",
        title,
        evidence,
        "The black box holds the stacks at 80 % and at the end of the time limit; look for a lock, a pipe or a read "
        "that nobody answers, or a loop whose condition never changes.",
        "high" if busy < STALLED_SHARE or still else "medium",
    )


def too_slow(report: Report) -> Iterator[Weighed]:
    """Slower than was asked for."""
    rung = smallest_broken(report)
    if rung is not None and rung.verdict == "too_slow":
        attempt = rung.attempts[0]
        busy = attempt.cpu_s / max(attempt.wall_s, 1e-9)
        yield finding(
            82,
            "too_slow",
            "It learns more slowly than --min-lines-per-sec asks for",
            [rung.because, f"{busy:.0%} of the time on a processor", between(report), box_of(attempt)],
            "See which stage of learning takes the time, and run that under a profiler; where it is seldom on a "
            "processor, look for what it waits for. Or ask for less.",
        )


def no_result(report: Report) -> Iterator[Weighed]:
    """Exit code 0, and nothing to show for it."""
    rung = smallest_broken(report)
    if rung is not None and rung.verdict == "vanished":
        yield finding(
            94,
            "exit_0_without_brain",
            "It ends with exit code 0, but leaves no result",
            [rung.because, between(report), box_of(rung.attempts[0])],
            "Look for an exit() in a path that should go on, and for writes whose result nobody checks; end with a "
            "code other than 0 when nothing was saved.",
        )


def killed(report: Report) -> Iterator[Weighed]:
    """A signal that is nobody's fault for sure: sent by itself, or from outside."""
    rung = smallest_broken(report)
    if rung is None or rung.verdict != "killed_external":
        return
    attempt = rung.attempts[0]
    tries = sum(len(each.attempts) for each in (*report.rungs, *report.narrowing) if each.verdict == rung.verdict)
    again = f"it was run {tries} times, and ended so each time" if tries > 1 else ""
    code = attempt.exit.code if attempt.exit.command_code is None else attempt.exit.command_code
    yield finding(
        84,
        "killed",
        f"It is ended by {signal_name(code) or 'a signal'}, which the harness did not send",
        [rung.because, again, _last_line(attempt), between(report), box_of(attempt)],
        "Look for a place where it sends that signal to itself (kill, raise, KeyboardInterrupt); else for who ends "
        "processes on this machine: a person, a service manager, a limit of the job that this runs in.",
        "high" if tries > 1 else "medium",
    )


def unexplained(report: Report) -> Iterator[Weighed]:
    """What no other rule has a word for: a break is never passed over."""
    rung = smallest_broken(report)
    if rung is not None:
        yield finding(
            80,
            "break",
            f"It breaks: {rung.verdict}",
            [rung.because, between(report), box_of(rung.attempts[0])],
            "No rule knows more about it; the black box holds what was run and what was seen.",
            "low",
        )
