"""Remembered: what a function gave for each argument, until so many are held; then it starts afresh."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from inspect import ismethod
from typing import Any, TypeVar
from weakref import WeakMethod

Key = TypeVar("Key")
Value = TypeVar("Value")


class Remembered(dict[Key, Value]):
    """Looks like a dict that has every key.

    Parameters
    ----------
    work : what gives the value of a key. A method does not keep its object alive: it is the object that holds what is
        remembered, and with all that it holds, tables of many MiB among it, would wait for the garbage collector
    most : values that are held
    """

    def __init__(self, work: Callable[[Key], Value], most: int) -> None:
        super().__init__()
        self._work: Callable[[], Callable[[Key], Value] | None] = WeakMethod(work) if ismethod(work) else lambda: work
        self._most = most

    def _asked(self) -> Callable[[Key], Value]:
        work = self._work()
        if work is None:
            raise ReferenceError("the object that remembers is gone")
        return work

    def __deepcopy__(self, memo: dict[int, Any]) -> Remembered[Key, Value]:
        """One that remembers nothing yet; of an object that is copied, its copy's method."""
        return Remembered(deepcopy(self._asked(), memo), self._most)

    def __missing__(self, key: Key) -> Value:
        value = self._asked()(key)
        if len(self) >= self._most:
            self.clear()
        self[key] = value
        return value
