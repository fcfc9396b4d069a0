"""Frames: bytes on a port at a time. Each is learnt as a line of its port, and as part of an episode.

Frames flow in, in any batches; lines go to the learner in few large blocks (within a generation lines commute, so they
are gathered by port), episodes to the binding one frame after the other.
"""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from melvin.counting import Carry
from melvin.episodes import MAX_TIME_NS
from melvin.errors import InputError
from melvin.learner import Learner
from melvin.lines import READ_BYTES, lines_block, to_bytes

NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Frame:
    """What a port carried at a time.

    port : name of the port
    timestamp : seconds as a float, or nanoseconds as an int; only differences matter. None: at no time that is known,
        so it is learnt as a line alone
    payload : any bytes; text is UTF-8
    """

    port: str
    timestamp: float | int | None
    payload: bytes | str


def nanoseconds(timestamp: float | int) -> int:
    """A timestamp as whole nanoseconds.

    Raises
    ------
    InputError : it is no number, or beyond MAX_TIME_NS
    """
    try:
        if isinstance(timestamp, float):
            time_ns = round(timestamp * NS_PER_S) if math.isfinite(timestamp) else MAX_TIME_NS
        else:
            time_ns = operator.index(timestamp)
    except TypeError as error:
        raise InputError(
            f"{timestamp!r} is not a timestamp: give seconds as a float or nanoseconds as an int"
        ) from error
    if abs(time_ns) >= MAX_TIME_NS:
        raise InputError(f"{timestamp!r} is not a timestamp: it must be finite, and within 146 years of 0")
    return time_ns


def learn_frames(learner: Learner, frames: Iterable[Frame]) -> None:
    """Learn frames in the order in which they happened; a time that runs backwards begins another recording."""
    with _Lines(learner) as pending:
        for frame in frames:
            try:
                port, timestamp, payload = frame.port, frame.timestamp, to_bytes(frame.payload)
            except AttributeError as error:
                raise InputError(f"{reprlib.repr(frame)} is no Frame: give Frame(port, timestamp, payload)") from error
            time_ns = None if timestamp is None else nanoseconds(timestamp)
            if payload:
                pending.hear(port)
                if time_ns is not None and learner.snapshot.settings.bridges:
                    learner.binding.frame(port, time_ns, payload)
                pending.add(port, payload)


def learn_episode(learner: Learner, frames: Iterable[tuple[str, bytes | str]]) -> None:
    """Learn frames that happened together: an episode of its own."""
    episode = [(port, payload) for port, payload in map(_pair, frames) if payload]
    with _Lines(learner) as pending:
        for port, _ in episode:
            pending.hear(port)
        if learner.snapshot.settings.bridges:
            learner.binding.episode(episode)
        for port, payload in episode:
            pending.add(port, payload)


def _pair(frame: tuple[str, bytes | str]) -> tuple[str, bytes]:
    try:
        port, payload = frame
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{reprlib.repr(frame)} is not a pair of a port and a payload: give pairs as ('text', b'hello')"
        ) from error
    return port, to_bytes(payload)


class _Lines:
    """Payloads that wait to be learnt as lines, by port.

    A generation ends at the byte at which it would if they were learnt one by one: whatever waits is learnt before the
    frame that ends it. A payload is one line whatever bytes it holds, line feeds too.
    """

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._waiting: dict[str, list[bytes]] = {}
        self._bytes = 0

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        if self._learner.whole:
            self._learn()
        else:
            self._learner.broken = True  # a frame was learnt in part

    def hear(self, port: str) -> None:
        """Make sure that there is such a port. From here to the end of `add` the learner is not whole."""
        if port not in self._learner.snapshot.symbols.ports:
            self._learn()
            self._learner.port(port)
        self._learner.whole = False

    def add(self, port: str, payload: bytes) -> None:
        """Take one more."""
        learner, size = self._learner, len(payload) + 1
        if self._bytes + size > min(READ_BYTES, learner.border - learner.fed - 1):
            self._learn()
        self._waiting.setdefault(port, []).append(payload)
        self._bytes += size
        if learner.fed + self._bytes >= learner.border:
            self._learn()
        learner.resume, learner.whole = None, not learner.broken

    def _learn(self) -> None:
        for port, payloads in self._take():
            index = self._learner.port(port)
            opening = Carry.opening(self._learner.snapshot.symbols, index)
            self._learner.learn(lines_block(payloads), index, opening, lambda _: None)

    def _take(self) -> Iterator[tuple[str, list[bytes]]]:
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        yield from waiting.items()
