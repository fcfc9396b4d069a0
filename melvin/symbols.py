"""Symbols: the nodes of the graph. Ground symbols are bytes, patterns are pairs of symbols, at any depth.

Pairs of symbols flow in; a table that has grown by their patterns flows out. A symbol's id is its order of birth, so a
lower id is an older, stronger symbol and constituents come before their patterns. Payloads are held as codes (see
`codes`), and looked up by their order where only a part of one is there (see `ranks`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin.codes import (
    BYTES,
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
from melvin.ranks import Ranks
from melvin.remembered import Remembered
from melvin.tables import I64, U32, U64

PORTS_AT_ONCE = 8  # whose pairs of bytes are at hand: 256 KiB each
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
        vars(same)["ranks"] = self.ranks  # of the same payloads
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
    def ranks(self) -> Ranks:
        """The payloads in byte order."""
        return Ranks(self.words, self.port, self.length, len(self.ports))

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
