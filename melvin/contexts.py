"""Byte contexts: what followed the last 0 to 5 bytes, with Kneser-Ney back-off from longer to shorter ones.

Small data starves symbols of what the shorter contexts of their bytes know; this view never starves. Evidence is one
table of 6-grams (five bytes and what came next); every shorter context, and the back-off weights, are derived from it.

Source: Kneser and Ney 1995; Chen and Goodman 1999, section 3 (modified, interpolated): discounts D1, D2, D3+ from the
counts of counts, and for shorter contexts the number of distinct longer contexts instead of the number of occurrences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.codes import CODE_BITS, CODE_MASK, CODES, END_CODE
from melvin.lines import Block
from melvin.searching import find
from melvin.tables import (
    I64,
    U32,
    U64,
    Count,
    Counts,
    bisect,
    in_a_row,
    run_starts,
    slices,
    smallest,
    sum_by_key,
    summed,
)

F64 = NDArray[np.float64]

ORDER = 5  # bytes of context: six codes of 9 bits leave 10 bits of a key for the port
_BITS = np.uint64(CODE_BITS)
_PORT_SHIFT = np.uint64(CODE_BITS * (ORDER + 1))
MAX_PORTS = 1 << (64 - CODE_BITS * (ORDER + 1))
FOUR = 4  # codes that tell what separates
DISTINCT_DISCOUNTS = 3  # D1, D2, D3+
FALLBACK_DISCOUNT = 0.5  # half an observation, where too few counts were seen to estimate a discount
SLICE = 1 << 16  # entries worked on at a time
NGRAMS = 1 << 14  # keys made at a time: with what it takes they stay in a second-level cache
ROWS = 1 << 13  # rows of them
# Above the sum of a row stands how many entries of it are 1, and 2.
_ONCE_AT, _TWICE_AT = np.uint64(64 - 2 * CODE_BITS), np.uint64(64 - CODE_BITS)
_TOTAL = (np.uint64(1) << _ONCE_AT) - np.uint64(1)
_FEW = np.array([0, 1 << int(_ONCE_AT), 1 << int(_TWICE_AT), 0], np.uint64)  # by count
_BEHIND = np.arange(ORDER)[::-1, None]  # places behind a line's start, the nearest last;
_INSIDE = (np.uint64(1) << _BITS * (_BEHIND + 1).astype(np.uint64)) - np.uint64(1)  # of a key there: its line's codes
_ENDS = np.uint64(sum(END_CODE << (CODE_BITS * place) for place in range(ORDER + 1)))
MIN_DISCOUNT = 0.02  # nothing is ever certain: some mass always goes on to the shorter context


def codes_of(block: Block) -> U64:
    """The block's bytes as codes, terminators as END_CODE."""
    return _small_codes(block).astype(np.uint64)


def _small_codes(block: Block) -> NDArray[np.uint16]:
    code = block.data.astype(np.uint16)
    code += 1
    code[block.piece_end[block.closed] - 1] = END_CODE
    return code


def ngrams(block: Block, before: U64, port: int) -> U64:
    """Key of each byte with the five before it in its line. END_CODE stands before a line's first byte.

    before : uint64, shape (5,)   codes before the block, where it goes on with a line
    """
    size = block.data.size
    codes = np.concatenate((before.astype(np.uint16), _small_codes(block)))
    key = np.empty(size + ORDER, np.uint64)  # with room for places behind the last line's start
    for part in slices(size, NGRAMS):
        code = codes[part.start : part.stop + ORDER].astype(np.uint32)
        three = code[:-2] << np.uint32(CODE_BITS)
        three |= code[1:-1]
        three <<= np.uint32(CODE_BITS)
        three |= code[2:]
        wide = three.astype(np.uint64)
        np.bitwise_or(wide[3:], wide[:-3] << (_BITS * np.uint64(3)), out=key[part])
    opens = np.concatenate(([block.opens], block.closed[:-1]))
    at = block.piece_start[opens] + _BEHIND  # what stands before a line's start is not context
    # Where lines are short the nearest start counts: rows of `at` are written in order, the nearest place last.
    key[np.ascontiguousarray(at)] = key.take(at) & _INSIDE | _ENDS & ~_INSIDE
    key = key[:size]
    if port:
        key |= np.uint64(port) << _PORT_SHIFT
    return key


