"""What a subject gives back, looked at where it is called: a value of the wrong kind is a result that is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from harness.errors import HarnessError
from harness.plain_text import one_line
from harness.subject import Ablates, Probes, Scores, Subject

SHOWN = 80  # characters of a value


class WrongValue(HarnessError):
    """A method of a subject returned something that it must not."""

    def __init__(self, method: str, found: Any, expected: str) -> None:
        try:
            shown = one_line(repr(found), SHOWN)
        except Exception:  # of the subject's own, too: what it says of itself is no part of the finding
            shown = f"a {type(found).__name__}"
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


def is_number(found: Any) -> bool:
    """Whether it is a number that a float can hold."""
    try:
        return isinstance(found, Real) and math.isfinite(found)
    except OverflowError:
        return False


def score_of(subject: Scores, lines: Sequence[bytes]) -> float:
    """What `score` says."""
    found: Any = subject.score(lines)
    if not is_number(found) or found < 0:
        raise WrongValue("score", found, "a number of bits per byte, 0 or more,")
    return float(found)


def shares_of(subject: Probes) -> dict[str, float]:
    """What `probe` says."""
    found = subject.probe()
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and is_number(share) for name, share in found.items()
    ):
        raise WrongValue("probe", found, "a mapping of names to shares from 0 to 1")
    return {name: float(share) for name, share in found.items()}


def mechanisms_of(subject: Ablates) -> dict[str, list[str]]:
    """What `mechanisms` says."""
    found = subject.mechanisms()
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(off, Sequence) and all(isinstance(one, str) for one in off)
        for name, off in found.items()
    ):
        raise WrongValue("mechanisms", found, "a mapping of names to lists of names")
    return {name: list(off) for name, off in found.items()}
