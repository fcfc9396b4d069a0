"""What a command loses when it saves and is read again, from outside: counts, answers, bytes of the file.

Each run of `stats` or `query` reads the file anew: before a reload there is what `train` printed and what the first
queries answered; after it, the same from a copy in another folder, under another hash seed and locale.
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.faults.bench import run
from harness.roundtrip.checks import content
from harness.roundtrip.losses import Loss, compare
from harness.roundtrip.search import ODD, large_case
from harness.runner import CommandFailed, Runner

PROBES = 4  # lines whose beginnings are asked
PROBE_WORDS = 2
OTHER_ENVIRONMENT = {"PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Kathmandu"}
SHOWN_LINES = 3  # of a witness; of a larger one its size is told
HALF = 2


def texts(corpus: Path, seed: int, large: int) -> Iterator[list[bytes]]:
    """Smallest first, so that the first that shows a loss is its witness; the last one is the text in `corpus`."""
    yield [b"a b a b"]
    yield [b"the cat sat on the mat", b"the dog sat on the mat"] * 2
    yield [b"a " + odd + b" b" + odd for odd in ODD]
    for number in range(large):
        yield [line for _, line in large_case(seed + number).before]
    yield corpus.read_bytes().splitlines()


class Outside:
    """Judges the saves of one command subject, in a folder of its own."""

    def __init__(self, make_runner: Callable[[dict[str, str]], Runner], folder: Path) -> None:
        self.here, self._folder = make_runner({}), folder
        self._elsewhere = make_runner(OTHER_ENVIRONMENT)

    @property
    def offered(self) -> dict[str, bool]:
        """What can be looked at."""
        told = self.here.offers
        counted, asked = told("stats"), told("query")
        return {
            "counts before and after a reload": counted,
            "answers before and after a reload": asked,
            "bytes of the file after a query": asked,
            "learning on after a load": counted and told("resume"),
            "damaged files": told("verify") or counted,
            "a save that fails halfway": True,
        }

    def losses(self, lines: Sequence[bytes]) -> list[Loss]:
        """Of a brain that learnt these lines.

        Raises
        ------
        CommandFailed
            if it cannot learn them: that is no loss.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        brain = self._folder / "brain.m"
        printed = self._learn("train", lines, brain)
        saved = content(brain)
        if not saved:
            return [Loss("file", "missing", "exit code 0, but there is no brain, or an empty one")]
        try:
            losses = list(self._reloaded(brain, printed, lines))
            if content(brain) != saved:
                losses.append(Loss("file", "writes_on_query", "asking changed its bytes"))
            losses += self._learnt_on(lines)
        except CommandFailed as error:
            return [Loss("file", "unreadable", str(error))]
        if brain.is_file() and content(brain) == saved:
            losses += [*self._damaged(brain, saved), *self._replaced(brain, saved, lines)]
        return losses

    def _learn(self, verb: str, lines: Sequence[bytes], brain: Path) -> dict[str, int]:
        corpus = self._folder / "corpus.txt"
        corpus.write_bytes(b"".join(line + b"\n" for line in lines))
        return self.here.run(verb, corpus=corpus, brain=brain, lines=len(lines)).counts()

    def _seen(self, runner: Runner, brain: Path, lines: Sequence[bytes]) -> dict[str, Any]:
        """Counts and answers."""
        seen: dict[str, Any] = {}
        if runner.offers("stats"):
            seen["counts"] = runner.run("stats", brain=brain).counts()
        if runner.offers("query"):
            seen["answers"] = [runner.answer(brain, probe) for probe in probes(lines)]
        return seen

    def _reloaded(self, brain: Path, printed: dict[str, int], lines: Sequence[bytes]) -> Iterator[Loss]:
        before = self._seen(self.here, brain, lines)
        counts = before.get("counts", {})
        shared = printed.keys() & counts.keys()
        for name in sorted(shared):
            yield from differ("counts", name, printed[name], counts[name], "trained", "loaded")
        if "nodes" in counts and not counts["nodes"] and not printed.get("nodes"):
            yield Loss("counts.nodes", "missing", "the brain holds no nodes when it is loaded")
        other = self._folder / "elsewhere" / "other.m"
        other.parent.mkdir()
        (shutil.copytree if brain.is_dir() else shutil.copyfile)(brain, other)
        for loss in compare(before, self._seen(self._elsewhere, other, lines)):
            yield Loss(loss.where, "environment", f"in another place, hash seed and locale: {loss.detail}")

    def _learnt_on(self, lines: Sequence[bytes]) -> Iterator[Loss]:
        """train(A); resume(B) has the counts of train(A + B)."""
        if not (self.here.offers("resume") and self.here.offers("stats")) or len(lines) < HALF:
            return
        resumed, at_once = self._folder / "resumed.m", self._folder / "at-once.m"
        self._learn("train", lines[: len(lines) // HALF], resumed)
        self._learn("resume", lines[len(lines) // HALF :], resumed)
        self._learn("train", lines, at_once)
        one, two = (self.here.run("stats", brain=brain).counts() for brain in (at_once, resumed))
        for name in sorted(one.keys() & two.keys()):
            yield from differ("learning on: counts", name, one[name], two[name], "in one go", "resumed")

    def _damaged(self, brain: Path, saved: bytes) -> Iterator[Loss]:
        """A file that is cut short is refused; one with a byte changed too, where `verify` promises it."""
        look = "verify" if self.here.offers("verify") else "stats"
        if not self.here.offers(look):
            return
        middle = len(saved) // HALF
        damages = {"cut in half": saved[:middle], "empty": b""}
        if look == "verify":
            damages["one bit flipped"] = saved[:middle] + bytes([saved[middle] ^ 4]) + saved[middle + 1 :]
        damaged = brain.with_name("damaged.m")
        for name, data in damages.items():
            damaged.write_bytes(data)
            try:
                found = self.here.run(look, brain=damaged).counts()
            except CommandFailed:
                continue
            nodes = f", with {found['nodes']} nodes" if "nodes" in found else ""
            yield Loss("file", "silent_damage", f"{name}, `{look}` reads it without complaint{nodes}")
            return

    def _replaced(self, brain: Path, saved: bytes, lines: Sequence[bytes]) -> Iterator[Loss]:
        """A save that fails leaves the old file: the disk is full after half of it."""
        verb = "resume" if self.here.offers("resume") else "train"

        def learn() -> None:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(saved) // HALF, len(saved) // HALF))
            self.here.run(verb, corpus=self._folder / "corpus.txt", brain=brain, lines=len(lines))

        failed = run(learn) != 0
        left = content(brain)
        if failed and left != saved:
            yield Loss("file", "in_place", f"a save that fails leaves {len(left)} of {len(saved)} bytes")


def differ(where: str, name: str, a: int, b: int, a_name: str, b_name: str) -> Iterator[Loss]:
    if a != b:
        yield Loss(f"{where}.{name}", "missing" if b < a else "value", f"{a} {a_name}, {b} {b_name}")


def probes(lines: Sequence[bytes]) -> list[str]:
    """The first words of lines; what an argument of a program cannot hold is left out."""
    starts = (b" ".join(line.split(b" ")[:PROBE_WORDS]) for line in lines[:PROBES])
    return [os.fsdecode(start) for start in starts if start and b"\0" not in start]


def search(judge: Outside, corpus: Path, seed: int, large: int, told: Callable[[int], None]) -> tuple[list[Any], int]:
    """Losses, each with its smallest text, and how many texts could be learnt.

    Raises
    ------
    CommandFailed
        if none of them could.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    learnt = 0
    failed: CommandFailed | None = None
    for lines in texts(corpus, seed, large):
        try:
            losses = judge.losses(lines)
        except CommandFailed as error:
            failed = error
            continue
        learnt += 1
        told(learnt)
        for loss in losses:
            size = sum(len(line) + 1 for line in lines)
            shown = ", ".join(map(repr, lines)) if len(lines) <= SHOWN_LINES else f"{len(lines)} lines, {size} bytes"
            new = {"where": loss.where, "kind": loss.kind, "detail": loss.detail, "witness": shown, "seen": 0}
            found.setdefault(loss.key, {**new, "witness_bytes": size})["seen"] += 1
    if not learnt and failed is not None:
        raise failed
    return list(found.values()), learnt
