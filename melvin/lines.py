"""Input: bytes as they come -> blocks of whole lines, ready to parse.

A line is the bytes up to a line feed; a carriage return before it is dropped, empty lines are skipped, every other byte
is data. A line may be of any length: one longer than `MAX_PIECE` is handed on in pieces, cut at multiples of it from
the line's start, so that memory stays bounded and a cut never depends on how the input was read.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from melvin.errors import InputError

LF, CR = 10, 13
MAX_PIECE = 1 << 16  # bytes: the longest stretch that is held for want of a line feed
READ_BYTES = 1 << 18  # bytes read at a time: with its work arrays a block stays in a second-level cache


@dataclass(frozen=True)
class Block:
    """Whole pieces, one after the other; each piece that ends its line is followed by one terminator byte.

    data : uint8, shape (n,)
    piece_start : int64, shape (p,)   where each piece begins in data
    closed : bool, shape (p,)         the piece ends its line: its last byte in data is the terminator
    opens : bool                      the first piece begins a line (it does not continue the block before)
    """

    data: NDArray[np.uint8]
    piece_start: NDArray[np.int64]
    closed: NDArray[np.bool_]
    opens: bool

    @property
    def piece_end(self) -> NDArray[np.int64]:
        return np.append(self.piece_start, self.data.size)[1:]

    def without(self, pieces: NDArray[np.int64]) -> Block | None:
        """The block without some whole lines; None where nothing is left."""
        keep = np.ones(self.piece_start.size, np.bool_)
        keep[pieces] = False
        if not keep.any():
            return None
        length = (self.piece_end - self.piece_start)[keep]
        opens = self.opens or bool(self.closed[: np.argmax(keep)].any())
        data = self.data[np.repeat(keep, self.piece_end - self.piece_start)]
        return Block(data, np.cumsum(length) - length, self.closed[keep], opens)

    def split(self, pieces: int) -> tuple[Block, Block]:
        """The first `pieces` pieces, and the rest."""
        at = int(self.piece_start[pieces]) if pieces < self.piece_start.size else self.data.size
        first = Block(self.data[:at], self.piece_start[:pieces], self.closed[:pieces], self.opens)
        opens = bool(self.closed[pieces - 1]) if pieces else self.opens
        rest = Block(self.data[at:], self.piece_start[pieces:] - at, self.closed[pieces:], opens)
        return first, rest


def clean(raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Drop carriage returns before line feeds, and empty lines. `raw` begins at a line's start."""
    feed = raw == LF
    if not feed.any():
        return raw
    at = np.flatnonzero(feed)
    returns = at[1:] - 1 if at[0] == 0 else at - 1
    if (raw[returns] == CR).any():
        keep = np.ones(raw.size, np.bool_)
        keep[returns[raw[returns] == CR]] = False
        raw = raw[keep]
        feed = raw == LF
    after_feed = np.empty(raw.size, np.bool_)
    after_feed[0] = True
    after_feed[1:] = feed[:-1]
    empty = feed & after_feed
    return raw[~empty] if empty.any() else raw


class Cuts(Protocol):
    """Somebody who keeps track of where a stream was cut."""

    opens: bool

    def cut(self, raw: bytes, *, opens: bool, ended: bool = False) -> None:
        """The next block stands for these bytes of the stream; behind it a line begins or does not."""


def blocks(chunks: Iterable[bytes], cuts: Cuts | None = None) -> Iterator[Block]:
    """Cut a stream of byte strings, broken anywhere, into blocks of whole pieces."""
    held = b""  # from the start of an open piece
    opens = cuts is None or cuts.opens  # the open piece begins its line
    for chunk in chunks:
        held += chunk
        feed = held.rfind(b"\n")
        if feed < 0 and len(held) < 2 * MAX_PIECE:
            continue
        block, used = _cut(held, feed + 1, opens)
        opens = opens if block is None else bool(block.closed[-1])
        if cuts is not None:
            cuts.cut(held[:used], opens=opens)
        held = held[used:]
        if block is not None:
            yield block
    if held:
        block, _ = _cut(held + b"\n", len(held) + 1, opens)
        if cuts is not None:
            cuts.cut(held, opens=True, ended=True)
        if block is not None:
            yield block


