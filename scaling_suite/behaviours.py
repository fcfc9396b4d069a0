"""Behaviours that a learner must show, as data: one JSON object a line, read and checked here.

A case trains a fresh brain on a few rows, asks one query, and says what must hold; `judge` runs it. The
kinds of expectation are listed in docs/workload.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling_suite.errors import BehaviourFileError

TEXT = "text"
DEFAULT_TOLERANCE = 0.15  # of a share of the probability, when the case names none


@dataclass(frozen=True)
class Frame:
    """Bytes on a port."""

    port: str
    payload: bytes


@dataclass(frozen=True)
class Row:
    """One line to learn, or an episode: frames that happen together; so many times."""

    frames: tuple[Frame, ...]
    times: int
    is_episode: bool


@dataclass(frozen=True)
class Expectation:
    """What must hold. The fields are those of the kind; the others keep their defaults.

    continues : text, exact
    split, split_weighted : shares (continuation -> share of the probability), tolerance
    abstains : abstains
    has_pattern : text, children
    primes : text, port
    relation : relation, source, target, against
    """

    kind: str
    text: str = ""
    exact: bool = False
    shares: tuple[tuple[str, float], ...] = ()
    tolerance: float = DEFAULT_TOLERANCE
    abstains: bool = True
    children: tuple[str, ...] = ()
    port: str = TEXT
    relation: str = ""
    source: str = ""
    target: str = ""
    against: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Case:
    """One behaviour: train these rows, ask this query, expect that."""

    id: str
    capability: str
    train: tuple[Row, ...]
    query: Frame
    expect: Expectation


def read_cases(path: Path) -> list[Case]:
    """The cases of a behaviours file.

    Raises BehaviourFileError, naming the line, when the file cannot be read or a case breaks the format.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BehaviourFileError(f"{path} cannot be read ({why}): give a file of one JSON object a line") from error
    cases: dict[str, Case] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = _case(json.loads(line))
            if case.id in cases:
                raise ValueError(f"the id {case.id!r} is used twice")
        except (json.JSONDecodeError, ValueError, RecursionError) as error:
            raise BehaviourFileError(f"{path}, line {number}: {_one_sentence(error)}") from error
        cases[case.id] = case
    if not cases:
        raise BehaviourFileError(f"{path} holds no case: give a file of one JSON object a line")
    return list(cases.values())


def _case(data: Any) -> Case:
    _need(isinstance(data, Mapping), "a case must be a JSON object")
    rows = _get(data, "train", list)
    query = _get(data, "query", Mapping)
    return Case(
        id=_get(data, "id", str),
        capability=_get(data, "capability", str),
        train=tuple(_row(row) for row in rows),
        query=_frame(query),
        expect=_expectation(_get(data, "expect", Mapping)),
    )


def _row(data: Any) -> Row:
    _need(isinstance(data, Mapping), "a row of 'train' must be an object")
    times = data.get("times", 1)
    _need(type(times) is int and times >= 1, "'times' must be a whole number, 1 or more")
    if "episode" in data:
        return Row(tuple(_frame(frame) for frame in _get(data, "episode", list)), times, is_episode=True)
    return Row((_frame(data),), times, is_episode=False)


def _frame(data: Any) -> Frame:
    _need(isinstance(data, Mapping), "a frame must be an object")
    _need(("text" in data) != ("hex" in data), "a row, frame or query has either 'text' or 'hex'")
    payload = bytes.fromhex(_get(data, "hex", str)) if "hex" in data else _get(data, "text", str).encode()
    _need(b"\n" not in payload, "a row is one line: it cannot hold a line feed")
    return Frame(_get(data, "port", str) if "port" in data else TEXT, payload)


def _expectation(data: Mapping[str, Any]) -> Expectation:
    kind = _get(data, "kind", str)
    _need(kind in _KINDS, f"the kind {kind!r} is not known: it must be one of {', '.join(_KINDS)}")
    _need("value" in data, "'expect' has no 'value'")
    return Expectation(kind, **_KINDS[kind](data, data["value"]))


