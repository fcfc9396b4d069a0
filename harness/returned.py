"""What a subject gives back, looked at where it is called: a value of the wrong kind is a result that is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from harness.errors import HarnessError
from harness.subject import Probes, Scores, Subject

SHOWN = 80  # characters of a value


class WrongValue(HarnessError):
    """A method of a subject returned something that it must not."""

    def __init__(self, method: str, found: Any, expected: str) -> None:
        shown = " ".join(repr(found).split())
        shown = shown if len(shown) <= SHOWN else shown[:SHOWN] + "…"
        super().__init__(f"{method}() returned {shown}; {expected} was expected")


def counts_of(subject: Subject) -> dict[str, int]:
    """What `stats` says."""
    found = subject.stats()
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(count, Integral) for name, count in found.items()
    ):
        raise WrongValue("stats", found, "a mapping of names to whole numbers")
    return {name: int(count) for name, count in found.items()}


def answer_of(subject: Subject, text: str) -> str:
    """What `query` says."""
    found: Any = subject.query(text)
    if not isinstance(found, str):
        raise WrongValue("query", found, "a text (str)")
    return found


def score_of(subject: Scores, lines: Sequence[bytes]) -> float:
    """What `score` says."""
    found: Any = subject.score(lines)
    if not isinstance(found, Real) or not math.isfinite(found) or found < 0:
        raise WrongValue("score", found, "a number of bits per byte, 0 or more,")
    return float(found)


def shares_of(subject: Probes) -> dict[str, float]:
    """What `probe` says."""
    found = subject.probe()
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(share, Real) and math.isfinite(share) for name, share in found.items()
    ):
        raise WrongValue("probe", found, "a mapping of names to shares from 0 to 1")
    return {name: float(share) for name, share in found.items()}
