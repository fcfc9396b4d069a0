"""The learner: blocks of lines in, evidence gathered, generations ended at the right byte.

Everything that decides what is learnt depends on the bytes fed and their order alone: not on how they were cut into blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from melvin.chunks import Window, chunk_starts
from melvin.contexts import MAX_PORTS, ORDER, codes_of, ngrams
from melvin.edges import transitions
from melvin.encode import TRACE, encode
from melvin.errors import InputError
from melvin.generation import Gathering, Snapshot, consolidate
from melvin.heads import learn_credit
from melvin.lines import Block
from melvin.parse import Parser
from melvin.symbols import END_CODE, START, U32
from melvin.tables import I64, U64

PREDICT_ONE_LINE_IN = 8  # lines predicted before they are learnt, while generations are small
PREDICT_BYTES = 1 << 15  # and in a large generation about so many bytes of lines
HASHED_BYTES = 64  # a line's first bytes and its length choose it
PREDICT_SALT = 1  # keeps this hash apart from the parser's


@dataclass(frozen=True)
class Carry:
    """What the next block must know of a line that goes on.

    trace : uint32, shape (TRACE,)    the last symbols
    before : uint64, shape (ORDER,)   the last codes
    """

    trace: U32
    before: U64


class Learner:
    """Takes blocks; holds the snapshot of the last generation and what has been gathered since."""

    def __init__(self, snapshot: Snapshot, gathering: Gathering, fed: int, lines: int) -> None:
        self.snapshot = snapshot
        self.gathering = gathering
        self.fed = fed
        self.lines = lines
        self._parser = Parser(snapshot.symbols)

    def port(self, name: str) -> int:
        """Index of a port; one that is new gets its ground symbols now."""
        known = self.snapshot.symbols
        if name not in known.ports:
            if len(known.ports) >= MAX_PORTS:
                raise InputError(f"the brain has {MAX_PORTS} ports already, the most it can hold: reuse one of them")
            self.snapshot = self.snapshot.with_port(name, self.fed)
            self.gathering.renumber(known, self.snapshot.symbols)
            self._parser = Parser(self.snapshot.symbols)
        return self.snapshot.symbols.ports.index(name)

    def opening(self, port: int) -> Carry:
        """What stands before a line's start."""
        start = self.snapshot.symbols.base[port] + np.uint32(START)
        return Carry(np.full(TRACE, start, np.uint32), np.full(ORDER, END_CODE, np.uint64))

    def learn(self, block: Block, port: int, carry: Carry, enter_stage: Callable[[str], None]) -> Carry:
        """Learn a block; ends as many generations as fall due in it, each at the end of a piece."""
        rest = block
        while rest.piece_start.size:
            due = int(np.searchsorted(rest.piece_end, self.snapshot.ends_at - self.fed)) + 1
            part, rest = rest.split(min(due, rest.piece_start.size))
            if part.opens:
                carry = self.opening(port)
            carry = self._gather(part, port, carry, enter_stage)
            self.fed += part.data.size
            self.lines += int(part.closed.sum())
            if self.fed >= self.snapshot.ends_at:
                enter_stage("consolidate")
                self.snapshot = consolidate(self.snapshot, self.gathering, self.fed)
                self.gathering = Gathering()
                self._parser = Parser(self.snapshot.symbols)
        return carry

    def _gather(self, block: Block, port: int, carry: Carry, enter_stage: Callable[[str], None]) -> Carry:
        enter_stage("parse")
        symbols = self.snapshot.symbols
        window = Window(block.data)
        start = chunk_starts(block, self.snapshot.separator[port])
        length = np.diff(start, append=block.data.size)
        terminator = np.zeros(block.data.size, np.bool_)
        terminator[block.piece_end[block.closed] - 1] = True
        parsed = self._parser.parse(window, start, length, port, terminator[start])
        stream = np.concatenate((carry.trace, parsed.stream()))
        self._predict(block, window, port)
        enter_stage("count")
        links = transitions(symbols, stream[TRACE - 1 :], int(symbols.base[port]))
        self.gathering.links.add(links)
        self.gathering.grams.add(ngrams(block, carry.before, port))
        self.gathering.keep_sample(port, block.data)
        codes = np.concatenate((carry.before, codes_of(block)[-ORDER:]))[-ORDER:]
        return Carry(stream[-TRACE:], codes)

    def _predict(self, block: Block, window: Window, port: int) -> None:
        """Predict the lines that their content chooses, before they are learnt, and credit the heads that were right."""
        chosen = self._chosen(block, window)
        if not chosen.size:
            return
        start, end = block.piece_start[chosen], block.piece_end[chosen]
        length = end - start
        data = np.concatenate([block.data[a:b] for a, b in zip(start, end, strict=True)])
        lines = Block(data, np.cumsum(length) - length, np.ones(chosen.size, np.bool_), opens=True)
        opening = self.opening(port)
        snapshot = self.snapshot
        places = encode(
            self._parser, lines, snapshot.separator[port], port, opening.before, opening.trace, np.arange(data.size)
        )
        _, credit = learn_credit(
            snapshot.symbols, snapshot.rows, snapshot.contexts, snapshot.credit, places, codes_of(lines).astype(np.int64)
        )
        self.gathering.credit += credit

    def _chosen(self, block: Block, window: Window) -> I64:
        """Whole lines, about PREDICT_BYTES a generation, chosen by a hash of their content."""
        whole = block.closed & np.concatenate(([block.opens], block.closed[:-1]))
        piece = np.flatnonzero(whole)
        length = (block.piece_end - block.piece_start)[piece]
        every = max(PREDICT_ONE_LINE_IN, self.snapshot.ends_at // 2 // PREDICT_BYTES)
        hashed = window.hash(block.piece_start[piece], np.minimum(length, HASHED_BYTES), PREDICT_SALT)
        return piece[(hashed + length.astype(np.uint64)) % np.uint64(every) == 0]
