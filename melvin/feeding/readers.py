"""Readers: one a file type, each a generator of (nanoseconds or None, payload) through a well-kept library.

A file without times gives None: its frames are learnt as lines, and bind with nothing.
"""

from __future__ import annotations

import csv
import datetime
import re
import struct
import wave
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from melvin.errors import InputError
from melvin.frames import NS_PER_S
from melvin.lines import MAX_PIECE

Timed = tuple[int | None, bytes]  # when, and what

AUDIO_FRAME_MS = 20  # of sound: what speech codecs take at a time
IMAGE_SIDE = 8  # an image is told by so many rows of so many tiles
TIME_COLUMNS = ("timestamp", "time")  # names of the column of a CSV file that says when
DELIMITERS = ",;\t"  # of a CSV file: the one that its first line has most of
EMPTY_CELL = "-"  # keeps the place of a cell that is empty
PROBE_BYTES = 1 << 13  # a file's beginning tells its type
STAMPED = re.compile(rb"([+-]?[0-9]+(?:\.[0-9]+)?)\t")  # seconds before a line of text
SECONDS = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?", re.ASCII)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
NS_PER_MICROSECOND = 1000
CANDUMP = re.compile(rb"\([0-9]+\.[0-9]+\) \S+ [0-9A-Fa-f]+#")


@dataclass(frozen=True)
class FileType:
    """A type of files: its name, the port its frames go to, how it is known, and its reader."""

    name: str
    port: str
    suffixes: tuple[str, ...]
    begins: Callable[[bytes], object]
    read: Callable[[Path], Iterator[Timed]]


def type_of(path: Path) -> FileType:
    """A file's type: by its name, or else by how it begins; bytes when nothing else fits.

    Raises
    ------
    InputError : it cannot be read
    """
    try:
        with path.open("rb") as file:
            probe = file.read(PROBE_BYTES)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    named = (kind for kind in TYPES if path.suffix.lower() in kind.suffixes)
    return next(named, None) or next(kind for kind in TYPES if kind.begins(probe))


def damaged(path: Path, kind: str, why: object) -> InputError:
    return InputError(f"{path} cannot be read as {kind} ({why}): repair it, or leave it out; nothing was learnt")


def lines(path: Path) -> Iterator[Timed]:
    """Lines of text or bytes, cut at MAX_PIECE. With seconds and a tab before each, they have times."""
    with path.open("rb") as file:
        stamped = None
        for number, line in enumerate(iter(lambda: file.readline(MAX_PIECE), b""), 1):
            text = line.rstrip(b"\r\n")
            found = STAMPED.match(text)
            if stamped is None:
                stamped = found is not None
            if not stamped:
                yield None, text
            elif found:
                yield _seconds(found[1].decode()), text[found.end() :]
            elif text:
                raise damaged(path, "text with times", f"line 1 begins with seconds and a tab, line {number} does not")


def sound(path: Path) -> Iterator[Timed]:
    """Frames of AUDIO_FRAME_MS of a WAV file's samples, as they stand there; the first is at 0."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, whole, done = file.getframerate(), file.getnframes(), 0
            width = file.getsampwidth() * file.getnchannels()
            step = max(rate * AUDIO_FRAME_MS // 1000, 1)
            while done < whole:
                samples = file.readframes(step)
                if len(samples) < width * min(step, whole - done):
                    raise damaged(path, "WAV", "it ends before its last sample")
                yield done * NS_PER_S // rate, samples
                done += step
    except (wave.Error, EOFError, struct.error, ZeroDivisionError) as error:
        raise damaged(path, "WAV", str(error) or "it ends too early") from error


def image(path: Path) -> Iterator[Timed]:
    """A picture as IMAGE_SIDE rows of as many tiles: the luminance of each, a byte."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise _extra(path, "Pillow", "media") from error
    try:
        with path.open("rb") as file, Image.open(file, formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > (Image.MAX_IMAGE_PIXELS or 0):
                raise damaged(path, "an image", f"{picture.width} x {picture.height} pixels are too many")
            tiles = picture.convert("L").resize((IMAGE_SIDE, IMAGE_SIDE), Image.Resampling.BOX)
            yield None, tiles.tobytes()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise damaged(path, "an image", _unpathed(error)) from error


def rows(path: Path) -> Iterator[Timed]:
    """Rows of a CSV file with a header: the cells but the time, a space between. Without a time, a row a second."""
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        first = file.readline()
        file.seek(0)
        try:
            table = csv.reader(file, delimiter=max(DELIMITERS, key=first.count), strict=True)
            header = [name.strip().lower() for name in next(table, [])]
            time = next((header.index(name) for name in TIME_COLUMNS if name in header), None)
            for number, row in enumerate(table, 1):
                if not row:
                    continue
                if len(row) != len(header):
                    raise damaged(path, "CSV", f"row {number} has {len(row)} cells, the header {len(header)}")
                when = number * NS_PER_S if time is None else _when(path, row.pop(time), number)
                cells = " ".join(cell.strip() or EMPTY_CELL for cell in row)
                yield when, cells.encode("utf-8", "surrogateescape")
        except csv.Error as error:
            raise damaged(path, "CSV", f"line {table.line_num}: {error}") from error


def candump(path: Path) -> Iterator[Timed]:
    """Frames of a log that `candump -l` wrote, each as its identifier and its bytes: 12A#01 FF."""
    try:
        from can import CanutilsLogReader
    except ModuleNotFoundError as error:
        raise _extra(path, "python-can", "can") from error
    with path.open(encoding="ascii", errors="replace") as file:
        try:
            for message in CanutilsLogReader(file):
                digits = 8 if message.is_extended_id else 3
                payload = f"{message.arbitration_id:0{digits}X}#{message.data.hex(' ').upper()}"
                yield round(message.timestamp * NS_PER_S), payload.encode()
        except (ValueError, IndexError, TypeError, OverflowError) as error:
            raise damaged(path, "a candump log", error) from error


def _when(path: Path, text: str, number: int) -> int:
    text = text.strip()
    if SECONDS.fullmatch(text):
        return _seconds(text)
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise damaged(path, "CSV", f"row {number}: {text!r} is neither seconds nor an ISO 8601 time") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - EPOCH) // MICROSECOND * NS_PER_MICROSECOND


def _seconds(text: str) -> int:
    return int(Decimal(text) * NS_PER_S)


def _extra(path: Path, package: str, extra: str) -> InputError:
    return InputError(f"reading {path} takes {package}: install it with pip install 'melvin[{extra}]'")


def _unpathed(error: Exception) -> str:
    return "it is no PNG or JPEG, or ends too early" if isinstance(error, OSError) else str(error)


def _is_text(probe: bytes) -> bool:
    return b"\0" not in probe


def begins(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda probe: probe.startswith(magic)


TYPES: Iterable[FileType] = (
    FileType("wav", "audio", (".wav",), lambda probe: probe[:4] == b"RIFF" and probe[8:12] == b"WAVE", sound),
    FileType("image", "video", (".png", ".jpg", ".jpeg"), begins(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"), image),
    FileType("csv", "sensor", (".csv", ".tsv"), lambda _: False, rows),
    FileType("candump", "can", (), CANDUMP.match, candump),
    FileType("text", "text", (".txt",), _is_text, lines),
    FileType("bytes", "bytes", (), lambda _: True, lines),
)
