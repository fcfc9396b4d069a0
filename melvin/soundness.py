"""Soundness: whether the tables of a brain fit each other, as no checksum can know.

A file that a stranger wrote may hold anything. What is checked here is what later steps rely on, so that none stumbles.
Indices are cast to intp first: where numpy does it itself, it writes to a buffer that it may not have got, and crashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melvin.bridges import ANY, MAX_PRIMED_BYTES, PAYLOAD_BITS
from melvin.calibration import BINS, Calibration
from melvin.categories import Categories
from melvin.codes import (
    CODE_BITS,
    CODE_MASK,
    CODES,
    END,
    GROUND,
    MAX_PAYLOAD,
    MAX_SYMBOLS,
    NONE,
    PACKED_MASK,
    START,
    SYMBOL_BITS,
    WORD_CODES,
)
from melvin.contexts import MAX_PORTS, ORDER, Context, discounts, row_sums
from melvin.curve import Curve
from melvin.edges import target_of
from melvin.embedding import ACTIVE
from melvin.episodes import GAP_BITS, MAX_FRAMES, MAX_TIME_NS
from melvin.feedback import Feedback
from melvin.lexicon import Lexicon
from melvin.payloads import Payloads
from melvin.symbols import Symbols
from melvin.tables import I64, U32, U64, Count, Counts, run_starts, slices
from melvin.vectors import DIMENSIONS, FRAME_WORDS, PLACES, Embeddings
from melvin.weights import ONE
from melvin.words import Words

MAX_TOTAL = float(1 << 62)  # of a table's counts: twice as much still fits into 64 bits with a sign
SLICE = 1 << 16  # symbols, or entries of a table, looked at at a time
PAIRS = 1 << 14  # pairs of symbols
ROWS = 1 << 15  # rows of contexts
MOST_WORDS = -(-MAX_PAYLOAD // WORD_CODES)  # of the longest payload
LENGTH_BITS = 8  # of a payload's length as it is kept


def symbols_hold(s: Symbols) -> bool:
    """Whether ground symbols are where their port says, and patterns are what their constituents say."""
    n, ports = s.size, len(s.ports)
    columns = (s.port, s.right, s.level, s.length, s.born)
    pairs = (s.pair_left, s.pair_right, s.pair_symbol)
    pattern = np.flatnonzero(s.level)
    return bool(
        n < MAX_SYMBOLS
        and all(column.size == n for column in columns)
        and 1 <= s.words.shape[0] <= MOST_WORDS
        and s.words.shape[1] == n
        and all(column.size == pairs[0].size and (column < n).all() for column in pairs)
        and ascends(s.pair_entries >> np.uint64(SYMBOL_BITS))
        and s.base.size == ports
        and _ground_holds(s)
        and all((s.length.take(np.flatnonzero(word)) > WORD_CODES * at).all() for at, word in enumerate(s.words))
        and all(_built_before(s, pattern[part]) for part in slices(pattern.size, SLICE))
        and _payloads_hold(s, s.left[pattern], s.right[pattern], pattern)
        and _payloads_hold(s, *pairs)
        and _payloads_differ(s)
    )


def ascends(key: NDArray[np.unsignedinteger]) -> bool:
    """Whether each key is larger than the one before."""
    return bool((key[1:] > key[:-1]).all())


def _payloads_differ(s: Symbols) -> bool:
    """No two symbols of a port have one payload: in order, they would be neighbours."""
    by_rank = s.ranks.by_rank
    some = np.flatnonzero(s.port.take(by_rank[1:]) == s.port.take(by_rank[:-1]))
    for word in s.words:
        some = some.compress(word.take(by_rank.take(some + 1)) == word.take(by_rank.take(some)))
    return not some.size


def _ground_holds(s: Symbols) -> bool:
    base = s.base.astype(np.int64)
    if len(s.ports) > MAX_PORTS or (np.diff(base) < GROUND).any() or (base + GROUND > s.size).any():
        return False
    expected = Symbols.empty()
    for name in s.ports:
        expected = expected.with_port(name, 0)
    ground = (base[:, None] + np.arange(GROUND)).reshape(-1)
    return bool(
        int((s.level == 0).sum()) == ground.size
        and (s.level[ground] == 0).all()
        and (s.left[ground] == NONE).all()
        and (s.right[ground] == NONE).all()
        and (s.port[ground] == expected.port).all()
        and (s.length[ground] == expected.length).all()
        and (s.words[:1, ground] == expected.words).all()
        and not s.words[1:, ground].any()
    )


def _built_before(s: Symbols, pattern: I64) -> bool:
    """Whether patterns are younger than their constituents, and a level above them."""
    left, right = s.left[pattern].astype(np.intp), s.right[pattern].astype(np.intp)
    return bool(
        (left < pattern).all()
        and (right < pattern).all()
        and (s.level[pattern] == 1 + np.maximum(s.level[left], s.level[right]).astype(np.int64)).all()
    )


def _payloads_hold(s: Symbols, left: U32, right: U32, pattern: U32 | I64) -> bool:
    """Whether the payloads of pairs, none of them a line's border, are those of the patterns that they form.

    What was checked of constituents is relied on: no word of a payload holds anything behind its end.
    """
    border = np.zeros(s.size, np.bool_)
    border[s.base.astype(np.intp)[:, None] + (START, END)] = True
    return all(
        _pairs_hold(s, border, *(column[some].astype(np.intp) for column in (left, right, pattern)))
        for some in _by_length(s, left, right)
    )


def _by_length(s: Symbols, left: U32, right: U32) -> Iterator[I64]:
    """Places of a few pairs at a time: their left ones are of one length, their right ones of like length."""
    length = s.length[left.astype(np.intp)].astype(np.uint16)
    border = np.cumsum(np.bincount(length))
    length <<= np.uint16(LENGTH_BITS)
    length |= s.length[right.astype(np.intp)]
    order = np.argsort(length, kind="stable")
    for begin, end in pairwise((0, *border.tolist())):
        yield from (order[begin:end][part] for part in slices(end - begin, PAIRS))


def _pairs_hold(s: Symbols, border: NDArray[np.bool_], left: I64, right: I64, pattern: I64) -> bool:
    """The same of pairs whose left ones are of one length. border : bool, shape (symbols,)"""
    offset = int(s.length[left[0]])
    length = offset + s.length.take(right).astype(np.int64)
    longest, port = int(length.max()), s.port.take(pattern)
    if longest > min(MAX_PAYLOAD, WORD_CODES * s.words.shape[0]):
        return False
    return bool(
        s.level.take(pattern).all()
        and not (border.take(left) | border.take(right)).any()
        and (s.port.take(left) == port).all()
        and (s.port.take(right) == port).all()
        and (s.length.take(pattern) == length).all()
        and all(
            (joined == word.take(pattern)).all()
            for joined, word in zip(_joined_words(s, offset, longest, left, right), s.words, strict=False)
        )
    )


def _joined_words(s: Symbols, offset: int, longest: int, left: I64, right: I64) -> Iterator[U64]:
    """Words of the payloads of pairs: the right ones', moved behind the left ones', which are `offset` codes long."""
    whole, part = divmod(offset, WORD_CODES)
    shift, spill = np.uint64(CODE_BITS * part), np.uint64(CODE_BITS * (WORD_CODES - part))
    before = np.zeros(right.size, np.uint64)
    for at in range(-(-longest // WORD_CODES)):
        joined = s.words[at].take(left) if at * WORD_CODES < offset else np.zeros(left.size, np.uint64)
        if at >= whole:
            moved = s.words[at - whole].take(right)
            joined |= moved >> shift
            joined |= before << spill & PACKED_MASK
            before = moved
        yield joined


def is_border(s: Symbols, symbol: U32 | I64) -> NDArray[np.bool_]:
    """START and END."""
    at = symbol.astype(np.intp, copy=False)
    port = np.minimum(s.port[at].astype(np.intp), max(len(s.ports) - 1, 0))
    place = at - s.base[port]
    return np.asarray((place == START) | (place == END))


def counts_hold(counts: Counts) -> bool:
    """Whether keys ascend and every count is one."""
    if counts.key.size != counts.count.size or not counts.size:
        return counts.key.size == counts.count.size
    total = 0.0
    for part in slices(counts.size, SLICE):
        key, count = counts.key[part.start : part.stop + 1], counts.count[part]
        total += float(count.sum(dtype=np.float64))
        if not (key[1:] > key[:-1]).all() or not int(count.min()):
            return False
    return total < MAX_TOTAL


def grams_hold(key: U64, ports: int) -> bool:
    """Whether ascending 6-grams consist of codes, on ports that there are."""
    if key.size and int(key[-1]) >> CODE_BITS * (ORDER + 1) >= ports:
        return False
    return all(
        bool((((key[part] >> np.uint64(CODE_BITS * place)) & CODE_MASK) - np.uint64(1) < CODES).all())  # 0 - 1 is large
        for part in slices(key.size, SLICE)
        for place in range(ORDER + 1)
    )


def context_holds(held: Context) -> bool:
    """Whether each row of contexts has its entries, and what they add up to."""
    rows, entries = held.row.size, held.code.size
    if not (
        held.count.size == entries
        and held.first.size == rows + 1
        and held.total.size == held.once.size == held.twice.size == rows
        and ascends(held.row)
        and held.first[0] == 0
        and held.first[-1] == entries
        and ascends(held.first)
    ):
        return False
    total = 0.0
    for part in slices(rows, ROWS):
        first = held.first[part.start : part.stop + 1]
        some = slice(int(first[0]), int(first[-1]))
        if not _rows_hold(held, part, first - first[0], held.code[some], held.count[some]):
            return False
        total += float(held.count[some].sum(dtype=np.float64))
    return total < MAX_TOTAL and np.array_equal(held.discount, discounts(held.count))


def _rows_hold(held: Context, part: slice, first: U32, code: NDArray[np.uint16], count: Count) -> bool:
    """The same of some rows. first, code, count : theirs"""
    ascending = code[1:] > code[:-1]
    ascending[first[1:-1].astype(np.intp) - 1] = True  # where another row begins
    total, once, twice = row_sums(first, count)
    return bool(
        ascending.all()
        and (code - np.uint16(1) < CODES).all()  # 0 - 1 is large
        and count.all()
        and np.array_equal(held.total[part], total)
        and np.array_equal(held.once[part], once)
        and np.array_equal(held.twice[part], twice)
    )


def edges_hold(key: U64, sources: int, targets: int) -> bool:
    """Whether ascending edges lead from and to what there is. sources, targets : how many there are of them"""
    if key.size and int(key[-1]) >> SYMBOL_BITS >= sources:
        return False
    return all(bool((target_of(key[part]) < targets).all()) for part in slices(key.size, SLICE))


def lexicon_holds(held: Lexicon, s: Symbols) -> bool:
    """Whether chunks are counted symbols, none of them a line's border."""
    return bool(
        held.key.size == held.count.size == held.size.size
        and (held.key[1:] > held.key[:-1]).all()
        and (held.size > 0).all()
        and float(held.size.sum(dtype=np.float64)) == held.pool.size
        and (held.count > 0).all()
        and float((held.count * held.size.astype(np.float64)).sum()) < MAX_TOTAL
        and (held.pool < s.size).all()
        and not is_border(s, held.pool).any()
    )


