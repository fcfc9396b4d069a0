"""Two states held against each other, strictly: type and bits. What was lost is named: where, which kind, what.

A state is made of mappings, sequences, strings, bytes, numbers, None, dataclasses and arrays, nested as they like.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

KINDS = {
    "missing": "it was there and is gone",
    "type": "the same value, of another type",
    "order": "the same entries, in another order",
    "precision": "a number close to what it was",
    "aliasing": "entries that were apart are one, or what was one is apart",
    "truncation": "its beginning, or its low bits",
    "value": "something else",
    "in_place": "the old file is destroyed before the new one is whole",
    "writes_on_query": "asking changes what is on the disk",
    "silent_damage": "a damaged file is loaded as if it were whole",
    "unreadable": "what was saved cannot be loaded",
    "environment": "another process, hash seed, locale or folder changes it",
}
CLOSE = 1e-2  # relative: numbers nearer than this lost precision, others are something else
WORDS = (8, 16, 32)  # bits that integers are cut down to


@dataclass(frozen=True)
class Loss:
    """where : table and field;  kind : one of KINDS;  detail : what was there, what is there"""

    where: str
    kind: str
    detail: str

    @property
    def key(self) -> tuple[str, str]:
        return self.where, self.kind


def compare(before: Any, after: Any) -> list[Loss]:
    """Every loss between two states, at most one a kind and field; the first of each is shown."""
    found = {loss.key: loss for loss in reversed([*_compare("", before, after), *_sharing(before, after)])}
    return list(reversed(found.values()))


def _compare(where: str, a: Any, b: Any) -> Iterator[Loss]:
    if is_dataclass(a) and type(a) is type(b):
        a, b = _as_mapping(a), _as_mapping(b)
    if _is_array(a) and _is_array(b):
        yield from _arrays(where, a, b)
    elif isinstance(a, Mapping) and isinstance(b, Mapping):
        yield from _mappings(where, a, b)
    elif type(a) is not type(b):
        kind = "missing" if b is None or (_is_empty(b) and not _is_empty(a)) else "type"
        yield _loss(where, kind, a, b)
    elif isinstance(a, str | bytes):
        if a != b:
            yield _loss(where, _kind_of_text(a, b), a, b)
    elif isinstance(a, Sequence):
        yield from _sequences(where, a, b)
    elif isinstance(a, set | frozenset):
        if a != b:
            yield _loss(where, "missing" if b < a else "value", a, b)
    elif isinstance(a, bool):
        if a != b:
            yield _loss(where, "value", a, b)
    elif isinstance(a, int):
        if a != b:
            yield _loss(where, _kind_of_integer(a, b), a, b)
    elif isinstance(a, float):
        if struct.pack("d", a) != struct.pack("d", b):
            yield _loss(where, _kind_of_float(a, b), a, b)
    elif a != b:
        yield _loss(where, "value", a, b)


def _loss(where: str, kind: str, a: Any, b: Any) -> Loss:
    return Loss(_field(where), kind, f"{where}: {_shown(a)} → {_shown(b)}")


def _field(where: str) -> str:
    """Table and field of a place: keys of entries left out."""
    return where.partition("[")[0].strip(".") or "state"


def _shown(value: Any) -> str:
    if _is_array(value):
        return f"{value.dtype}{list(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "tobytes")


def _is_empty(value: Any) -> bool:
    return hasattr(value, "__len__") and len(value) == 0


def _as_mapping(value: Any) -> dict[str, Any]:
    return {part.name: getattr(value, part.name) for part in fields(value)}


def _kind_of_text(a: Any, b: Any) -> str:
    if a.startswith(b):
        return "truncation"
    left = iter(a)  # `in` moves on
    return "missing" if all(one in left for one in b) else "value"


def _kind_of_integer(a: int, b: int) -> str:
    if b == 0:
        return "missing"
    return "truncation" if any(b == a % (1 << bits) for bits in WORDS) else "value"


def _kind_of_float(a: float, b: float) -> str:
    return "precision" if abs(a - b) <= CLOSE * max(abs(a), abs(b)) else "missing" if b == 0 else "value"


def _mappings(where: str, a: Mapping[Any, Any], b: Mapping[Any, Any]) -> Iterator[Loss]:
    gone = [key for key in a if key not in b]
    new = [key for key in b if key not in a]
    if gone and {str(key) for key in gone} <= {str(key) for key in new}:
        yield Loss(_field(_at(where, gone[0])), "type", f"{where}: key {gone[0]!r} → {str(gone[0])!r}")
        return
    changed = [key for key in a if key in b and type(a[key]) is type(b[key]) is int and a[key] != b[key]]
    for key in gone:
        merged = any(b[other] in (a[key], a[other] + a[key]) for other in changed if type(a[key]) is int)
        merged = merged or any(type(b[other]) is type(a[key]) is int and b[other] >= a[key] for other in new)
        yield Loss(
            _field(_at(where, key)),
            "aliasing" if merged else "missing",
            f"{_at(where, key)}: {_shown(a[key])} " + ("is one with another entry" if merged else "is gone"),
        )
        if merged:
            return
    if not gone and not new and list(a) != list(b):
        yield Loss(_field(where), "order", f"{where}: {_shown(list(a))} → {_shown(list(b))}")
    for key in a:
        if key in b:
            yield from _compare(_at(where, key), a[key], b[key])
    for key in new if not gone else ():
        yield Loss(_field(_at(where, key)), "value", f"{_at(where, key)} is new")


def _at(where: str, key: Any) -> str:
    """The place of an entry: names of tables and fields with a dot, keys of entries in brackets."""
    return f"{where}.{key}" if isinstance(key, str) and key.isidentifier() and "[" not in where else f"{where}[{key!r}]"


def _sequences(where: str, a: Sequence[Any], b: Sequence[Any]) -> Iterator[Loss]:
    if a == b and {*map(type, a), *map(type, b)} <= {int}:
        return  # long ones are common, and quickly seen to be the same
    if len(b) < len(a):
        yield _loss(where, "truncation" if list(a[: len(b)]) == list(b) else "missing", a, b)
    elif len(b) > len(a):
        yield _loss(where, "value", a, b)
    elif list(a) != list(b) and Counter(map(repr, a)) == Counter(map(repr, b)):
        yield _loss(where, "order", a, b)
    else:
        for number, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _compare(f"{where}[{number}]", one, other)


def _arrays(where: str, a: Any, b: Any) -> Iterator[Loss]:
    if a.dtype != b.dtype:
        kind = "precision" if a.dtype.kind == b.dtype.kind == "f" else "type"
        yield _loss(where, kind, a, b)
    elif a.shape != b.shape:
        shorter = a.ndim == b.ndim and all(n <= m for n, m in zip(b.shape, a.shape, strict=True))
        if not shorter:
            yield _loss(where, "value", a, b)
        elif b.size == 0:
            yield _loss(where, "missing", a, b)
        else:
            head = a[tuple(slice(n) for n in b.shape)]
            yield _loss(where, "truncation" if head.tobytes() == b.tobytes() else "missing", a, b)
    elif a.tobytes() != b.tobytes():
        at = tuple(int(places[0]) for places in (a != b).nonzero()) if (a != b).any() else ()
        shown = f"{list(at)}: {a[at]} → {b[at]}" if at else ": equal numbers of other bits"
        yield Loss(_field(where), _kind_of_array(a, b), f"{where}{shown}")


def _kind_of_array(a: Any, b: Any) -> str:
    """Arrays of one type and shape that differ. Their own methods do: this half of the harness knows no numpy."""
    if _sorted(a).tobytes() == _sorted(b).tobytes():
        return "order"
    if not b.any():
        return "missing"
    if a.dtype.kind == "f":
        return "precision" if bool((abs(a - b) <= CLOSE * abs(a)).all()) else "value"
    cut = a.dtype.kind in "iu" and any((a % (1 << bits) == b).all() for bits in WORDS if bits < 8 * a.itemsize)
    return "truncation" if cut else "value"


def _sorted(array: Any) -> Any:
    flat = array.flatten()
    flat.sort()
    return flat


def _sharing(before: Any, after: Any) -> Iterator[Loss]:
    """Places that were one object and are two now."""
    were, are = _shared(before), _shared(after)
    for places in were - are:
        yield Loss(_field(places[0]), "aliasing", f"{' and '.join(places)} were one object, and are apart")


def _shared(state: Any) -> set[tuple[str, ...]]:
    seen: dict[int, list[str]] = {}

    def visit(where: str, value: Any) -> None:
        if isinstance(value, list | dict | set) and value:
            seen.setdefault(id(value), []).append(where)
            if len(seen[id(value)]) > 1:
                return
        if isinstance(value, Mapping):
            for key, inner in value.items():
                visit(_at(where, key), inner)
        elif isinstance(value, list | tuple):
            for number, inner in enumerate(value):
                visit(f"{where}[{number}]", inner)

    visit("", state)
    return {tuple(places) for places in seen.values() if len(places) > 1}


def leaves(state: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a state with its place, type and bits as text; the same in every process."""
    if is_dataclass(state):
        state = _as_mapping(state)
    if _is_array(state):
        yield where, f"{state.dtype} {state.shape} {state.tobytes().hex()}"
    elif isinstance(state, Mapping):
        for key, inner in state.items():
            yield from leaves(inner, _at(where, key))
    elif isinstance(state, list | tuple):
        for number, inner in enumerate(state):
            yield from leaves(inner, f"{where}[{number}]")
    elif isinstance(state, set | frozenset):
        yield where, f"set {sorted(map(repr, state))}"
    else:
        yield where, f"{type(state).__name__} {state!r}"
