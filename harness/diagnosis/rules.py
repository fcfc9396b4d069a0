"""The rules of diagnosis: pure, a report in, findings out, the heaviest first.

A verdict says how an attempt ended; a finding says why, with the evidence, how sure that is, and what to do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness import units
from harness.diagnosis.forecast import Projection, fit_growth, project
from harness.report.models import Attempt, Check, Finding, Report, Rung
from harness.stages import is_learning
from harness.statistics import fit_slope

GIGABYTE = 10**9
DAY_S = 86_400.0
CRASHES = frozenset({"segv", "abort", "bus", "fpe", "ill"})
MEMORY_VERDICTS = frozenset({"memory_limit", "memory_error", "oom_killed"})
FEW_LINES = 8  # a witness of so few lines names a cause; of more, a size
SUPER_LINEAR = 1.25  # the lower end of the slope's interval must lie above: n log n is 1.1 at most
STEEPER = 1.1  # and the step before must not have been linear: one slow rung is no curve
LEAST_CPU_S = 0.15  # of the largest rung, for its growth to mean something
LEAST_CPU_BEFORE_S = 0.02  # and of the one before
STALLED_SHARE = 0.2  # CPU per wall time below which a timeout was a wait
FLOOD_LINES = 0.5  # lines of output per line of input
FLOOD_SHARE = 0.2  # bytes of output per byte of input
FLOOD_BYTES = 64 * 1024  # less than this is no flood, whatever the input
KEPT_BYTES_PER_BYTE = 2.0  # private memory that outlives the learner, per further byte of input
KEPT_LEAST_BYTES = 2 * 1024**2
OBJECTS_PER_LINE = 0.3  # Python objects that outlive the learner, per further line
EXPLAINED = 0.25  # of the memory limit: less than this by its growth so far, and size does not explain the break
NEAR = 20  # a break foretold at so many times the largest size tried is a warning; further away it is a note
RECURSION_FRAMES = 20
RECURSION_SHARE = 0.8  # of the frames of a stack that are the same function, or two in turn

SEVERITY_ORDER = ("error", "warning", "note")


@dataclass(frozen=True)
class _Weighed:
    """weight: errors 80 to 100, warnings 40 to 79, notes below."""

    weight: float
    finding: Finding


def diagnose(report: Report) -> list[Finding]:
    """All that is wrong, ranked."""
    found = [weighed for rule in RULES for weighed in rule(report)]
    return [weighed.finding for weighed in sorted(found, key=lambda weighed: -weighed.weight)]


def _finding(
    weight: float, kind: str, title: str, evidence: list[str], advice: str, confidence: str = "high"
) -> _Weighed:
    severity = "error" if weight >= 80 else "warning" if weight >= 40 else "note"
    kept = [line for line in evidence if line]
    return _Weighed(
        weight, Finding(kind=kind, severity=severity, title=title, evidence=kept, confidence=confidence, advice=advice)
    )


def _broken(report: Report) -> Rung | None:
    """The smallest size that broke."""
    broken = [rung for rung in (*report.rungs, *report.narrowing) if not rung.passed]
    return min(broken, key=lambda rung: rung.size_bytes, default=None)


def _passed(report: Report) -> list[Rung]:
    return sorted((rung for rung in report.rungs if rung.passed), key=lambda rung: rung.size_bytes)


def _replay(attempt: Attempt) -> str:
    return f"black box: {attempt.black_box}" if attempt.black_box else ""


def _between(report: Report) -> str:
    found = report.break_
    if found is None or found.last_passed_bytes is None:
        return "it breaks at the smallest size tried" if found else ""
    return f"passes {units.label(found.last_passed_bytes)}, breaks at {units.label(found.first_broken_bytes)}"


# Crashes


def crash(report: Report) -> Iterator[_Weighed]:
    """A deadly signal, or an error that ended it: by which input, where."""
    rung = _broken(report)
    if rung is None or (rung.verdict not in CRASHES and rung.verdict != "exception"):
        return
    attempt = rung.attempts[0]
    after_save = attempt.last_stage in ("load", "verify")
    if after_save:
        yield _finding(
            92,
            "unreadable_save",
            f"What it saved cannot be read back: {rung.verdict} in stage {attempt.last_stage}",
            [rung.because, _last_line(attempt), _between(report), _replay(attempt)],
            "Write to a temporary file, flush and fsync it, rename it over the old one, and check every write; have "
            "the reader check lengths and a checksum before it trusts them.",
        )
        return
    if recursion := _recursion(attempt, report):
        yield _finding(
            98,
            "deep_recursion",
            f"Recursion without end: {recursion}",
            [rung.because, *_site(report, attempt), _between(report), _replay(attempt)],
            "Replace the recursion by a loop with a stack of its own, or bound its depth by something smaller than the "
            "input.",
        )
        return
    witness = report.witness
    evidence = [rung.because, *_site(report, attempt), _between(report)]
    if witness is not None and not witness.any_input and witness.lines <= FEW_LINES and witness.reproduced:
        what = "line" if witness.lines == 1 else "lines"
        matter = "its bytes do not matter, only its length" if witness.content_matters is False else ""
        title = (
            f"One line of {witness.longest_line_bytes:,} bytes suffices to break it: {rung.verdict}"
            if witness.lines == 1
            else f"{witness.lines} {what} of {witness.bytes:,} bytes suffice to break it: {rung.verdict}"
        )
        yield _finding(
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
                _replay(attempt),
            ],
            "Run the witness under a debugger. "
            + (
                "Look for a buffer of fixed size that a line is copied into: the shortest breaking line is one longer "
                "than it holds."
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
    yield _finding(
        96 if kind == "crash" else 85,
        kind,
        f"It crashes {in_stage}: {attempt.exit.signal or rung.verdict}"
        if kind == "crash"
        else f"It ends with an error {in_stage}: {_shortened(rung.because)}",
        [*evidence, _replay(attempt)],
        "Look for a table of fixed size, or a counter that overflows: the number of lines alone breaks it."
        if counted
        else "Replay the black box under a debugger; the stack names the place."
        if kind == "crash"
        else "The message and its place are in the black box; handle that case, or say in one sentence what is wrong "
        "with the input.",
    )


def _site(report: Report, attempt: Attempt) -> list[str]:
    """Where it crashed, by whoever could tell."""
    site = report.crash_site
    if site is not None:
        place = f" at {site.where}" if site.where else ""
        return [f"{site.tool}: {site.what}{place}", *(f"  {frame}" for frame in site.stack[:5])]
    frames = _python_frames(attempt.fault)
    return [f"faulthandler: {frame}" for frame in frames[:3]]


def _python_frames(fault: str) -> list[str]:
    return [line.strip() for line in fault.splitlines() if line.strip().startswith("File ")]


def _recursion(attempt: Attempt, report: Report) -> str | None:
    """The function that calls itself, if a stack shows one."""
    if "RecursionError" in attempt.because:
        return "Python gave up (RecursionError)"
    stacks = [_python_frames(attempt.fault)]
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


# Ends without a result


def hang(report: Report) -> Iterator[_Weighed]:
    """Out of time: waiting, or working?"""
    rung = _broken(report)
    if rung is None or rung.verdict not in ("timeout", "cpu_limit"):
        return
    attempt = rung.attempts[0]
    busy = attempt.cpu_s / max(attempt.wall_s, 1e-9)
    stalled = [s for s in attempt.samples if s.at_s > attempt.wall_s / 2]
    still = len({(s.stage, s.bytes, s.lines) for s in stalled}) <= 1
    if _time_growth(report) is not None:
        return  # explained by `super_linear_time`
    where = list(_python_frames(attempt.fault))[:3]
    evidence = [
        rung.because,
        f"{busy:.0%} of the time on a processor",
        "no progress in the second half of the run" if still else "it still made progress",
        *(f"stack: {frame}" for frame in where),
        _between(report),
        _replay(attempt),
    ]
    if busy < STALLED_SHARE:
        title = f"It hangs in stage {attempt.last_stage or 'start'}: waiting, not working"
    elif still:
        title = f"It hangs in stage {attempt.last_stage or 'start'}: working without progress"
    else:
        title = "It is too slow for the time limit"
    yield _finding(
        95,
        "hang" if busy < STALLED_SHARE or still else "too_slow",
        title,
        evidence,
        "The black box holds the stacks at 80 % and at the end of the time limit; look for a lock, a pipe or a read "
        "that nobody answers, or a loop whose condition never changes.",
        "high" if busy < STALLED_SHARE or still else "medium",
    )


def no_result(report: Report) -> Iterator[_Weighed]:
    """Exit code 0, and nothing to show for it."""
    rung = _broken(report)
    if rung is not None and rung.verdict == "vanished":
        yield _finding(
            94,
            "exit_0_without_brain",
            "It ends with exit code 0, but leaves no result",
            [rung.because, _between(report), _replay(rung.attempts[0])],
            "Look for an exit() in a path that should go on, and for writes whose result nobody checks; end with a "
            "code other than 0 when nothing was saved.",
        )


# What was learnt and saved


def failed_checks(report: Report) -> Iterator[_Weighed]:
    """What must be true after a rung, and is not."""
    rung = _broken(report)
    failed = [check for check in rung.checks if not check.holds] if rung is not None else []
    for check in failed[:1]:
        assert rung is not None
        kind, weight, title, advice = _meaning(check)
        if kind == "exit_0_without_brain":
            return  # `no_result` says it
        evidence = [f"{check.name}: not true" + (f" ({check.detail})" if check.detail else ""), _between(report)]
        evidence += [f"also not true: {other.name}" for other in failed[1:]]
        yield _finding(weight, kind, title, [*evidence, _replay(rung.attempts[0])], advice)


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


# Time


def _time_growth(report: Report) -> Projection | None:
    """The CPU time of learning at 1 GB, if it grows faster than the text."""
    timed = [(rung.corpus_bytes, rung.learning.cpu_s) for rung in _passed(report) if rung.learning is not None]
    if len(timed) < 2 or timed[-1][1] < LEAST_CPU_S or timed[-2][1] < LEAST_CPU_BEFORE_S:
        return None
    found = project([size for size, _ in timed], [cpu_s for _, cpu_s in timed], GIGABYTE)
    if found is None or found.slope_low <= SUPER_LINEAR:
        return None
    before = fit_slope([size for size, _ in timed[-3:-1]], [cpu_s for _, cpu_s in timed[-3:-1]])
    return None if before is not None and before.value < STEEPER else found


def super_linear_time(report: Report) -> Iterator[_Weighed]:
    """Time that grows faster than the text."""
    growth = _time_growth(report)
    if growth is None:
        return
    passed = _passed(report)
    timed_out = (broken := _broken(report)) is not None and broken.verdict in ("timeout", "cpu_limit", "too_slow")
    slope = units.slope(growth.slope, growth.slope_low, growth.slope_high)
    yield _finding(
        95 if timed_out else 72,
        "super_linear_time",
        f"Time grows as size^{growth.slope:.2f}: {units.long_duration(growth.value)} at 1 GB",
        [
            f"slope per decade {slope}, from {passed[-2].label} to {passed[-1].label}",
            *_slope_of_stages(passed),
            f"projected at 1 GB: {units.long_duration(growth.value)} of CPU time, "
            f"between {units.long_duration(growth.low)} and {units.long_duration(growth.high)}",
            broken.because if timed_out and broken is not None else "",
        ],
        "Something is looked at again for each line: a list searched from its start, a table sorted each time, a "
        "string that is copied to grow. Profile the largest rung that passes; the function whose share grows is it.",
    )


def _slope_of_stages(passed: list[Rung]) -> list[str]:
    """The stage that grows fastest, where stages are known."""
    if len(passed) < 2:
        return []
    before = {stage.name: stage.cpu_s for stage in passed[-2].stages}
    slopes = []
    for stage in passed[-1].stages:
        if not is_learning(stage.name) or stage.cpu_s < LEAST_CPU_S:
            continue
        fitted = fit_slope(
            [passed[-2].corpus_bytes, passed[-1].corpus_bytes], [before.get(stage.name, 0.0), stage.cpu_s]
        )
        if fitted is not None:
            slopes.append((fitted.value, f"stage {stage.name}: {units.slope(fitted.value, fitted.low, fitted.high)}"))
    return [text for _, text in sorted(slopes, reverse=True)[:3]]


def debug_output(report: Report) -> Iterator[_Weighed]:
    """Output that grows with the input, and what it costs."""
    quiet = report.quiet
    if quiet is None:
        return
    lines, size = quiet.stdout_lines + quiet.stderr_lines, quiet.stdout_bytes + quiet.stderr_bytes
    stream = "stderr" if quiet.stderr_bytes >= quiet.stdout_bytes else "stdout"
    per_line = f"{lines / max(quiet.lines, 1):,.1f} lines and {size / max(quiet.lines, 1):,.0f} bytes per line of input"
    cost = f", and {quiet.factor:.1f} times slower for it" if quiet.factor > 1.3 else ""
    yield _finding(
        82 if quiet.factor >= 10 else 70,
        "debug_output",
        f"Debug output on {stream}: {per_line}{cost}",
        [
            f"at {units.label(quiet.size_bytes)}: {units.size(size)} of output, {lines:,} lines",
            f"learning took {units.duration(quiet.loud_wall_s)} with its output read, "
            f"{units.duration(quiet.quiet_wall_s)} with it discarded: a factor of {quiet.factor:.2f}",
            f"projected at 1 GB: {units.size(size / quiet.size_bytes * GIGABYTE)} of output",
        ],
        "Print per block or per second, not per line; compile the rest out, and never flush inside the loop.",
    )


# Memory


def memory(report: Report) -> Iterator[_Weighed]:
    """Memory that broke it, or will."""
    rung = _broken(report)
    passed = _passed(report)
    sizes = [each.corpus_bytes for each in passed]
    peaks = [float(each.peak_anon_bytes) for each in passed]
    growth = fit_growth(sizes, peaks)
    per_byte = (peaks[-1] - peaks[-2]) / (sizes[-1] - sizes[-2]) if len(sizes) > 1 else None
    per_line = (
        (peaks[-1] - peaks[-2]) / max(passed[-1].corpus_lines - passed[-2].corpus_lines, 1) if len(sizes) > 1 else None
    )
    measured = (
        f"{per_byte:,.1f} bytes of private memory per further byte of input, {per_line:,.0f} per line"
        if per_byte is not None and per_line is not None
        else ""
    )
    if rung is not None and rung.verdict in MEMORY_VERDICTS:
        limit = report.settings.memory_limit_bytes
        expected = growth.cost_at(rung.corpus_bytes) if growth is not None else max(peaks, default=0.0)
        limiters = " and ".join(report.break_.confirmed_by) if report.break_ else ""
        evidence = [rung.because, f"it breaks under {limiters}" if limiters else ""]
        attempt = rung.attempts[0]
        if not passed or expected < EXPLAINED * limit:
            yield _finding(
                87,
                "memory_hog",
                f"It takes memory without end in stage {attempt.last_stage or 'start'}: the size of the input does not "
                "explain it",
                [
                    *evidence,
                    f"by its growth so far it should need {units.memory(expected)}" if passed else "",
                    *(f"stack: {frame}" for frame in _python_frames(attempt.fault)[:3]),
                    _replay(attempt),
                ],
                "Look for a loop that appends without an end, or a size that is computed from the input and wrong.",
            )
            return
        yield _finding(
            86,
            "memory_growth",
            f"Memory grows with the input until the limit: {_between(report)}",
            [*evidence, measured, _replay(attempt)],
            "Bound what is kept: count in place, spill to disk, or drop what is rare; the peak per stage in the report "
            "says when it happens.",
        )
        return
    forecast = next((each for each in reversed(report.forecasts) if each.cause == "memory"), None)
    if forecast is not None and forecast.predicted_bytes is not None and forecast.predicted_bytes < GIGABYTE:
        assert forecast.low_bytes is not None
        near = forecast.predicted_bytes < NEAR * forecast.after_bytes
        high = units.label(forecast.high_bytes) if forecast.high_bytes else "more than 1 TB"
        yield _finding(
            60 if near else 30,
            "memory_growth",
            f"Memory grows as size^{forecast.slope:.2f}: it breaks at about {units.label(forecast.predicted_bytes)}",
            [
                measured,
                f"projected breaking size: {units.label(forecast.predicted_bytes)}, between "
                f"{units.label(forecast.low_bytes)} and {high}, under "
                f"{units.memory(report.settings.memory_limit_bytes)}",
            ],
            "Bound what is kept: count in place, spill to disk, or drop what is rare.",
            "medium",
        )


def kept_memory(report: Report) -> Iterator[_Weighed]:
    """Memory that stays when the learner is gone: in three ledgers."""
    told = [(rung, rung.ledger) for rung in _passed(report) if rung.ledger is not None]
    if len(told) < 2:
        return
    (small, before), (large, after) = told[-2], told[-1]
    kept = after.kept_anon_bytes - before.kept_anon_bytes
    per_byte = kept / max(large.corpus_bytes - small.corpus_bytes, 1)
    if kept < KEPT_LEAST_BYTES or per_byte < KEPT_BYTES_PER_BYTE:
        return
    lines = max(large.corpus_lines - small.corpus_lines, 1)
    objects = (after.kept_blocks - before.kept_blocks) / lines
    malloc = (
        None
        if after.kept_malloc_bytes is None or before.kept_malloc_bytes is None
        else (after.kept_malloc_bytes - before.kept_malloc_bytes) / lines
    )
    python = objects >= OBJECTS_PER_LINE
    yield _finding(
        64 if python else 66,
        "retention" if python else "leak",
        f"{kept / lines:,.0f} bytes per line stay when the learner is gone: "
        + ("live Python objects" if python else "native memory that nobody frees"),
        [
            f"objects: {objects:,.2f} per line; malloc in use: {units.count(malloc)} bytes per line; resident: "
            f"{kept / lines:,.0f} bytes per line, after free memory was handed back",
            f"between {small.label} and {large.label}",
        ],
        "Something outside the learner still refers to what it learnt: a module's list, a cache, a cycle."
        if python
        else "An extension allocates per line and does not free; memray with native traces names the caller.",
        "high" if malloc is not None else "medium",
    )


def missing_output(report: Report) -> Iterator[_Weighed]:
    """Patterns that never match, and output that a crash took along."""
    passed = _passed(report)
    broken = _broken(report)
    if passed and passed[-1].unmatched_patterns:
        names = ", ".join(passed[-1].unmatched_patterns)
        written = passed[-1].attempts[0]
        yield _finding(
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
    if broken is not None and passed and broken.verdict in CRASHES:
        before, after = passed[-1].attempts[0].stdout.bytes, broken.attempts[0].stdout.bytes
        if before > 0 and after == 0:
            yield _finding(
                45,
                "output_missing",
                "Its output never arrives when it crashes",
                [f"{before:,} bytes on stdout at {passed[-1].label}, none at {broken.label}"],
                "Output to a pipe is buffered: call setvbuf(stdout, NULL, _IOLBF, 0) once, or write to stderr.",
                "medium",
            )


def flaky_break(report: Report) -> Iterator[_Weighed]:
    """A size that breaks now and then."""
    found = report.break_
    if found is None or not found.broken_tries or found.broken_times == found.broken_tries:
        return
    yield _finding(
        55,
        "flaky_break",
        f"At {units.label(found.first_broken_bytes)} it broke {found.broken_times} of {found.broken_tries} times",
        [found.because],
        "What it does depends on something other than its input: time, addresses, the order of threads, memory that "
        "was never written. Run it under valgrind or a sanitizer.",
    )


RULES: tuple[Callable[[Report], Iterator[_Weighed]], ...] = (
    crash,
    hang,
    no_result,
    failed_checks,
    super_linear_time,
    debug_output,
    memory,
    kept_memory,
    missing_output,
    flaky_break,
)