def words_hold(held: Words, ports: int) -> bool:
    """Whether words ascend by name, on ports that there are, and their text is as long as they say."""
    return bool(
        held.name.size == held.port.size == held.count.size == held.size.size
        and (held.name[1:] > held.name[:-1]).all()
        and int(held.port.max(initial=0)) < max(ports, 1)
        and (held.size > 0).all()
        and int(held.size.sum(dtype=np.int64)) == held.text.size
        and (held.count > 0).all()
        and float(held.count.sum(dtype=np.float64)) < MAX_TOTAL
    )


def cutter_holds(
    gaps: I64, port: NDArray[np.uint16], size: I64, data: int, border: int | None, last_ns: int | None, ports: int
) -> bool:
    """Whether gaps are counted, and an episode that is open consists of frames on ports that there are."""
    return bool(
        gaps.size == GAP_BITS
        and (gaps >= 0).all()
        and float(gaps.sum(dtype=np.float64)) < MAX_TOTAL
        and (border is None or 0 < border < GAP_BITS)
        and (last_ns is None or abs(last_ns) < MAX_TIME_NS)
        and (last_ns is None) == (size.size == 0)
        and port.size == size.size <= MAX_FRAMES
        and (port < ports).all()
        and (size > 0).all()
        and float(size.sum(dtype=np.float64)) == data
    )


