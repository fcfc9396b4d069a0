"""The search: cases drawn by hypothesis and large ones from a seeded builder; a loss is shrunk to a witness."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from harness.roundtrip.checks import Case, Judge
from harness.roundtrip.losses import Loss
from harness.roundtrip.offers import TEXT, Line

PORTS = (TEXT, "other")
SHRINK_EXAMPLES = 500  # drawn at most for one witness
LARGE_LINES = 240  # of a case from the builder
RUN_LINES = 60  # of them come on one port before the other has its turn

# Bytes that formats lose: NUL, the ends of lines, separators that `splitlines` knows, bytes that are not text.
ODD = (b"\0", b"\r", b"\x0b", b"\x1c", b"\x85", b"\xff", b"\x80", b'"', b"\\", b" ", b"0", b"\xe2\x80\xa8")

FIRST = (
    *(Case(((TEXT, odd), (TEXT, b"a" + odd), (TEXT, odd + b"a"))) for odd in ODD),
    Case(tuple((port, b"a") for port in PORTS)),
    Case(((TEXT, b"a"),) * 300),
)

_bytes = st.one_of(st.binary(max_size=6), st.lists(st.sampled_from([b"a", b"b", *ODD]), max_size=5).map(b"".join))
_line = st.tuples(st.sampled_from(PORTS), _bytes.map(lambda data: data.replace(b"\n", b"")))
_lines = st.lists(_line, min_size=1, max_size=6).map(tuple)
_repeated = st.tuples(_line, st.integers(1, 300)).map(lambda drawn: (drawn[0],) * drawn[1])
cases = st.builds(Case, st.one_of(_lines, _repeated), st.one_of(st.just(()), _lines))


@dataclass(frozen=True)
class Finding:
    """A loss, the smallest case that shows it, and in how many cases it was seen."""

    loss: Loss
    witness: Case
    seen: int


def large_case(seed: int) -> Case:
    """Many lines, as text is: few words often, many seldom; both ports, odd bytes among them."""
    chance = random.Random(seed)  # noqa: S311  # a recipe, not a secret
    words = [bytes(chance.choice(b"abcdefgh") for _ in range(chance.randint(1, 7))) for _ in range(120)]
    words += ODD

    def line(number: int) -> Line:
        picked = [words[min(int(chance.paretovariate(0.9)) - 1, len(words) - 1)] for _ in range(chance.randint(1, 9))]
        return (PORTS[number // RUN_LINES % len(PORTS)], b" ".join(picked))

    lines = [line(number) for number in range(LARGE_LINES + LARGE_LINES // 4)]
    return Case(tuple(lines[:LARGE_LINES]), tuple(lines[LARGE_LINES:]))


def search(
    judge: Judge,
    *,
    examples: int,
    large: int,
    seed: int,
    told: Callable[[int], None] = lambda _: None,
    shrinking: int = SHRINK_EXAMPLES,
) -> list[Finding]:
    """Judge cases (`FIRST`, cases that are drawn, large ones), and shrink what is found.

    Parameters
    ----------
    examples : cases drawn by hypothesis;  large : cases from the builder
    told : called with the number of cases judged so far
    shrinking : cases drawn at most for one witness
    """
    first: dict[tuple[str, str], tuple[Loss, Case, int]] = {}
    seen: dict[tuple[str, str], int] = {}
    judged = 0

    def look(case: Case) -> None:
        nonlocal judged
        judged += 1
        told(judged)
        losses, steps = judge.losses(case)
        for loss in losses:
            first.setdefault(loss.key, (loss, case, steps))
            seen[loss.key] = seen.get(loss.key, 0) + 1

    for case in FIRST:
        look(case)
    drawn = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    drawn(given(cases)(look))()
    for number in range(large):
        look(large_case(seed + number))
    return [
        Finding(*_shrunk(judge, loss, case, steps, seed, shrinking), seen[loss.key])
        for loss, case, steps in first.values()
    ]


def _shrunk(judge: Judge, loss: Loss, case: Case, steps: int, seed: int, examples: int) -> tuple[Loss, Case]:
    """The smallest case that shows a loss of this kind at this place, and the loss as it is seen there."""

    def shows(candidate: Case) -> bool:
        return any(found.key == loss.key for found in judge.losses(candidate, steps=steps)[0])

    bounded = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    try:
        smallest = find(cases, shows, settings=bounded, random=random.Random(seed))  # noqa: S311
    except NoSuchExample:  # too large to be drawn: halve what was found
        smallest = _halved(case, shows)
    again = next((found for found in judge.losses(smallest, steps=steps)[0] if found.key == loss.key), loss)
    return again, smallest


def _halved(case: Case, shows: Callable[[Case], bool]) -> Case:
    step = len(case.before) // 2
    while step:
        for at in range(0, len(case.before), step):
            smaller = Case(case.before[:at] + case.before[at + step :], case.after)
            if smaller.before and shows(smaller):
                case = smaller
                break
        else:
            step //= 2
    return case
