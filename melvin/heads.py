"""Heads: what each part of the context says comes next.

A head reads one row of an evidence table: what followed its source, limited to the symbols that begin with the bytes
already there. Heads are asked from the general to the specific; each corrects what those before it said:

    P <- weight * f + (1 - weight) * P        f: the head's own share of the evidence

How far each is trusted is told by `weights`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from melvin.attention import NOTHING, at_lag, continued
from melvin.categories import KIN
from melvin.codes import CODE_BITS, END, MAX_PAYLOAD, NONE, START
from melvin.contexts import F64, probability
from melvin.edges import pack, target_of
from melvin.model import Model, Rows
from melvin.places import Begun, Boundary, Places
from melvin.ranks import Ranks
from melvin.symbols import Symbols
from melvin.tables import I64, U32, U64, run_starts
from melvin.weights import (
    ATTENDED,
    EDGE,
    INSIDE,
    KIN_ATTENDED,
    KIN_BEFORE,
    KIN_LAST,
    OF_CHUNK,
    SYMBOL,
    Opinion,
    Weights,
)

_DEPTH_BITS = MAX_PAYLOAD.bit_length()  # of the bytes read of a chunk, which are no more
NAME_BYTES = 4  # of context that a chunk known by name stands for


def opinions(model: Model, places: Places, code: I64, longest: I64) -> Iterator[Opinion]:
    """What each head says of each code: the general ones first.

    code : int64, shape (n, m), each one more than that before
    longest : int64, shape (n, 1)   bytes of context that the byte view has seen before
    """
    symbols, every, position = model.symbols, np.arange(places.context.size), places.position
    spans = [_Span.of(symbols, b, every, code, goes_on=False) for b in (places.behind, places.chunk)]
    inside = _Span.of(symbols, places.begun, places.begun.place, code, goes_on=True)

    def said(sources: list[Source]) -> Iterator[Opinion]:
        asked = [one for one in sources if one.head not in model.silent]
        held = iter(_held(model, [rows for one in asked for rows in one.rows]))
        for one in asked:
            yield _opinion(model, one, [next(held) for _ in one.rows], longest, position)

    # Where neither the edge nor the chunk most attended to with it was ever seen, the kin know most.
    new = np.ones(every.size, np.bool_)
    for opinion in said(_symbol_sources(model, places, spans) + _chunk_sources(symbols, places, inside)):
        if opinion.head in (EDGE, ATTENDED):
            new[opinion.at] = False
        yield opinion
    if KIN_LAST not in model.silent and new.any():
        yield from said(_kin_sources(places, _kin(model, places, new), new, inside))


@dataclass(frozen=True)
class _Span:
    """Ranks of the symbols that may be coming, and of those that go on with each code: by where they may have begun.

    place : int64, shape (k,), ascending   which prediction
    low, high, depth, same : shape (k, 1);  border : shape (k, m + 1)   where each code's begin; the last one's end
    same : 1 where the bytes since are a whole symbol already, the first of the range
    goes_on : what comes after that symbol is asked for by itself
    """

    place: I64
    low: I64
    high: I64
    depth: I64
    same: I64
    border: I64
    goes_on: bool

    @classmethod
    def of(cls, symbols: Symbols, begun: Boundary | Begun, place: I64, code: I64, *, goes_on: bool) -> _Span:
        low, high, depth = begun.low[:, None], begun.high[:, None], begun.depth[:, None]
        first = symbols.ranks.by_rank[np.minimum(low, symbols.size - 1)]
        same = (low < high) & (symbols.length[first] == depth) & (depth > 0)
        border = borders(symbols.ranks, low, high, depth, code.take(place, axis=0))
        return cls(place, low, high, depth, same.astype(np.int64), border, goes_on)


def borders(ranks: Ranks, low: I64, high: I64, depth: I64, code: I64) -> I64:
    """ranks.border(low, high, depth, code) for codes in a row and the one behind: each question of many is put once.

    low, high, depth : int64, shape (n, 1);  code : int64, shape (n, m) -> int64, shape (n, m + 1)
    """
    some = np.flatnonzero(low < high)
    # Where a range begins, and its depth, tell the bytes that its symbols begin with, and so where it ends.
    asked = ((low << _DEPTH_BITS | depth) << CODE_BITS | code[:, :1]).take(some)
    _, first, which = np.unique(asked, return_index=True, return_inverse=True)
    once = some.take(first)
    each = code[once, :1] + np.arange(code.shape[1] + 1)
    border = np.repeat(high, code.shape[1] + 1, axis=1)
    border[some] = ranks.border(low[once], high[once], depth[once], each).take(which, axis=0)
    return border


@dataclass(frozen=True)
class Asked:
    """Rows of a table that a head asks for.

    row : uint64, shape (r,);  at : int64, shape (r,)   where in its span it asks for each, ascending
    """

    table: str
    row: U64
    at: I64


@dataclass(frozen=True)
class Source:
    """What one head asks for.

    extent : int64, shape (n,)   bytes of context that each prediction rests on
    """

    head: int
    rows: tuple[Asked, ...]
    span: _Span
    extent: I64


def _held(model: Model, asked: list[Asked]) -> list[tuple[Rows, U64, I64]]:
    """What each asks: the evidence; the rows that are there, and where they are asked for.

    Most are not there. Those of a table are looked for together: the more, the less each search waits for memory.
    """
    held: dict[int, tuple[Rows, U64, I64]] = {}
    for table in {one.table for one in asked}:
        mine = [number for number, one in enumerate(asked) if one.table == table]
        row, at = (np.concatenate([getattr(asked[k], name) for k in mine]) for name in ("row", "at"))
        rows, some = model.rows(table, row)
        ends = np.cumsum([asked[k].at.size for k in mine])
        for number, part in zip(mine, np.split(some, np.searchsorted(some, ends[:-1])), strict=True):
            held[number] = rows, row.take(part), at.take(part)
    return [held[number] for number in range(len(asked))]


def _symbol_sources(model: Model, places: Places, spans: list[_Span]) -> list[Source]:
    """The heads that know symbols: at the chunk's start, and behind all that is read of it."""
    behind = _at_boundary(model.symbols, places.behind, spans[0], 0)
    chunk = _at_boundary(model.symbols, places.chunk, spans[1], OF_CHUNK)
    if model.byte_view:  # of a symbol not begun, it knows all that the first ones do
        return [*chunk[:SYMBOL], behind[SYMBOL], chunk[SYMBOL]]
    return [one for both in zip(behind, chunk, strict=True) for one in both]


