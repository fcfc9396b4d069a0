"""Remembered: what a function gave for each argument, until so many are held; then it starts afresh."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from types import MethodType
from typing import Any, TypeVar
from weakref import ref

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
        self._work = work.__func__ if isinstance(work, MethodType) else work
        self._owner = ref(work.__self__) if isinstance(work, MethodType) else None
        self._most = most

    def _asked(self) -> Callable[[Key], Value]:
        if self._owner is None:
            return self._work
        owner = self._owner()
        if owner is None:
            raise ReferenceError("the object that remembers is gone")
        return MethodType(self._work, owner)

    def __deepcopy__(self, memo: dict[int, Any]) -> Remembered[Key, Value]:
        """One that remembers nothing yet; of an object that is copied, its copy's method."""
        return Remembered(deepcopy(self._asked(), memo), self._most)

    def __missing__(self, key: Key) -> Value:
        value = self._asked()(key)
        if len(self) >= self._most:
            self.clear()
        self[key] = value
        return value
