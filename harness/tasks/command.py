"""The task of a command subject: everything that can be told of a trainer from outside, without touching it.

Train, look at the brain, ask, ask again what it holds, resume, train a second time. The record has the shape of
`train`'s, so that one report holds both.
"""

from __future__ import annotations

import hashlib
import resource
import time
from pathlib import Path
from typing import Any

from harness.procfs import KIB
from harness.runner import CHUNK_BYTES, Runner
from harness.stage_clock import LEARN, StageClock
from harness.tasks.train import RESUME_CHECK_BYTES, check, read_facts, recalls, size_of, split_in_half, spread

QUERIES = 20  # each is a process of its own
QUERIES_S = 20.0  # and together they may take this long


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """Train on `job["corpus"]` and tell what came of it; with `until` "learn", only train."""
    runner = Runner(job, clock)
    corpus, folder = Path(job["corpus"]), Path(job["folder"])
    lines = job["lines"]
    brain = folder / "brain.m"
    facts = spread(read_facts(Path(job["facts"])), QUERIES) if job.get("facts") else []
    checks: list[dict[str, Any]] = []

    clock.enter(LEARN)
    trained = runner.run("train", corpus=corpus, brain=brain, lines=lines)
    if trained.count("progress_bytes") is None:
        clock.progress(corpus.stat().st_size, trained.count("lines") or lines, *_sizes(trained.counts()))
    record: dict[str, Any] = {
        "brain": None,
        "quality": {"bits_per_byte": None, "facts_planted": len(facts), "facts_asked": 0, "facts_recalled": 0},
        "latency": None,
        "checks": checks,
        "output_matched": runner.matched,
        "no_numbers": runner.no_numbers,
        "left_running": runner.left_running,
        "command_peak_rss_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * KIB,
    }
    if job.get("until") == "learn":
        return record

    clock.enter("save")
    there = brain.exists() and size_of(brain) > 0
    checks.append(check("it wrote a brain", there, "vanished", f"exit code 0, but {_state(brain)}"))
    if not there:
        return record
    saved = digest(brain)
    printed = trained.counts()
    found = printed
    if runner.offers("verify"):
        clock.enter("verify")
        runner.run("verify", brain=brain)
    if runner.offers("stats"):
        clock.enter("load")
        found = runner.run("stats", brain=brain).counts()
    checks += compare_counts(runner, printed, found)
    record["brain"] = {"file_bytes": size_of(brain), "stats": {**printed, **found}}
    if runner.offers("query"):
        clock.enter("query")
        answers, latency = ask(runner, brain, facts)
        recalled = sum(recalls(answer, fact) for answer, fact in zip(answers, facts, strict=False))
        if runner.command["expects"]["recalls"]:
            record["quality"] |= {"facts_asked": len(answers), "facts_recalled": recalled}
        record["latency"] = latency
        if runner.command["expects"]["query_leaves_brain"]:
            same = brain.exists() and digest(brain) == saved
            checks.append(
                check("asking leaves the file alone", same, "wrong_result", "the brain changed while it was queried")
            )
    else:
        answers = []
    if corpus.stat().st_size <= RESUME_CHECK_BYTES and all(item["holds"] for item in checks):
        if runner.command["expects"]["deterministic"]:
            clock.enter("repeat")
            checks.append(repeat_check(runner, corpus, lines, brain, found, answers, facts))
        if runner.offers("resume") and runner.offers("stats"):
            clock.enter("resume")
            checks += resume_checks(runner, corpus, folder, found)
    return record


def _sizes(counts: dict[str, int]) -> tuple[int, int]:
    return counts.get("nodes", -1), counts.get("edges", -1)


def _state(brain: Path) -> str:
    return "the brain is empty (0 bytes)" if brain.exists() else "there is no brain"


