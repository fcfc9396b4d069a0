"""A source is a file or a folder, read as a stream of lines."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_suite.errors import SourceError
from scaling_suite.source import LONG_LINE_BYTES, line_pieces, read_blocks, source_bytes, source_files


def whole_lines(blocks: list[bytes]) -> list[bytes]:
    lines, line = [], b""
    for piece, ends in line_pieces(blocks):
        line += piece
        if ends:
            lines.append(line)
            line = b""
    return [*lines, line] if line else lines


@given(st.lists(st.binary(max_size=50)))
def test_how_a_text_is_cut_into_blocks_does_not_change_its_lines(blocks: list[bytes]) -> None:
    text = b"".join(blocks)
    expected = text.split(b"\n")
    assert whole_lines(blocks) == (expected if expected[-1] else expected[:-1])


def test_a_line_longer_than_a_block_comes_in_pieces() -> None:
    block = b"x" * LONG_LINE_BYTES
    pieces = list(line_pieces([block] * 5 + [b"end\nnext\n"]))
    assert len(pieces) > 3
    assert [ends for _, ends in pieces][-2:] == [True, True]
    assert pieces[-1] == (b"next", True)
    assert b"".join(piece for piece, _ in pieces[:-1]) == block * 5 + b"end"


def test_a_folder_is_its_text_files_in_the_order_of_their_paths(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one.txt").write_bytes(b"third")
    (tmp_path / "a.txt").write_bytes(b"first\n")
    (tmp_path / "a2.md").write_bytes(b"second")
    (tmp_path / ".hidden").write_bytes(b"no")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0\0")
    assert [path.name for path in source_files(tmp_path)] == ["a.txt", "a2.md", "one.txt"]
    assert b"".join(read_blocks(tmp_path)) == b"first\nsecond\nthird\n"
    assert source_bytes(tmp_path) == 17


def test_a_single_file_is_read_whatever_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(b"\0\xff\r\nx")
    assert b"".join(read_blocks(path)) == b"\0\xff\r\nx\n"


def test_nothing_to_read_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        source_files(tmp_path / "missing")
    with pytest.raises(SourceError, match="no text file"):
        source_files(tmp_path)
    with pytest.raises(SourceError, match="no file and no folder"):
        source_files(Path("/dev/null"))
