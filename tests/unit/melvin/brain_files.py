"""Brain files for the tests, whole and tampered with."""

import json
import struct
from pathlib import Path

import pytest
import xxhash

from melvin import Brain, verify
from melvin.errors import BrainFileError

ROOT = Path(__file__).parents[3]
PROSE = (ROOT / "fixtures" / "prose.txt").read_bytes().split(b"\n")


def read_all(path):
    """Open a brain, and need all that the file holds."""
    brain = Brain.open(path)
    brain.stats()
    return brain.snapshot


def refused(path, leaf=BrainFileError, read=Brain.open):
    """The one sentence that a file is refused with, by `read` and by `verify` alike."""
    with pytest.raises(leaf) as opened:
        read(path)
    with pytest.raises(leaf) as verified:
        verify(path)
    assert str(opened.value) == str(verified.value)
    assert str(path) in str(opened.value)
    assert "\n" not in str(opened.value)
    return str(opened.value)


def header_of(data):
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), 8 + length


def rebuilt(header, body):
    """A file with this header: with a checksum that holds, as somebody with bad intent would write it."""
    marks = header.get("__metadata__") if isinstance(header, dict) else None
    if isinstance(marks, dict):
        marks.pop("header", None)
        marks["header"] = xxhash.xxh3_128_hexdigest(canonical(header))
    text = canonical(header)
    text += b" " * (-(len(text) + 8) % 64)
    return struct.pack("<Q", len(text)) + text + body


def canonical(header):
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def changed(data, change):
    """The file after `change(header)`."""
    header, base = header_of(data)
    change(header)
    return rebuilt(header, data[base:])
