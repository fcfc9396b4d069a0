"""Melvin as a subject."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import melvin
from harness.subject import Clock
from harness.subjects.melvin_inside import hostile_files, state_of, train
from melvin.budget import DEFAULT_MEMORY, LEAST_MEMORY
from melvin.settings import GROUPS, MECHANISMS
from scaling_suite.behaviours import read_cases, with_capability
from scaling_suite.capabilities import abstraction, cross_modal, temporal
from scaling_suite.judge import BEHAVIOURS, Learner, judge_all

Make = Callable[[], melvin.Brain]


def _cases(capability: str) -> Callable[[Make], float]:
    """Asks what share of a capability's behaviour cases pass."""

    def share(new: Make) -> float:
        cases = with_capability(read_cases(BEHAVIOURS), [capability])
        outcomes = list(judge_all(cases, Learner(new, melvin.Brain.open, melvin.verify)))
        return sum(outcome.passed for outcome in outcomes) / len(outcomes)

    return share


CAPABILITIES: Mapping[str, Callable[[Make], float]] = {
    "abstraction": lambda new: abstraction.recovered(new(), abstraction.task(abstraction.DEFAULT_SEED)),
    "attention": _cases("attention"),
    "composition": _cases("composition"),
    "cross-modal": lambda new: cross_modal.measure(new()).accuracy,
    "temporal": lambda new: temporal.measure(new()).accuracy,
    "uncertainty": _cases("uncertainty"),
}  # each is given what makes a fresh brain, and tells how often it was right


class Melvin:
    """The learner of this repository, with its default settings, or without some of its mechanisms.

    Where its rung has less memory than a brain takes by default, the brain's budget is what the rung has.
    """

    resumable = True
    budgeted = True

    def __init__(self, without: Sequence[str] = (), memory: int = DEFAULT_MEMORY) -> None:
        budget = min(max(memory, LEAST_MEMORY), DEFAULT_MEMORY)
        self._settings = melvin.Settings.without(without, budget)
        self._brain = melvin.Brain(self._settings)

    def mechanisms(self) -> Mapping[str, Sequence[str]]:
        return {**{name: (name,) for name in MECHANISMS}, **GROUPS}

    def probe(self) -> Mapping[str, float]:
        return {name: measure(lambda: melvin.Brain(self._settings)) for name, measure in CAPABILITIES.items()}

    def learn(self, corpus: Path, clock: Clock) -> None:
        def on_progress(at: melvin.Progress) -> None:
            clock.progress(at.bytes, at.lines, at.symbols, at.edges)

        self._brain.learn_file(corpus, on_stage=clock.enter, on_progress=on_progress)

    def save(self, path: Path) -> None:
        self._brain.save(path)

    def load(self, path: Path) -> None:
        self._brain = melvin.Brain.open(path)

    def verify(self, path: Path) -> None:
        melvin.verify(path)

    def query(self, text: str) -> str:
        return self._brain.query(text).text

    def score(self, lines: Sequence[bytes]) -> float:
        return self._brain.score(lines)

    def learn_lines(self, lines: Sequence[bytes], port: str) -> None:
        self._brain.learn(lines, port=port)

    def state(self) -> Mapping[str, Any]:
        return state_of(self._brain)

    def train(self, corpus: Path, brain: Path, checkpoint_lines: int) -> int:
        return train(corpus, brain, checkpoint_lines)

    def is_checkpoint(self, brain: Path) -> bool:
        return melvin.Brain.open(brain).resume is not None

    def hostile_files(self, brain: Path, folder: Path) -> Iterator[Path]:
        return hostile_files(brain, folder)

    def stats(self) -> Mapping[str, int]:
        stats = self._brain.stats()
        counts = {name: value for name, value in dataclasses.asdict(stats).items() if isinstance(value, int)}
        forgotten = {f"forgotten_{name}": count for name, count in stats.forgotten.items()}
        thinned = {f"thinned_{name}": halvings for name, halvings in stats.thinned.items()}
        return {"nodes": counts["symbols"], **counts, **forgotten, **thinned}