def last_codes(block: Block, before: U64) -> U64:
    """The last five codes of a block, or of what stands before it where it is shorter. before : uint64, shape (5,)"""
    held = block.data[-ORDER:]
    code = np.concatenate((before, held.astype(np.uint64) + np.uint64(1)))
    border = block.piece_end[block.closed][-ORDER:] - 1 - (block.data.size - held.size)
    code[ORDER + border[border >= 0]] = END_CODE
    return code[-ORDER:]


def context_after(text: bytes, port: int) -> int:
    """The last five codes of a line, as in the key of what comes next: key >> 9."""
    key = port
    for byte in (*(END_CODE - 1,) * (ORDER - len(text)), *text[-ORDER:]):
        key = key << CODE_BITS | (byte + 1)
    return key


@dataclass(frozen=True)
class Context:
    """All contexts of one length.

    row : uint64, shape (r,)      context bytes (and port), ascending
    first : uint32, shape (r + 1,) where each row's entries begin
    code : uint16, shape (e,)     what came next, ascending within a row
    count : uint32 or uint64, shape (e,)   how often, or for shorter contexts after how many distinct longer ones
    total : uint32 or uint64, shape (r,)   sum of count
    once, twice : uint16, shape (r,)       entries with a count of 1, and of 2
    discount : float64, shape (4,) what is taken off a count of 0, 1, 2, 3 or more
    """

    row: U64
    first: U32
    code: NDArray[np.uint16]
    count: Count
    total: Count
    once: NDArray[np.uint16]
    twice: NDArray[np.uint16]
    discount: F64

    def escape(self, row: I64 | np.int64) -> F64:
        """Mass discounted from rows, which goes on to the shorter context. int64, any shape -> float64"""
        once, twice = self.once[row].astype(np.int64), self.twice[row].astype(np.int64)
        more = self.first[row + 1].astype(np.int64) - self.first[row] - once - twice
        return np.asarray(once * self.discount[1] + twice * self.discount[2] + more * self.discount[3])

    def escape_one(self, row: int) -> float:
        """The same of one row."""
        _, *off = self.discount.tolist()
        once, twice = self.once.item(row), self.twice.item(row)
        more = self.first.item(row + 1) - self.first.item(row) - once - twice
        return float(once * off[0] + twice * off[1] + more * off[2])


def derive(evidence: Counts) -> tuple[Context, ...]:
    """Contexts of every length, shortest (no byte) first, from the 6-gram counts."""
    return tuple(longest_first(evidence))[::-1]


def longest_first(evidence: Counts) -> Iterator[Context]:
    """The same, ORDER bytes first, one after the other."""
    return (_of_length(length, told) for length, _, told in _by_length(evidence))


def derive_with_four_grams(evidence: Counts, asked: U64) -> tuple[tuple[Context, ...], Counts]:
    """Contexts of every length, shortest first, but of them only some rows; and the 4-grams, counted on the way.

    asked : uint64, shape (n,)   contexts, as key >> 9, of which rows are wanted
    """
    contexts, four = list[Context](), Counts.empty()
    for length, seen, told in _by_length(evidence):
        contexts.append(_of_length(length, told, asked))
        if length == FOUR - 1:
            four = seen
    return tuple(contexts)[::-1], four


