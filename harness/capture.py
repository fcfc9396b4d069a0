"""A worker's output: drained without end, counted whole, head and tail kept. A flood fills no disk."""

from __future__ import annotations

import os
from pathlib import Path

from harness.evidence import Output

KEPT_BYTES = 64 * 1024  # of the head, and of the tail, in the black box
SHOWN_BYTES = 4 * 1024  # of each in the report
CHUNK_BYTES = 1024 * 1024  # a pipe holds at most this much


class Capture:
    """The reading end of one pipe, never blocking."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.bytes = 0
        self.lines = 0
        self._head = b""
        self._tail = b""

    def read_some(self) -> bool:
        """Take what is there, once. False at the end of the stream."""
        try:
            chunk = os.read(self.descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return True
        self.bytes += len(chunk)
        self.lines += chunk.count(b"\n")
        if len(self._head) < KEPT_BYTES:
            self._head += chunk[: KEPT_BYTES - len(self._head)]
        self._tail = (self._tail + chunk)[-KEPT_BYTES:]
        return bool(chunk)

    def drain(self) -> None:
        """Take what is left in the pipe of a process that is gone; do not wait for survivors that hold it."""
        before = -1
        while before != self.bytes:
            before = self.bytes
            self.read_some()

    def write(self, path: Path) -> None:
        """Head and tail as a file, with what was left out between them said."""
        kept = self._head
        left_out = self.bytes - len(self._head) - len(self._tail)
        if left_out > 0:
            kept += b"\n... %d bytes left out ...\n" % left_out + self._tail
        elif self.bytes > len(self._head):
            kept += self._tail[-(self.bytes - len(self._head)) :]
        path.write_bytes(kept)

    def summary(self) -> Output:
        return Output(
            bytes=self.bytes,
            lines=self.lines,
            head=self._head[:SHOWN_BYTES].decode("utf-8", "backslashreplace"),
            tail=self._tail[-SHOWN_BYTES:].decode("utf-8", "backslashreplace"),
        )


class ResultPipe:
    """The reading end of the descriptor on which the worker's one result record arrives."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._text = bytearray()

    def read_some(self) -> bool:
        try:
            chunk = os.read(self.descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return True
        self._text += chunk
        return bool(chunk)

    def drain(self) -> None:
        before = -1
        while before != len(self._text):
            before = len(self._text)
            self.read_some()

    @property
    def text(self) -> bytes:
        return bytes(self._text)
