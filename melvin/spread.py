"""Spread: what every code gets at one place, from all heads. What `heads.predict` says, to the bit, of one place.

Arrays of one are dear, so sources are plain numbers here, and the rows that heads ask are looked for together.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import frexp
from typing import NamedTuple

import numpy as np

from melvin.attention import NAME_SHIFT, at_lag_one, continued_one
from melvin.chunks import hash_one
from melvin.codes import CODE_BITS, CODE_MASK, CODES, END, NONE, START, SYMBOL_BITS, WORD_CODES
from melvin.contexts import F64, ORDER
from melvin.heads import NAME_BYTES
from melvin.model import Model
from melvin.parse import chunk_salt
from melvin.remembered import Remembered
from melvin.tables import Counts
from melvin.trace import Begun, Spoken, Spot
from melvin.weights import (
    ANYTHING,
    ATTENDED,
    BUCKETS,
    EDGE,
    HEADS,
    INSIDE,
    KIN_ATTENDED,
    KIN_BEFORE,
    KIN_LAST,
    OF_CHUNK,
    ONE,
    POSITIONS,
    PRIOR_PREDICTIONS,
    REPEATING,
    SIZE_BUCKETS,
    SUFFIX,
    SYMBOL,
    VARIETY_BUCKETS,
    Weights,
)

WIDE = 1 << 11  # entries of a row that are no longer looked at one by one: its codes are searched for instead
KEPT_SPANS = 1 << 14  # beginnings of symbols that are remembered: about 4 MiB
KEPT_KIN = 1 << 13  # words whose kin are remembered: about 8 MiB
KEPT_CONTEXTS = 1 << 12  # byte contexts that are remembered: 2 KiB each
KEPT_WIDE = 1 << 9  # rows wider than WIDE, and what they say: 2 KiB each
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


class _Row(NamedTuple):
    """A row of a table, and the symbols in it that may be coming."""

    table: int
    source: int
    span: _Span


class _Asked(NamedTuple):
    """Rows that one head asks for together; whether it knows more than the byte view.

    position : see `weights.Opinion`
    goes_on : what comes after a symbol that is whole already is asked for by itself
    """

    head: int
    rows: list[_Row]
    further: bool
    position: int
    goes_on: bool


class _Told(NamedTuple):
    """What rows say: see `weights.Opinion`. found : float64, shape (257,)"""

    total: int
    distinct: int
    same: int
    found: F64


_LINKS, _TRANSFORMERS, _ATTENDED = range(3)


class Spreads:
    """Answers for one port of a model."""

    def __init__(self, model: Model, weights: Weights, port: int) -> None:
        symbols, evidence = model.symbols, model.evidence
        self._model, self._symbols, self._port = model, symbols, port
        self._tables = (evidence.links, evidence.transformers, evidence.attended)
        self._words = symbols.ranks.ranked_words
        self._contexts = model.byte_view
        low, high = symbols.ranks.port_range(port)
        self._everything = int(low[0]), int(high[0])
        base = int(symbols.base[port])
        self._start, self._anything = base + START, base + END
        self._right, self._tried = weights.right.tolist(), weights.asked.tolist()
        self._scale = [weights.scale(head).tolist() for head in range(HEADS)]
        self._spans = Remembered(self._span, KEPT_SPANS)
        self._seen = Remembered(self._byte_view, KEPT_CONTEXTS)
        self._kin = Remembered(self._kin_of, KEPT_KIN)
        self._like = Remembered(self._alike, KEPT_KIN)
        self._wide = Remembered(self._wide_row, KEPT_WIDE)

    def of(self, spot: Spot) -> F64:
        """P(next code) at a place. -> float64, shape (257,)"""
        result, longest = self._seen[len(self._contexts) - 1, spot.context]
        new = True
        for ask, told in self._look(list(self._heads(spot, longest))):
            new = new and ask.head not in (EDGE, ATTENDED)
            result = self._mixed(ask, told, result)
        if new and KIN_LAST not in self._model.silent:
            for ask, told in self._look(list(self._kin_heads(spot, longest))):
                result = self._mixed(ask, told, result)
        return result

    def _mixed(self, ask: _Asked, told: _Told, before: F64) -> F64:
        weight = self._weight(ask, told)
        share = (told.found + told.same * before if told.same else told.found) / told.total
        return np.asarray(weight * share + (1 - weight) * before)

    def _weight(self, ask: _Asked, told: _Told) -> float:
        """What `Weights.of` says of one opinion."""
        total, distinct = told.total, told.distinct
        prior = total / (total + distinct) if ask.further else REPEATING
        scale = self._scale[ask.head][ask.position]
        prior = scale * prior / (scale * prior + (1 - prior))
        bucket = ask.position * BUCKETS // POSITIONS
        if self._model.settings.adaptive_heads:
            size = min(frexp(total)[1] - 1, SIZE_BUCKETS - 1)
            variety = 0 if distinct <= 1 else 1 + min(4 * distinct // total, VARIETY_BUCKETS - 2)
            bucket = ((2 * ask.position + ask.further) * SIZE_BUCKETS + size) * VARIETY_BUCKETS + variety
        right = self._right[ask.head][bucket] / ONE + PRIOR_PREDICTIONS * prior
        return float(right / (self._tried[ask.head][bucket] / ONE + PRIOR_PREDICTIONS))

    def _byte_view(self, key: tuple[int, int]) -> tuple[F64, int]:
        """What `contexts.probability` says by contexts up to a length; and how many bytes were seen before.

        key : the length; and the codes of that context, with its port, in their places
        """
        length, wanted = key
        if length < 0:
            return _UNIFORM, 0
        fewer = wanted >> CODE_BITS * ORDER << CODE_BITS * ORDER | wanted & (1 << CODE_BITS * max(length - 1, 0)) - 1
        shorter, longest = self._seen[length - 1, fewer]
        table = self._contexts[length]
        row = int(table.row.searchsorted(np.uint64(wanted))) if longest >= length - 1 else table.row.size
        if row == table.row.size or table.row.item(row) != wanted:
            return shorter, longest
        entries = slice(table.first.item(row), table.first.item(row + 1))
        count = table.count[entries]
        result: F64 = table.escape_one(row) * shorter
        kept = count - table.discount.take(count.astype(np.intp), mode="clip")  # of more than there are, the last one
        result[table.code[entries].astype(np.intp) - 1] += np.maximum(kept, 0)
        result /= float(table.total[row])
        return result, length

    # ---------------------------------------------------------------- which rows

    def _heads(self, spot: Spot, longest: int) -> Iterator[_Asked]:
        """What `heads.opinions` asks, in its order, but for kin."""
        for kind in (ANYTHING, SUFFIX, SYMBOL):
            # Of a symbol not begun, the byte view knows all that the first ones do.
            if spot.behind is not None and (kind == SYMBOL or not self._contexts):
                yield from self._of_symbol(kind, kind, spot.behind, b"", longest)
            yield from self._of_symbol(kind, OF_CHUNK + kind, spot.chunk, spot.read, longest)
        places = self._places(spot)
        further = spot.told + NAME_BYTES > longest
        if self._is_heard(EDGE):
            rows = [_Row(_TRANSFORMERS, spot.before << SYMBOL_BITS | begun.here, span) for begun, span in places]
            if spot.chunk == self._start and places and not places[0][0].part:  # no edge leads to it
                rows[0] = _Row(_LINKS, self._start, places[0][1])
            yield _Asked(EDGE, rows, further, spot.position, goes_on=True)
        for slot in range(len(spot.attended) - 1, -1, -1):
            if self._is_heard(ATTENDED + slot):
                name = spot.attended[slot] << SYMBOL_BITS
                rows = [_Row(_ATTENDED, name | begun.here, span) for begun, span in places]
                yield _Asked(ATTENDED + slot, rows, further, spot.position, goes_on=True)

    def _is_heard(self, head: int) -> bool:
        return head not in self._model.silent

    def _places(self, spot: Spot) -> list[tuple[Begun, _Span]]:
        """Where the symbol that is coming may have begun, and the symbols that may be, where there are any."""
        spans = ((begun, self._spans[begun.prefix]) for begun in spot.begun)
        return [(begun, span) for begun, span in spans if span.low < span.high]

    def _of_symbol(self, kind: int, head: int, source: int, prefix: bytes, longest: int) -> Iterator[_Asked]:
        """What a head that knows symbols asks. source : the symbol before;  prefix : the bytes since"""
        if not self._is_heard(head):
            return
        row = {ANYTHING: self._anything, SUFFIX: self._symbols.right.item(source), SYMBOL: source}[kind]
        if row != _NONE:
            extent = 0 if kind == ANYTHING else max(self._symbols.length.item(row), 1)
            rows = [_Row(_LINKS, row, self._spans[prefix])]
            yield _Asked(head, rows, extent + len(prefix) > longest, INSIDE, goes_on=False)

    def _kin_heads(self, spot: Spot, longest: int) -> Iterator[_Asked]:
        """The same of words asked in place of others."""
        second, last, far = (self._kin[spoken] for spoken in (spot.second, spot.last, spot.far))
        far = tuple(at_lag_one(name, spot.lag) for name in far)
        rows: dict[int, list[_Row]] = {KIN_BEFORE: [], KIN_LAST: [], KIN_ATTENDED: []}
        for begun, span in self._places(spot):
            for name in second:
                rows[KIN_BEFORE].append(_Row(_TRANSFORMERS, name << SYMBOL_BITS | begun.here, span))
            for name in last:
                here = continued_one(name, begun.part) if begun.part else name
                rows[KIN_LAST].append(_Row(_TRANSFORMERS, spot.before << SYMBOL_BITS | here, span))
            for name in far:
                rows[KIN_ATTENDED].append(_Row(_ATTENDED, name << SYMBOL_BITS | begun.here, span))
        for head, asked in rows.items():
            # By themselves, the first two know no more than the byte view.
            further = head == KIN_ATTENDED and spot.told + NAME_BYTES > longest
            yield _Asked(head, asked, further, spot.position, goes_on=True)

    def _kin_of(self, spoken: Spoken | None) -> tuple[int, ...]:
        """Names of the chunks asked in place of one."""
        if spoken is None:
            return ()
        words = self._like[spoken.place, spoken.before]
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

    def _look(self, asked: list[_Asked]) -> Iterator[tuple[_Asked, _Told]]:
        """What the rows say that heads ask, where they say anything. Those of a table are looked for together."""
        said: list[list[_Told]] = [[] for _ in asked]
        for number, table in enumerate(self._tables):
            rows = [(index, row) for index, ask in enumerate(asked) for row in ask.rows if row.table == number]
            if not rows:
                continue
            borders = [row.source << SYMBOL_BITS | row.span.low for _, row in rows]
            borders += [row.source << SYMBOL_BITS | row.span.high for _, row in rows]
            places = table.key.searchsorted(np.array(borders, np.uint64)).tolist()
            for (index, row), begin, end in zip(rows, places[: len(rows)], places[len(rows) :], strict=True):
                if end > begin:
                    wide = end - begin > WIDE
                    said[index].append(self._wide[row] if wide else self._narrow_row(row.span, table, begin, end))
        for ask, parts in zip(asked, said, strict=True):
            told = _added(parts, goes_on=ask.goes_on)
            if told is not None:
                yield ask, told

    def _narrow_row(self, span: _Span, table: Counts, begin: int, end: int) -> _Told:
        """A row that is looked at entry by entry."""
        word = self._words[span.column].take((table.key[begin:end] & _RANKS).view(np.int64))
        code = (word >> np.uint64(span.shift) & CODE_MASK).view(np.int64)
        return _told(np.asarray(np.bincount(code, table.count[begin:end], _ROW), np.float64), end - begin)

    def _wide_row(self, asked: _Row) -> _Told:
        """A row whose codes are searched for: the entries that go on with each stand together."""
        number, row, span = asked.table, asked.source << SYMBOL_BITS, asked.span
        key, count = self._tables[number].key, self._tables[number].count
        begin, end = key.searchsorted(np.array([row | span.low, row | span.high], np.uint64)).tolist()
        column = self._words[span.column, span.low : span.high]
        prefix = np.uint64(int(column[-1]) >> span.shift >> CODE_BITS << CODE_BITS)
        ranks = column.searchsorted(_CODES + prefix << np.uint64(span.shift)) + span.low
        at = key[begin:end].searchsorted(ranks.astype(np.uint64) | np.uint64(row))
        some = np.flatnonzero(at[1:] > at[:-1])
        found = np.zeros(_ROW)
        found[some] = np.add.reduceat(count[begin:end], at[some], dtype=np.int64)
        return _told(found, end - begin)


def _told(row: F64, size: int) -> _Told:
    """What one row says. row : float64, shape (258,), evidence by code;  size : entries"""
    whole = int(row[0])
    return _Told(int(row.sum()), size - (whole > 0), whole, row[1:])


def _added(parts: list[_Told], *, goes_on: bool) -> _Told | None:
    """What rows say together; None where that is nothing. goes_on : see `_Asked`"""
    if not parts:
        return None
    total, distinct, same = (sum(numbers) for numbers in zip(*(part[:3] for part in parts), strict=True))
    found = parts[0].found if len(parts) == 1 else np.sum([part.found for part in parts], axis=0)
    if goes_on:
        total, same = total - same, 0
        if not total:
            return None
    return _Told(total, 1 if np.count_nonzero(found) == 1 else distinct, same, found)


_UNIFORM = np.full(CODES, 1.0 / CODES)
