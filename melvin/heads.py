"""Heads: what each part of the context says comes next.

A head reads one row of an evidence table: what followed its source, limited to the symbols that begin with the bytes
already there. Heads are asked from the general to the specific; each corrects what those before it said:

    P <- weight * f + (1 - weight) * P        f: the head's own share of the evidence

How far each is trusted is told by `weights`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.attention import NOTHING, at_lag, continued
from melvin.categories import KIN
from melvin.codes import CODE_BITS, END, MAX_PAYLOAD, NONE, START
from melvin.contexts import F64, probability
from melvin.edges import pack, target_of
from melvin.kinship import Said
from melvin.lines import MAX_PIECE
from melvin.model import Model, Rows
from melvin.ranks import Ranks
from melvin.symbols import Symbols
from melvin.tables import I64, U32, U64, run_starts
from melvin.weights import (
    ANYTHING,
    ATTENDED,
    EDGE,
    KIN_ATTENDED,
    KIN_BEFORE,
    KIN_LAST,
    ONE_BACK,
    SOURCES,
    SUFFIX,
    SYMBOL,
    Opinion,
    Weights,
)

_DEPTH_BITS = MAX_PIECE.bit_length()  # of the bytes read of a chunk
NAME_BYTES = 4  # of context that a chunk known by name stands for


@dataclass(frozen=True)
class Boundary:
    """One place where the coming symbol may have begun, for each of n predictions.

    source : uint32, shape (n,)           the symbol that ends there
    here, before : uint32, shape (n,)     names of the chunk before (with what is read of this one), and of one more
    told : int64, shape (n,)              bytes that `here` stands for
    attended : uint32, shape (foci, n)    the chunks attended to with their lags; NOTHING where there is none
    low, high : int64, shape (n,)         ranks of the symbols that begin with the bytes since
    depth : int64, shape (n,)             number of those bytes
    valid : bool, shape (n,)
    part : uint64, shape (n,)             hash of what `here` holds of the chunk begun; 0 where that is nothing
    """

    source: U32
    here: U32
    before: U32
    told: I64
    attended: U32
    low: I64
    high: I64
    depth: I64
    valid: NDArray[np.bool_]
    part: U64


@dataclass(frozen=True)
class Places:
    """Where predictions are asked for: the byte context and the boundaries of n places in lines of one port.

    said : the chunks of those lines
    last, second, attended : int64, shape (n,)   which of them is the chunk before, one more, the one attended to; or -1
    lag : uint8, shape (n,)   how far back the one attended to is
    """

    context: U64
    boundaries: tuple[Boundary, ...]
    said: Said
    last: I64
    second: I64
    attended: I64
    lag: NDArray[np.uint8]


def opinions(model: Model, places: Places, code: I64, longest: I64) -> Iterator[Opinion]:
    """What each head says of each code: the general ones first, and of each kind the boundary further back last.

    code : int64, shape (n, m), each one more than that before
    longest : int64, shape (n, 1)   bytes of context that the byte view has seen before
    """
    spans = [_Span.of(model.symbols, boundary, code) for boundary in places.boundaries]

    def said(sources: list[Iterator[Source]]) -> Iterator[Opinion]:
        asked = [
            (index, one) for kind in zip(*sources, strict=True) for index, one in enumerate(kind) if heard(index, one)
        ]
        for (index, one), (rows, row, at) in zip(asked, _held(model, [one for _, one in asked]), strict=True):
            further = one.extent + places.boundaries[index].depth > longest[:, 0]
            number = one.head + index if one.head >= KIN_ATTENDED else index * SOURCES + one.head
            yield _opinion(model, rows, number, row, at, further, spans[index])

    def heard(index: int, source: Source) -> bool:
        if index == ONE_BACK and not EDGE <= source.head < SOURCES:
            return False
        if not index and source.head < SYMBOL and model.byte_view:
            return False  # of a symbol not begun, the byte view knows all that the first ones do
        return source.at.size > 0 and source.head not in model.silent

    # Where neither the edge nor the chunk most attended to with it was ever seen, the kin know most.
    new = np.ones(places.context.size, np.bool_)
    for opinion in said([_sources(model.symbols, boundary) for boundary in places.boundaries]):
        if opinion.head % SOURCES in (EDGE, ATTENDED):
            new[opinion.at] = False
        yield opinion
    if KIN_LAST not in model.silent and new.any():
        kin = _kin(model, places, new)
        yield from said([_kin_sources(places, boundary, kin, new) for boundary in places.boundaries])


@dataclass(frozen=True)
class _Span:
    """Ranks of the symbols that may be coming, and of those that go on with each code.

    low, high, depth, same : shape (n, 1);  border : shape (n, m + 1)   where each code's begin; the last one's end
    same : 1 where the bytes since the boundary are a whole symbol already, the first of the range
    """

    low: I64
    high: I64
    depth: I64
    same: I64
    border: I64

    @classmethod
    def of(cls, symbols: Symbols, boundary: Boundary, code: I64) -> _Span:
        low, high, depth = boundary.low[:, None], boundary.high[:, None], boundary.depth[:, None]
        first = symbols.ranks.by_rank[np.minimum(low, symbols.size - 1)]
        same = (low < high) & (symbols.length[first] == depth) & (depth > 0)
        return cls(low, high, depth, same.astype(np.int64), borders(symbols.ranks, low, high, depth, code))


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
class Source:
    """Rows that one head asks for at one boundary.

    head, table : which
    row : uint64, shape (k,);  at : int64, shape (k,)   which prediction asks for each, ascending; one may ask several
    extent : int64, shape (n,)   bytes of context that the source of each prediction stands for
    """

    head: int
    table: str
    row: U64
    at: I64
    extent: I64


def _held(model: Model, asked: list[Source]) -> list[tuple[Rows, U64, I64]]:
    """What each asks: the evidence; the rows that are there, and by which predictions they are asked for.

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


