"""Remembered: what a function gave for each argument, until so many are held; then it starts afresh."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Remembered(dict[Key, Value]):
    """Looks like a dict that has every key.

    Parameters
    ----------
    work : what gives the value of a key
    most : values that are held
    """

    def __init__(self, work: Callable[[Key], Value], most: int) -> None:
        super().__init__()
        self._work, self._most = work, most

    def __missing__(self, key: Key) -> Value:
        value = self._work(key)
        if len(self) >= self._most:
            self.clear()
        self[key] = value
        return value
