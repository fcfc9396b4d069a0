"""Symbols: the nodes of the graph. Ground symbols are bytes, patterns are pairs of symbols, at any depth.

A symbol's id is its order of birth, so a lower id is an older, stronger symbol and constituents come before their
patterns. Its *rank* is the place of its payload among all payloads in byte order: the symbols that begin with given
bytes are therefore one range of ranks, which is how a symbol that is only partly there is looked up. Payloads are held
as codes (see `codes`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melvin.codes import (
    BYTES,
    CODE_BITS,
    CODE_MASK,
    END,
    END_CODE,
    GROUND,
    MAX_SYMBOLS,
    NONE,
    START,
    SYMBOL_BITS,
    WORD_CODES,
    joined_words,
    pair_key,
    payload_hash,
    word_shift,
    words_to,
)
from melvin.hashing import ABSENT, HashTable, PairTable
from melvin.remembered import Remembered
from melvin.tables import I64, U32, U64, bisect

PORTS_AT_ONCE = 8  # whose pairs of bytes are at hand: 256 KiB each
_ORDER = ("by_rank", "rank", "ranked_words", "_subtree")  # what is worked out of the payloads alone
_WORD_SHIFTS = np.array([word_shift(depth) for depth in range(WORD_CODES)], np.uint64)


@dataclass(frozen=True)
class Symbols:
    """The table of symbols, by id.

    ports : names, in the order they were first fed
    base : uint32, shape (ports,)      id of the port's first ground symbol
    port : uint16, shape (n,)
    left, right : uint32, shape (n,)   constituents; NONE for ground symbols
    level : uint8, shape (n,)          0 for ground symbols, else 1 + the deeper constituent's
    length : uint8, shape (n,)         payload in codes; START has none
    born : int64, shape (n,)           bytes fed when the symbol was formed
    pair_left, pair_right, pair_symbol : uint32, shape (p,)   every pair that is known to form a pattern: a payload
        has one symbol, however it is split
    words : uint64, shape (w, n)       payload codes, seven to a word
    """

    ports: tuple[str, ...]
    base: U32
    port: NDArray[np.uint16]
    left: U32
    right: U32
    level: NDArray[np.uint8]
    length: NDArray[np.uint8]
    born: I64
    pair_left: U32
    pair_right: U32
    pair_symbol: U32
    words: U64

    @property
    def size(self) -> int:
        return int(self.left.size)

    @classmethod
    def empty(cls) -> Symbols:
        u32 = np.empty(0, np.uint32)
        return cls(
            (), u32, np.empty(0, np.uint16), u32, u32, np.empty(0, np.uint8), np.empty(0, np.uint8),
            np.empty(0, np.int64), u32, u32, u32, np.empty((1, 0), np.uint64),
        )  # fmt: skip

    # ---------------------------------------------------------------- growing

    def with_port(self, name: str, born: int) -> Symbols:
        """Add a port's ground symbols (none if the port is known)."""
        if name in self.ports:
            return self
        code = np.arange(1, GROUND + 1, dtype=np.uint64)
        code[START], code[END] = 0, END_CODE
        words = np.zeros((self.words.shape[0], GROUND), np.uint64)
        words[0] = code << np.uint64(word_shift(0))
        length = np.ones(GROUND, np.uint8)
        length[START] = 0
        return self._extended(
            ports=(*self.ports, name),
            base=np.append(self.base, np.uint32(self.size)),
            port=np.full(GROUND, len(self.ports), np.uint16),
            left=np.full(GROUND, NONE),
            right=np.full(GROUND, NONE),
            level=np.zeros(GROUND, np.uint8),
            length=length,
            words=words,
            born=born,
            pairs=(np.empty(0, np.uint32),) * 3,
        )

    def apart(self) -> Symbols:
        """The same, to grow: the tables that are looked up grow with it, and who holds this one keeps its own."""
        same = replace(self)
        vars(same)["pairs"] = self.pairs.copy()
        return same

    def with_patterns(self, left: U32, right: U32, born: int) -> Symbols:
        """Add patterns for pairs of symbols that form none yet, in this order of strength; a payload that is known
        gets no second symbol.
        """
        length = self.length[left].astype(np.int64) + self.length[right]
        depth = max(self.words.shape[0], -(-int(length.max(initial=1)) // WORD_CODES))
        words = joined_words(self.words, self.length, left, right, depth)
        port = self.port[left]
        key = payload_hash(words, port)
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        owner = self.size + first[inverse]  # the first of these pairs with this payload, or a symbol that is known
        known = self.with_payload(words, port)
        owner = np.where(known >= 0, known, owner)
        fresh = owner == self.size + np.arange(left.size)
        new_id = np.full(left.size, NONE)
        new_id[fresh] = self.size + np.arange(int(fresh.sum()), dtype=np.uint32)
        symbol = np.where(owner < self.size, owner, new_id[np.maximum(owner - self.size, 0)]).astype(np.uint32)
        by_payload, pairs = self._by_payload, self.pairs
        del vars(self)["_by_payload"], vars(self)["pairs"]  # handed on: the old set is hardly ever asked again
        by_payload.put(key[fresh], new_id[fresh])
        pairs.put(left, right, symbol)
        grown = self._extended(
            ports=self.ports,
            base=self.base,
            port=self.port[left[fresh]],
            left=left[fresh],
            right=right[fresh],
            level=(1 + np.maximum(self.level[left[fresh]], self.level[right[fresh]])).astype(np.uint8),
            length=length[fresh].astype(np.uint8),
            words=words[:, fresh],
            born=born,
            pairs=(left, right, symbol),
        )
        vars(grown).update(_by_payload=by_payload, pairs=pairs)
        return grown

    def with_others(self, other: Symbols, chosen: I64, ids: U32) -> Symbols:
        """Add patterns of another set, in the order given; what forms them is told by `splits`.

        chosen : int64, shape (m,)   ids in `other`, ascending; none of their payloads is here yet
        ids : uint32, shape (other.size,)   what each symbol of `other` is here, once they are added
        """
        left, right = ids[other.left[chosen]], ids[other.right[chosen]]
        level = np.concatenate((self.level, np.zeros(chosen.size, np.uint8)))
        for depth in np.unique(other.level[chosen]):  # constituents first
            these = np.flatnonzero(other.level[chosen] == depth)
            level[self.size + these] = 1 + np.maximum(level[left[these]], level[right[these]])
        grown = self._extended(
            ports=self.ports,
            base=self.base,
            port=other.port[chosen],
            left=left,
            right=right,
            level=level[self.size :],
            length=other.length[chosen],
            words=words_to(other.words, self.words.shape[0])[:, chosen],
            born=0,
            pairs=(np.empty(0, np.uint32),) * 3,
        )
        return replace(grown, born=np.concatenate((self.born, other.born[chosen])))

    def with_pairs(self, left: U32, right: U32, symbol: U32) -> Symbols:
        """Let these pairs, and no others, form their symbols. uint32, shapes (p,), each pair once."""
        same = replace(self, pair_left=left, pair_right=right, pair_symbol=symbol)
        vars(same).update((name, held) for name, held in vars(self).items() if name in _ORDER)
        return same

    def with_splits(self, left: U32, right: U32, symbol: U32, fresh: I64) -> Symbols:
        """Let these pairs form their symbols: all that do so by now, and others. fresh : int64, shape (m,)   those

        The table of pairs is handed on: nobody else may ask this set for pairs meanwhile (see `apart`).
        """
        same, pairs = self.with_pairs(left, right, symbol), self.pairs
        del vars(self)["pairs"]  # handed on, as `with_patterns` does
        pairs.put(left.take(fresh), right.take(fresh), symbol.take(fresh))
        vars(same)["pairs"] = pairs
        return same

    def with_payload(self, words: U64, port: NDArray[np.uint16]) -> I64:
        """The symbol with each payload, -1 where there is none. words : uint64, shape (w, n) -> int64, shape (n,)"""
        known = self._by_payload.get(payload_hash(words, port))
        hit = np.flatnonzero(known != ABSENT)
        held = known.take(hit)
        same = (self.port.take(held) == port.take(hit)) & (self.length.take(held) <= WORD_CODES * len(words))
        same &= ~words[len(self.words) :].take(hit, axis=1).any(axis=0)
        for mine, theirs in zip(self.words, words, strict=False):
            same &= mine.take(held) == theirs.take(hit)
        found = np.full(known.shape, -1)
        found[hit.compress(same)] = held.compress(same)
        return found

    def _extended(
        self,
        *,
        ports: tuple[str, ...],
        base: U32,
        port: NDArray[np.uint16],
        left: U32,
        right: U32,
        level: NDArray[np.uint8],
        length: NDArray[np.uint8],
        words: U64,
        born: int,
        pairs: tuple[U32, ...],
    ) -> Symbols:
        return Symbols(
            ports=ports,
            base=base.astype(np.uint32),
            port=np.concatenate((self.port, port)),
            left=np.concatenate((self.left, left)),
            right=np.concatenate((self.right, right)),
            level=np.concatenate((self.level, level)),
            length=np.concatenate((self.length, length)),
            born=np.concatenate((self.born, np.full(left.size, born, np.int64))),
            pair_left=np.concatenate((self.pair_left, pairs[0])),
            pair_right=np.concatenate((self.pair_right, pairs[1])),
            pair_symbol=np.concatenate((self.pair_symbol, pairs[2])),
            words=np.hstack((words_to(self.words, words.shape[0]), words)),
        )

    # ---------------------------------------------------------------- reading

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

    @cached_property
    def _by_payload(self) -> HashTable:
        table = HashTable(self.size)
        table.put(payload_hash(self.words, self.port), np.arange(self.size, dtype=np.uint32))
        return table

    @cached_property
    def pairs(self) -> PairTable:
        """(left, right) -> the pattern that the pair forms."""
        table = PairTable(self.pair_left.size)
        table.put(self.pair_left, self.pair_right, self.pair_symbol)
        return table

    @cached_property
    def pair_entries(self) -> U64:
        """uint64, shape (p,), ascending: each pair, and behind it the pattern that it forms, packed into one number."""
        entry = pair_key(self.pair_left, self.pair_right, SYMBOL_BITS)
        entry <<= np.uint64(SYMBOL_BITS)
        entry |= self.pair_symbol
        entry.sort()
        return entry

    @cached_property
    def byte_pairs(self) -> Remembered[int, U32]:
        """By port: the pattern that each byte and the one after it form, `ABSENT` where none. uint32, shape (2^16,)"""
        return Remembered(self._byte_pairs, PORTS_AT_ONCE)

    def _byte_pairs(self, port: int) -> U32:
        byte, after = self.pair_left - self.base[port], self.pair_right - self.base[port]
        both = np.flatnonzero((byte < BYTES) & (after < BYTES))  # ids of ports before are far beyond: these wrap round
        formed = np.full(BYTES * BYTES, ABSENT)
        formed[byte[both] * BYTES + after[both]] = self.pair_symbol[both]
        return formed

    def pattern_of(self, left: U32, right: U32) -> U32:
        """The pattern that each pair forms, `ABSENT` where it forms none."""
        return self.pairs.get(left, right)

    def pattern_of_one(self, pair: tuple[int, int]) -> int:
        """The same of one pair."""
        left, right = pair
        key = (left << SYMBOL_BITS | right) << SYMBOL_BITS
        entries = self.pair_entries
        at = int(entries.searchsorted(np.uint64(key)))
        formed = entries.item(at) - key if at < entries.size else MAX_SYMBOLS
        return formed if formed < MAX_SYMBOLS else int(ABSENT)

    def payload(self, symbol: int) -> bytes:
        """The bytes of one symbol; START and END have none."""
        words = self.words[:, symbol]
        codes = [int(words[i // WORD_CODES]) >> word_shift(i) & int(CODE_MASK) for i in range(int(self.length[symbol]))]
        return b"" if codes == [END_CODE] else bytes(code - 1 for code in codes)

    def find(self, payload: bytes, port: int) -> int | None:
        """Id of the symbol with exactly this payload, None where there is none."""
        low, high = self.port_range(port)
        for depth, byte in enumerate(payload):
            low, high = self.narrow(low, high, np.array([depth]), np.array([byte + 1]))
        if not payload or int(low[0]) >= int(high[0]):
            return None
        symbol = int(self.by_rank[int(low[0])])
        return symbol if int(self.length[symbol]) == len(payload) else None

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
        ranked, port = self.port[self.by_rank], np.arange(len(self.ports))
        return np.searchsorted(ranked, port), np.searchsorted(ranked, port, side="right")

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

    def spelt(self, symbol: U32) -> NDArray[np.uint8]:
        """The bytes of symbols in a row; 0 for END.

        for s in symbol: yield from payload(s)     # a word at a time, its codes taken apart as a row of a matrix
        """
        words = (self.length.take(symbol).astype(np.int64) + WORD_CODES - 1) // WORD_CODES
        place = np.arange(int(words.sum())) - np.repeat(np.cumsum(words) - words, words)
        held = self.words[place, np.repeat(symbol, words)]
        codes = np.empty((held.size, WORD_CODES), np.uint16)
        for depth, shift in enumerate(_WORD_SHIFTS):
            np.right_shift(held, shift, out=codes[:, depth], casting="unsafe")
        code = codes.ravel() & np.uint16(CODE_MASK)
        return (code.compress(code != 0) - np.uint16(1)).astype(np.uint8)

    def rank_map(self, grown: Symbols) -> U32:
        """Old rank -> rank in `grown`, which holds the same symbols and more; ascending, so keys stay sorted."""
        return grown.rank[self.by_rank]
