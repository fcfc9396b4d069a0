"""The container: named arrays and a few strings in one file, written whole or not at all, checked before they are read.

The layout is that of safetensors (eight bytes of header length, a JSON header, the arrays), so standard tools read it
and a memory map opens it without copying. What safetensors lacks is added in its metadata: a checksum of the header and
of each array.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import math
import mmap
import os
import stat
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xxhash
from numpy.typing import NDArray

from melvin.errors import BrainFileError, DamagedBrainError, NotABrainError, SaveError, TruncatedBrainError

Array = NDArray[Any]

LENGTH_BYTES = 8
ALIGNMENT = 64  # a cache line: mapped arrays are aligned as allocated ones are
LARGEST = 1 << 44  # no array has more bytes, or entries in a dimension
LARGE = 1 << 26  # bytes of arrays from which on several threads check them
CHECKERS = 4  # how many threads
SHARED = 1 << 18  # bytes of an array that is checked by one of them: to hand over a smaller one takes longer
MAX_HEADER = 1 << 18  # the header lists a few dozen arrays and a resume record; a larger one is not ours
NAMES = {
    "bool": "BOOL",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "int64": "I64",
    "float64": "F64",
}
DTYPES = {name: np.dtype(dtype) for dtype, name in NAMES.items()}
METADATA = "__metadata__"
HEADER_CHECKSUM = "header"
CHECKSUM = "checksum "  # before an array's name
PADDING = "padding "
TEMPORARY = ".tmp"
NUL = "\0"  # what no file name holds


def checksum(data: bytes | memoryview) -> str:
    """128-bit XXH3, in hexadecimal."""
    return xxhash.xxh3_128_hexdigest(data)


def write(path: Path, names: Collection[str], arrays: Iterable[tuple[str, Array]], metadata: Mapping[str, str]) -> None:
    """Write arrays and strings so that the path holds either all of the new or all of the old, whatever happens.

    Parameters
    ----------
    names : of all arrays
    arrays : each with its name; taken one after the other, so that no more than one has to be there at a time

    Raises
    ------
    SaveError : the disk is full, the path is that of a folder, its own folder is gone or may not be written; the old
        file is untouched
    """
    if NUL in str(path):
        raise SaveError(f"cannot save {str(path)!r}: it holds a NUL byte, and no file has such a name")
    room = _room(names, metadata)
    if room > MAX_HEADER:
        raise SaveError(
            f"cannot save {path}: its header would take {room:,} bytes, more than the {MAX_HEADER:,} that are read; "
            "what was there before is untouched: give ports shorter names, or fewer of them"
        )
    folder = path.absolute().parent
    temporary = ""
    try:
        if path.is_dir():
            raise SaveError(f"cannot save {path}: it is a folder: name a file")
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=folder)
        with os.fdopen(handle, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # for as long as we live: see `remove_remains`
            _write_to(file, room, arrays, metadata)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            Path(temporary).chmod(path.stat().st_mode & 0o777)
        else:
            mask = os.umask(0)
            os.umask(mask)
            Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
        temporary = ""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SaveError(
            f"cannot save {path}: {error.strerror}; what was there before is untouched: free space or name another path"
        ) from error
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def remove_remains(path: Path) -> None:
    """Remove temporary files that saves to this path left behind when they were killed; none that is being written."""
    for remains in path.absolute().parent.glob(f".{glob.escape(path.name)}.*{TEMPORARY}"):
        with contextlib.suppress(OSError), remains.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remains.unlink()


def _write_to(file: BinaryIO, room: int, arrays: Iterable[tuple[str, Array]], metadata: Mapping[str, str]) -> None:
    header: dict[str, Any] = {}
    marks = dict(metadata)
    file.seek(LENGTH_BYTES + room)  # the header is written last, when it is known
    offset = 0
    for name, array in arrays:
        body = memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        header[name] = _entry(NAMES[array.dtype.name], array.shape, offset, len(body))
        marks[CHECKSUM + name] = checksum(body)
        file.write(body)
        offset += len(body)
        gap = -offset % ALIGNMENT
        if gap:
            header[PADDING + name] = _entry("U8", (gap,), offset, gap)
            file.write(bytes(gap))
            offset += gap
        del array, body  # before the next one is made
    header[METADATA] = marks
    text = sealed(header, room)
    assert len(text) == room, "an array that was not announced"
    file.seek(0)
    file.write(room.to_bytes(LENGTH_BYTES, "little") + text)


def _room(names: Collection[str], metadata: Mapping[str, str]) -> int:
    """Bytes that are enough for the header of arrays with these names, however large they are."""
    entry = _entry("BOOL", (LARGEST, LARGEST), LARGEST, LARGEST)
    header: dict[str, Any] = {prefix + name: entry for name in names for prefix in ("", PADDING)}
    some = checksum(b"")
    header[METADATA] = {**metadata, **{CHECKSUM + name: some for name in names}, HEADER_CHECKSUM: some}
    size = len(_canonical(header))
    return size + -(size + LENGTH_BYTES) % ALIGNMENT


def _entry(dtype: str, shape: tuple[int, ...], offset: int, size: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}


def sealed(header: Mapping[str, Any], room: int) -> bytes:
    """The header with its own checksum in it, filled up to so many bytes."""
    marks = {**header[METADATA], HEADER_CHECKSUM: checksum(_canonical(header))}
    return _canonical({**header, METADATA: marks}).ljust(room)


def _canonical(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


class Container:
    """An open file: `metadata`, and `array(name)` as a read-only view of the memory map.

    The header was checked. An array is checked before it is first handed out, or by `verify`.

    size : bytes of the file
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._header, self._base, self._map = _open(path)
        self.metadata: dict[str, str] = self._header.pop(METADATA)
        self.size = len(self._map)
        self._unchecked = set(self._header)

    def names(self) -> list[str]:
        return [name for name in self._header if not name.startswith(PADDING)]

    def dtype(self, name: str) -> str:
        """An array's type as numpy names it; empty where there is none."""
        entry = self._header.get(name)
        return DTYPES[entry["dtype"]].name if entry else ""

    def array(self, name: str, dtype: str, dimensions: int = 1) -> Array:
        """One array.

        Raises
        ------
        DamagedBrainError : it is missing, not of this type, or its checksum does not hold
        """
        entry = self._header.get(name)
        if entry is None:
            raise DamagedBrainError(f"{self.path}: the section {name!r} is missing: restore the file from a copy")
        if entry["dtype"] != NAMES[dtype] or len(entry["shape"]) != dimensions:
            raise DamagedBrainError(
                f"{self.path}: the section {name!r} holds {entry['dtype']} of shape {entry['shape']}, "
                f"{NAMES[dtype]} in {dimensions} dimension(s) was expected: restore the file from a copy"
            )
        return self._view(name)

    def any_of(self, name: str, dtypes: Sequence[str], dimensions: int = 1) -> Array:
        """One array that may be of several types, the first of them unless it is of another; otherwise as `array`."""
        found = self.dtype(name)
        return self.array(name, found if found in dtypes else dtypes[0], dimensions)

    def get(self, name: str) -> Array | None:
        """One array as it is; None where there is none."""
        return self._view(name) if name in self._header else None

    def _view(self, name: str) -> Array:
        self.verify([name])
        entry = self._header[name]
        begin, end = entry["data_offsets"]
        if begin == end:
            return np.empty(entry["shape"], DTYPES[entry["dtype"]])
        view = np.frombuffer(
            self._map,
            DTYPES[entry["dtype"]],
            (end - begin) // DTYPES[entry["dtype"]].itemsize,
            self._base + begin,
        )
        return view.reshape(entry["shape"])

    def verify(self, names: Iterable[str] | None = None) -> None:
        """Read arrays that were not read yet, and compare their checksums; several at a time where that pays.

        Parameters
        ----------
        names : which of them; by default every byte behind the header

        Raises
        ------
        DamagedBrainError : names the section that does not hold
        """
        some = self._unchecked if names is None else self._unchecked.intersection(names)
        held = self._hold(sorted(some, key=self._size, reverse=True))
        for name in self._header:
            if not held.get(name, True):
                raise DamagedBrainError(
                    f"{self.path}: the section {name!r} is damaged (its checksum does not hold): "
                    "restore the file from a copy"
                )
        self._unchecked.difference_update(held)

    def _hold(self, by_size: Sequence[str]) -> dict[str, bool]:
        """Whether each array holds; the largest are checked first, so that no thread ends long after the others."""
        shared = [name for name in by_size if self._size(name) >= SHARED]
        if sum(map(self._size, shared)) >= LARGE:
            try:
                with ThreadPoolExecutor(CHECKERS) as pool:
                    held = pool.map(self._holds, shared)
                    rest = {name: self._holds(name) for name in by_size[len(shared) :]}
                    return dict(zip(shared, held, strict=True)) | rest
            except RuntimeError:  # no thread is to be had: their stacks are beyond a limit
                pass
        return {name: self._holds(name) for name in by_size}

    def _size(self, name: str) -> int:
        """Bytes of an array."""
        begin, end = self._header[name]["data_offsets"]
        return int(end - begin)

    def _holds(self, name: str) -> bool:
        entry = self._header[name]
        begin, end = entry["data_offsets"]
        with memoryview(self._map)[self._base + begin : self._base + end] as body:
            if name.startswith(PADDING):
                return not np.frombuffer(body, np.uint8).any()
            good = checksum(body) == self.metadata.get(CHECKSUM + name)
            if entry["dtype"] == NAMES["bool"]:
                good = good and int(np.frombuffer(body, np.uint8).max(initial=0)) <= 1
            return good