def bridges_hold(counts: Counts, payloads: Payloads) -> bool:
    """Whether each feature says first how often it was there, its payloads no oftener; payloads have their bytes."""
    if not counts_hold(counts):
        return False
    feature, target = counts.key >> np.uint64(PAYLOAD_BITS), counts.key & np.uint64((1 << PAYLOAD_BITS) - 1)
    first = run_starts(feature)
    episodes = np.repeat(counts.count[first], np.diff(first, append=feature.size))
    return bool(
        (feature >> np.uint64(63 - PAYLOAD_BITS) == 0).all()
        and (target[first] == ANY).all()
        and (counts.count <= episodes).all()
        and payloads.key.size == payloads.count.size == payloads.size.size
        and (payloads.key[1:] > payloads.key[:-1]).all()
        and ((payloads.key > ANY) & (payloads.key >> np.uint64(PAYLOAD_BITS) == 0)).all()
        and (payloads.count > 0).all()
        and float(payloads.count.sum(dtype=np.float64)) < MAX_TOTAL
        and ((payloads.size > 0) & (payloads.size <= MAX_PRIMED_BYTES)).all()
        and int(payloads.size.sum()) == payloads.pool.size
    )


def feedback_holds(held: Feedback, ports: int) -> bool:
    """Whether edges ascend, lead to codes on ports that there are, and something is said of each."""
    code, port = held.key & CODE_MASK, held.key >> np.uint64(2 * SYMBOL_BITS + CODE_BITS)
    return bool(
        held.key.size == held.sum.size
        and (held.key[1:] > held.key[:-1]).all()
        and ((code >= 1) & (code <= CODES)).all()
        and int(port.max(initial=0)) < max(ports, 1)
        and (held.sum != 0).all()
        and float(np.abs(held.sum.astype(np.float64)).sum()) < MAX_TOTAL
    )


