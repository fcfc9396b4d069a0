"""Arriving: bytes of a stream as they come, in blocks as large as the stream is fast.

A file, or a pipe that somebody fills at full speed, is read a full block at a time. Bytes that come slowly, as those of
`tail -f` do, are handed on after a moment; and while nothing comes, what falls due meanwhile is done.
"""

from __future__ import annotations

import io
import math
import select
import time
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, cast

from melvin.signals import Signals, Stopped

HELD_S = 1.0  # seconds that bytes are held at the most for want of more to learn them with
MS = 1000


class Arriving:
    """A stream that a signal breaks off, reading it.

    Parameters
    ----------
    most : bytes that are read at a time
    due_in : seconds until there is something to do if nothing comes; infinite for nothing
    do : does it
    """

    def __init__(
        self, stream: BinaryIO, signals: Signals, most: int, due_in: Callable[[], float], do: Callable[[], None]
    ) -> None:
        # One read of it is one system call, and none reads further than asked: so what is left, `poll` sees.
        self._stream = cast(io.BufferedReader, stream)
        self._signals, self._most, self._due_in, self._do = signals, most, due_in, do
        self._ended = False
        self._poll: select.poll | None = None
        try:
            descriptor = stream.fileno()
        except io.UnsupportedOperation:
            return  # held in memory: never waited for
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def read(self, size: int) -> bytes:
        """So many bytes, or what came of them in time; none at the end.

        Raises
        ------
        Stopped : a signal came
        """
        size, held, until = min(size, self._most), bytearray(), math.inf
        try:
            while not self._ended and len(held) < size and self._comes(until):
                more = self._signals.wait(partial(self._stream.read1, size - len(held)))
                self._ended = not more
                held += more
                until = min(until, time.monotonic() + HELD_S)
        except Stopped:
            if not held:
                raise  # what was read is handed on first: a pipe holds it no longer
        return bytes(held)

    def _comes(self, until: float) -> bool:
        """Wait for bytes, or the end; False when it takes too long."""
        while self._poll is not None:
            due = time.monotonic() + self._due_in()
            if self._signals.wait(partial(self._ready, min(until, due))):
                return True
            if time.monotonic() >= until:
                return False
            if time.monotonic() >= due:
                self._do()
        return True

    def _ready(self, until: float) -> bool:
        assert self._poll is not None
        left = until - time.monotonic()
        return bool(self._poll.poll(None if math.isinf(left) else math.ceil(max(left, 0.0) * MS)))
