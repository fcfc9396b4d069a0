"""Words: chunks without the separator behind them, by name, and which of them stand near each other in a line.

A name is a hash of the word's bytes, so it is the same in every generation and in every brain. Abstraction,
composition and time read these two tables; both stay bounded: in a large generation pairs are counted in a sample of
the lines, chosen by their content, and the words and pairs that were seen least are forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melvin.chunks import Window, chunk_starts, hash_one
from melvin.hashing import mix
from melvin.lexicon import Lexicon
from melvin.lines import lines_block
from melvin.symbols import U32, Symbols
from melvin.tables import I64, U64, run_starts, slices

WORD_BITS = 28  # of a name: of 100,000 words, about 20 share one
BORDER = np.uint32(0)  # the name of a line's border
NEAR = 4  # words looked back and ahead: a pair has a lag of 1 to NEAR, or further in a small generation (see `reach`)
FAR = 16  # words looked back and ahead where that costs no more than NEAR does in a large generation
LAG_BITS = 6
BEHIND = np.uint64(1 << LAG_BITS)  # marks a pair whose second word stands before the first
LAG_MASK = np.uint64((1 << LAG_BITS) - 1)
HELD = (1 << LAG_BITS) - 1  # the lag of (word, BORDER): stretches of lines that hold the word
PAIR_BYTES = 1 << 20  # of lines whose pairs are counted, about, in one generation
PAIR_SALT = 2  # keeps the hash that chooses them apart from others
KEPT_WORDS = 1 << 17
SPELT = 1 << 13  # symbols spelt, or words whose text is copied, at a time: what it takes stays in cache


def word_names(key: U64) -> U32:
    """Names of words, from the hashes of their bytes. Shape (n,) -> (n,)."""
    return np.maximum((key >> np.uint64(64 - WORD_BITS)).astype(np.uint32), BORDER + np.uint32(1))


def word_name(key: int) -> int:
    """The same of one word."""
    return max(key >> 64 - WORD_BITS, int(BORDER) + 1)


def pack_pair(word: U32, other: U32, lag: NDArray[np.integer] | int, behind: bool) -> U64:
    """Key of a pair: `other` stands `lag` words after `word`, or before it with `behind`."""
    place = np.asarray(lag, np.uint64) | (BEHIND if behind else np.uint64(0))
    near = np.uint64(LAG_BITS + 1)
    first, second = word.astype(np.uint64), other.astype(np.uint64)
    return np.asarray(first << np.uint64(WORD_BITS) + near | second << near | place)


def unpack_pair(key: U64) -> tuple[U32, U32, I64, NDArray[np.bool_]]:
    """word, other, lag, behind: the inverse of `pack_pair`."""
    near = np.uint64(LAG_BITS + 1)
    mask = np.uint64((1 << WORD_BITS) - 1)
    other = ((key >> near) & mask).astype(np.uint32)
    return (
        (key >> (near + np.uint64(WORD_BITS))).astype(np.uint32),
        other,
        (key & LAG_MASK).astype(np.int64),
        (key & BEHIND) != 0,
    )


def row_of(word: int) -> tuple[int, int]:
    """The range of keys [begin, end) that begin with a word."""
    shift = WORD_BITS + LAG_BITS + 1
    return word << shift, (word + 1) << shift


def reach(fresh: int) -> int:
    """Words looked back and ahead in a generation of so many bytes."""
    return min(max(NEAR * PAIR_BYTES // max(fresh, 1), NEAR), FAR)


def pair_keys(
    word: U32, piece: I64, opens: NDArray[np.bool_], closes: NDArray[np.bool_], reach: int = NEAR, every: int = 0
) -> U64:
    """Every pair of near words of a piece, seen from both; and for each word the stretches that hold it.

    A piece is cut into stretches of `reach` words, so that a short line is one of them.

    Parameters
    ----------
    word : uint32, shape (n,)     names of words, piece after piece
    piece : int64, shape (n,)     which piece each stands in, ascending
    opens, closes : bool, shape (pieces,)   the piece begins its line, and ends it
    every : name under which all stretches are counted
    """
    near = [np.flatnonzero(piece[lag:] == piece[:-lag]) for lag in range(1, reach + 1)]
    lag = np.repeat(np.arange(1, reach + 1), [places.size for places in near])
    place = np.concatenate(near)
    before, after = word.take(place), word.take(place + lag)
    keys = [pack_pair(before, after, lag, behind=False), pack_pair(after, before, lag, behind=True)]
    starts = run_starts(piece.astype(np.uint64))
    stands, size = piece.take(starts), np.diff(starts, append=word.size)
    first, last = word.take(starts), word.take(starts + size - 1)
    first, last = first.compress(opens.take(stands)), last.compress(closes.take(stands))
    keys.append(pack_pair(first, np.full(first.size, BORDER), 1, behind=True))
    keys.append(pack_pair(last, np.full(last.size, BORDER), 1, behind=False))
    place = np.arange(word.size) - np.repeat(starts, size)
    stretch = np.cumsum(place % reach == 0).astype(np.uint64)
    held = stretch << np.uint64(WORD_BITS) | word.astype(np.uint64)
    held.sort()
    held = (held[run_starts(held)] & np.uint64((1 << WORD_BITS) - 1)).astype(np.uint32)
    held = np.append(held, np.full(int(stretch[-1]) if stretch.size else 0, every, np.uint32))
    keys.append(pack_pair(held, np.full(held.size, BORDER), HELD, behind=False))
    return np.concatenate(keys)


def chosen_pieces(window: Window, start: I64, length: I64, one_in: int) -> NDArray[np.bool_]:
    """The pieces whose pairs are counted: all, or by a hash of their content one in so many."""
    if one_in <= 1:
        return np.ones(start.size, np.bool_)
    hashed = window.hash(start, np.minimum(length, 64), PAIR_SALT)
    return np.asarray(mix(hashed) % np.uint64(one_in) == 0)


def every_word(salt: int) -> int:
    """The name under which a port's stretches are counted: that of a word without bytes. salt : of its chunks"""
    return word_name(hash_one(b"", salt))


