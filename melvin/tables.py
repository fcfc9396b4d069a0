"""Evidence tables: sorted 64-bit keys with integer counts, and how they are made, added and read.

Keys that were seen flow in, in any order; a sorted run with each key once flows out. Runs are added by `fold`; the
order of adding never matters, so blocks may be counted anywhere and in any number of pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
SMALL = (1 << 32) - 1  # the largest uint32
KEY_BITS = 64
FOLD_KEYS = 1 << 14  # entries of a table at a time: all that is worked out of them stays in cache
MERGED_KEYS = 1 << 15  # entries of several tables that are added at a time
Count = NDArray[np.unsignedinteger]  # uint32, or uint64 once a count is too large for it
U32 = NDArray[np.uint32]
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


def places_within(group: NDArray[np.integer]) -> I64:
    """How many of the same group stand before each. Shape (n,), equal ones together."""
    starts = run_starts(group.astype(np.uint64))
    return np.arange(group.size) - np.repeat(starts, np.diff(starts, append=group.size))


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
