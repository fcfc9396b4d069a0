"""Signals: a wish to stop, heard while a training waits for input, else between two blocks."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Waited = TypeVar("Waited")


def end_at_ctrl_c() -> None:
    """Have Ctrl-C end the program without a word, unless it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def hear_ctrl_c() -> None:
    """Have Ctrl-C be a KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Stopped(Exception):
    """A signal came while the training waited for input."""


class Signals:
    """SIGINT, SIGTERM and SIGHUP as a wish to stop: heard at once while waiting for input, else between two blocks.

    A signal that is ignored when the program starts (nohup) stays ignored.
    """

    HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.number = 0  # of the signal that came; 0 for none
        self._waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in self.HEARD:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        if self._waiting:
            raise Stopped

    def wait(self, act: Callable[[], Waited]) -> Waited:
        """Open or read an input; a signal that comes meanwhile, or came before, raises Stopped."""
        try:
            self._waiting = True
            if self.number:
                raise Stopped
            return act()
        finally:
            self._waiting = False
