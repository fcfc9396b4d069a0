"""Reads: which rows and how many entries of a brain one prediction looks at. An instrument, for tests and people.

A snapshot flows in, a copy of it whose tables count what is read of them flows out; the code that predicts is the one
that always does, and costs nothing more elsewhere. What is read once for every snapshot (running sums, the shorter
byte contexts) is made before the counting begins.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from melvin.codes import SYMBOL_BITS
from melvin.generation import Snapshot
from melvin.lines import lines_block
from melvin.model import Model, Rows
from melvin.reader import Reader

ROWS = ("links", "transformers", "attended")  # tables of a Model
Table = TypeVar("Table")


@dataclass
class Meter:
    """What was read.

    entries : of all arrays; a look at a whole array counts as many as it has
    rows : those that were looked up, by table
    """

    entries: int = 0
    rows: dict[str, set[int]] = field(default_factory=dict)
    by_table: Counter[str] = field(default_factory=Counter)

    @property
    def row_count(self) -> int:
        return sum(len(rows) for rows in self.rows.values())

    def read(self, table: str, entries: int) -> None:
        self.entries += entries
        self.by_table[table] += entries

    def watch(self, array: NDArray[Any], table: str, row_bits: int | None = None) -> NDArray[Any]:
        """The array, reading which is counted. row_bits : of a key, those behind the row that it stands in"""
        watched = array.view(_Watched)
        watched.watched_by = (self, table, row_bits)
        return watched

    def watch_all(self, table: Table, name: str, row_of: dict[str, int] | None = None) -> Table:
        """A copy of an object, reading of whose arrays is counted. row_of : `row_bits` of some of them"""
        watched = copy.copy(table)
        for part, value in vars(table).items():
            if isinstance(value, np.ndarray):
                vars(watched)[part] = self.watch(value, name, (row_of or {}).get(part))
            elif isinstance(value, tuple) and value and all(isinstance(one, np.ndarray) for one in value):
                vars(watched)[part] = tuple(self.watch(one, name) for one in value)
        return watched


class _Watched(np.ndarray[Any, np.dtype[Any]]):
    """An array that tells its meter what is read: by index as much as comes out, by any function all of it."""

    watched_by: tuple[Meter, str, int | None] | None = None

    def __array_finalize__(self, source: Any) -> None:
        self.watched_by = getattr(source, "watched_by", None)

    def _read(self, entries: int) -> None:
        if self.watched_by is not None:
            self.watched_by[0].read(self.watched_by[1], entries)

    def __getitem__(self, index: Any) -> Any:
        plain = np.asarray(self)[index]
        if isinstance(plain, np.ndarray) and plain.base is not None and np.may_share_memory(plain, np.asarray(self)):
            return super().__getitem__(index)  # a view: nothing is read yet
        self._read(int(np.size(plain)))
        return plain

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*_seen(inputs), **{name: _seen(value) for name, value in options.items()})

    def __array_function__(self, function: Callable[..., Any], types: Any, arguments: Any, options: Any) -> Any:
        if function is np.searchsorted and isinstance(arguments[0], _Watched) and arguments[0].watched_by is not None:
            keys, wanted = arguments[0], np.asarray(arguments[1])
            meter, table, row_bits = arguments[0].watched_by
            meter.read(table, wanted.size)  # a search is one look: that it takes log2(n) steps is left aside
            if row_bits is not None:
                rows = np.unique(wanted.astype(np.uint64) >> np.uint64(row_bits)).tolist()
                meter.rows.setdefault(table, set()).update(rows)
            return np.searchsorted(np.asarray(keys), wanted, *_seen(arguments[2:]), **options)
        return function(*_seen(arguments), **{name: _seen(value) for name, value in options.items()})


def _seen(value: Any) -> Any:
    """The same without watched arrays, each counted as read to its end."""
    if isinstance(value, _Watched):
        value._read(value.size)
        return np.asarray(value)
    if isinstance(value, tuple | list):
        return type(value)(_seen(one) for one in value)
    return value


def metered(snapshot: Snapshot) -> tuple[Snapshot, Meter]:
    """A copy of a snapshot that answers alike, and the meter that counts what its answers read."""
    meter = Meter()
    Reader(snapshot).line_bits(lines_block([b"a b c"]), 0)  # whatever is made once for every answer is made now
    symbols = meter.watch_all(snapshot.symbols, "symbols")
    kinship = meter.watch_all(snapshot.kinship, "kinship")
    for part in ("words", "embeddings"):
        vars(kinship)[part] = meter.watch_all(getattr(snapshot.kinship, part), part)
    model = Model(symbols, snapshot.evidence, snapshot.settings, kinship)
    for name in ROWS:
        rows: Rows = getattr(snapshot.model, name)
        vars(model)[name] = meter.watch_all(rows, name, {"key": SYMBOL_BITS})
    vars(model)["contexts"] = tuple(
        meter.watch_all(context, f"byte contexts of length {length}", {"row": 0})
        for length, context in enumerate(snapshot.model.contexts)
    )
    watched = copy.copy(snapshot)
    object.__setattr__(watched, "symbols", symbols)
    vars(watched)["model"] = model
    vars(watched)["familiarity"] = meter.watch_all(snapshot.familiarity, "familiarity")
    return watched, meter


@dataclass(frozen=True)
class Reads:
    """What one line cost. places : predictions in it;  rows, entries : looked up and read;  by_table : entries"""

    places: int
    rows: int
    entries: int
    by_table: dict[str, int]


def reads_of(snapshot: Snapshot, line: bytes, port: int) -> Reads:
    """What it reads to predict every byte of a line, and its end."""
    watched, meter = metered(snapshot)
    Reader(watched).line_bits(lines_block([line]), port)
    return Reads(len(line) + 1, meter.row_count, meter.entries, dict(meter.by_table))
