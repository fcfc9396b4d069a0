"""A behaviours file is read as its format says, and a bad one gets one sentence that names the line."""

import json
from pathlib import Path
from typing import Any

import pytest

from scaling_suite.behaviours import Frame, Row, read_cases
from scaling_suite.errors import BehaviourFileError

FIXTURE = Path(__file__).parents[3] / "fixtures" / "behaviours.jsonl"
GOOD: dict[str, Any] = {
    "id": "one",
    "capability": "recall",
    "train": [{"text": "silver moon", "times": 5}],
    "query": {"text": "silver"},
    "expect": {"kind": "continues", "value": " moon"},
}


def written(folder: Path, *cases: dict[str, Any]) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    return path


def test_the_fixture_holds_cases_of_every_kind_and_capability() -> None:
    cases = read_cases(FIXTURE)
    assert {case.expect.kind for case in cases} >= {
        "continues",
        "split",
        "split_weighted",
        "abstains",
        "has_pattern",
        "round_trip",
        "primes",
        "relation",
    }
    assert len({case.capability for case in cases}) == 10


def test_rows_are_text_or_bytes_on_a_port_or_episodes(tmp_path: Path) -> None:
    rows = [
        {"text": "é", "times": 2},
        {"hex": "00ff", "port": "audio"},
        {"episode": [{"port": "text", "text": "owl"}, {"port": "audio", "text": "hoot"}]},
    ]
    (case,) = read_cases(written(tmp_path, GOOD | {"train": rows}))
    assert case.train == (
        Row((Frame("text", "é".encode()),), 2, is_episode=False),
        Row((Frame("audio", b"\0\xff"),), 1, is_episode=False),
        Row((Frame("text", b"owl"), Frame("audio", b"hoot")), 1, is_episode=True),
    )


@pytest.mark.parametrize(
    "value",
    [
        {"value": {"a": 3, "b": 1}},
        {"value": [["a", 0.75], ["b", 0.25]]},
        {"value": ["a", "b"], "shares": [0.75, 0.25]},
    ],
)
def test_weighted_shares_may_be_written_in_three_ways(tmp_path: Path, value: dict[str, Any]) -> None:
    (case,) = read_cases(written(tmp_path, GOOD | {"expect": {"kind": "split_weighted", **value}}))
    assert case.expect.shares == (("a", 0.75), ("b", 0.25))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": None}, "'id' must be a text"),
        ({"train": "silver moon"}, "'train' must be a list"),
        ({"train": [{"text": "x", "times": 0}]}, "'times' must be a whole number"),
        ({"train": [{"times": 3}]}, "either 'text' or 'hex'"),
        ({"train": [{"hex": "0g"}]}, "non-hexadecimal"),
        ({"train": [{"text": "two\nlines"}]}, "cannot hold a line feed"),
        ({"expect": {"kind": "guesses", "value": 1}}, "'guesses' is not known: it must be one of continues"),
        ({"expect": {"kind": "continues"}}, "has no 'value'"),
        ({"expect": {"kind": "continues", "value": 3}}, "must be a text"),
        ({"expect": {"kind": "split", "value": []}}, "must be a list of continuations"),
        ({"expect": {"kind": "split_weighted", "value": {"a": -1, "b": 2}}}, "must be 0 or more"),
        ({"expect": {"kind": "relation", "value": {"source": "a"}}}, "'against' is missing"),
    ],
)
def test_a_case_that_breaks_the_format_is_named_by_its_line(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(BehaviourFileError) as caught:
        read_cases(written(tmp_path, GOOD, GOOD | {"id": "two"} | change))
    assert "line 2: " in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no case"),
        (b"not json\n", "line 1: this is not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[1]\n", "must be a JSON object"),
        (b"[" * 100_000, "line 1"),
        (2 * (json.dumps(GOOD).encode() + b"\n"), "'one' is used twice"),
    ],
)
def test_what_is_no_behaviours_file_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(content)
    with pytest.raises(BehaviourFileError, match=says):
        read_cases(path)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(BehaviourFileError, match="No such file"):
        read_cases(tmp_path / "none.jsonl")
