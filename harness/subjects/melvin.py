"""Melvin as a subject."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import melvin
from harness.subject import Clock


class Melvin:
    """The learner of this repository, with its default settings."""

    resumable = True

    def __init__(self) -> None:
        self._brain = melvin.Brain()

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

    def stats(self) -> Mapping[str, int]:
        counts = {
            name: value
            for name, value in dataclasses.asdict(self._brain.stats()).items()
            if isinstance(value, int) and not isinstance(value, bool)
        }
        return {"nodes": counts["symbols"], **counts}
