"""The readings of an epoch, one record each in a file: they outlive a worker that breaks, and add nothing to its heap.

Standard library only: workers write it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

FIELDS = ("blocks", "objects", "malloc_bytes", "anon_bytes", "trimmed_anon_bytes")
RECORD = struct.Struct(f"<{len(FIELDS)}q")
NOT_READ = -1


class ReadingsWriter:
    """The worker's end. A file of that name is written anew."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def write(self, reading: Mapping[str, int | None]) -> None:
        """Append one; what is None or missing was not read."""
        values = (reading.get(name) for name in FIELDS)
        os.write(self._descriptor, RECORD.pack(*(NOT_READ if value is None else value for value in values)))

    def close(self) -> None:
        os.close(self._descriptor)


def count_readings(path: Path) -> int:
    """How many whole records there are."""
    return path.stat().st_size // RECORD.size if path.exists() else 0


def read_readings(path: Path) -> list[dict[str, int | None]]:
    """All whole records, in order; none where no file is."""
    if not path.exists():
        return []
    text = path.read_bytes()
    whole = text[: len(text) // RECORD.size * RECORD.size]
    return [
        {name: None if value == NOT_READ else value for name, value in zip(FIELDS, values, strict=True)}
        for values in RECORD.iter_unpack(whole)
    ]