def _at_boundary(symbols: Symbols, boundary: Boundary, span: _Span, number: int) -> list[Source]:
    """What anything, the last symbol's ending, and the last symbol say at one boundary. number : of its first head"""
    source, at = boundary.source, np.flatnonzero(boundary.valid)
    anything = symbols.base[symbols.port[source]] + np.uint32(END)
    ending = symbols.right[source]
    sources = (
        (anything, at, np.zeros(source.size, np.int64)),
        (ending, at.compress(ending.take(at) != NONE), _counted_length(symbols, np.where(ending != NONE, ending, 0))),
        (source, at, _counted_length(symbols, source)),
    )
    return [
        Source(number + kind, (Asked("links", row.take(some).astype(np.uint64), some),), span, extent + boundary.depth)
        for kind, (row, some, extent) in enumerate(sources)
    ]


def _chunk_sources(symbols: Symbols, places: Places, inside: _Span) -> list[Source]:
    """The heads that know the very chunks before: they add up the evidence, wherever the symbol may have begun."""
    begun = places.begun
    before, start = places.before.take(begun.place), places.chunk.source.take(begun.place)
    opens = (begun.part == 0) & (start == (symbols.base[symbols.port[start]] + np.uint32(START)))
    extent = places.told + NAME_BYTES
    # No edge leads to a line's start, and its own row is what there is to know.
    opening, at = np.flatnonzero(opens), np.flatnonzero(~opens)
    turned = Asked("transformers", pack(before.take(at), begun.here.take(at)), at)
    found = [Source(EDGE, (Asked("links", start.take(opening).astype(np.uint64), opening), turned), inside, extent)]
    for slot in range(len(places.attended) - 1, -1, -1):
        chunk = places.attended[slot].take(begun.place)
        at = np.flatnonzero(chunk != NOTHING)
        rows = Asked("attended", pack(chunk.take(at), begun.here.take(at)), at)
        found.append(Source(ATTENDED + slot, (rows,), inside, extent))
    return found


def _kin(model: Model, places: Places, new: NDArray[np.bool_]) -> U32:
    """Kin of the chunks that new places ask about, by name; NOTHING of the others. -> uint32, shape (chunks, KIN)"""
    asked = np.zeros(places.said.word.size, np.bool_)
    for chunk in (places.last[new], places.second[new], places.far[new]):
        asked[chunk[chunk >= 0]] = True
    kin = np.full((asked.size, KIN), NOTHING)
    kin[asked] = model.kinship.chunks(places.said.where(asked))
    return kin


def _kin_sources(places: Places, kin: U32, new: NDArray[np.bool_], inside: _Span) -> list[Source]:
    """The same for words asked in place of others, where those are new: up to KIN of each."""
    begun = places.begun
    asking = np.flatnonzero(new.take(begun.place))
    repeats = np.full(new.size, -MAX_PAYLOAD)  # by itself, no more context than the byte view has
    at, instead = _instead(kin, asking, places.far.take(begun.place))
    key = pack(at_lag(instead, places.lag.take(begun.place.take(at))), begun.here.take(at))
    attended = Source(KIN_ATTENDED, (Asked("attended", key, at),), inside, places.told + NAME_BYTES)
    at, instead = _instead(kin, asking, places.second.take(begun.place))
    before = Source(KIN_BEFORE, (Asked("transformers", pack(instead, begun.here.take(at)), at),), inside, repeats)
    at, instead = _instead(kin, asking, places.last.take(begun.place))
    part = begun.part.take(at)
    inner = np.flatnonzero(part)
    instead[inner] = continued(instead.take(inner), part.take(inner))
    key = pack(places.before.take(begun.place.take(at)), instead)
    return [before, Source(KIN_LAST, (Asked("transformers", key, at),), inside, repeats), attended]