def _cut(held: bytes, whole: int, opens: bool) -> tuple[Block | None, int]:
    """Turn held[:whole] (whole lines) and full pieces of an open line behind it into a block; say how much was used."""
    tail = len(held) - whole
    # One byte stays back, and a carriage return may turn out to stand before a line feed: never cut right behind it
    # all.
    pieces = max(0, (tail - 2) // MAX_PIECE) if tail > MAX_PIECE else 0
    used = whole + pieces * MAX_PIECE
    raw = np.frombuffer(held, np.uint8, used)
    return make_block(raw, opens), used


def make_block(raw: NDArray[np.uint8], opens: bool) -> Block | None:
    """Whole lines, the last one open where no line feed ends it, as a block; None where nothing is left to learn."""
    # In a line that was begun before, the first line feed ends that line: it is not an empty one.
    data = clean(raw) if opens else clean(np.concatenate((np.zeros(1, np.uint8), raw)))[1:]
    if not data.size:
        return None
    end = np.flatnonzero(data == LF) + 1
    start = np.concatenate(([0], end)) if not end.size or end[-1] != data.size else np.concatenate(([0], end[:-1]))
    stop = np.append(start[1:], data.size)
    body = stop - start - (data[stop - 1] == LF)
    extra = np.maximum(0, (body - 1) // MAX_PIECE)
    if extra.any():
        which = np.repeat(np.arange(start.size), extra + 1)
        first = np.repeat(np.cumsum(extra + 1) - (extra + 1), extra + 1)
        start = start[which] + (np.arange(which.size) - first) * MAX_PIECE
        stop = np.append(start[1:], data.size)
    return Block(data, start.astype(np.int64), data[stop - 1] == LF, opens)


def lines_block(texts: Iterable[bytes]) -> Block:
    """One line a text, as it is: nothing dropped, every byte data."""
    data = bytearray()
    start, closed = [], []
    for text in texts:
        pieces = range(0, max(len(text), 1), MAX_PIECE)
        start += [len(data) + piece for piece in pieces]
        closed += [False] * (len(pieces) - 1) + [True]
        data += text + bytes([LF])
    return Block(
        np.frombuffer(bytes(data), np.uint8), np.array(start, np.int64), np.array(closed, np.bool_), opens=True
    )


def from_lines(lines: Iterable[bytes | str]) -> Iterator[bytes]:
    """Lines as a stream of byte strings; text is UTF-8, with bytes that were not legal carried as surrogates.

    Raises
    ------
    InputError : they are one string, or nothing to iterate over, or one of them is neither text nor bytes
    """
    if isinstance(lines, bytes | str) or not isinstance(lines, Iterable):
        raise InputError(f"an iterable of lines was expected, not {reprlib.repr(lines)}: wrap a single line in a list")
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(to_bytes(line))
        size += len(batch[-1]) + 1
        if size >= READ_BYTES:
            yield b"\n".join(batch) + b"\n"
            batch, size = [], 0
    if batch:
        yield b"\n".join(batch) + b"\n"


def to_bytes(text: bytes | str) -> bytes:
    """Bytes as they are, text as UTF-8.

    Raises
    ------
    InputError : it is neither, or holds half of a character
    """
    try:
        return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    except AttributeError as error:
        raise InputError(f"{reprlib.repr(text)} is neither text nor bytes: give a str or bytes") from error
    except UnicodeEncodeError as error:
        raise InputError(
            f"{text[error.start]!a} is half of a character (a lone surrogate): leave it out, or give bytes"
        ) from error


class Readable(Protocol):
    """A stream of bytes: an open file, or whatever hands them out as one does."""

    def read(self, size: int, /) -> bytes: ...


def from_file(file: Readable, enter_stage: Callable[[str], None]) -> Iterator[bytes]:
    """A file's bytes, READ_BYTES at a time."""
    while True:
        enter_stage("read")
        chunk = file.read(READ_BYTES)
        if not chunk:
            return
        yield chunk