def embeddings_hold(held: Embeddings) -> bool:
    """Whether words ascend, and each has a few ascending dimensions of frames that there are, with positive values."""
    if not (
        held.dimension.size == held.value.size == int(held.size.sum(dtype=np.int64))
        and held.name.size == held.size.size
        and held.frame.size <= FRAME_WORDS
        and ((held.size > 0) & (held.size <= ACTIVE)).all()
    ):
        return False
    word = np.repeat(np.arange(held.name.size), held.size)
    return bool(
        (held.frame[1:] > held.frame[:-1]).all()
        and (held.name[1:] > held.name[:-1]).all()
        and int(held.dimension.max(initial=0)) < max(held.frame.size * PLACES, 1)
        and (np.diff(word * DIMENSIONS + held.dimension) > 0).all()
        and (held.value > 0).all()
    )


def categories_hold(held: Categories, embeddings: Embeddings) -> bool:
    """Whether members ascend, have vectors, and each bears the place of its category's first member."""
    if held.name.size != held.label.size or not (held.label < max(held.name.size, 1)).all():
        return False
    first = np.unique(held.label, return_index=True)[1]
    return bool(
        (held.name[1:] > held.name[:-1]).all()
        and (embeddings.index(held.name) >= 0).all()
        and (held.label[first] == first).all()
    )


def curve_holds(held: Curve) -> bool:
    """Whether generations ascend, and each has what was predicted in it."""
    return bool(
        held.end.size == held.size.size == held.cost.size
        and (held.end[1:] > held.end[:-1]).all()
        and (held.end > 0).all()
        and (held.size > 0).all()
        and (held.cost >= 0).all()
        and all(float(column.sum(dtype=np.float64)) < MAX_TOTAL for column in (held.size, held.cost))
    )


def calibration_holds(held: Calibration, ports: int) -> bool:
    """Whether bins are of ports that there are, and hold nothing that their places cannot have told."""
    tables = (held.tried, held.right, held.expected)
    rows = len(held.tried)
    if rows > ports or held.entropy.shape != (rows,) or held.squared.shape != (rows,):
        return False
    if not all(table.shape == (rows, BINS) for table in tables):
        return False
    if not all(float(np.abs(table.astype(np.float64)).sum()) < MAX_TOTAL for table in (*tables, held.squared)):
        return False
    tried, width = held.tried.astype(np.float64), ONE // BINS
    return bool(
        ((held.right >= 0) & (held.right <= held.tried)).all()
        and (held.expected >= tried * np.arange(BINS) * width).all()
        and (held.expected <= tried * np.arange(1, BINS + 1) * width).all()
        and all(
            0 <= total <= total_of_squares and total**2 <= n * total_of_squares
            for n, total, total_of_squares in zip(
                held.tried.sum(axis=1).tolist(), held.entropy.tolist(), held.squared.tolist(), strict=True
            )
        )
    )