def _by_length(evidence: Counts) -> Iterator[tuple[int, Counts, Counts]]:
    """For each length, ORDER first: how often contexts were seen with what came next, and the evidence that counts.

    That is the number of distinct longer contexts. Nothing stands before a line's start: there it is the occurrences.
    """
    seen = evidence
    yield ORDER, seen, seen
    for length in range(ORDER - 1, -1, -1):
        seen, longer = summed(seen.key & _kept(length), seen.count)
        told = longer.astype(seen.count.dtype, copy=False)
        for opening in _openings(seen.key, length):
            told[opening] = seen.count[opening]
        yield length, seen, Counts.of(seen.key, told)


def _openings(key: U64, length: int) -> Iterator[slice]:
    """Where contexts of a length reach back to a line's start, port by port: they begin with END_CODE."""
    if length and key.size:
        port = np.arange(int(key[-1] >> _PORT_SHIFT) + 1, dtype=np.uint64) << _PORT_SHIFT
        borders = (port | np.uint64(code << (CODE_BITS * length)) for code in (END_CODE, END_CODE + 1))
        yield from map(slice, *(np.searchsorted(key, border).tolist() for border in borders))


def _of_length(length: int, told: Counts, asked: U64 | None = None) -> Context:
    """The contexts of one length, or the rows of them that are asked."""
    key, count = told.key, told.count
    if asked is not None:
        key, count = _rows(key, count, np.unique(asked & (_kept(length) >> _BITS)))
    return _context(key, count, discounts(told.count))


def _rows(key: U64, count: Count, row: U64) -> tuple[U64, Count]:
    """The entries of some rows. row : uint64, shape (n,), ascending, each once"""
    begin, end = (np.searchsorted(key, border << _BITS) for border in (row, row + np.uint64(1)))
    some = np.flatnonzero(begin < end)
    entry = in_a_row(begin.take(some), (end - begin).take(some))
    return key.take(entry), count.take(entry)


def _kept(length: int) -> np.uint64:
    """Mask of what a key keeps that is cut to a context of this length: the port, the context and the code."""
    port = (MAX_PORTS - 1) << (CODE_BITS * (ORDER + 1))
    return np.uint64(port | ((1 << (CODE_BITS * (length + 1))) - 1))


def four_grams(evidence: Counts) -> Counts:
    """How often four codes came one after the other; above them in a key is the port.

    The last four of each 6-gram: where rows were thinned, those that are left hold what came before them in any row.
    The first four would need no sorting, but stand in few rows each: 993 MB in 512 MiB cost 0.006 bits a byte more.
    """
    return sum_by_key(evidence.key & _kept(FOUR - 1), evidence.count)


def of_port(grams: Counts, port: int) -> Counts:
    """Those of one port, without it."""
    first = np.uint64(port) << _PORT_SHIFT
    codes = np.uint64((1 << int(_PORT_SHIFT)) - 1)
    begin, end = np.searchsorted(grams.key, first), np.searchsorted(grams.key, first | codes, side="right")
    return Counts(grams.key[begin:end] & codes, grams.count[begin:end])


def _context(key: U64, count: Count, discount: F64) -> Context:
    """The contexts of one length; what is worked out on the way stays small."""
    row, first, code = np.empty(key.size, np.uint64), np.empty(key.size + 1, np.uint32), np.empty(key.size, np.uint16)
    rows = 0
    for part in slices(key.size, SLICE):
        np.bitwise_and(key[part].astype(np.uint16), np.uint16(CODE_MASK), out=code[part])
        context = key[part] >> _BITS
        begins = run_starts(context)
        if rows and context[0] == row[rows - 1]:  # the last row of the part before goes on
            begins = begins[1:]
        more = slice(rows, rows + begins.size)
        context.take(begins, out=row[more], mode="clip")
        np.add(begins, part.start, out=first[more], casting="unsafe")
        rows = more.stop
    first[rows] = key.size
    row.resize(rows, refcheck=False)
    first.resize(rows + 1, refcheck=False)
    total, once, twice = row_sums(first, count)
    return Context(row, first, code, count, smallest(total), once, twice, discount)