def words_in(text: bytes, separator: NDArray[np.bool_], salt: int) -> list[tuple[int, bytes]]:
    """Name and bytes of each word of a text. separator, salt : of its port, and of the port's chunks"""
    block = lines_block([text])
    start = chunk_starts(block, separator)[:-1]
    length = np.diff(start, append=len(text))
    length = length - separator[block.data[start + length - 1]]
    some = np.flatnonzero(length > 0)
    name = word_names(Window(block.data).hash(start[some], length[some], salt))
    return [(int(n), text[a : a + size]) for n, a, size in zip(name, start[some], length[some], strict=True)]


@dataclass(frozen=True)
class Words:
    """The words that a brain can name, ascending by name.

    name : uint32, shape (n,)
    port : uint16, shape (n,)
    count : int64, shape (n,)     how often it was read
    size : uint8, shape (n,)      its bytes
    text : uint8, shape (b,)      those bytes, word after word
    """

    name: U32
    port: NDArray[np.uint16]
    count: I64
    size: NDArray[np.uint8]
    text: NDArray[np.uint8]

    @classmethod
    def empty(cls) -> Words:
        return cls(
            np.empty(0, np.uint32),
            np.empty(0, np.uint16),
            np.empty(0, np.int64),
            np.empty(0, np.uint8),
            np.empty(0, np.uint8),
        )

    @classmethod
    def of(cls, symbols: Symbols, lexicon: Lexicon, separator: NDArray[np.bool_], salts: Sequence[int]) -> Words:
        """The words among a lexicon's chunks. salts : of the hashes of each port's chunks"""
        if not lexicon.key.size:
            return cls.empty()
        length = symbols.length[lexicon.pool].astype(np.int64)
        text = np.concatenate([symbols.spelt(lexicon.pool[part]) for part in slices(lexicon.pool.size, SPELT)])
        first = np.cumsum(lexicon.size) - lexicon.size
        size = np.add.reduceat(length, first)
        start = np.cumsum(size) - size
        port = symbols.port[lexicon.pool[first]]
        size = size - separator[port, text[start + size - 1]]
        name = np.zeros(size.size, np.uint32)
        window = Window(text)
        for index, salt in enumerate(salts):
            mine = np.flatnonzero(port == index)
            name[mine] = word_names(window.hash(start[mine], size[mine], salt))
        return _gathered(name, port, lexicon.count, size, start, text, size > 0)

    def fold(self, other: Words) -> Words:
        """Add two tables; of two words of one name, the text of the first stays."""
        size = np.concatenate((self.size, other.size)).astype(np.int64)
        return _gathered(
            np.concatenate((self.name, other.name)),
            np.concatenate((self.port, other.port)),
            np.concatenate((self.count, other.count)),
            size,
            np.cumsum(size) - size,
            np.concatenate((self.text, other.text)),
            np.ones(size.size, np.bool_),
        )

    def kept(self, limit: int | None) -> Words:
        """The words that were read most often; None: all."""
        if limit is None or self.name.size <= limit:
            return self
        least = np.partition(self.count, self.count.size - limit)[self.count.size - limit]
        size = self.size.astype(np.int64)
        keep = self.count > least
        keep |= (self.count == least) & (int(keep.sum()) + np.cumsum(self.count == least) <= limit)
        return _gathered(self.name, self.port, self.count, size, np.cumsum(size) - size, self.text, keep)

    def payload(self, index: int) -> bytes:
        """The bytes of one word."""
        end = int(self.size[: index + 1].sum(dtype=np.int64))
        return self.text[end - int(self.size[index]) : end].tobytes()

    def places(self, name: U32) -> I64:
        """Places of words in the table, -1 where they are not in it. Shape (n,) -> (n,)."""
        if not self.name.size:
            return np.full(name.shape, -1)
        at = np.minimum(np.searchsorted(self.name, name), self.name.size - 1)
        return np.where(self.name[at] == name, at, -1)

    def find(self, name: int) -> int | None:
        """Place of a word in the table, None where it is not in it."""
        at = int(np.searchsorted(self.name, np.uint32(name)))
        return at if at < self.name.size and int(self.name[at]) == name else None


def _gathered(
    name: U32,
    port: NDArray[np.uint16],
    count: I64,
    size: I64,
    start: I64,
    text: NDArray[np.uint8],
    keep: NDArray[np.bool_],
) -> Words:
    """A table of some words, equal names added up."""
    some = np.flatnonzero(keep)
    named = name[some].astype(np.uint64) << np.uint64(32) | some.astype(np.uint64)  # as one number: its sort is SIMD
    named.sort()
    order = named.astype(np.uint32).astype(np.int64)
    starts = run_starts(named >> np.uint64(32))
    if not starts.size:
        return Words.empty()
    first = order[starts]
    length = size[first]
    counts = np.add.reduceat(count[order], starts)
    return Words(name[first], port[first], counts, length.astype(np.uint8), _spelt(text, start[first], length))


def _spelt(text: NDArray[np.uint8], start: I64, length: I64) -> NDArray[np.uint8]:
    """The bytes of words in a row; a few words at a time."""
    spelt = [np.empty(0, np.uint8)]
    for part in slices(start.size, SPELT):
        first, size = start[part], length[part]
        spelt.append(text.take(np.repeat(first - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))))
    return np.concatenate(spelt)
