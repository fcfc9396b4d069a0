"""Words: chunks without the separator behind them, by name, and which of them stand near each other in a line.

A name is a hash of the word's bytes, so it is the same in every generation and in every brain. Abstraction,
composition and time read these two tables; both stay bounded: in a large generation pairs are counted in a sample of
the lines, chosen by their content, and the words and pairs that were seen least are forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from melvin.chunks import Window, chunk_starts, hash_one
from melvin.hashing import mix_in_place
from melvin.lexicon import Lexicon
from melvin.lines import lines_block
from melvin.symbols import Symbols
from melvin.tables import I64, U32, U64, in_a_row, run_starts, sizes, slices

WORD_BITS = 28  # of a name: of 100,000 words, about 20 share one
BORDER = np.uint32(0)  # the name of a line's border
NEAR = 4  # words looked back and ahead: a pair has a lag of 1 to NEAR, or further in a small generation (see `reach`)
FAR = 16  # words looked back and ahead where that costs no more than NEAR does in a large generation
LAG_BITS = 6
BEHIND = np.uint64(1 << LAG_BITS)  # marks a pair whose second word stands before the first
LAG_MASK = np.uint64((1 << LAG_BITS) - 1)
HELD = (1 << LAG_BITS) - 1  # the lag of (word, BORDER): stretches of lines that hold the word
PAIR_BYTES = 1 << 20  # of lines whose pairs are counted, about, in one generation
KEPT_WORDS = 1 << 17
SPELT = 1 << 13  # symbols spelt, or words whose text is copied, at a time: what it takes stays in cache


def word_names(key: U64) -> U32:
    """Names of words, from the hashes of their bytes. Shape (n,) -> (n,)."""
    return np.maximum((key >> np.uint64(64 - WORD_BITS)).astype(np.uint32), BORDER + np.uint32(1))


def word_name(key: int) -> int:
    """The same of one word."""
    return max(key >> 64 - WORD_BITS, int(BORDER) + 1)


def pack_pair(word: U32, other: U32, lag: int, behind: bool) -> U64:
    """Key of a pair: `other` stands `lag` words after `word`, or before it with `behind`."""
    return _halves(word)[0] | _halves(other)[1] | _place(lag, behind)


def _halves(word: NDArray[np.unsignedinteger]) -> tuple[U64, U64]:
    """Words as the first one in the key of a pair, and as the second."""
    second = word.astype(np.uint64) << np.uint64(LAG_BITS + 1)
    return second << np.uint64(WORD_BITS), second


def _place(lag: int, behind: bool) -> np.uint64:
    """Where the second word of a pair stands, as in its key."""
    return np.uint64(lag) | (BEHIND if behind else np.uint64(0))


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
    first, second = _halves(word)
    keys: list[U64] = []
    for lag in range(1, reach + 1):
        before = np.flatnonzero(piece[lag:] == piece[:-lag])
        after = before + lag
        keys += [
            first.take(before) | second.take(after) | _place(lag, behind=False),
            first.take(after) | second.take(before) | _place(lag, behind=True),
        ]
    starts = run_starts(piece)
    stands, size = piece.take(starts), sizes(starts, word.size)
    opening = first.take(starts.compress(opens.take(stands)))
    closing = first.take((starts + size - 1).compress(closes.take(stands)))
    keys += [opening | _place(1, behind=True), closing | _place(1, behind=False)]  # BORDER is 0
    place = np.arange(word.size) - np.repeat(starts, size)
    stretch = np.cumsum(place % reach == 0).astype(np.uint64)
    held = stretch << np.uint64(WORD_BITS) | word
    held.sort()
    held = held[run_starts(held)] & np.uint64((1 << WORD_BITS) - 1)
    held = np.append(held, np.full(int(stretch[-1]) if stretch.size else 0, every, np.uint64))
    keys.append(_halves(held)[0] | _place(HELD, behind=False))
    return np.concatenate(keys)


def chosen_pieces(key: U64, begin: I64, one_in: int) -> NDArray[np.bool_]:
    """The pieces whose pairs are counted: all, or by their content one in so many.

    key : uint64, shape (c,)    hashes of all pieces' chunks;  begin : int64, shape (n,)   where each piece's begin
    """
    if one_in <= 1:
        return np.ones(begin.size, np.bool_)
    upto = np.cumsum(key).take(begin + sizes(begin, key.size) - 1)  # pieces are so short that `reduceat` takes longer
    return np.asarray(mix_in_place(np.diff(upto, prepend=np.uint64(0))) % np.uint64(one_in) == 0)


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
        """The words among a lexicon's chunks, in their order, where a name may come twice: they are to be `added`.

        salts : of the hashes of each port's chunks
        """
        if not lexicon.key.size:
            return cls.empty()
        text = np.concatenate([symbols.spelt(lexicon.pool[part]) for part in slices(lexicon.pool.size, SPELT)])
        first = np.cumsum(lexicon.size) - lexicon.size
        size = np.add.reduceat(symbols.length.take(lexicon.pool), first, dtype=np.int64)
        port = symbols.port.take(lexicon.pool.take(first))
        last = np.cumsum(size) - 1
        separated = separator[port, text.take(last)]
        spelt = np.ones(text.size, np.bool_)
        spelt[last.compress(separated)] = False
        some = np.flatnonzero(size > separated)
        size, port, text = (size - separated).take(some), port.take(some), text.compress(spelt)
        start, window, name = np.cumsum(size) - size, Window(text), np.zeros(size.size, np.uint32)
        for index, salt in enumerate(salts):
            mine = np.flatnonzero(port == index)
            name[mine] = word_names(window.hash(start.take(mine), size.take(mine), salt))
        return cls(name, port, lexicon.count.take(some), size.astype(np.uint8), text)

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


def added(tables: Sequence[Words], limit: int | None = None) -> Words:
    """One table of the words of several; of words of one name, the text of the first stays.

    limit : how many are kept, those that were read most often; None: all
    """
    name, port, count, size, text = (
        np.concatenate([getattr(table, field.name) for table in tables]) for field in fields(Words)
    )
    start = np.cumsum(size, dtype=np.int64) - size
    named = name.astype(np.uint64) << np.uint64(32)  # a name and its place as one number: its sort is SIMD
    named |= np.arange(name.size, dtype=np.uint64)
    named.sort()
    runs = run_starts(named >> np.uint64(32))
    if not runs.size:
        return Words.empty()
    order = named.astype(np.uint32).astype(np.int64)
    count = np.add.reduceat(count.take(order), runs)
    kept = most_read(count, limit)
    first = order.take(runs.take(kept))
    size = size.take(first)
    return Words(name.take(first), port.take(first), count.take(kept), size, _spelt(text, start.take(first), size))


def most_read(count: I64, limit: int | None) -> I64:
    """Places of the largest counts, of equals the first; None: all. Shape (n,) -> (limit or fewer,), ascending"""
    if limit is None or count.size <= limit:
        return np.arange(count.size)
    least = np.partition(count, count.size - limit)[count.size - limit]
    more, equal = count > least, np.flatnonzero(count == least)
    more[equal[: limit - int(np.count_nonzero(more))]] = True
    return np.flatnonzero(more)


def _spelt(text: NDArray[np.uint8], start: I64, size: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bytes of words in a row; a few words at a time."""
    spelt = [np.empty(0, np.uint8)]
    spelt += (text.take(in_a_row(start[part], size[part].astype(np.int64))) for part in slices(start.size, SPELT))
    return np.concatenate(spelt)
