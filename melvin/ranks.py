"""Ranks: payloads in byte order, and what is read by it.

The payloads of symbols flow in, by id; ranges of ranks flow out. A symbol's *rank* is the place of its payload among
all payloads in byte order, port after port: the symbols that begin with given bytes are therefore one range of ranks,
which is how a symbol that is only partly there is looked up. Nothing is worked out before it is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melvin.codes import CODE_BITS, CODE_MASK, WORD_CODES, word_shift
from melvin.tables import I64, U32, U64, bisect


@dataclass(frozen=True)
class Ranks:
    """The order of the payloads of symbols.

    words : uint64, shape (w, n)    payloads by id, as codes, seven to a word
    port : uint16, shape (n,)
    length : uint8, shape (n,)      payload in codes; START has none
    ports : how many there are
    """

    words: U64
    port: NDArray[np.uint16]
    length: NDArray[np.uint8]
    ports: int

    @property
    def size(self) -> int:
        return int(self.port.size)

    @cached_property
    def by_rank(self) -> U32:
        """uint32, shape (n,): rank -> id.

        order = lexsort((*words[::-1], port))     # a word at a time: most payloads are told apart by the first one
        """
        order = np.argsort(self.words[0])
        order = order.take(np.argsort(self.port.take(order), kind="stable"))
        place, group = np.arange(self.size), self.port.take(order).astype(np.int64)  # of those alike so far
        for word, deeper in pairwise(self.words):
            held = word.take(order.take(place))
            alike = np.zeros(place.size + 1, np.bool_)  # as the one before
            alike[1:-1] = (held[1:] == held[:-1]) & (group[1:] == group[:-1])
            some = np.flatnonzero(alike[1:] | alike[:-1])
            place, group = place.take(some), np.cumsum(~alike, dtype=np.int64).take(some)
            mine = order.take(place)
            order[place] = mine.take(np.lexsort((deeper.take(mine), group)))
        return order.astype(np.uint32)

    @cached_property
    def rank(self) -> U32:
        """uint32, shape (n,): id -> rank."""
        rank = np.empty_like(self.by_rank)
        rank[self.by_rank] = np.arange(self.size, dtype=np.uint32)
        return rank

    def rank_map(self, grown: Ranks) -> U32:
        """Old rank -> rank in `grown`, which holds the same symbols and more; ascending, so keys stay sorted."""
        return grown.rank[self.by_rank]

    @cached_property
    def ranked_words(self) -> U64:
        """uint64, shape (w + 1, n): payloads by rank; the last row is nothing: where the longest ones go on."""
        ranked = np.zeros((self.words.shape[0] + 1, self.size), np.uint64)
        for word, at in zip(self.words, ranked, strict=False):
            some = np.flatnonzero(word)  # few payloads are long
            at[self.rank.take(some)] = word.take(some)
        return ranked

    def port_range(self, port: int) -> tuple[I64, I64]:
        """Ranks of all symbols of a port but START, as arrays of shape (1,)."""
        low, high = self._port_borders
        return low[port : port + 1] + 1, high[port : port + 1]  # START's payload is empty: it is first in its port

    @cached_property
    def _port_borders(self) -> tuple[I64, I64]:
        """Ranks [low, high) of each port's symbols. int64, shape (ports,) each"""
        ranked, port = self.port[self.by_rank], np.arange(self.ports)
        return np.searchsorted(ranked, port), np.searchsorted(ranked, port, side="right")

    def beginning(self, data: NDArray[np.uint8], at: I64, size: I64, port: int) -> tuple[I64, I64]:
        """Ranks [low, high) of a port's symbols that begin with the bytes data[at : at + size]; all of them where that
        is none. at, size : int64, shape (n,);  WORD_CODES bytes further must be there -> int64, shape (n,) each
        """
        low, high = (border.repeat(at.size) for border in self.port_range(port))
        for column, word in enumerate(self.ranked_words):
            asked = np.flatnonzero((size > column * WORD_CODES) & (low < high))
            if not asked.size:
                break
            here, left = at.take(asked) + column * WORD_CODES, size.take(asked) - column * WORD_CODES
            packed = np.zeros(asked.size, np.uint64)
            for depth in range(WORD_CODES):
                code = data.take(here + depth).astype(np.uint64) + np.uint64(1)
                packed |= np.where(left > depth, code, 0) << np.uint64(word_shift(depth))
            further = packed + (np.uint64(1) << (CODE_BITS * np.maximum(WORD_CODES - left, 0)).astype(np.uint64))
            if column:
                borders = [bisect(word, low.take(asked), high.take(asked), wanted) for wanted in (packed, further)]
            else:
                first, last = int(low[0]), int(high[0])
                borders = [first + np.searchsorted(word[first:last], wanted) for wanted in (packed, further)]
            low[asked], high[asked] = borders
        return low, high

    def narrow(self, low: I64, high: I64, depth: I64, code: I64) -> tuple[I64, I64]:
        """Of the ranks [low, high), all alike in their first `depth` codes, those that go on with `code`.

        Arguments broadcast; an empty range stays empty. Symbols that end at `depth` go on with code 0.
        """
        first = self.border(low, high, depth, code)
        return first, self.border(first, high, depth, code + 1)

    def border(self, low: I64, high: I64, depth: I64, code: I64) -> I64:
        """Of the ranks [low, high), all alike in their first `depth` codes, the first to go on with `code` or a larger
        one; `high` where there is none. Arguments broadcast.
        """
        words, begin, shift = self._column(depth)
        prefix = words[begin + high - 1] >> shift >> np.uint64(CODE_BITS) << np.uint64(CODE_BITS)
        wanted = (prefix | code.astype(np.uint64)) << shift
        return np.asarray(bisect(words, begin + low, begin + high, wanted) - begin)

    def code_at(self, rank: U32, depth: I64) -> I64:
        """The code at a depth of its own for the symbol of each rank; 0 beyond its payload."""
        words, begin, shift = self._column(depth)
        return np.asarray(words[begin + rank] >> shift & CODE_MASK, np.int64)

    def _column(self, depth: I64) -> tuple[U64, I64, U64]:
        """Words by rank, all of one column after the other; where the column of each depth begins; and its shift."""
        word, within = np.divmod(depth, WORD_CODES)
        shift = (CODE_BITS * (WORD_CODES - 1 - within)).astype(np.uint64)
        return self.ranked_words.reshape(-1), np.minimum(word, self.words.shape[0]) * self.size, shift

    def _shared(self) -> NDArray[np.int8]:
        """int8, shape (n,): codes that each rank's payload begins alike with the one before it; -1: another port's."""
        shared = np.full(self.size, -1, np.int8)
        ranked_port = self.port.take(self.by_rank)
        alike = 1 + np.flatnonzero(ranked_port[1:] == ranked_port[:-1])  # up to the words seen so far
        beyond = np.uint64(1) << np.arange(0, CODE_BITS * WORD_CODES, CODE_BITS, dtype=np.uint64)
        for index, word in enumerate(self.ranked_words):
            differ = word.take(alike) ^ word.take(alike - 1)
            codes = np.full(alike.size, index * WORD_CODES, np.int8)
            for least in beyond:
                codes += differ < least
            shared[alike] = codes
            alike = alike.take(np.flatnonzero(differ == 0))
        return shared

    @cached_property
    def _subtree(self) -> tuple[I64, I64]:
        """Per id, the ranks of the symbols whose payload begins with this symbol's payload (itself among them).

        They end at the next rank that shares less with the one before it than the payload's length.
        """
        low = self.rank.astype(np.int64)
        high = low + 1
        ranked_length, shared = self.length.take(self.by_rank), self._shared()
        least = [np.append(shared, np.int8(-1))]  # that any of the next 1, 2, 4, ... ranks shares
        while (step := 1 << len(least) - 1) < self.size:
            least.append(np.full_like(least[0], -1))
            np.minimum(least[-2][:-step], least[-2][step:], out=least[-1][:-step])
        inner = np.flatnonzero(shared[1:] >= ranked_length[:-1])  # the others have none but themselves
        length, end = ranked_length.take(inner), inner + 1
        for power in reversed(range(len(least))):
            end += (least[power].take(end) >= length).astype(np.int64) << power
        high[self.by_rank.take(inner)] = end
        return low, high

    def subtree(self, symbol: U32) -> tuple[I64, I64]:
        """Ranks [low, high) of the symbols that begin as `symbol` does."""
        low, high = self._subtree
        return low[symbol], high[symbol]

    def find(self, payload: bytes, port: int) -> int | None:
        """Id of the symbol with exactly this payload, None where there is none."""
        low, high = self.port_range(port)
        for depth, byte in enumerate(payload):
            low, high = self.narrow(low, high, np.array([depth]), np.array([byte + 1]))
        if not payload or int(low[0]) >= int(high[0]):
            return None
        symbol = int(self.by_rank[int(low[0])])
        return symbol if int(self.length[symbol]) == len(payload) else None
