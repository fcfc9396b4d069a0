"""A source of text: a file, or a folder of text files, read as one stream of lines in bounded memory.

Bytes flow in, pieces of lines flow out. A line longer than a block is passed on in several pieces.
"""

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from scaling_suite.errors import SourceError

BLOCK_BYTES = 1 << 20  # read at once: large enough to be fast, small enough to forget
LONG_LINE_BYTES = 1 << 16  # a line without an end after this many bytes is passed on in pieces
SNIFFED_BYTES = 4096  # a file in a folder is text when it has no NUL byte in its first page


def source_files(source: Path) -> list[Path]:
    """The files of a source, in the order they are read: the file itself, or a folder's text files by path.

    Hidden files and folders, links to folders and files that hold a NUL byte early are left out of a folder.
    Raises SourceError when there is nothing to read.
    """
    try:
        mode = source.stat().st_mode
        if stat.S_ISREG(mode):
            return [source]
        if not stat.S_ISDIR(mode):
            raise SourceError(f"{source} is no file and no folder: give a text file or a folder of them")
        files = sorted(path for path in source.rglob("*") if _is_text_file(path, source))
    except (OSError, ValueError) as error:
        raise _unreadable(source, error) from error
    if not files:
        raise SourceError(f"the folder {source} holds no text file: give a folder with at least one")
    return files


def source_bytes(source: Path) -> int:
    """Bytes that a source can offer: the sum of its files' sizes."""
    return sum(path.stat().st_size for path in source_files(source))


def read_blocks(source: Path) -> Iterator[bytes]:
    """The bytes of a source, block by block; a line feed is put between two files when the first lacks it."""
    for path in source_files(source):
        last = b"\n"
        try:
            with path.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    yield block
                    last = block[-1:]
        except OSError as error:
            raise _unreadable(path, error) from error
        if last != b"\n":
            yield b"\n"


def line_pieces(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """(piece, whether the line ends here) for every line, without its line feed.

    At most a block and a line of LONG_LINE_BYTES are held; how the blocks are cut changes where a long line
    is divided and nothing else.
    """
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line, True
        if len(rest) >= LONG_LINE_BYTES:
            yield rest, False
            rest = b""
    if rest:
        yield rest, True


def _is_text_file(path: Path, root: Path) -> bool:
    if any(part.startswith(".") for part in path.relative_to(root).parts) or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"\0" not in file.read(SNIFFED_BYTES)


def _unreadable(path: Path, error: Exception) -> SourceError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return SourceError(f"{path} cannot be read ({reason}): give a text file or a folder that you may read")
