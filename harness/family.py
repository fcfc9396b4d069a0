"""The memory of a process and all that it started: pages that a fork left to several of them count once."""

from __future__ import annotations

import time

from harness.procfs import MemoryReader, children_of, proportional_bytes

LOOK_FACTOR = 9  # a look at shared pages takes milliseconds: a tenth of the time goes into it


class Family:
    """The memory of a process and all its descendants."""

    def __init__(self, pid: int, limit: int) -> None:
        self.pid = pid
        self._limit = limit
        self._twice = 0  # bytes of pages that a fork left to several, as far as they are counted more than once
        self._next_look = 0.0
        self._own = MemoryReader(pid)
        self._children: dict[int, MemoryReader] = {}

    def look_for_children(self) -> None:
        living = set(children_of(self.pid))
        for gone in self._children.keys() - living:
            self._children.pop(gone).close()
        for new in living - self._children.keys():
            self._children[new] = MemoryReader(new)

    def read(self) -> tuple[int, int, int] | None:
        """(resident, committed, highest resident so far), all in bytes; None once the process has ended."""
        own = self._own.read()
        if own is None:
            return None
        memory = own
        members = {self.pid: self._own}
        for pid, child in self._children.items():
            seen = child.read()
            if seen is not None and seen != own:  # equal: a child before its exec, which is its parent's memory still
                memory += seen
                members[pid] = child
        committed = memory.committed
        if len(members) > 1 and committed > self._limit:
            begin = time.monotonic()
            if committed - self._twice > self._limit or begin >= self._next_look:
                self._twice = max(0, committed - sum(_part(pid, reader) for pid, reader in members.items()))
                now = time.monotonic()
                self._next_look = now + LOOK_FACTOR * (now - begin)
            committed -= self._twice
        return memory.rss, committed, memory.peak_rss

    def close(self) -> None:
        for reader in (self._own, *self._children.values()):
            reader.close()


def _part(pid: int, reader: MemoryReader) -> int:
    """What a process has of the memory that it shares with others by a fork, and all of its own."""
    part = proportional_bytes(pid)
    if part is None and (alone := reader.read()) is not None:  # not told on this machine
        return alone.committed
    return part or 0
