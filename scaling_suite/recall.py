"""Recall: a file of facts is learnt, then each is asked for: all its words but the last, what is the last?

Only prefixes after which the facts leave one way to go on are counted: the others have no one answer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scaling_suite.judge import Learner
from scaling_suite.source import line_pieces, read_blocks


@dataclass(frozen=True)
class Question:
    """A prefix, and the one way in which the facts go on from it (it starts with the space)."""

    prefix: bytes
    answer: bytes


@dataclass(frozen=True)
class Miss:
    """A question that was answered otherwise."""

    question: Question
    came: bytes


@dataclass(frozen=True)
class Recall:
    """facts : distinct lines;  asked, open : prefixes with one answer, with several;  misses : wrong answers"""

    facts: int
    asked: int
    open: int
    misses: tuple[Miss, ...]

    @property
    def share(self) -> float:
        """Of what was asked, answered exactly."""
        return (self.asked - len(self.misses)) / self.asked if self.asked else 0.0


def measure_recall(path: Path, learner: Learner, times: int) -> Recall:
    """Learn a file so many times over, then ask for every fact that its prefix determines.

    Raises WorkloadError when the file cannot be read.
    """
    facts = read_facts(path)
    brain = learner.new()
    for _ in range(times):
        brain.learn_file(path)
    asked, open_ = questions(facts)
    came = [Miss(question, brain.query(question.prefix).payload) for question in asked]
    misses = tuple(one for one in came if one.came != one.question.answer)
    return Recall(len(facts), len(asked), open_, misses)


def read_facts(path: Path) -> list[bytes]:
    """The distinct lines of a file that hold something, in order."""
    lines = (line.removesuffix(b"\r") for line, _ in line_pieces(read_blocks(path)))
    return [*dict.fromkeys(line for line in lines if line.strip())]


def questions(facts: Iterable[bytes]) -> tuple[list[Question], int]:
    """One question for each prefix that has one answer, and the number of prefixes that have several."""
    ways: dict[bytes, set[bytes]] = {}
    facts = list(facts)
    for fact in facts:
        for prefix, rest in _splits(fact):
            ways.setdefault(prefix, set()).add(rest)
    whole = {*facts}
    asked = {prefix: rest for fact in facts for prefix, rest in [*_splits(fact)][-1:]}
    determined = [
        Question(prefix, rest) for prefix, rest in asked.items() if len(ways[prefix]) == 1 and prefix not in whole
    ]
    return determined, len(asked) - len(determined)


def _splits(fact: bytes) -> Iterator[tuple[bytes, bytes]]:
    """A fact, cut before each of its spaces but those at its ends."""
    for at in range(1, len(fact.rstrip())):
        if fact[at : at + 1] == b" " and fact[:at].strip():
            yield fact[:at], fact[at:]