def _sources(symbols: Symbols, boundary: Boundary) -> Iterator[Source]:
    """The heads that know the very chunks and symbols there are."""
    source = boundary.source
    base = symbols.base[symbols.port[source]]
    always, none = np.flatnonzero(boundary.valid), np.zeros(source.size, np.int64)
    yield Source(ANYTHING, "links", (base + np.uint32(END)).take(always).astype(np.uint64), always, none)
    ending = symbols.right[source]
    ends = always.compress(ending.take(always) != NONE)
    extent = _counted_length(symbols, np.where(ending != NONE, ending, 0))
    yield Source(SUFFIX, "links", ending.take(ends).astype(np.uint64), ends, extent)
    yield Source(SYMBOL, "links", source.take(always).astype(np.uint64), always, _counted_length(symbols, source))
    extent = boundary.told + NAME_BYTES
    opens = (source == base + np.uint32(START)).take(always)
    at, opening = always.compress(~opens), always.compress(opens)
    yield Source(EDGE, "transformers", pack(boundary.before.take(at), boundary.here.take(at)), at, extent)
    # No edge leads to a line's start, and its own row is what there is to know: trusted as one that was just taken.
    yield Source(EDGE, "links", source.take(opening).astype(np.uint64), opening, extent)
    for slot in range(len(boundary.attended) - 1, -1, -1):
        chunk = boundary.attended[slot].take(always)
        told = chunk != NOTHING
        at = always.compress(told)
        yield Source(ATTENDED + slot, "attended", pack(chunk.compress(told), boundary.here.take(at)), at, extent)


def _kin(model: Model, places: Places, new: NDArray[np.bool_]) -> U32:
    """Kin of the chunks that new places ask about, by name; NOTHING of the others. -> uint32, shape (chunks, KIN)"""
    asked = np.zeros(places.said.word.size, np.bool_)
    for chunk in (places.last[new], places.second[new], places.attended[new]):
        asked[chunk[chunk >= 0]] = True
    kin = np.full((asked.size, KIN), NOTHING)
    kin[asked] = model.kinship.chunks(places.said.where(asked))
    return kin


def _kin_sources(places: Places, boundary: Boundary, kin: U32, new: NDArray[np.bool_]) -> Iterator[Source]:
    """The same for words asked in place of others, where those are new: up to KIN of each."""
    here, part = boundary.here, boundary.part
    asking = np.flatnonzero(boundary.valid & new)
    repeats = np.full(new.size, -MAX_PAYLOAD)  # by itself, no more context than the byte view has
    at, instead = _instead(kin, asking, places.second)
    yield Source(KIN_BEFORE, "transformers", pack(instead, here.take(at)), at, repeats)
    at, instead = _instead(kin, asking, places.last)
    begun = np.flatnonzero(part.take(at))
    instead[begun] = continued(instead.take(begun), part.take(at.take(begun)))
    yield Source(KIN_LAST, "transformers", pack(boundary.before.take(at), instead), at, repeats)
    at, instead = _instead(kin, asking, places.attended)
    key = pack(at_lag(instead, places.lag.take(at)), here.take(at))
    yield Source(KIN_ATTENDED, "attended", key, at, boundary.told + NAME_BYTES)


def _instead(kin: U32, asking: I64, chunk: I64) -> tuple[I64, U32]:
    """Which of the places that ask have kin of their chunk, and that kin, by name. chunk : of every place, or -1"""
    asking = asking.compress(chunk.take(asking) >= 0)
    instead = kin.take(chunk.take(asking), axis=0)
    some = np.flatnonzero(instead != NOTHING)
    return asking.take(some // kin.shape[1]), instead.reshape(-1).take(some)


def _counted_length(symbols: Symbols, symbol: NDArray[np.unsignedinteger]) -> I64:
    """Bytes that each symbol stands for; a line's start counts as one."""
    return np.asarray(np.maximum(symbols.length[symbol].astype(np.int64), 1))


def _opinion(
    model: Model,
    rows: Rows,
    head: int,
    row: U64,
    at: I64,
    further: NDArray[np.bool_],
    span: _Span,
) -> Opinion:
    """What rows say. row : uint64, shape (k,);  at : int64, shape (k,)   which prediction asks each, ascending"""
    place = rows.place(row, np.hstack((span.low[at], span.border[at], span.high[at])))
    some = np.flatnonzero(place[:, 0] < place[:, -1])
    place, at = place.take(some, axis=0), at.take(some)
    begin, border, end = place[:, 0], place[:, 1:-1], place[:, -1]
    low, depth, same = (part[:, 0].take(at) for part in (span.low, span.depth, span.same))
    inside = begin + (same & (target_of(rows.key[begin]) == low)) if same.any() else begin
    distinct = end - inside
    # The row is in byte order: where its first and its last symbol go on alike, all do.
    several = np.flatnonzero(distinct > 1)
    ranks, depth = model.symbols.ranks, depth.take(several)
    first_code, last_code = (rows.code(ranks, k.take(several), depth) for k in (inside, end - 1))
    distinct[several.compress(first_code == last_code)] = 1

    starts = run_starts(at.astype(np.uint64))  # of the rows that one place asks

    def added(part: I64) -> I64:
        return np.add.reduceat(part, starts) if starts.size < at.size else part

    at_once = at.take(starts)
    return Opinion(
        head,
        at_once,
        added(rows.between(begin, end))[:, None],
        added(distinct)[:, None],
        added(rows.between(border[:, :-1], border[:, 1:])),
        added(rows.between(begin, inside))[:, None],
        further.take(at_once)[:, None],
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