def _instead(kin: U32, asking: I64, chunk: I64) -> tuple[I64, U32]:
    """Which of those that ask have kin of their chunk, and that kin, by name. chunk : of every one, or -1"""
    asking = asking.compress(chunk.take(asking) >= 0)
    instead = kin.take(chunk.take(asking), axis=0)
    some = np.flatnonzero(instead != NOTHING)
    return asking.take(some // kin.shape[1]), instead.reshape(-1).take(some)


def _counted_length(symbols: Symbols, symbol: NDArray[np.unsignedinteger]) -> I64:
    """Bytes that each symbol stands for; a line's start counts as one."""
    return np.asarray(np.maximum(symbols.length[symbol].astype(np.int64), 1))


@dataclass(frozen=True)
class _Told:
    """What rows say, each by itself: see `Opinion`. first, last : the first and the last code that they go on with"""

    place: I64
    total: I64
    distinct: I64
    same: I64
    first: I64
    last: I64
    found: I64

    @classmethod
    def of(cls, ranks: Ranks, rows: Rows, row: U64, at: I64, span: _Span) -> _Told:
        """row : uint64, shape (r,);  at : int64, shape (r,)   where in the span each is asked for"""
        place = rows.place(row, np.hstack((span.low[at], span.border[at], span.high[at])))
        some = np.flatnonzero(place[:, 0] < place[:, -1])
        place, at = place.take(some, axis=0), at.take(some)
        begin, border, end = place[:, 0], place[:, 1:-1], place[:, -1]
        low, depth, same = (part[:, 0].take(at) for part in (span.low, span.depth, span.same))
        inside = begin + (same & (target_of(rows.key[begin]) == low)) if same.any() else begin
        distinct = end - inside
        # A row is in byte order: what its first and its last symbol go on with tells whether all go on alike.
        edge = np.minimum(inside, end - 1), end - 1
        first, last = (rows.code(ranks, k, depth) for k in edge)
        whole = rows.between(begin, inside)
        total = rows.between(inside, end) + (0 if span.goes_on else whole)
        found = rows.between(border[:, :-1], border[:, 1:])
        told = cls(span.place.take(at), total, distinct, 0 * whole if span.goes_on else whole, first, last, found)
        return told.take(np.flatnonzero(distinct)) if span.goes_on else told

    def take(self, some: I64) -> _Told:
        return _Told(*(getattr(self, field.name).take(some, axis=0) for field in fields(self)))

    @classmethod
    def joined(cls, parts: list[_Told]) -> _Told:
        """Rows of several tables, by place."""
        told = cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))
        return told.take(np.argsort(told.place, kind="stable"))


def _opinion(model: Model, source: Source, held: list[tuple[Rows, U64, I64]], longest: I64, position: I64) -> Opinion:
    """What the rows say that a head asks for: of each prediction, all of them together.

    position : int64, shape (n,)   where what comes stands
    """
    parts = [_Told.of(model.symbols.ranks, *rows, source.span) for rows in held]
    told = parts[0] if len(parts) == 1 else _Told.joined(parts)
    starts = run_starts(told.place.astype(np.uint64))

    def added(part: I64) -> I64:
        return np.add.reduceat(part, starts) if starts.size < told.place.size else part

    at = told.place.take(starts)
    distinct = added(told.distinct)
    if at.size:
        alike = np.minimum.reduceat(told.first, starts) == np.maximum.reduceat(told.last, starts)
        distinct[alike & (distinct > 1)] = 1
    further = source.extent[:, None] > longest
    return Opinion(
        source.head,
        at,
        added(told.total)[:, None],
        distinct[:, None],
        added(told.found),
        added(told.same)[:, None],
        further.take(at, axis=0),
        (position.take(at) if source.head >= EDGE else np.full(at.size, INSIDE))[:, None],
        model.settings.adaptive_heads,
    )


def predict(model: Model, weights: Weights, places: Places, code: I64) -> F64:
    """P(code) at each place. code : int64, shape (n, m), each one more than that before -> float64, shape (n, m)."""
    result, longest = probability(model.byte_view, places.context[:, None], code)
    for opinion in opinions(model, places, code, longest):
        result[opinion.at] = opinion.mixed(weights.of(opinion), result[opinion.at])
    return result


def fit(model: Model, weights: Weights, places: Places, code: I64) -> tuple[F64, Weights]:
    """Predict what came, then fit the heads' weights to it, the general heads first. code : int64, shape (n,).

    Returns what was predicted with the weights as they were, float64 of shape (n,), and the fitted weights.
    """
    now, longest = probability(model.byte_view, places.context[:, None], code[:, None])
    better, before = now.copy(), weights
    for opinion in opinions(model, places, code[:, None], longest):
        now[opinion.at] = opinion.mixed(before.of(opinion), now[opinion.at])
        so_far = better[opinion.at]
        weights = weights.fitted(opinion, so_far)
        better[opinion.at] = opinion.mixed(weights.of(opinion), so_far)
    return now[:, 0], weights
