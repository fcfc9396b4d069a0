"""Spread: what every code gets at one place, from all heads. What `heads.predict` says, to the bit, of one place.

Arrays of one are dear, so sources are plain numbers here, and the rows of all heads are read at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from math import frexp
from typing import NamedTuple

import numpy as np

from melvin.attention import NAME_SHIFT, at_lag_one, continued_one
from melvin.chunks import hash_one
from melvin.contexts import DISTINCT_DISCOUNTS, F64, ORDER
from melvin.heads import NAME_BYTES, Model
from melvin.parse import chunk_salt
from melvin.remembered import Remembered
from melvin.symbols import CODE_BITS, CODE_MASK, CODES, END, MAX_PAYLOAD, NONE, START, SYMBOL_BITS, WORD_CODES
from melvin.tables import Counts
from melvin.trace import Begun, Spoken, Spot
from melvin.weights import (
    ATTENDED,
    EDGE,
    HEADS,
    KIN_ATTENDED,
    KIN_BEFORE,
    KIN_LAST,
    ONE,
    ONE_BACK,
    PRIOR_PREDICTIONS,
    REPEATING,
    SIZE_BUCKETS,
    SOURCES,
    SUFFIX,
    SYMBOL,
    VARIETY_BUCKETS,
    Weights,
)
from melvin.words import BORDER

WIDE = 1 << 11  # entries of a row that are no longer looked at one by one: its codes are searched for instead
KEPT_SPANS = 1 << 14  # beginnings of symbols that are remembered: about 4 MiB
KEPT_KIN = 1 << 13  # words whose kin are remembered: about 8 MiB
KEPT_CONTEXTS = 1 << 12  # byte contexts that are remembered: 2 KiB each
_ROW = CODES + 1  # codes that a row may go on with; 0 where the symbol is whole
_CODES = np.arange(_ROW + 1, dtype=np.uint64)
_RANKS = np.uint64((1 << SYMBOL_BITS) - 1)
_NONE = int(NONE)


class _Span(NamedTuple):
    """The ranks [low, high) of the symbols that begin with some bytes; where their next code stands in their words."""

    low: int
    high: int
    column: int
    shift: int


class _Asked(NamedTuple):
    """Rows of one table that one head asks together, and whether it knows more than the byte view."""

    head: int
    number: int
    table: int
    sources: tuple[int, ...]
    span: _Span
    further: bool


class _Told(NamedTuple):
    """What they said: see `weights.Opinion`. found : float64, shape (257,)"""

    total: int
    distinct: int
    same: int
    found: F64


_Row = tuple[int, _Span, Counts, int, int]  # which head asks, and where the row is in its table
_Source = tuple[int, int, tuple[int, ...], int]  # head, table, rows, bytes of context that they stand for
_LINKS, _TRANSFORMERS, _ATTENDED = range(3)


class Spreads:
    """Answers for one port of a model."""

    def __init__(self, model: Model, weights: Weights, port: int) -> None:
        symbols, evidence = model.symbols, model.evidence
        self._model, self._symbols, self._port = model, symbols, port
        self._tables = (evidence.links, evidence.transformers, evidence.attended)
        self._words = symbols.ranked_words
        low, high = symbols.port_range(port)
        self._everything = int(low[0]), int(high[0])
        base = int(symbols.base[port])
        self._start, self._anything = base + START, base + END
        self._right, self._tried = weights.right.tolist(), weights.asked.tolist()
        self._scale = [weights.scale(head) for head in range(HEADS)]
        self._spans = Remembered(self._span, KEPT_SPANS)
        self._seen = Remembered(self._byte_view, KEPT_CONTEXTS)
        self._kin = Remembered(self._kin_of, KEPT_KIN)
        self._like = Remembered(self._alike, KEPT_KIN)

    def of(self, spot: Spot) -> F64:
        """P(next code) at a place. -> float64, shape (257,)"""
        result, longest = self._seen[len(self._model.byte_view) - 1, spot.context]
        asked = list(self._heads(spot, longest))
        new = True
        for ask, told in zip(asked, self._look(asked), strict=True):
            new = new and not (told.total and ask.head in (EDGE, ATTENDED))
            result = self._mixed(ask, told, result)
        if new and KIN_LAST not in self._model.silent:
            kin = list(self._kin_heads(spot, longest))
            for ask, told in zip(kin, self._look(kin), strict=True):
                result = self._mixed(ask, told, result)
        return result

    def _mixed(self, ask: _Asked, told: _Told, before: F64) -> F64:
        if not told.total:
            return before
        weight = self._weight(ask, told)
        share = (told.found + told.same * before if told.same else told.found) / told.total
        return np.asarray(weight * share + (1 - weight) * before)

    def _weight(self, ask: _Asked, told: _Told) -> float:
        """What `Weights.of` says of one opinion."""
        total, distinct = told.total, told.distinct
        prior = total / (total + distinct) if ask.further else REPEATING
        scale = self._scale[ask.number]
        prior = scale * prior / (scale * prior + (1 - prior))
        bucket = 0
        if self._model.settings.adaptive_heads:
            size = min(frexp(total)[1] - 1, SIZE_BUCKETS - 1)
            variety = 0 if distinct <= 1 else 1 + min(4 * distinct // total, VARIETY_BUCKETS - 2)
            bucket = (ask.further * SIZE_BUCKETS + size) * VARIETY_BUCKETS + variety
        right = self._right[ask.number][bucket] / ONE + PRIOR_PREDICTIONS * prior
        return float(right / (self._tried[ask.number][bucket] / ONE + PRIOR_PREDICTIONS))

    def _byte_view(self, key: tuple[int, int]) -> tuple[F64, int]:
        """What `contexts.probability` says by contexts up to a length; and how many bytes were seen before.

        key : the length; and the codes of that context, with its port, in their places
        """
        length, wanted = key
        if length < 0:
            return _UNIFORM, 0
        fewer = wanted >> CODE_BITS * ORDER << CODE_BITS * ORDER | wanted & (1 << CODE_BITS * max(length - 1, 0)) - 1
        shorter, longest = self._seen[length - 1, fewer]
        table = self._model.byte_view[length]
        row = int(table.row.searchsorted(np.uint64(wanted))) if longest >= length - 1 else table.row.size
        if row == table.row.size or int(table.row[row]) != wanted:
            return shorter, longest
        entries = slice(int(table.first[row]), int(table.first[row + 1]))
        count = table.count[entries]
        kept = np.maximum(count - table.discount[np.minimum(count, DISTINCT_DISCOUNTS)], 0)
        result = float(table.escape(np.int64(row))) * shorter
        result[table.code[entries].astype(np.intp) - 1] += kept
        result /= float(table.total[row])
        return result, length

    # ---------------------------------------------------------------- which rows

    def _heads(self, spot: Spot, longest: int) -> Iterator[_Asked]:
        """What `heads.opinions` asks, in its order, but for kin."""
        columns = [[] if begun is None else self._sources(spot, begun) for begun in spot.begun]
        for kind in zip_longest(*columns):
            for index, source in enumerate(kind):
                if source is None:
                    continue
                head, _, rows, _ = source
                if not rows or head in self._model.silent or (index == ONE_BACK and head < EDGE):
                    continue
                if head < SYMBOL and not index and self._model.byte_view:
                    continue
                yield self._ask(spot, index, source, index * SOURCES + head, longest)

    def _ask(self, spot: Spot, index: int, source: _Source, number: int, longest: int) -> _Asked:
        head, table, rows, extent = source
        begun = spot.begun[index]
        assert begun is not None
        return _Asked(head, number, table, rows, self._spans[begun.prefix], extent + len(begun.prefix) > longest)

    def _sources(self, spot: Spot, begun: Begun) -> list[_Source]:
        source, told = begun.source, begun.told + NAME_BYTES
        ending = int(self._symbols.right[source])
        ends = ending != _NONE
        turned = source != self._start
        edge = spot.before << SYMBOL_BITS | begun.here
        attended = [
            (ATTENDED + slot, _ATTENDED, (name << SYMBOL_BITS | begun.here,), told)
            for slot, name in enumerate(spot.attended)
        ]
        return [
            (0, _LINKS, (self._anything,), 0),
            (SUFFIX, _LINKS, (ending,) if ends else (), self._length(ending) if ends else 0),
            (SYMBOL, _LINKS, (source,), self._length(source)),
            (EDGE, _TRANSFORMERS, (edge,) if turned else (), told),
            (EDGE, _LINKS, () if turned else (source,), told),
            *reversed(attended),
        ]

    def _length(self, symbol: int) -> int:
        return max(int(self._symbols.length[symbol]), 1)

    def _kin_heads(self, spot: Spot, longest: int) -> Iterator[_Asked]:
        """The same of words asked in place of others."""
        second, last, far = (self._kin[spoken] for spoken in (spot.second, spot.last, spot.far))
        far = tuple(at_lag_one(name, spot.lag) for name in far)
        for head in (KIN_BEFORE, KIN_LAST, KIN_ATTENDED):
            for index, begun in enumerate(spot.begun):
                if begun is None or index == ONE_BACK:
                    continue
                here, part = begun.here, begun.part
                if head == KIN_LAST:
                    names = tuple(continued_one(name, part) if part else name for name in last)
                    rows = tuple(spot.before << SYMBOL_BITS | name for name in names)
                else:
                    rows = tuple(name << SYMBOL_BITS | here for name in (second if head == KIN_BEFORE else far))
                table, extent = _TRANSFORMERS, -MAX_PAYLOAD
                if head == KIN_ATTENDED:
                    table, extent = _ATTENDED, begun.told + NAME_BYTES
                if rows:
                    yield self._ask(spot, index, (head, table, rows, extent), head + index, longest)

    def _kin_of(self, spoken: Spoken | None) -> tuple[int, ...]:
        """Names of the chunks asked in place of one."""
        if spoken is None or spoken.word == BORDER:
            return ()
        place = self._model.kinship.embeddings.place(spoken.word)
        words = self._like[place, () if place >= 0 else spoken.before]
        keys = (hash_one(word + bytes([spoken.separator]), chunk_salt(self._port)) for word in words)
        return tuple(key >> int(NAME_SHIFT) for key in keys)

    def _alike(self, key: tuple[int, tuple[int, ...]]) -> list[bytes]:
        """The words like one, by its place; where it has no vector, by those before it."""
        return self._model.kinship.like(*key, self._port)

    # ---------------------------------------------------------------- reading them

    def _span(self, prefix: bytes) -> _Span:
        """The symbols that begin with some bytes."""
        low, high = self._everything
        for column, begin in enumerate(range(0, len(prefix), WORD_CODES)):
            packed = 0
            part = prefix[begin : begin + WORD_CODES]
            for byte in part:
                packed = packed << CODE_BITS | (byte + 1)
            shift = CODE_BITS * (WORD_CODES - len(part))
            if column == len(self._words):
                return _Span(low, low, 0, 0)
            borders = np.array([packed << shift, (packed + 1) << shift], np.uint64)
            low, high = (low + self._words[column, low:high].searchsorted(borders)).tolist()
        column, place = divmod(len(prefix), WORD_CODES)
        return _Span(low, high, column, CODE_BITS * (WORD_CODES - 1 - place))

    def _look(self, asked: list[_Asked]) -> list[_Told]:
        """Read the rows that heads ask, those of each table together."""
        narrow: list[_Row] = []
        told = [_NOTHING] * len(asked)
        for number, table in enumerate(self._tables):
            rows = [
                (index, ask.span, row << SYMBOL_BITS)
                for index, ask in enumerate(asked)
                if ask.table == number
                for row in ask.sources
            ]
            if not rows:
                continue
            borders = [row | span.low for _, span, row in rows] + [row | span.high for _, span, row in rows]
            places = table.key.searchsorted(np.array(borders, np.uint64)).tolist()
            for (index, span, row), begin, end in zip(rows, places[: len(rows)], places[len(rows) :], strict=True):
                if end - begin > WIDE:
                    told[index] = _sum(told[index], self._wide_row(span, table, row, begin, end))
                elif end > begin:
                    narrow.append((index, span, table, begin, end))
        if narrow:
            for (index, *_), one in zip(narrow, self._narrow_rows(narrow), strict=True):
                told[index] = _sum(told[index], one)
        return told

    def _narrow_rows(self, rows: list[_Row]) -> Iterator[_Told]:
        """Rows looked at entry by entry, all at once."""
        key = np.concatenate([table.key[begin:end] for _, _, table, begin, end in rows])
        count = np.concatenate([table.count[begin:end] for _, _, table, begin, end in rows])
        sizes = [end - begin for *_, begin, end in rows]
        width = self._words.shape[1]
        per_row = [(span.column * width, span.shift, _ROW * place) for place, (_, span, *_) in enumerate(rows)]
        at, shift, slot = np.repeat(np.array(per_row, np.uint64), sizes, axis=0).T
        code = self._words.reshape(-1)[(key & _RANKS) + at] >> shift & CODE_MASK
        counted: F64 = np.bincount((code + slot).view(np.int64), count, len(rows) * _ROW).astype(np.float64, copy=False)
        found = counted.reshape(-1, _ROW)
        columns = (sizes, found.sum(axis=1).tolist(), found[:, 0].tolist(), np.count_nonzero(found, axis=1).tolist())
        for row, (size, total, whole, ways) in zip(found, zip(*columns, strict=True), strict=True):
            yield _told(row, size, int(total), int(whole), ways)

    def _wide_row(self, span: _Span, table: Counts, row: int, begin: int, end: int) -> _Told:
        """A row whose codes are searched for: the entries that go on with each stand together."""
        column = self._words[span.column, span.low : span.high]
        prefix = np.uint64(int(column[-1]) >> span.shift >> CODE_BITS << CODE_BITS)
        ranks = column.searchsorted(_CODES + prefix << np.uint64(span.shift)) + span.low
        at = table.key[begin:end].searchsorted(ranks.astype(np.uint64) | np.uint64(row))
        some = np.flatnonzero(at[1:] > at[:-1])
        found = np.zeros(_ROW)
        found[some] = np.add.reduceat(table.count[begin:end], at[some], dtype=np.int64)
        return _told(found, end - begin, int(found.sum()), int(found[0]), some.size)


def _told(row: F64, size: int, total: int, whole: int, ways: int) -> _Told:
    """What one row says. row : float64, shape (258,), evidence by code;  size : entries;  ways : codes with evidence"""
    distinct = size - (whole > 0)
    return _Told(total, 1 if ways - (whole > 0) == 1 else distinct, whole, row[1:])


_UNIFORM = np.full(CODES, 1.0 / CODES)
_NOTHING = _Told(0, 0, 0, np.zeros(CODES))


def _sum(a: _Told, b: _Told) -> _Told:
    if a is _NOTHING:
        return b
    return _Told(a.total + b.total, a.distinct + b.distinct, a.same + b.same, a.found + b.found)
