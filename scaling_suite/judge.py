"""Judging: run cases of `behaviours` against a learner, each on a fresh brain with default settings.

The learner is asked through its public methods only. One that it does not offer fails the case and
nothing else.
"""

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from scaling_suite.behaviours import TEXT, Case, Frame, Row

NEARLY_ALL = 0.8  # of the probability, that the continuations of a split must have together
PREFIX_BYTES = 8  # of a row, from which a round trip recalls it
SHUFFLE_SEED = 7
_FIXTURES = Path(__file__).parent.parent / "fixtures"
PROSE = _FIXTURES / "prose.txt"
BEHAVIOURS = _FIXTURES / "behaviours.jsonl"


@dataclass(frozen=True)
class Learner:
    """How to get a brain: a fresh one, one from a file, and how to check the file."""

    new: Callable[[], Any]
    open: Callable[[Path], Any]
    verify: Callable[[Path], Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a case, in words for a person: what was expected and what the learner did."""

    case: Case
    passed: bool
    expected: str
    came: str


class NotOffered(Exception):
    """The learner has no such method (yet)."""


def melvin_learner() -> Learner:
    """The learner of this project."""
    import melvin

    return Learner(melvin.Brain, melvin.Brain.open, melvin.verify)


def having_read(learner: Learner, text: Path, folder: Path) -> Learner:
    """The same learner, but every brain has read a text first: one brain reads it, and is opened again for each."""
    first = learner.new()
    first.learn_file(text)
    saved = folder / "before.m"
    first.save(saved)
    return replace(learner, new=lambda: learner.open(saved))


def judge_all(cases: Iterable[Case], learner: Learner, among: int = 0) -> Iterator[Outcome]:
    """Judge each case; whatever goes wrong inside the learner is the outcome of that case.

    among : lines that have nothing to do with the case, among which its training rows are shuffled
    """
    lines = unrelated_lines(among)
    for case in cases:
        try:
            yield judge(case, learner, lines)
        except Exception as error:  # the learner is under test: what it raises is this case's result
            yield Outcome(case, False, describe(case), f"raised {type(error).__name__}: {error}")


def judge(case: Case, learner: Learner, among: list[Row] | None = None) -> Outcome:
    """Train a fresh brain on the case and see whether what it expects holds."""
    brain = learner.new()
    try:
        train(brain, case.train, among or [])
        passed, came = _JUDGES[case.expect.kind](case, brain, learner)
    except NotOffered as missing:
        return Outcome(case, False, describe(case), f"not offered: {missing}")
    return Outcome(case, passed, describe(case), came)


def train(brain: Any, rows: Iterable[Row], among: list[Row]) -> None:
    """Feed the rows in order, or one by one shuffled among others."""
    if among:
        single = [Row(row.frames, 1, row.is_episode) for row in rows for _ in range(row.times)] + among
        random.Random(SHUFFLE_SEED).shuffle(single)  # noqa: S311 - an order, not a secret
        rows = single
    for (is_episode, port), group in groupby(rows, key=lambda row: (row.is_episode, row.frames[0].port)):
        repeated = (row for row in group for _ in range(row.times))
        if is_episode:
            learn_episode = _method(brain, "learn_episode")
            for row in repeated:
                learn_episode([(frame.port, frame.payload) for frame in row.frames])
        else:
            brain.learn([row.frames[0].payload for row in repeated], port=port)


def unrelated_lines(count: int) -> list[Row]:
    """So many distinct lines of prose; when the sample has no more, of the generator."""
    if not count:
        return []
    lines = dict.fromkeys(line for line in PROSE.read_bytes().splitlines() if line)
    if len(lines) < count:
        from scaling_suite.generator import generate

        more = (line for block in generate(SHUFFLE_SEED) for line in block.splitlines())
        while len(lines) < count:
            lines[next(more)] = None
    return [Row((Frame(TEXT, line),), 1, is_episode=False) for line in islice(lines, count)]


def describe(case: Case) -> str:
    """What a case expects, in words."""
    expect, query = case.expect, _shown(case.query.payload)
    shares = ", ".join(f"{_shown(text)} {share:.2f}" for text, share in expect.shares)
    return {
        "continues": f"{query} goes on {'exactly' if expect.exact else 'with'} {_shown(expect.text)}",
        "split": f"{query} goes on with {shares} (± {expect.tolerance})",
        "split_weighted": f"{query} goes on with {shares} (± {expect.tolerance})",
        "abstains": f"it {'says that it does not know' if expect.abstains else 'knows'} how {query} goes on",
        "has_pattern": f"a pattern {_shown(expect.text)} made of {', '.join(map(_shown, expect.children))}",
        "round_trip": f"every row recalled from its first {PREFIX_BYTES} bytes after save and open",
        "primes": f"{query} on {case.query.port} primes {_shown(expect.text)} on {expect.port}",
        "relation": f"{expect.source} {expect.relation} {expect.target}, more than "
        f"{expect.against[0]} {expect.against[1]}",
    }[expect.kind]


def _continues(case: Case, brain: Any, _: Learner) -> tuple[bool, str]:
    text = brain.query(case.query.payload, port=case.query.port).text
    wanted = case.expect.text
    return text == wanted if case.expect.exact else text.startswith(wanted), _shown(text)


def _split(case: Case, brain: Any, _: Learner) -> tuple[bool, str]:
    came = [
        (text, share, brain.probability(case.query.payload, text.encode(), port=case.query.port))
        for text, share in case.expect.shares
    ]
    close = all(abs(got - share) <= case.expect.tolerance for _, share, got in came)
    together = sum(got for _, _, got in came)
    return close and together >= NEARLY_ALL, ", ".join(f"{_shown(text)} {got:.3f}" for text, _, got in came)


def _abstains(case: Case, brain: Any, _: Learner) -> tuple[bool, str]:
    answer = brain.query(case.query.payload, port=case.query.port)
    came = "it does not know" if answer.abstained else f"it answered {_shown(answer.text)}"
    return bool(answer.abstained) == case.expect.abstains, came


def _has_pattern(case: Case, brain: Any, _: Learner) -> tuple[bool, str]:
    payload = case.expect.text.encode()
    if _method(brain, "pattern")(payload) is None:
        return False, "no such pattern"
    inside = _method(brain, "constituents")(payload)
    missing = [child for child in case.expect.children if child.encode() not in inside]
    made_of = ", ".join(_shown(each) for each in sorted(inside))
    return not missing, f"the pattern, made of {made_of}"


def _round_trip(case: Case, brain: Any, learner: Learner) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "brain.m"
        brain.save(path)
        learner.verify(path)
        opened = learner.open(path)
    for row in case.train:
        for frame in row.frames:
            came = opened.recall(frame.payload[:PREFIX_BYTES], port=frame.port)
            if came != frame.payload:
                return False, f"{_shown(frame.payload)} came back as {_shown(came)}"
    return True, "every row came back"


def _primes(case: Case, brain: Any, _: Learner) -> tuple[bool, str]:
    primed = _method(brain, "primed")(case.query.payload, case.query.port, on=case.expect.port)
    first = bytes(primed[0][0]) if len(primed) else b""
    return first == case.expect.text.encode(), _shown(first) if first else "nothing is primed"


def _relation(case: Case, brain: Any, _: Learner) -> tuple[bool, str]:
    relation = _method(brain, "relation")
    expect = case.expect
    came, against = relation(expect.source, expect.target), relation(*expect.against)
    passed = came.kind == expect.relation and came.strength > against.strength
    return passed, f"{came.kind} {came.strength:.3f}, against {against.kind} {against.strength:.3f}"


_JUDGES: dict[str, Callable[[Case, Any, Learner], tuple[bool, str]]] = {
    "continues": _continues,
    "split": _split,
    "split_weighted": _split,
    "abstains": _abstains,
    "has_pattern": _has_pattern,
    "round_trip": _round_trip,
    "primes": _primes,
    "relation": _relation,
}


def _method(brain: Any, name: str) -> Any:
    method = getattr(brain, name, None)
    if method is None:
        raise NotOffered(f"the learner has no {name}()")
    return method


def _shown(text: str | bytes, at_most: int = 60) -> str:
    """A text or bytes, quoted, escaped and not too long."""
    written = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
    written = written if len(written) <= at_most else written[:at_most] + "…"
    return ascii(written) if not written.isprintable() else repr(written)