def _open(path: Path) -> tuple[dict[str, Any], int, mmap.mmap]:
    """Header, where the arrays begin, and the map; every length is checked before it is used."""
    if NUL in str(path):
        raise BrainFileError(f"there is no brain at {str(path)!r}: it holds a NUL byte, and no file has such a name")
    try:
        # One descriptor for everything: the path may come to name another file at any moment.
        # O_NONBLOCK: a pipe that nobody writes to would keep us for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise NotABrainError(f"{path} is not a file: name a brain file")
            header, base = _read_header(path, file, status.st_size)
            return header, base, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise BrainFileError(f"there is no brain at {path}: train one, or name another path") from error
    except IsADirectoryError as error:
        raise NotABrainError(f"{path} is not a file: name a brain file") from error
    except OSError as error:
        raise BrainFileError(f"cannot open {path}: {error.strerror}: make it readable, or name another path") from error


def _read_header(path: Path, file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    if size == 0:
        raise NotABrainError(f"{path} is empty, not a brain: restore the file from a copy")
    start = file.read(LENGTH_BYTES)
    length = int.from_bytes(start, "little")
    if len(start) < LENGTH_BYTES or not 2 <= length <= MAX_HEADER:
        raise NotABrainError(f"{path} is not a brain file (it does not begin with a header)")
    text = file.read(length)
    if not text.startswith(b"{"):
        raise NotABrainError(f"{path} is not a brain file (it does not begin with a header)")
    base = LENGTH_BYTES + length
    if len(text) < length:
        raise TruncatedBrainError(f"{path} ends inside its header: restore the file from a copy")
    header = _parse(path, text)
    expected = base + _tiled(path, header)
    if size != expected:
        what = "ends too early" if size < expected else "goes on after its end"
        raise TruncatedBrainError(
            f"{path} {what} ({size} bytes, {expected} were expected): restore the file from a copy"
        )
    return header, base


def _parse(path: Path, text: bytes) -> dict[str, Any]:
    """The header as it was written, to the byte."""
    try:
        header = json.loads(text)
        marks = header.get(METADATA) if isinstance(header, dict) else None
        if not isinstance(marks, dict) or HEADER_CHECKSUM not in marks:
            raise NotABrainError(f"{path} is a safetensors file, but not a brain: name a brain file")
        del marks[HEADER_CHECKSUM]
        good = sealed(header, len(text)) == text and all(type(value) is str for value in marks.values())
    except (ValueError, RecursionError):
        good = False
    if not good:
        raise _damaged(path)
    checked: dict[str, Any] = header
    return checked


def _tiled(path: Path, header: Mapping[str, Any]) -> int:
    """Bytes that the arrays fill: one after the other, without a gap, each as long as its shape and type say."""
    spans: list[tuple[int, int]] = []
    for name, entry in header.items():
        if name == METADATA:
            continue
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise _damaged(path)
        shape, offsets = entry["shape"], entry["data_offsets"]
        if str(entry["dtype"]) not in DTYPES or not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2:
            raise _damaged(path)
        if offsets[1] - offsets[0] != math.prod(shape) * DTYPES[entry["dtype"]].itemsize:
            raise _damaged(path)
        spans.append((offsets[0], offsets[1]))
    end = 0
    for begin, stop in sorted(spans):
        if begin != end:
            raise _damaged(path)
        end = stop
    return end


def _naturals(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(n) is int and 0 <= n <= LARGEST for n in numbers)


def _damaged(path: Path) -> DamagedBrainError:
    return DamagedBrainError(f"{path}: the header is damaged: restore the file from a copy")
