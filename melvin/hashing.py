"""Hash tables, looked up a whole array at a time: from uint64 keys to uint32 values, from hashes to places in a column,
and from pairs of ids to ids.

Open addressing with linear probing; every probe round is one numpy gather over the keys that are still undecided.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from melvin.tables import U32, U64

ABSENT = np.uint32(0xFFFFFFFF)  # the value of a key that is not there
EMPTY = np.uint64(0)  # marks a free slot; a key of 0 is stored as ZERO_KEY
ZERO_KEY = np.uint64(0x6A09E667F3BCC909)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Fibonacci hashing (Knuth, TAOCP 3, 6.4)
FINALISER = np.uint64(0xBF58476D1CE4E5B9)  # from splitmix64 (Steele, Lea, Flood 2014)
MASK = (1 << 64) - 1
_FINALISER, _MULTIPLIER = int(FINALISER), int(MULTIPLIER)
MAX_LOAD = 0.5  # beyond half full, linear probing slows down
GROWN_AT_ONCE = 1 << 16  # slots of a table that grows: what is made of their keys stays in cache
ID_BITS = 21  # three ids fit into one word
_ID = np.uint64(ID_BITS)
_TAKEN = np.uint64(1 << 63)  # marks a slot that is not free
PAIRS_LOAD = 0.3  # every second pair that is asked about forms nothing, and is probed for up to a free slot


def mix(value: U64) -> U64:
    """Scramble 64-bit values so that every input bit reaches every output bit (splitmix64's finaliser)."""
    return mix_in_place(value.copy())


def mix_in_place(value: U64) -> U64:
    """The same, over the values that came."""
    value = mix_but_last(value)
    value ^= value >> np.uint64(31)
    return value


def mix_but_last(value: U64) -> U64:
    """The same without the last step: that leaves the highest 31 bits of a value as they are."""
    moved = value >> np.uint64(30)
    value ^= moved
    value *= FINALISER
    value ^= np.right_shift(value, np.uint64(27), out=moved)
    value *= MULTIPLIER
    return value


def mix_one(value: int) -> int:
    """The same of one value, from 0 to 2**64 - 1."""
    value ^= value >> 30
    value = value * _FINALISER & MASK
    value ^= value >> 27
    value = value * _MULTIPLIER & MASK
    return value ^ value >> 31


class HashTable:
    """uint64 -> uint32, vectorised.

    Parameters
    ----------
    expected : number of keys to make room for; the table grows when more come.
    """

    def __init__(self, expected: int = 0) -> None:
        self.size = 0
        self._allocate(expected)

    def _allocate(self, expected: int) -> None:
        bits = _slot_bits(expected, MAX_LOAD)
        self._shift = np.uint64(64 - bits)
        self._mask = np.int64((1 << bits) - 1)
        self._keys = np.zeros(1 << bits, np.uint64)
        self._values = np.full(1 << bits, ABSENT)

    def _slots(self, keys: U64) -> NDArray[np.int64]:
        return ((keys * MULTIPLIER) >> self._shift).view(np.int64)

    def get(self, keys: U64) -> U32:
        """Return the value of each key, `ABSENT` where there is none. Shape (n,) -> (n,)."""
        if not keys.all():
            keys = np.where(keys == EMPTY, ZERO_KEY, keys)
        slot = self._slots(keys)
        found = self._values.take(slot)  # of another key, until its own or a free slot is found
        place = more = self._undecided(slot, keys)
        while more.size:
            keys, slot = keys.take(more), (slot.take(more) + 1) & self._mask
            found[place] = self._values.take(slot)
            more = self._undecided(slot, keys)
            place = place.take(more)
        return found

    def _undecided(self, slot: NDArray[np.int64], keys: U64) -> NDArray[np.int64]:
        """Where a slot holds another key."""
        held = self._keys.take(slot)
        return np.flatnonzero((held != keys) & (held != EMPTY))

    def put(self, keys: U64, values: U32) -> None:
        """Add keys that are not there yet, each once."""
        if (self.size + keys.size) > MAX_LOAD * self._keys.size:
            grown = HashTable(2 * (self.size + keys.size))
            for begin in range(0, self._keys.size, GROWN_AT_ONCE):
                held = begin + np.flatnonzero(self._keys[begin : begin + GROWN_AT_ONCE])
                grown._place(self._keys.take(held), self._values.take(held))
            vars(self).update(vars(grown) | {"size": self.size})  # only now: nothing is lost where this is broken off
        self._place(np.where(keys == EMPTY, ZERO_KEY, keys), values)
        self.size += keys.size

    def _place(self, keys: U64, values: U32) -> None:
        slot = self._slots(keys)
        while keys.size:
            free = np.flatnonzero(self._keys.take(slot) == EMPTY)
            at = slot.take(free)  # where two keys want one slot, the last one written has it
            self._keys[at], self._values[at] = keys.take(free), values.take(free)
            rest = np.flatnonzero(self._keys.take(slot) != keys)
            keys, values, slot = keys.take(rest), values.take(rest), (slot.take(rest) + 1) & self._mask


def _slot_bits(expected: int, load: float) -> int:
    """Slots, as a power of two, of which so many keys take no more than a share."""
    return max(4, int(np.ceil(np.log2(max(expected, 1) / load))))


class _OneWordSlots:
    """Open addressing where a slot is one word, so that one look tells all: what tells keys apart, and the value.

    What tells keys apart stands above `value_bits`, with _TAKEN set: no slot that is not free looks as one that is.
    """

    def __init__(self, bits: int, value_bits: int) -> None:
        self._shift = np.uint64(64 - bits)
        self._other = np.uint64(1 << value_bits)  # no value is as large
        self._slots = np.zeros(1 << bits, np.uint64)

    def _place(self, entry: U64, slot: NDArray[np.int64]) -> None:
        """Add keys with their values, beginning to look for a free slot where it is told."""
        while entry.size:
            free = np.flatnonzero(self._slots.take(slot) == EMPTY)
            self._slots[slot.take(free)] = entry.take(free)  # where two want one slot, the last one written has it
            left_over = np.flatnonzero(self._slots.take(slot) != entry)
            entry, slot = entry.take(left_over), (slot.take(left_over) + 1) & (self._slots.size - 1)

    def _find(self, key: U64, slot: NDArray[np.int64]) -> U32:
        """Return the value of each key, `ABSENT` where there is none."""
        rest = key ^ self._slots.take(slot)
        found = _value(rest)
        place = more = self._undecided(rest)
        while more.size:
            key, slot = key.take(more), (slot.take(more) + 1) & (self._slots.size - 1)
            rest = key ^ self._slots.take(slot)
            found[place] = _value(rest)
            more = self._undecided(rest)
            place = place.take(more)
        return found

    def _undecided(self, rest: U64) -> NDArray[np.int64]:
        """Where a slot has another key: more than a value is left, but of a free slot, which is 0, all of the key."""
        return np.flatnonzero(rest - self._other < _TAKEN - self._other)


def _value(rest: U64) -> U32:
    """The value in what is left of a key without a slot's: of the same key its value, of a free slot ABSENT.

    Of another key it is anything.
    """
    return np.minimum(rest, np.uint64(ABSENT)).astype(np.uint32)


class Index(_OneWordSlots):
    """Where each of a growing column of keys stands: uint64 -> uint32, vectorised.

    Keys are hashes: their highest bits tell where to look, and the others, as many as a word has room for, tell them
    apart. So two are taken for one about as seldom as hashes of 64 bits are equal.

    Parameters
    ----------
    begin : keys before this place are not known here
    """

    def __init__(self, begin: int = 0, expected: int = 1 << 12) -> None:
        self.begin = self.size = begin
        bits = _slot_bits(expected, MAX_LOAD)
        super().__init__(bits, bits - 1)  # bits of a place: at the most every second slot is taken

    def add(self, column: U64) -> None:
        """Know all keys of the column, of which this one knows the first ones; later ones may be equal to others."""
        if column.size > MAX_LOAD * self._slots.size:
            grown = Index(self.begin, column.size)  # of slots, at least twice as many as there were
            grown._add(column)
            vars(self).update(vars(grown))  # only now: nothing is lost where this is broken off
        else:
            self._add(column)

    def _add(self, column: U64) -> None:
        for begin in range(self.size, column.size, GROWN_AT_ONCE):
            key = column[begin : begin + GROWN_AT_ONCE]
            place = np.arange(begin, begin + key.size, dtype=np.uint64)
            self._place(self._tagged(key) | place, self._slot(key))
        self.size = column.size

    def get(self, key: U64) -> U32:
        """Return the place of each key, of equal ones any; `ABSENT` where there is none. Shape (n,) -> (n,)."""
        return self._find(self._tagged(key), self._slot(key))

    def _tagged(self, key: U64) -> U64:
        tagged = key * self._other  # its lowest bits, above those of a place
        tagged |= _TAKEN
        return tagged

    def _slot(self, key: U64) -> NDArray[np.int64]:
        return (key >> self._shift).view(np.int64)


class PairTable(_OneWordSlots):
    """(left, right) -> value, vectorised. All three are below 2^21.

    Parameters
    ----------
    expected : number of pairs to make room for; the table grows when more come.
    """

    def __init__(self, expected: int = 0) -> None:
        self.size = 0
        super().__init__(_slot_bits(expected, PAIRS_LOAD), ID_BITS)

    def copy(self) -> PairTable:
        """One that grows apart from this one."""
        same = copy(self)
        same._slots = self._slots.copy()
        return same

    def put(self, left: U32, right: U32, value: U32) -> None:
        """Add pairs that are not there yet, each once."""
        entry = self._key(left, right) | value
        if self.size + entry.size > PAIRS_LOAD * self._slots.size:
            entry = np.concatenate((self._slots.take(np.flatnonzero(self._slots)), entry))
            super().__init__(_slot_bits(entry.size, PAIRS_LOAD), ID_BITS)  # of slots, twice as many as there were
            self.size = 0
        self.size += entry.size
        self._place(entry, self._slot(entry))

    def get(self, left: U32, right: U32) -> U32:
        """Return the value of each pair, `ABSENT` where there is none. Shapes (n,), (n,) -> (n,)."""
        key = self._key(left, right)
        return self._find(key, self._slot(key))

    @staticmethod
    def _key(left: U32, right: U32) -> U64:
        key = left.astype(np.uint64)
        key <<= _ID
        key |= right
        key <<= _ID
        key |= _TAKEN
        return key

    def _slot(self, entry: U64) -> NDArray[np.int64]:
        return (((entry >> _ID) * MULTIPLIER) >> self._shift).view(np.int64)