def row_sums(first: U32, count: Count) -> tuple[U64, NDArray[np.uint16], NDArray[np.uint16]]:
    """Of rows of counts: their sum, and how many are 1, and 2. first : uint32, shape (r + 1,) -> shape (r,) each"""
    rows = first.size - 1
    total = np.empty(rows, np.uint64)
    once, twice = np.empty((2, rows), np.uint16)
    small = count.dtype == np.uint32  # so that the sum of a row, which has at most CODES entries, leaves room for both
    for part in slices(rows, ROWS):
        border = first[part.start : part.stop + 1].astype(np.int64)
        seen = count[border[0] : border[-1]]
        border -= border[0]
        value = _FEW.take(seen.astype(np.int64), mode="clip")
        if small:
            value += seen
        sums = _sums(border, value)
        total[part] = sums & _TOTAL if small else _sums(border, seen)
        once[part], twice[part] = sums >> _ONCE_AT & CODE_MASK, sums >> _TWICE_AT
    return total, once, twice


def _sums(border: I64, value: Count) -> U64:
    """Sums of what lies between each two borders: rows are so short that `reduceat` takes half as long again."""
    below = np.zeros(value.size + 1, np.uint64)
    np.cumsum(value, out=below[1:])
    return np.diff(below.take(border))


def discounts(count: Count) -> F64:
    """D0 = 0, D1, D2, D3+ from the counts of counts t (Chen and Goodman 1999, equation 26).

    Y = t1 / (t1 + 2 t2),  Di = i - (i + 1) Y t(i+1) / ti
    """
    seen = [0] * (DISTINCT_DISCOUNTS + 1)
    for part in slices(count.size, SLICE):
        some = count[part]
        for n in range(len(seen)):
            seen[n] += int(np.count_nonzero(some == n + 1))
    found = [0.0]
    y = seen[0] / (seen[0] + 2 * seen[1]) if seen[0] and seen[1] else FALLBACK_DISCOUNT
    for n in range(1, DISTINCT_DISCOUNTS + 1):
        here, above = seen[n - 1], seen[n]
        d = n - (n + 1) * y * above / here if here and above else FALLBACK_DISCOUNT
        found.append(min(max(d, MIN_DISCOUNT), float(n)))
    return np.array(found)


def probability(contexts: tuple[Context, ...], context: U64, code: I64) -> tuple[F64, I64]:
    """P(code | the last five codes), interpolated over all lengths; and the longest length that was seen before.

    Parameters
    ----------
    context : uint64, shape (n,) or broadcastable    as a 6-gram key without its last code: key >> 9
    code : int64, shape (n,) or (n, m)
    """
    shape = np.broadcast_shapes(context.shape, code.shape)
    result = np.full(shape, 1.0 / CODES)
    longest = np.zeros(context.shape, np.int64)
    port = context >> np.uint64(CODE_BITS * ORDER)
    for length, table in enumerate(contexts):
        if not table.row.size:
            continue
        kept = np.uint64((1 << (CODE_BITS * length)) - 1)
        wanted = (context & kept) | (port << np.uint64(CODE_BITS * ORDER))
        row = np.minimum(find(table.row, wanted), table.row.size - 1)
        known = table.row[row] == wanted
        low, high = table.first[row].astype(np.int64), table.first[row + 1].astype(np.int64)
        at = bisect(table.code, low, high, code.astype(np.uint16))
        held = np.minimum(at, table.code.size - 1)
        hit = (at < high) & (table.code[held] == code)
        count = np.where(hit, table.count[held], 0).astype(np.int64)
        kept_mass = np.maximum(count - table.discount[np.minimum(count, DISTINCT_DISCOUNTS)], 0)
        mixed = (kept_mass + table.escape(row) * result) / table.total[row]
        result = np.where(known, mixed, result)
        longest[known] = length
    return result, longest
