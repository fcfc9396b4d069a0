"""How two brain files differ: by section, and in tables that are sorted by a key, by entry.

The view is left out: it follows from the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from melvin.container import CHECKSUM, Array, Container
from melvin.viewfile import VIEW

KEY = ".key"  # the array of a table that names its entries; every other array of the table is as long
RECORDS = ("resume",)  # arrays that hold a JSON object
SHOWN = 3  # places that are shown of those that differ


@dataclass(frozen=True)
class Difference:
    """A section that is not the same in both files, and in what."""

    section: str
    what: str


def diff(a: Path, b: Path) -> list[Difference]:
    """All differences, in the order of the sections' names; none when the files hold the same.

    Raises
    ------
    BrainFileError : one of them is not a whole brain file
    """
    one, other = Container(a), Container(b)
    one.verify()
    other.verify()
    return [*_strings(one, other), *_arrays(one, other)]


def _strings(one: Container, other: Container) -> Iterator[Difference]:
    for name in sorted({*one.metadata, *other.metadata}):
        if name.startswith(CHECKSUM):
            continue
        x, y = one.metadata.get(name), other.metadata.get(name)
        if x is None or y is None:
            yield Difference(name, _only(x is None))
        elif x != y:
            yield from _fields(name, x, y)


def _fields(name: str, x: str, y: str) -> Iterator[Difference]:
    """Two strings that may differ; where both hold JSON objects, field by field."""
    if x == y:
        return
    try:
        left, right = json.loads(x), json.loads(y)
    except ValueError:
        left = right = None
    if not isinstance(left, dict) or not isinstance(right, dict):
        yield Difference(name, f"{x!r} in A, {y!r} in B")
        return
    for part in sorted({*left, *right}):
        if part not in left or part not in right:
            yield Difference(f"{name}.{part}", _only(part not in left))
        elif left[part] != right[part]:
            yield Difference(f"{name}.{part}", f"{json.dumps(left[part])} in A, {json.dumps(right[part])} in B")


def _arrays(one: Container, other: Container) -> Iterator[Difference]:
    names = sorted(name for name in {*one.names(), *other.names()} if not name.startswith(VIEW))
    for name in names:
        x, y = one.get(name), other.get(name)
        if x is None or y is None:
            yield Difference(name, _only(x is None))
        elif name in RECORDS:
            yield from _fields(name, *(array.tobytes().decode("utf-8", "replace") for array in (x, y)))
        elif x.dtype != y.dtype:
            yield Difference(name, f"{x.dtype} in A, {y.dtype} in B")
        elif x.shape == y.shape and x.tobytes() == y.tobytes():
            continue
        elif name.endswith(KEY):
            yield _keys(name, x, y)
        elif _table_differs(one, other, name):
            continue  # told with the table's key
        elif x.shape != y.shape:
            yield Difference(name, f"shape {_shape(x)} in A, {_shape(y)} in B")
        else:
            yield _values(name, x, y)


def _table_differs(one: Container, other: Container, name: str) -> bool:
    """Whether an array belongs to a table whose keys differ, so that its values cannot be held against each other."""
    key = name.rpartition(".")[0] + KEY
    x, y = one.get(key), other.get(key)
    return x is not None and y is not None and not np.array_equal(x, y)


def _keys(name: str, x: Array, y: Array) -> Difference:
    gone, new = np.setdiff1d(x, y), np.setdiff1d(y, x)
    return Difference(
        name.removesuffix(KEY),
        f"{x.size} entries in A, {y.size} in B: {gone.size} only in A{_some(gone)}, {new.size} only in B{_some(new)}",
    )


def _some(keys: Array) -> str:
    return f" ({', '.join(str(key) for key in keys[:SHOWN])}{', …' if keys.size > SHOWN else ''})" if keys.size else ""


def _values(name: str, x: Array, y: Array) -> Difference:
    at = np.argwhere(x != y)
    shown = [f"[{', '.join(str(i) for i in place)}] {x[tuple(place)]} → {y[tuple(place)]}" for place in at[:SHOWN]]
    return Difference(name, f"{len(at)} of {x.size} values differ: {'; '.join(shown)}")


def _shape(array: Array) -> str:
    return " x ".join(str(n) for n in array.shape)


def _only(in_b: bool) -> str:
    return f"only in {'B' if in_b else 'A'}"
