"""The judge passes what holds and nothing else. The learner here is a small one made for the purpose."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scaling_suite.behaviours import Case, Expectation, Frame, Row
from scaling_suite.judge import Learner, Outcome, describe, judge_all, unrelated_lines


@dataclass
class Answer:
    text: str
    abstained: bool


@dataclass
class Rote:
    """Knows its lines by heart: goes on with the most frequent continuation, from the line's beginning."""

    lines: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    fed: list[bytes] = field(default_factory=list)

    def learn(self, lines: list[bytes], port: str = "text") -> None:
        self.lines.update((port, line) for line in lines)
        self.fed.extend(lines)

    def _after(self, text: bytes, port: str) -> Counter[bytes]:
        known = {line: count for (on, line), count in self.lines.items() if on == port and line.startswith(text)}
        return Counter({line[len(text) :]: count for line, count in known.items()})

    def query(self, text: bytes, port: str = "text") -> Answer:
        after = self._after(text, port)
        best = after.most_common(1)[0][0] if after else b""
        return Answer(best.decode("utf-8", "surrogateescape"), abstained=not after)

    def probability(self, text: bytes, continuation: bytes, port: str = "text") -> float:
        after = self._after(text, port)
        return sum(n for rest, n in after.items() if rest.startswith(continuation)) / max(after.total(), 1)

    def recall(self, prefix: bytes, port: str = "text") -> bytes:
        return prefix + self.query(prefix, port).text.encode("utf-8", "surrogateescape")

    def pattern(self, payload: bytes) -> object | None:
        return payload if ("text", payload) in self.lines else None

    def constituents(self, payload: bytes) -> set[bytes]:
        return {payload[:2], payload[2:]}

    def save(self, path: Path) -> None:
        path.write_bytes(b"\n".join(line for _, line in self.lines))


def opened(path: Path) -> Rote:
    brain = Rote()
    brain.learn(path.read_bytes().split(b"\n"))
    return brain


ROTE = Learner(Rote, opened, lambda path: path.read_bytes())


def case(expect: Expectation, query: str = "", *rows: tuple[str, int]) -> Case:
    train = tuple(Row((Frame("text", text.encode()),), times, is_episode=False) for text, times in rows)
    return Case("case", "recall", train, Frame("text", query.encode()), expect)


def outcome(each: Case, learner: Learner = ROTE, among: int = 0) -> Outcome:
    (only,) = judge_all([each], learner, among)
    return only


TEA = ("tea time", 3), ("tea leaf", 1)


@pytest.mark.parametrize(
    ("expect", "query", "passes"),
    [
        (Expectation("continues", text=" ti"), "tea", True),
        (Expectation("continues", text=" ti", exact=True), "tea", False),
        (Expectation("continues", text=" time", exact=True), "tea", True),
        (Expectation("continues", text=" leaf"), "tea", False),
        (Expectation("split", shares=(("time", 0.5), ("leaf", 0.5)), tolerance=0.3), "tea ", True),
        (Expectation("split", shares=(("time", 0.5), ("leaf", 0.5)), tolerance=0.1), "tea ", False),
        (
            Expectation("split_weighted", shares=(("time", 0.75), ("leaf", 0.25)), tolerance=0.01),
            "tea ",
            True,
        ),
        (Expectation("split_weighted", shares=(("time", 0.75),), tolerance=0.1), "tea ", False),
        (Expectation("abstains", abstains=True), "coffee", True),
        (Expectation("abstains", abstains=True), "tea", False),
        (Expectation("abstains", abstains=False), "tea", True),
        (Expectation("has_pattern", text="tea time", children=("te", "a time")), "", True),
        (Expectation("has_pattern", text="tea time", children=("time",)), "", False),
        (Expectation("has_pattern", text="coffee"), "", False),
        (Expectation("round_trip"), "", True),
    ],
)
def test_each_kind_passes_when_it_holds_and_fails_when_not(expect: Expectation, query: str, passes: bool) -> None:
    assert outcome(case(expect, query, *TEA)).passed is passes


def test_a_row_that_comes_back_different_fails_the_round_trip() -> None:
    rows = ("same beginning one", 1), ("same beginning two", 1)
    result = outcome(case(Expectation("round_trip"), "", *rows))
    assert not result.passed
    assert "same beginning two" in result.came


def test_a_case_is_asked_on_its_own_port() -> None:
    row = Row((Frame("audio", b"tea hiss"),), 1, is_episode=False)
    asked = Case("case", "cross-modal", (row,), Frame("audio", b"tea"), Expectation("continues", text=" hiss"))
    assert outcome(asked).passed