def _continues(data: Mapping[str, Any], value: Any) -> dict[str, Any]:
    _need(isinstance(value, str), "'value' of continues must be a text")
    return {"text": value, "exact": data.get("exact", False) is True}


def _split(data: Mapping[str, Any], value: Any) -> dict[str, Any]:
    _need(isinstance(value, list) and value, "'value' of split must be a list of continuations")
    _need(all(isinstance(each, str) for each in value), "'value' of split must hold texts")
    return {"shares": tuple((each, 1 / len(value)) for each in value), "tolerance": _tolerance(data)}


def _split_weighted(data: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """Shares as {continuation: share}, as [continuation, share] pairs, or a list with 'shares' beside it."""
    if isinstance(value, list) and isinstance(data.get("shares"), list):
        value = list(zip(value, data["shares"], strict=True))
    pairs = list(value.items() if isinstance(value, Mapping) else value if isinstance(value, list) else [])
    good = all(isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs)
    _need(bool(pairs) and good, "'value' of split_weighted must give a share for each continuation")
    shares = [(text, _number(share, "a share")) for text, share in pairs]
    total = sum(share for _, share in shares)
    _need(total > 0 and min(share for _, share in shares) >= 0, "shares must be 0 or more, and not all 0")
    return {"shares": tuple((text, share / total) for text, share in shares), "tolerance": _tolerance(data)}


def _abstains(_: Mapping[str, Any], value: Any) -> dict[str, Any]:
    _need(isinstance(value, bool), "'value' of abstains must be true or false")
    return {"abstains": value}


def _has_pattern(_: Mapping[str, Any], value: Any) -> dict[str, Any]:
    _need(isinstance(value, Mapping), "'value' of has_pattern must be an object")
    children = _get(value, "children", list) if "children" in value else []
    _need(all(isinstance(child, str) for child in children), "'children' must be texts")
    return {"text": _get(value, "payload", str), "children": tuple(children)}


def _round_trip(_: Mapping[str, Any], value: Any) -> dict[str, Any]:
    _need(value is True, "'value' of round_trip must be true")
    return {}


def _primes(_: Mapping[str, Any], value: Any) -> dict[str, Any]:
    _need(isinstance(value, Mapping), "'value' of primes must be an object")
    return {"text": _get(value, "text", str), "port": _get(value, "port", str)}


def _relation(_: Mapping[str, Any], value: Any) -> dict[str, Any]:
    _need(isinstance(value, Mapping), "'value' of relation must be an object")
    against = _get(value, "against", Mapping)
    return {
        "relation": _get(value, "is", str),
        "source": _get(value, "source", str),
        "target": _get(value, "target", str),
        "against": (_get(against, "source", str), _get(against, "target", str)),
    }


_KINDS = {
    "continues": _continues,
    "split": _split,
    "split_weighted": _split_weighted,
    "abstains": _abstains,
    "has_pattern": _has_pattern,
    "round_trip": _round_trip,
    "primes": _primes,
    "relation": _relation,
}


def _tolerance(data: Mapping[str, Any]) -> float:
    return _number(data.get("tolerance", DEFAULT_TOLERANCE), "'tolerance'")


def _number(value: Any, what: str) -> float:
    _need(isinstance(value, int | float) and not isinstance(value, bool), f"{what} must be a number")
    return float(value)


_NAMES: dict[type, str] = {str: "a text", list: "a list", Mapping: "an object"}


def _get(data: Mapping[str, Any], name: str, kind: type) -> Any:
    _need(name in data, f"{name!r} is missing")
    _need(isinstance(data[name], kind), f"{name!r} must be {_NAMES[kind]}")
    return data[name]


def _need(holds: object, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)


def _one_sentence(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"this is not JSON ({error.msg} at column {error.colno}): write one object a line"
    return str(error)


def with_capability(cases: list[Case], only: Sequence[str]) -> list[Case]:
    """The cases of some capabilities; all when none is named."""
    known = dict.fromkeys(case.capability for case in cases)
    for name in only:
        if name not in known:
            raise BehaviourFileError(f"no case has the capability {name!r}: the file has {', '.join(known)}")
    return [case for case in cases if not only or case.capability in only]
