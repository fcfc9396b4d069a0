"""A place in an input: how many of its bytes are learnt, what they were, and what stands before the next one.

Training can stop at a place and go on from it, and learns what it would have learnt in one go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import xxhash

from melvin.counting import Carry


@dataclass
class Place:
    """Where in one file or stream learning stands. Moves block by block.

    offset : bytes of the input that are learnt
    hash : XXH3 of those bytes
    opens : the next byte begins a line
    carry : what stands before the next byte, where it does not begin a line
    ended : the input ended behind an open line, and the line was closed
    """

    offset: int = 0
    hash: xxhash.xxh3_128 = field(default_factory=xxhash.xxh3_128)
    opens: bool = True
    carry: Carry | None = None
    ended: bool = False
    _cut: list[bytes] = field(default_factory=list)
    _after: tuple[bool, bool] = (True, False)

    def cut(self, raw: bytes, *, opens: bool, ended: bool = False) -> None:
        """These bytes have left the input as a block; they count when it is learnt."""
        self._cut.append(raw)
        self._after = (opens, ended)

    def learnt(self, carry: Carry | None) -> None:
        """What was cut off so far is learnt."""
        for raw in self._cut:
            self.hash.update(raw)
            self.offset += len(raw)
        if self._cut:
            self._cut = []
            self.opens, self.ended = self._after
        self.carry = None if self.opens else carry

    @property
    def fingerprint(self) -> str:
        """The bytes up to here, in 128 bits."""
        return self.hash.hexdigest()
