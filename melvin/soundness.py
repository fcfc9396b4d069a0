"""Soundness: whether the tables of a brain fit each other, as no checksum can know.

A file that a stranger wrote may hold anything. What is checked here is what later steps rely on, so that none stumbles.
Indices are cast to intp first: where numpy does it itself, it writes to a buffer that it may not have got, and crashes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from melvin.bridges import ANY, MAX_PRIMED_BYTES, PAYLOAD_BITS
from melvin.calibration import BINS, Calibration
from melvin.categories import Categories
from melvin.contexts import ORDER, Context, discounts, row_sums
from melvin.curve import Curve
from melvin.edges import target_of
from melvin.embedding import ACTIVE, DIMENSIONS, FRAME_WORDS, PLACES, Embeddings
from melvin.episodes import GAP_BITS, MAX_FRAMES, MAX_TIME_NS
from melvin.feedback import Feedback
from melvin.lexicon import Lexicon
from melvin.payloads import Payloads
from melvin.symbols import (
    CODE_BITS,
    CODE_MASK,
    CODES,
    END,
    GROUND,
    MAX_PAYLOAD,
    MAX_SYMBOLS,
    NONE,
    START,
    SYMBOL_BITS,
    U32,
    WORD_CODES,
    Symbols,
    pair_key,
)
from melvin.tables import I64, U64, Counts, run_starts, slices
from melvin.weights import ONE
from melvin.words import Words

MAX_TOTAL = float(1 << 62)  # of a table's counts: twice as much still fits into 64 bits with a sign
SLICE = 1 << 16  # symbols, or entries of a table, looked at at a time


def symbols_hold(s: Symbols) -> bool:
    """Whether ground symbols are where their port says, and patterns are what their constituents say."""
    n, ports = s.size, len(s.ports)
    columns = (s.port, s.right, s.level, s.length, s.born)
    pairs = (s.pair_left, s.pair_right, s.pair_symbol)
    pattern = np.flatnonzero(s.level)
    return bool(
        n < MAX_SYMBOLS
        and all(column.size == n for column in columns)
        and s.words.shape[0] >= 1
        and s.words.shape[1] == n
        and all(column.size == pairs[0].size and (column < n).all() for column in pairs)
        and _differ(pair_key(*pairs[:2]))
        and s.base.size == ports
        and _ground_holds(s)
        and all(_joined(s, pattern[some]) for some in _by_length(s, pattern))
        and all(
            _pairs_hold(s, *(column[some].astype(np.intp) for column in pairs))
            for some in _by_length(s, pairs[2].astype(np.intp))
        )
    )


def _by_length(s: Symbols, symbol: I64) -> Iterator[I64]:
    """Places of a few symbols at a time, of like length."""
    order = np.argsort(s.length[symbol], kind="stable")
    return (order[part] for part in slices(order.size, SLICE))


def _differ(key: U64) -> bool:
    """Whether no key stands there twice. Sorts them in place."""
    key.sort()
    return bool((key[1:] > key[:-1]).all())


def _ground_holds(s: Symbols) -> bool:
    expected = Symbols.empty()
    for name in s.ports:
        expected = expected.with_port(name, 0)
    base = s.base.astype(np.int64)
    if (np.diff(base) < GROUND).any() or (base + GROUND > s.size).any():
        return False
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


def _joined(s: Symbols, pattern: I64) -> bool:
    """Whether patterns are their constituents joined."""
    left, right = s.left[pattern].astype(np.intp), s.right[pattern].astype(np.intp)
    return bool(
        (left < pattern).all()
        and (right < pattern).all()
        and (s.level[pattern] == 1 + np.maximum(s.level[left], s.level[right]).astype(np.int64)).all()
        and _pairs_hold(s, left, right, pattern)
    )


def _pairs_hold(s: Symbols, left: I64, right: I64, pattern: I64) -> bool:
    """Whether the payloads of pairs, none of them a line's border, are those of the patterns that they form."""
    length = s.length[left].astype(np.int64) + s.length[right]
    longest = int(length.max(initial=1))
    if longest > min(MAX_PAYLOAD, WORD_CODES * s.words.shape[0]):
        return False
    depth = -(-longest // WORD_CODES)
    return bool(
        (s.level[pattern] > 0).all()
        and not (is_border(s, left) | is_border(s, right)).any()
        and (s.port[left] == s.port[pattern]).all()
        and (s.port[right] == s.port[pattern]).all()
        and (s.length[pattern] == length).all()
        and (s.joined_words(left, right, depth) == s.words[:depth, pattern]).all()
        and not s.words[depth:, pattern].any()
    )


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
    ):
        return False
    if not (
        (held.row[1:] > held.row[:-1]).all()
        and held.first[0] == 0
        and held.first[-1] == entries
        and (held.first[1:] > held.first[:-1]).all()
        and (held.code - np.uint16(1) < CODES).all()  # 0 - 1 is large
        and (held.count > 0).all()
        and float(held.count.sum(dtype=np.float64)) < MAX_TOTAL
    ):
        return False
    ascends = held.code[1:] > held.code[:-1]
    ascends[held.first[1:-1].astype(np.intp) - 1] = True  # where another row begins
    total, once, twice = row_sums(held.first, held.count)
    return bool(
        ascends.all()
        and np.array_equal(held.total, total)
        and np.array_equal(held.once, once)
        and np.array_equal(held.twice, twice)
        and np.array_equal(held.discount, discounts(held.count))
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