@pytest.mark.parametrize(
    ("expect", "missing"),
    [
        (Expectation("primes", text="hoot", port="audio"), "primed"),
        (Expectation("relation", relation="causes", source="a", target="b"), "relation"),
    ],
)
def test_what_the_learner_does_not_offer_fails_with_that_word(expect: Expectation, missing: str) -> None:
    result = outcome(case(expect, "owl", ("owl", 1)))
    assert not result.passed
    assert result.came == f"not offered: the learner has no {missing}()"


class Whole(Rote):
    """Offers what later comes: episodes, priming, relations."""

    def learn_episode(self, frames: list[tuple[str, bytes]]) -> None:
        self.episodes = [*getattr(self, "episodes", []), frames]

    def primed(self, text: bytes, port: str, on: str) -> list[tuple[bytes, float]]:
        together = [dict(frames)[on] for frames in self.episodes if dict(frames)[port] == text]
        return [(payload, float(count)) for payload, count in Counter(together).most_common()]

    def relation(self, source: str, target: str) -> Any:
        strength = sum(n for (_, line), n in self.lines.items() if line == f"{source} {target}".encode())

        @dataclass
        class Relation:
            kind: str
            strength: float

        return Relation("causes" if strength else "none", float(strength))


WHOLE = Learner(Whole, opened, lambda path: path)


@pytest.mark.parametrize(("text", "passes"), [("hoot", True), ("moo", False)])
def test_the_most_primed_symbol_must_be_the_named_one(text: str, passes: bool) -> None:
    episodes = tuple(
        Row((Frame("text", a), Frame("audio", b)), 2, is_episode=True) for a, b in ((b"owl", b"hoot"), (b"cow", b"moo"))
    )
    expect = Expectation("primes", text=text, port="audio")
    asked = Case("case", "cross-modal", episodes, Frame("text", b"owl"), expect)
    assert outcome(asked, WHOLE).passed is passes


@pytest.mark.parametrize(
    ("relation", "against", "passes"),
    [
        ("causes", ("sun", "ice"), True),
        ("prevents", ("sun", "ice"), False),
        ("causes", ("frost", "fog"), False),
    ],
)
def test_a_relation_must_be_as_named_and_the_stronger_one(
    relation: str, against: tuple[str, str], passes: bool
) -> None:
    expect = Expectation("relation", relation=relation, source="frost", target="ice", against=against)
    assert outcome(case(expect, "", ("frost ice", 3), ("frost fog", 4)), WHOLE).passed is passes


def test_each_case_gets_a_fresh_brain() -> None:
    asked = case(Expectation("abstains"), "tea", ("coffee", 1))
    taught = case(Expectation("continues", text=" time"), "tea", *TEA)
    assert [result.passed for result in judge_all([taught, asked, taught], ROTE)] == [True, True, True]


def test_what_a_learner_raises_is_the_outcome_of_that_case_alone() -> None:
    class Broken(Rote):
        def query(self, text: bytes, port: str = "text") -> Answer:
            raise ZeroDivisionError("no symbols")

    cases = [
        case(Expectation("continues", text="x"), "tea", *TEA),
        case(Expectation("round_trip"), "", ("x", 1)),
    ]
    first, second = judge_all(cases, Learner(Broken, opened, lambda path: path))
    assert (first.passed, first.came) == (False, "raised ZeroDivisionError: no symbols")
    assert second.passed


def test_among_shuffles_the_rows_one_by_one_among_so_many_distinct_lines() -> None:
    brains: list[Rote] = []

    def new() -> Rote:
        brains.append(Rote())
        return brains[-1]

    asked = case(Expectation("continues", text=" time"), "tea", *TEA)
    learner = Learner(new, opened, lambda path: path)
    results = [outcome(asked, learner, among) for among in (0, 100, 100)]
    assert all(result.passed for result in results)
    assert brains[0].fed == [b"tea time"] * 3 + [b"tea leaf"]
    assert len(brains[1].fed) == 104
    assert len(set(brains[1].fed)) == 102
    assert brains[1].fed == brains[2].fed
    places = [number for number, line in enumerate(brains[1].fed) if line.startswith(b"tea ")]
    assert places[-1] - places[0] > 20


def test_there_are_as_many_unrelated_lines_as_asked() -> None:
    for count in (0, 1, 200, 1000):
        assert len({row.frames[0].payload for row in unrelated_lines(count)}) == count


def test_every_kind_can_be_described() -> None:
    assert (
        describe(case(Expectation("continues", text=" moon", exact=True), "silver"))
        == "'silver' goes on exactly ' moon'"
    )
    assert "0.50" in describe(case(Expectation("split", shares=(("a", 0.5), ("b", 0.5))), "x"))
