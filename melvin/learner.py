"""The learner: blocks of lines in, evidence gathered, generations ended at the right byte.

Everything that decides what is learnt depends on the bytes fed and their order alone: not on how they were cut into
blocks.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from melvin.binding import Binding
from melvin.codes import GROUND, MAX_SYMBOLS
from melvin.contexts import MAX_PORTS
from melvin.counting import Carry, count, read
from melvin.errors import InputError
from melvin.evidence import TABLES, Runs
from melvin.generation import Gathering, Snapshot, merge, sampled, settle, symbols_so_far
from melvin.lexicon import fold
from melvin.lines import Block
from melvin.parse import Parser
from melvin.resume import Resume
from melvin.symbols import Symbols

HELD_BACK = 8  # the last eighth of a generation is predicted before it is learnt,
HELD_BACK_BYTES = 3 << 13  # of a large one so many bytes
FORMED = 1 << 22  # bytes fed up to which patterns are formed when somebody looks: that takes 0.2 s, 40 MiB at the most

MAX_PORT_BYTES = 255  # of the name of a port
UNREADABLE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udc7f\udd00-\udfff]")  # control characters, halves of characters


class Learner:
    """Takes blocks; holds the snapshot of the last generation and what has been gathered since."""

    def __init__(self, snapshot: Snapshot, gathering: Gathering, fed: int, lines: int) -> None:
        self.snapshot = snapshot
        self.gathering = gathering
        self.fed = fed
        self.lines = lines
        self.resume: Resume | None = None  # where in its input a training stands, while nothing more is learnt
        self.whole = True  # nothing is learnt in part, nor being learnt
        self.broken = False  # learning was broken off: the brain is never whole again
        self.binding = Binding()  # of what several ports carry at a time
        self._parser: Parser | None = None  # of this snapshot, once something was read

    def port(self, name: str) -> int:
        """Index of a port; one that is new gets its ground symbols now.

        Raises
        ------
        InputError : there are too many, or a new one has a name that cannot be read where it is shown
        """
        known = self.snapshot.symbols
        if name not in known.ports:
            if not _names_a_port(name):
                raise InputError(
                    f"{reprlib.repr(name)} is no name for a port: give text of 1 to {MAX_PORT_BYTES} bytes "
                    "that is not blank and holds no line feed or other control character"
                )
            if len(known.ports) >= MAX_PORTS or known.size + GROUND >= MAX_SYMBOLS:
                raise InputError(
                    f"the brain has {len(known.ports)} ports already, the most it can hold: reuse one of them"
                )
            with self._changing():
                self.snapshot = self.snapshot.with_port(name, self.fed)
                self.gathering.renumber(known, self.snapshot.symbols)
                self.tally()
        return self.snapshot.symbols.ports.index(name)

    def tally(self) -> None:
        """Hand the chunks read so far to the gathering."""
        if self._parser:
            known, lexicon = self.gathering.lexicon, self._parser.lexicon()
            if known.key.size or known.halvings:
                lexicon = fold(known, lexicon, self.snapshot.settings.memory)
            self.gathering.lexicon, self._parser = lexicon, None

    def symbols_so_far(self) -> Symbols:
        """The symbols; in a brain that was fed little, with the patterns earned since the last generation ended."""
        if self.fed > FORMED:
            return self.snapshot.symbols
        self.tally()
        return symbols_so_far(self.snapshot, self.gathering, self.fed)

    def learn(self, block: Block, port: int, carry: Carry, enter_stage: Callable[[str], None]) -> Carry:
        """Learn a block; ends as many generations as fall due in it, each at the end of a piece."""
        self.resume = None
        with self._changing():
            return self._learn(block, port, carry, enter_stage)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Until what is inside has run to its end the brain is not whole; where it does not, it never is again."""
        self.whole = False
        try:
            yield
        except BaseException:
            self.broken = True
            raise
        self.whole = not self.broken

    def _learn(self, block: Block, port: int, carry: Carry, enter_stage: Callable[[str], None]) -> Carry:
        rest = block
        while rest.piece_start.size:
            due = int(np.searchsorted(rest.piece_end, self.snapshot.ends_at - self.fed)) + 1
            part, rest = rest.split(min(due, rest.piece_start.size))
            if part.opens:
                carry = Carry.opening(self.snapshot.symbols, port)
            kept = self._hold_back(part, port)
            if kept is not None:
                carry = self._gather(kept, port, carry, enter_stage)
            self.fed += part.data.size
            self.lines += int(part.closed.sum())
            if self.fed >= self.snapshot.ends_at:
                self._end_generation(enter_stage)
        return carry

    def _end_generation(self, enter_stage: Callable[[str], None]) -> None:
        """Consolidate; then learn the lines that were held back."""
        enter_stage("consolidate")
        self.tally()
        self.gathering.runs.fold()  # what waits to be sorted takes room until then
        for name in TABLES:  # one at a time, so that no more than one table is there twice
            self.snapshot = merge(self.snapshot, self.gathering, name)
        self.snapshot = settle(self.snapshot, self.gathering, self.fed)
        held_back = list(sampled(self.gathering))
        # a generation is no smaller than the one before
        thinned = Runs(halvings=self.gathering.runs.halvings, memory=self.snapshot.settings.memory)
        self.gathering = Gathering(thinned)
        for port, block in held_back:
            self._gather(block, port, Carry.opening(self.snapshot.symbols, port), enter_stage)

    def _gather(self, block: Block, port: int, carry: Carry, enter_stage: Callable[[str], None]) -> Carry:
        enter_stage("parse")
        self._parser = self._parser or self.snapshot.parser()
        reading = read(
            self._parser,
            self.snapshot.familiarity,
            self.snapshot.separator[port],
            block,
            port,
            carry,
            tally=True,
        )
        enter_stage("count")
        halvings = self.gathering.runs.halvings
        keys, carry = count(self.snapshot.symbols, self.snapshot.familiarity, block, port, carry, reading, halvings)
        self.gathering.runs.add(keys, halvings)
        return carry

    @property
    def border(self) -> int:
        """Bytes fed up to which the order of lines does not matter: where lines are held back, or a generation ends."""
        return self.held_back_from if self.fed < self.held_back_from else self.snapshot.ends_at

    @property
    def held_back_from(self) -> int:
        """Bytes fed from which on lines of the generation are held back."""
        return self.snapshot.ends_at - min(self.snapshot.fresh // HELD_BACK, HELD_BACK_BYTES)

    def _hold_back(self, block: Block, port: int) -> Block | None:
        """Take the whole lines at a generation's end out of a block.

        They are predicted when the generation ends, from all that was learnt in it, and learnt after that. They are
        the last ones, so that they lie ahead of what was learnt as later text will: lines from in between share their
        article with those around them, and weights fitted to them trust the heads too much (2.150 bits a byte on
        wiki_small instead of 2.131, 1.811 on 34 MB of mixed text instead of 1.806).
        """
        piece = np.flatnonzero(block.closed & np.concatenate(([block.opens], block.closed[:-1])))
        held = piece[self.fed + block.piece_start[piece] >= self.held_back_from]
        if not held.size:
            return block
        for at in held:
            line = block.data[block.piece_start[at] : block.piece_end[at] - 1]
            self.gathering.sample.append((port, line.tobytes()))
        return block.without(held)


def _names_a_port(name: object) -> bool:
    if not isinstance(name, str) or not name.strip() or UNREADABLE.search(name):
        return False
    return len(name.encode("utf-8", "surrogateescape")) <= MAX_PORT_BYTES