def compare_counts(runner: Runner, printed: dict[str, int], found: dict[str, int]) -> list[dict[str, Any]]:
    """What a brain must satisfy when it is looked at again."""
    checks = []
    expects = runner.command["expects"]
    if expects["nodes_after_load"] and ("nodes" in found or "nodes" in printed):
        empty = found.get("nodes", 0) == 0
        before = printed.get("nodes")
        detail = "the brain is empty when loaded" + (f" (trained with {before:,} nodes)" if before else "")
        if empty and before == 0:
            detail = "training found no nodes at all"
        checks.append(check("the brain holds nodes when loaded", not empty, "lossy_save", detail))
    if expects["same_counts"] and runner.offers("stats"):
        lost = {n: (printed[n], found[n]) for n in printed.keys() & found.keys() if printed[n] != found[n]}
        detail = ", ".join(
            f"{name}: {before} trained, {after} loaded" for name, (before, after) in sorted(lost.items())
        )
        checks.append(check("counts survive a save", not lost, "lossy_save", detail))
    return checks


def ask(runner: Runner, brain: Path, facts: list[dict[str, str]]) -> tuple[list[str], dict[str, Any] | None]:
    """Answers to the starts of planted facts, one process each, and how long they took."""
    answers: list[str] = []
    seconds: list[float] = []
    for fact in facts:
        begin = time.perf_counter()
        answers.append(runner.answer(brain, fact["prefix"]))
        seconds.append(time.perf_counter() - begin)
        if sum(seconds) > QUERIES_S:
            break
    if not seconds:
        return answers, None
    seconds.sort()
    at = len(seconds) - 1
    return answers, {"queries": len(seconds), "median_s": seconds[at // 2], "p99_s": seconds[int(at * 0.99)]}


def repeat_check(
    runner: Runner,
    corpus: Path,
    lines: int,
    brain: Path,
    found: dict[str, int],
    answers: list[str],
    facts: list[dict[str, str]],
) -> dict[str, Any]:
    """A second training on the same text: the same file, or at least the same counts and answers?"""
    again = brain.with_name("again.m")
    trained = runner.run("train", corpus=corpus, brain=again, lines=lines)
    name = "two trainings on the same text agree"
    if not again.exists():
        return check(name, False, "wrong_result", "the second training left no brain")
    if digest(again) == digest(brain):
        return check(name, True, "wrong_result", "")
    counts = runner.run("stats", brain=again).counts() if runner.offers("stats") else trained.counts()
    differ = differences(found, counts, "first", "second")
    if not differ and answers:
        second, _ = ask(runner, again, facts)
        unequal = sum(a != b for a, b in zip(answers, second, strict=False))
        differ = [f"{unequal} of {len(answers)} answers differ"] if unequal else []
    if not differ and not found and not answers:
        differ = ["the two brain files differ"]
    return check(name, not differ, "wrong_result", ", ".join(differ))


def resume_checks(runner: Runner, corpus: Path, folder: Path, whole: dict[str, int]) -> list[dict[str, Any]]:
    """Half, then the other half on top of it: the counts of one go? Those of the second half alone?"""
    first, second = split_in_half(corpus, folder)
    resumed, alone = folder / "resumed.m", folder / "second-half.m"
    runner.run("train", corpus=first, brain=resumed, lines=count_lines(first))
    runner.run("resume", corpus=second, brain=resumed, lines=count_lines(second))
    after = runner.run("stats", brain=resumed).counts()
    runner.run("train", corpus=second, brain=alone, lines=count_lines(second))
    only_second = runner.run("stats", brain=alone).counts()
    differ = differences(whole, after, "in one go", "resumed")
    restarted = bool(differ) and after == only_second
    detail = "resuming starts from nothing: the counts are those of the second half alone" if restarted else ""
    return [
        check("resuming goes on from what was learnt", not restarted, "lossy_save", detail),
        check("learning on after a load gives the brain of one go", not differ, "lossy_save", ", ".join(differ)),
    ]


def differences(a: dict[str, int], b: dict[str, int], a_name: str, b_name: str) -> list[str]:
    """Counts that both have and that are not the same."""
    shared = sorted(a.keys() & b.keys())
    return [f"{key}: {a[key]} {a_name}, {b[key]} {b_name}" for key in shared if a[key] != b[key]]


def count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def digest(path: Path) -> str:
    """SHA-256 over what a brain consists of: a file, or every file of a folder with its name."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(path)).encode() + b"\0")
        with file.open("rb") as content:
            while block := content.read(CHUNK_BYTES):
                total.update(block)
    return total.hexdigest()
