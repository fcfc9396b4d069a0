"""The task of the ladder: learn a corpus, save, load, verify, ask, resume. What did it cost, was it right?

Facts in, facts out: the record holds measures and checks, the verdict is made elsewhere.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.ledger import read_ledger
from harness.opcodes import count_opcodes
from harness.returned import WrongValue, answer_of, counts_of, score_of, shares_of
from harness.roundtrip.checks import content
from harness.stage_clock import LEARN, PROBE, WORK, StageClock
from harness.subject import (
    Probes,
    Scores,
    Subject,
    SubjectName,
    Verifies,
    is_deterministic,
    is_resumable,
    is_to_recall,
    make_subject,
    subject_of,
)

HELDOUT_BYTES = 128 * 1024  # of held-out lines are scored, the same ones at every rung
FACTS_ASKED = 300  # of the planted facts, spread evenly over the corpus
STARTS_FROM_NOTHING = "resuming starts from nothing"
QUESTIONS = 16  # questions asked before the save and after the load
RESUME_CHECK_BYTES = 1_000_000  # up to this corpus size learning is done a second time, in two halves
NOTHING_ASKED = {"bits_per_byte": None, "facts_planted": 0, "facts_asked": 0, "facts_recalled": 0}
REPEAT_CHECK_BYTES = 100_000  # and up to this one a second time in one go


def run(job: dict[str, Any], clock: StageClock) -> dict[str, Any]:
    """Learn `job["corpus"]` and measure what came of it.

    The record has `brain` (sizes), `quality` (bits per byte, recalled facts), `latency` and `checks`
    (each with name, holds, detail, and the verdict that follows when it does not hold).
    `until` ends it early: after "learn"; after "work", which learns twice and counts the opcodes of the second time
    (`opcodes`); or after "probe", which asks for capabilities instead of checking that a
    second training agrees. A value of the wrong kind is a check that does not hold, and ends it too.
    """
    checks: list[dict[str, Any]] = []
    try:
        return measured(job, clock, checks)
    except WrongValue as error:
        checks.append(check("what it returns is of the right kind", False, "wrong_result", str(error)))
        return {"brain": None, "quality": NOTHING_ASKED, "checks": checks}


def measured(job: dict[str, Any], clock: StageClock, checks: list[dict[str, Any]]) -> dict[str, Any]:
    """The record of `run`; `checks` is filled as it goes."""
    name = subject_of(job)
    corpus, folder = Path(job["corpus"]), Path(job["folder"])
    brain = folder / "brain.m"
    facts = read_facts(Path(job["facts"])) if job.get("facts") else []

    if job.get("until") == WORK:
        return {"opcodes": opcodes_of(name, corpus, clock), "brain": None, "quality": NOTHING_ASKED, "checks": []}

    before = read_ledger()
    subject = make_subject(name)
    clock.enter(LEARN)
    subject.learn(corpus, clock)
    if job.get("until") == LEARN:
        return {"brain": None, "quality": NOTHING_ASKED, "checks": []}
    clock.enter("query")
    stats = counts_of(subject)
    probes = [fact["prefix"] for fact in facts[:QUESTIONS]]
    answers = [answer_of(subject, probe) for probe in probes]
    checks.append(check("it learnt something", stats.get("nodes", 0) > 0, "wrong_result", f"{stats}"))

    clock.enter("save")
    subject.save(brain)
    checks.append(check("it wrote a brain", brain.exists(), "vanished", "save() returned, but there is no file"))
    if not brain.exists():
        return {"brain": None, "quality": NOTHING_ASKED, "checks": checks}
    saved = stamp(brain)
    del subject  # the loaded brain must not share memory with it, nor pay for it
    gc.collect()
    ledger = {"before": before, "after": read_ledger(trim=True)}

    clock.enter("verify")
    loaded = make_subject(name)
    if isinstance(loaded, Verifies):
        loaded.verify(brain)
    clock.enter("load")
    loaded.load(brain)
    clock.enter("query")
    checks += compare_loaded(stats, counts_of(loaded), answers, [answer_of(loaded, probe) for probe in probes])
    quality, latency = ask(loaded, Path(job["heldout"]) if job.get("heldout") else None, facts)
    checks.append(
        check(
            "asking leaves the file alone",
            stamp(brain) == saved,
            "wrong_result",
            "the file changed while queried",
        )
    )
    again = job.get("until") != PROBE
    if again and is_deterministic(loaded) and corpus.stat().st_size <= REPEAT_CHECK_BYTES:
        clock.enter("repeat")
        checks.append(repeat_check(name, corpus, stats, probes, answers))
    if again and is_resumable(loaded) and corpus.stat().st_size <= RESUME_CHECK_BYTES:
        clock.enter("resume")
        checks.append(resume_check(name, corpus, brain))
    capabilities = {}
    if not again and isinstance(loaded, Probes):
        clock.enter(PROBE)
        capabilities = shares_of(loaded)
    return {
        "brain": {"file_bytes": size_of(brain), "stats": stats},
        "quality": quality,
        "latency": latency,
        "ledger": ledger,
        "capabilities": capabilities,
        "checks": checks,
    }


def check(name: str, holds: bool, verdict: str, detail: str) -> dict[str, Any]:
    return {"name": name, "holds": holds, "verdict": verdict, "detail": "" if holds else detail}


def compare_loaded(
    saved: dict[str, int], loaded: dict[str, int], answers: list[str], answers_loaded: list[str]
) -> list[dict[str, Any]]:
    """What was loaded must be what was saved: the same counts, the same answers."""
    lost = {name: (value, loaded.get(name)) for name, value in saved.items() if loaded.get(name) != value}
    if saved.get("nodes", 0) > 0 and loaded.get("nodes", 0) == 0:
        detail = f"the brain is empty when loaded (saved with {saved['nodes']} nodes)"
    else:
        detail = ", ".join(f"{name}: {before} saved, {after} loaded" for name, (before, after) in lost.items())
    different = [i for i, (a, b) in enumerate(zip(answers, answers_loaded, strict=True)) if a != b]
    return [
        check("counts survive a save", not lost, "lossy_save", detail),
        check(
            "answers survive a save",
            not different,
            "lossy_save",
            f"{len(different)} of {len(answers)} answers differ after loading",
        ),
    ]


def ask(
    subject: Subject, heldout: Path | None, facts: list[dict[str, str]]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Bits per byte on lines never learnt, planted facts recalled, and how long an answer took."""
    bits_per_byte = None
    scored = 0
    if heldout is not None and isinstance(subject, Scores):
        lines = list(first_lines(heldout, HELDOUT_BYTES))
        scored = sum(len(line) + 1 for line in lines)
        bits_per_byte = score_of(subject, lines)
    asked = spread(facts, FACTS_ASKED) if is_to_recall(subject) else []
    recalled = 0
    seconds: list[float] = []
    for fact in asked:
        begin = time.perf_counter()
        answer = answer_of(subject, fact["prefix"])
        seconds.append(time.perf_counter() - begin)
        recalled += recalls(answer, fact)
    quality = {
        "bits_per_byte": bits_per_byte,
        "heldout_bytes": scored or None,
        "facts_planted": len(facts),
        "facts_asked": len(asked),
        "facts_recalled": recalled,
    }
    if not seconds:
        return quality, None
    seconds.sort()
    at = len(seconds) - 1
    return quality, {"queries": len(seconds), "median_s": seconds[at // 2], "p99_s": seconds[int(at * 0.99)]}


def recalls(answer: str, fact: dict[str, str]) -> bool:
    """Whether a planted fact came back; space around an answer does not count."""
    return answer.strip().startswith(fact["answer"].strip())


def resume_check(name: SubjectName, corpus: Path, brain: Path) -> dict[str, Any]:
    """Half, save, load, the other half: the file of one go, byte for byte?"""
    quiet = _QuietClock()
    halves = split_in_half(corpus, brain.parent)
    first = make_subject(name)
    first.learn(halves[0], quiet)
    half_way, resumed = brain.with_name("half.m"), brain.with_name("resumed.m")
    first.save(half_way)
    second = make_subject(name)
    second.load(half_way)
    second.learn(halves[1], quiet)
    second.save(resumed)
    same = content(resumed) == content(brain)
    detail = "the two brain files differ"
    if not same:
        alone = make_subject(name)
        alone.learn(halves[1], quiet)
        if counts_of(alone) == counts_of(second):
            detail = f"{STARTS_FROM_NOTHING}: the counts are those of the second half alone"
    return check("learning on after a load gives the brain of one go", same, "lossy_save", detail)


def repeat_check(
    name: SubjectName, corpus: Path, stats: dict[str, int], probes: list[str], answers: list[str]
) -> dict[str, Any]:
    """The same text learnt by a second, fresh subject: the same counts and answers?"""
    second = make_subject(name)
    second.learn(corpus, _QuietClock())
    other = counts_of(second)
    differ = [f"{key}: {value} and {other.get(key)}" for key, value in stats.items() if other.get(key) != value]
    unequal = sum(answer_of(second, probe) != answer for probe, answer in zip(probes, answers, strict=True))
    if unequal:
        differ.append(f"{unequal} of {len(answers)} answers differ")
    return check("two trainings on the same text agree", not differ, "wrong_result", ", ".join(differ))


def opcodes_of(name: SubjectName, corpus: Path, clock: StageClock) -> int:
    """Opcodes of learning a corpus, when everything that is imported or made once is there already."""
    clock.enter(WORK)
    first, second = make_subject(name), make_subject(name)
    count_opcodes(lambda: first.learn(corpus, _QuietClock()))
    return count_opcodes(lambda: second.learn(corpus, _QuietClock()))


class _QuietClock:
    """A clock that listens to nobody: the second learning is not part of what is timed by stage."""

    def enter(self, stage: str, /) -> None:
        pass

    def progress(self, at_bytes: int, at_lines: int, nodes: int = -1, edges: int = -1) -> None:
        pass


def split_in_half(corpus: Path, folder: Path) -> tuple[Path, Path]:
    """Two files that follow each other, cut at the line border after the middle."""
    text = corpus.read_bytes()
    cut = text.find(b"\n", len(text) // 2) + 1 or len(text)
    halves = folder / "half-1.txt", folder / "half-2.txt"
    halves[0].write_bytes(text[:cut])
    halves[1].write_bytes(text[cut:])
    return halves


def first_lines(path: Path, limit_bytes: int) -> Iterator[bytes]:
    """Lines from the start of a file, without their ends, up to `limit_bytes` in all."""
    left = limit_bytes
    with path.open("rb") as file:
        for line in file:
            left -= len(line)
            if left < 0:
                return
            if stripped := line.rstrip(b"\r\n"):
                yield stripped


def read_facts(path: Path) -> list[dict[str, str]]:
    """The planted facts, one JSON object per line: prefix and answer."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def spread(items: list[dict[str, str]], most: int) -> list[dict[str, str]]:
    """At most `most` of them, evenly spaced, the same ones every time."""
    if len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder (a subject may save either)."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def stamp(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change of what was saved."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
