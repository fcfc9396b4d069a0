"""Evidence tables: sorted 64-bit keys with integer counts, and how they are made, added and read.

Keys that were seen flow in, in any order; a sorted run with each key once flows out. Runs are added by `fold`; the
order of adding never matters, so blocks may be counted anywhere and in any number of pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from melvin.hashing import MULTIPLIER

I64 = NDArray[np.int64]
SMALL = (1 << 32) - 1  # the largest uint32
KEY_BITS = 64
FOLD_KEYS = 1 << 14  # entries of a table at a time: all that is worked out of them stays in cache
MERGED_KEYS = 1 << 15  # entries of several tables that are added at a time
MOST_RUNS = 8  # of like size that are kept: folded at once they cost half of what they would two by two
SORTED_KEYS = 1 << 21  # keys counted by one sort: 16 MiB of them
BUFFER_GROWTH = (
    16  # a buffer that is too short is made so many times as long: no more of it takes memory than was written
)
NAME_BITS = 21  # highest bits of a 63-bit key: a name, evenly spread
MOST_HALVINGS = 63  # then no name but 0 is kept
BEYOND_BORDER = np.uint64(1 << (63 - NAME_BITS))  # the first key whose name is not 0
Count = NDArray[np.unsignedinteger]  # uint32, or uint64 once a count is too large for it
U64 = NDArray[np.uint64]
Number = TypeVar("Number", bound=np.integer)


@dataclass(frozen=True)
class Counts:
    """How often each key was seen.

    key : uint64, shape (n,)      ascending, each key once
    count : uint32, shape (n,)    at least 1; uint64 where one of them needs it
    """

    key: U64
    count: Count

    @classmethod
    def of(cls, key: U64, count: NDArray[np.integer]) -> Counts:
        """A table with its counts in the smallest type that holds them."""
        return cls(key, smallest(count))

    @classmethod
    def empty(cls) -> Counts:
        return cls(np.empty(0, np.uint64), np.empty(0, np.uint32))

    @property
    def size(self) -> int:
        return int(self.key.size)

    def cut(self, part: slice) -> Counts:
        """The entries in a range of places."""
        return Counts(self.key[part], self.count[part])

    def parts(self) -> Iterator[Counts]:
        """A few entries at a time: bounds the memory that it takes to work something out of them."""
        return (self.cut(part) for part in slices(self.size, FOLD_KEYS))

    def where(self, kept: Callable[[Counts], NDArray[np.bool_]]) -> Counts:
        """The entries that are kept, asked about a few at a time."""
        return self.compress(np.concatenate([np.empty(0, np.bool_), *map(kept, self.parts())]))

    def compress(self, kept: NDArray[np.bool_]) -> Counts:
        """Some of the entries. kept : bool, shape (n,)"""
        size = int(np.count_nonzero(kept))
        key, count = np.empty(size, np.uint64), np.empty(size, self.count.dtype)
        end = 0
        for part in slices(self.size, FOLD_KEYS):
            some = np.flatnonzero(kept[part])
            begin, end = end, end + some.size
            self.key[part].take(some, out=key[begin:end], mode="clip")
            self.count[part].take(some, out=count[begin:end], mode="clip")
        return Counts(key, count)

    def total(self) -> int:
        return int(self.count.sum(dtype=np.uint64))


def slices(size: int, step: int) -> Iterator[slice]:
    """A few entries at a time: bounds the memory that it takes to work something out of them, or keeps it in cache."""
    return (slice(begin, min(begin + step, size)) for begin in range(0, size, step))


def in_a_row(first: I64, size: I64) -> I64:
    """Indices of stretches, one after the other. first, size : int64, shape (n,), each size at least 1

    for f, s in zip(first, size): yield from range(f, f + s)     # as steps: 1, or from one stretch's end to the next
    """
    end = np.cumsum(size)
    step = np.ones(int(end[-1]) if end.size else 0, np.int64)
    if step.size:
        step[0] = first[0]
        step[end[:-1]] = first[1:] - first[:-1] - size[:-1] + 1
    return np.cumsum(step, out=step)


def smallest(count: NDArray[np.integer]) -> Count:
    """Counts in the smallest type that holds them."""
    fits = not count.size or int(count.max()) <= SMALL
    return count.astype(np.uint32 if fits else np.uint64, copy=False)


def run_starts(sorted_key: NDArray[np.integer]) -> I64:
    """Where each run of equal keys begins. Shape (n,) -> (number of distinct keys,)."""
    if not sorted_key.size:
        return np.empty(0, np.int64)
    first = np.empty(sorted_key.size, np.bool_)
    first[0] = True
    np.not_equal(sorted_key[1:], sorted_key[:-1], out=first[1:])
    return np.flatnonzero(first)


def count_keys(key: U64) -> Counts:
    """Count equal keys by sorting them; sorts `key` in place.

    for k in key: counts[k] += 1     # what this does; numpy's integer sort is SIMD, about 10 ns a key of text
    """
    key.sort()
    first = run_starts(key)
    return Counts.of(key.take(first), lengths(first, key.size))


def lengths(first: I64, size: int) -> Count:
    """How long each run is, from where it begins, as counts. Shape (n,) -> (n,)."""
    return _up_to_next(first, size, np.empty(first.size, np.uint32 if size <= SMALL else np.uint64))


def sizes(first: I64, size: int) -> I64:
    """The same as int64: np.diff(first, append=size), in half the time. Shape (n,) -> (n,)."""
    return _up_to_next(first, size, np.empty(first.size, np.int64))


def _up_to_next(first: I64, size: int, length: NDArray[Number]) -> NDArray[Number]:
    """From each place to the next, and from the last one to the end."""
    np.subtract(first[1:], first[:-1], out=length[:-1], casting="unsafe")
    length[-1:] = size - first[-1:]
    return length


def ordered(key: U64, beside: NDArray[Number]) -> tuple[U64, NDArray[Number]]:
    """Keys in ascending order, and the numbers that stood beside them; of equal keys, in any order. Shape (n,) each.

    Where a key leaves room for its number, both are sorted as one: numpy's sort is SIMD, its argsort is not.
    """
    bits = int(beside.max(initial=0)).bit_length()
    if int(key.max(initial=0)).bit_length() + bits > KEY_BITS:
        order = np.argsort(key)
        return key.take(order), beside.take(order)
    shift = np.uint64(bits)
    both = key << shift
    np.bitwise_or(both, beside, out=both, dtype=np.uint64, casting="unsafe")  # a few are cast at a time
    both.sort()
    in_order = np.empty_like(beside)
    np.bitwise_and(both, np.uint64((1 << bits) - 1), out=in_order, casting="unsafe")
    both >>= shift
    return both, in_order


def sum_by_key(key: U64, count: NDArray[np.integer]) -> Counts:
    """Add the counts of equal keys; the keys may come in any order. Their array is used up: nobody else may hold it."""
    return summed(key, count)[0]


def summed(key: U64, count: NDArray[np.integer]) -> tuple[Counts, Count]:
    """The same, and how many there were of each key.

    A key and its count are sorted as one number, as `ordered` does; what a count is more than there is room for is
    added afterwards. The sums are differences of one running sum.
    """
    assert key.flags.owndata, "keys of somebody else"
    largest = int(count.max(initial=0))
    bits = min(KEY_BITS - int(key.max(initial=0)).bit_length(), largest.bit_length())
    shift, most = np.uint64(bits), (1 << bits) - 1
    large = np.flatnonzero(count > most) if largest > most else np.empty(0, np.int64)
    large_key, more = key.take(large), count.take(large) - most
    key <<= shift
    np.bitwise_or(key, np.minimum(count, most) if large.size else count, out=key, dtype=np.uint64, casting="unsafe")
    key.sort()
    total: Count = np.empty(key.size, np.uint64)
    times: Count = np.empty(key.size, np.uint32 if key.size <= SMALL else np.uint64)
    end, so_far = 0, np.uint64(0)
    for part in slices(key.size, FOLD_KEYS):
        some = key[part] >> shift
        running = key[part] & np.uint64(most)
        last = np.ones(some.size, np.bool_)  # of its key
        np.not_equal(some[1:], some[:-1], out=last[:-1])
        if part.stop < key.size:
            last[-1] = some[-1] != key[part.stop] >> shift
        running[0] += so_far
        np.cumsum(running, out=running)
        so_far = running[-1]
        at = np.flatnonzero(last)
        begin, end = end, end + at.size
        some.take(at, out=key[begin:end], mode="clip")
        running.take(at, out=total[begin:end], mode="clip")
        np.add(at, part.start + 1, out=times[begin:end], casting="unsafe")
    key.resize(end, refcheck=False)
    for sums in (total, times):
        sums.resize(end, refcheck=False)
        for part in reversed([*slices(end, FOLD_KEYS)]):  # a few at a time: where they overlap they are copied
            first = max(part.start, 1)
            sums[first : part.stop] -= sums[first - 1 : part.stop - 1]
    np.add.at(total, np.searchsorted(key, large_key), more.astype(np.uint64))
    return Counts.of(key, total), times


def sum_runs(sorted_key: U64, count: NDArray[np.integer]) -> Counts:
    """Add the counts of equal keys, which are in ascending order."""
    first = run_starts(sorted_key)
    return Counts.of(sorted_key.take(first), np.add.reduceat(count, first, dtype=np.uint64))


def joined(*tables: Counts) -> Counts:
    """Tables as one, each of whose keys follow those of the one before."""
    return Counts(np.concatenate([t.key for t in tables]), np.concatenate([t.count for t in tables]))


def fold(*tables: Counts) -> Counts:
    """Add tables, a range of keys after the other: what is in work at a time stays in cache."""
    tables = tuple(table for table in tables if table.size)
    if len(tables) < 2:
        return tables[0] if tables else Counts.empty()
    small = sum(int(table.count.max()) for table in tables) <= SMALL
    key = np.empty(sum(table.size for table in tables), np.uint64)
    count: Count = np.empty(key.size, np.uint32 if small else np.uint64)
    end = 0
    for part in _ranges(tables):
        end += _add(part, key[end:], count[end:])
    key.resize(end, refcheck=False)
    count.resize(end, refcheck=False)
    return Counts(key, count) if small else Counts.of(key, count)


def _ranges(tables: Sequence[Counts]) -> Iterator[list[tuple[U64, Count]]]:
    """What tables hold of one range of keys after the other: on average MERGED_KEYS entries of them together."""
    cut = np.unique(np.concatenate([table.key[::MERGED_KEYS] for table in tables]))[1:]
    border = [[0, *np.searchsorted(table.key, cut).tolist(), table.size] for table in tables]
    for low, high in pairwise(zip(*border, strict=True)):
        yield [(t.key[a:b], t.count[a:b]) for t, a, b in zip(tables, low, high, strict=True) if a < b]


def _add(parts: Sequence[tuple[U64, Count]], key: U64, count: Count) -> int:
    """Add parts of tables, none empty; into the first entries of `key` and `count`. Returns how many they are."""
    if len(parts) == 1:
        ((both, seen),) = parts
        key[: both.size], count[: both.size] = both, seen
        return both.size
    keys, counts = zip(*parts, strict=True)
    both = np.concatenate(keys)
    order = np.argsort(both, kind="stable")  # ascending runs are merged as they are
    both = both.take(order, mode="clip")  # no place is beyond the end
    running = np.concatenate(counts, dtype=count.dtype).take(order, mode="clip")
    np.cumsum(running, dtype=running.dtype, out=running)  # where it wraps round, its differences do not
    last = np.ones(both.size, np.bool_)  # of its key
    np.not_equal(both[1:], both[:-1], out=last[:-1])
    end = np.flatnonzero(last)
    both.take(end, out=key[: end.size], mode="clip")
    running.take(end, out=count[: end.size], mode="clip")
    count[1 : end.size] -= count[: end.size - 1]
    return end.size


def size_of_union(a: Counts, b: Counts) -> int:
    """How many different keys two tables have between them."""
    if a.size < b.size:
        a, b = b, a
    if not b.size:
        return a.size
    new = 0
    for part in b.parts():
        place = np.minimum(np.searchsorted(a.key, part.key), a.size - 1)
        new += int((a.key[place] != part.key).sum())
    return a.size + new


class RunStack:
    """Collects keys as they come; keeps few sorted runs.

    When there are too many, the last ones are folded at once: as far back as a run is no longer than twice all behind
    it, so every key is folded O(log n) times. With a limit the stack thins itself: only keys that begin with a small
    enough name are kept. Which ones depends on the keys alone, not on their order or on how they were cut into runs.

    Parameters
    ----------
    run : a table to begin with
    limit : distinct keys kept at the most; None for all
    halvings : a key is kept when its name is below 2 ** (63 - halvings); see `_keys_below`, `names_of_rows`
    row_bits : of keys that begin with no name, but with a row that is given one: the bits behind the row. A row is
        kept whole or not at all, so that its shares stay true
    at_once : keys counted by one sort
    """

    def __init__(
        self,
        run: Counts | None = None,
        limit: int | None = None,
        halvings: int = 0,
        row_bits: int | None = None,
        at_once: int = SORTED_KEYS,
    ) -> None:
        self._runs: list[Counts] = [run] if run is not None and run.size else []
        self._buffer: U64 = np.empty(0, np.uint64)  # as long as it needs to be, and then used again and again
        self._buffered = 0
        self._limit = limit
        self.halvings = halvings
        self._row_bits = row_bits
        self._at_once = at_once

    def add(self, key: U64, halvings: int = 0) -> None:
        """Count keys; they are copied. halvings : those by which the keys were chosen already"""
        for part in slices(key.size, min(FOLD_KEYS, self._at_once)):
            if self._buffered + part.stop - part.start > self._at_once:
                self._flush()  # before keys are chosen: the table may be thinned
            some = key[part]
            if self.halvings > halvings:
                some = some.compress(are_kept(some, self.halvings, self._row_bits))
            end = self._buffered + some.size
            if end > self._buffer.size:
                longer = np.empty(min(BUFFER_GROWTH * end, self._at_once), np.uint64)
                longer[: self._buffered] = self._buffer[: self._buffered]
                self._buffer = longer
            self._buffer[self._buffered : end] = some
            self._buffered = end

    def _flush(self) -> None:
        if self._buffered:
            run = count_keys(self._buffer[: self._buffered])
            self._buffered = 0
            self.add_run(run)

    def add_run(self, run: Counts) -> None:
        """Add a table of its own."""
        self._runs.append(run)
        if len(self._runs) > MOST_RUNS:
            at, size = len(self._runs) - 1, run.size
            while at and 2 * size >= self._runs[at - 1].size:
                at -= 1
                size += self._runs[at].size
            self._runs[at:] = [fold(*self._runs[at:])]
        if self._limit is not None and 2 * sum(r.size for r in self._runs) > 3 * self._limit:
            self._fold_runs()

    def _fold_runs(self) -> None:
        if len(self._runs) > 1:
            self._runs = [fold(*self._runs)]
        most = self._limit
        while most is not None and self._runs and self._runs[0].size > most and self.halvings < MOST_HALVINGS:
            self._runs[0], self.halvings = self._thinned(self.halvings + 1), self.halvings + 1

    def _thinned(self, halvings: int) -> Counts:
        whole = self._runs[0]
        if self._row_bits is None:
            border, begin, end = _named_below(whole.key, 1 << (63 - halvings))
            return joined(whole.cut(slice(border)), whole.cut(slice(begin, end)))
        return whole.where(lambda part: are_kept(part.key, halvings, self._row_bits))

    def fold(self) -> Counts:
        """Everything added so far, or what is kept of it, as one table; adding may go on."""
        self._flush()
        self._buffer = np.empty(0, np.uint64)
        self._fold_runs()
        return self._runs[0] if self._runs else Counts.empty()


def forget(counts: Counts, limit: int | None, row_bits: int | None = None) -> Counts:
    """Drop the weakest evidence, what was seen once first, until no more than `limit` keys are left; None: nothing.

    Of evidence that is as weak, that goes whose row has the largest name (see `RunStack`): what is left of it then
    tells some rows whole, not all of them in part.
    """
    if limit is None or counts.size <= limit:
        return counts
    least, left = 0, counts.size
    while left > limit:
        least += 1
        weakest = int(np.count_nonzero(counts.count == least))
        left -= weakest
    if row_bits is None:
        return _forget_by_name(counts, least, limit - left)
    name = np.empty(weakest, np.uint64)
    end = 0
    for part in counts.parts():
        here = np.flatnonzero(part.count == least)
        name[end : end + here.size] = names_of_rows(part.key.take(here), row_bits)
        end += here.size
    name.partition(limit - left)
    border = name[limit - left]
    del name
    return counts.where(
        lambda part: (part.count > least) | ((part.count == least) & (names_of_rows(part.key, row_bits) < border))
    )


def _forget_by_name(counts: Counts, least: int, few: int) -> Counts:
    """Drop what was seen less than `least` times, and of what was seen so often all but those few named lowest.

    Keys begin with their names, so that those named lowest are two stretches of a table.
    """
    weakest = counts.count == least
    whole = np.cumsum([0, *(np.count_nonzero(weakest[part]) for part in slices(counts.size, FOLD_KEYS))])

    def before(place: int) -> int:
        """How many of the weakest stand before a place."""
        begin = place - place % FOLD_KEYS
        return int(whole[begin // FOLD_KEYS]) + int(np.count_nonzero(weakest[begin:place]))

    highest = 0
    for bit in reversed(range(KEY_BITS)):  # the highest name that no more than these few are below
        border, begin, end = map(before, _named_below(counts.key, highest | 1 << bit).tolist())
        if border + end - begin <= few:
            highest |= 1 << bit
    border, begin, end = _named_below(counts.key, highest)
    weakest[border:begin] = weakest[end:] = False
    weakest |= counts.count > least
    return counts.compress(weakest)


def are_kept(key: U64, halvings: int, row_bits: int | None) -> NDArray[np.bool_]:
    """Whether a table keeps keys that was thinned so far, at least once (see `RunStack`)."""
    if row_bits is None:
        return _is_below(key, 1 << (63 - halvings))
    return np.asarray(names_of_rows(key, row_bits) < np.uint64(1 << (64 - halvings)))


def chosen(key: U64, halvings: int, row_bits: int | None) -> U64:
    """The keys that a table keeps that was thinned so far."""
    if not halvings:
        return key
    kept = [are_kept(key[part], halvings, row_bits) for part in slices(key.size, FOLD_KEYS)]
    return key.compress(np.concatenate([np.empty(0, np.bool_), *kept]))


@lru_cache(maxsize=2)
def kept_rows(rows: int, halvings: int, row_bits: int) -> NDArray[np.bool_] | None:
    """Which of so many rows a table keeps that was thinned so far. bool, shape (rows,); None where it keeps all"""
    return are_kept(np.arange(rows, dtype=np.uint64) << np.uint64(row_bits), halvings, row_bits) if halvings else None


def _is_below(key: U64, name: int) -> NDArray[np.bool_]:
    """Whether keys that begin with a name have a lower one than this."""
    border, other = _keys_below(name)
    return np.asarray((key < border) | (key - BEYOND_BORDER < other - BEYOND_BORDER))  # below 0 it is large


def _named_below(key: U64, name: int) -> I64:
    """Where keys in order have lower names than this: up to the first of three places, and between the others."""
    border, other = _keys_below(name)
    return np.searchsorted(key, np.array([border, BEYOND_BORDER, other]))


def _keys_below(name: int) -> tuple[np.uint64, np.uint64]:
    """Of keys that begin with a name: below which keys it is lower than this one, for those of a border and others.

    A name of 0 stands for a border, which is in more rows than all others: there the next name in the key counts.
    """
    border = min(-(-name >> NAME_BITS), int(BEYOND_BORDER))
    return np.uint64(border), np.uint64(max(name, int(BEYOND_BORDER)))


def names_of_rows(key: U64, row_bits: int) -> U64:
    """Evenly spread numbers, one for each row that keys begin with, by which rows are chosen (Fibonacci hashing).

    What stands behind a row is set to ones, so that no row is 0, whose name would be, too, and always chosen.
    """
    name = key | np.uint64((1 << row_bits) - 1)
    name *= MULTIPLIER
    return name


def bisect(values: NDArray[np.generic], low: I64, high: I64, wanted: NDArray[np.generic]) -> I64:
    """First index in [low, high) whose value is >= wanted, element by element; `high` where there is none.

    values is ascending within each [low, high), low <= high; low, high and wanted broadcast to one shape.
    """
    low, high, wanted = np.broadcast_arrays(low, high, wanted)
    if not values.size:
        return low.copy()
    place, left = low.copy(), high - low
    for _ in range(int(left.max(initial=0)).bit_length()):
        half = (left + 1) >> 1
        place += half * (values[place + half - 1] < wanted)  # where none are left, no step is taken, whatever is read
        left >>= 1
    return place
