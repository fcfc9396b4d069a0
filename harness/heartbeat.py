"""The heartbeat: where a worker is, in a small file that outlives it; a killed worker's last stage is known.

One record, written in place through a memory map (about 1 µs). An odd sequence number means "being written".
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from harness.plain_text import plain_text

RECORD = struct.Struct("<QqqqqQ32s")  # sequence, bytes, lines, nodes, edges, monotonic ns, stage
LARGEST = 2**63 - 1  # a count that the record can hold
READ_ATTEMPTS = 100  # a write takes 1 µs: what is torn so often was left by a writer that died writing


@dataclass(frozen=True)
class Heartbeat:
    """How far a worker had come. Counts are -1 where the subject has not said."""

    stage: str
    bytes: int
    lines: int
    nodes: int
    edges: int
    monotonic_ns: int


NO_HEARTBEAT = Heartbeat("", 0, 0, -1, -1, 0)


def _fitting(count: int) -> int:
    """A count as the record can hold it, whatever a subject says."""
    try:
        return max(-1, min(int(count), LARGEST))
    except (ValueError, OverflowError):  # nan, inf
        return -1


class HeartbeatWriter:
    """The worker's end."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, RECORD.size)
            self._map = mmap.mmap(descriptor, RECORD.size)
        finally:
            os.close(descriptor)
        self._sequence = 0

    def beat(self, stage: str, at_bytes: int, at_lines: int, nodes: int = -1, edges: int = -1) -> None:
        counts = (_fitting(count) for count in (at_bytes, at_lines, nodes, edges))
        record = (*counts, time.monotonic_ns(), stage.encode("utf-8", "replace")[:32])
        self._sequence += 1
        RECORD.pack_into(self._map, 0, self._sequence, *record)
        self._sequence += 1
        struct.pack_into("<Q", self._map, 0, self._sequence)


class Beats:
    """A clock that tells where the subject is, and times nothing: what stages cost is objects that come and go."""

    def __init__(self, heartbeat: HeartbeatWriter, stage: str) -> None:
        self._heartbeat = heartbeat
        self._stage = stage
        self._position = (0, 0)

    def enter(self, stage: str, /) -> None:
        self._stage = plain_text(str(stage))
        self._heartbeat.beat(self._stage, *self._position)

    def progress(self, at_bytes: int, at_lines: int, nodes: int = -1, edges: int = -1) -> None:
        self._position = (at_bytes, at_lines)
        self._heartbeat.beat(self._stage, at_bytes, at_lines, nodes, edges)


class HeartbeatReader:
    """The launcher's end; a file that is not there yet reads as no heartbeat."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map: mmap.mmap | None = None

    def read(self) -> Heartbeat:
        if self._map is None and not self._open():
            return NO_HEARTBEAT
        assert self._map is not None
        for _ in range(READ_ATTEMPTS):
            record = bytes(self._map)
            sequence, *counts, stage = RECORD.unpack(record)
            if sequence % 2 == 0 and bytes(self._map) == record:
                break
        at_bytes, at_lines, nodes, edges, nanoseconds = counts
        name = stage.rstrip(b"\0").decode("utf-8", "replace")
        return Heartbeat(name, at_bytes, at_lines, nodes, edges, nanoseconds)

    def _open(self) -> bool:
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < RECORD.size:
                    return False
                self._map = mmap.mmap(file.fileno(), RECORD.size, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            return False
        return True
