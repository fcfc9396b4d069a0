"""Bytes -> blocks -> chunks, held to loops over the bytes."""

import itertools

import numpy as np
import pytest
from drawn import any_line
from hypothesis import example, given
from hypothesis import strategies as st
from twins import lines as twin

from melvin import chunks, lines
from melvin.chunks import Window, chunk_starts
from melvin.lines import Block, blocks, lines_block

raw_bytes = st.lists(st.sampled_from([b"\n", b"\r", b"a", b"b", b"\0", b"\xff", b"abcdefg", b"\r\n"]), max_size=40).map(
    b"".join
)
piece_sizes = st.integers(1, 9)


def cut(data, places):
    """`data` in the chunks that the places cut it into."""
    at = [0, *sorted({min(p, len(data)) for p in places}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(at)]


def pieces_of(block):
    """[(bytes, closed, opens)]"""
    found, opens = [], block.opens
    for start, end, closed in zip(block.piece_start, block.piece_end, block.closed, strict=True):
        body = block.data[start : end - closed].tobytes()
        if closed:
            assert block.data[end - 1] == lines.LF
        found.append((body, bool(closed), bool(opens)))
        opens = bool(closed)
    return found


def pieces_in_all(chunked):
    return [piece for block in blocks(chunked) for piece in pieces_of(block)]


@given(raw_bytes, st.lists(st.integers(0, 60), max_size=8), piece_sizes)
@example(b"abcdefgh\r\nx", [8, 9], 4)
@example(b"abcdefghi\r", [9], 4)
@example(b"\r\r\n\n\r\n", [1, 2], 1)
def test_any_cutting_of_the_input_gives_the_pieces_of_its_lines(data, places, max_piece):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_PIECE", max_piece)
        found = pieces_in_all(cut(data, places))
    assert [(body, closed) for body, closed, _ in found] == twin.pieces(data, max_piece)
    opens = [True, *(closed for _, closed, _ in found)]
    assert [o for *_, o in found] == opens[: len(found)]


@given(st.lists(st.sampled_from([b"ab\r\n", b"\n", b"c\n", b"\r\n", b"x\ry\n", b"\r\r\n"]), max_size=12).map(b"".join))
def test_cleaning_drops_carriage_returns_before_line_feeds_and_empty_lines(data):
    cleaned = lines.clean(np.frombuffer(data, np.uint8)).tobytes()
    assert cleaned == b"".join(body + b"\n" for body, _ in twin.pieces(data, len(data) + 1))


@given(raw_bytes, piece_sizes, st.booleans())
def test_a_block_holds_whole_pieces_end_to_end(data, max_piece, opens):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_PIECE", max_piece)
        block = lines.make_block(np.frombuffer(data + b"\n", np.uint8), opens)
    expected = twin.pieces((b"" if opens else b"x") + data + b"\n", 10**9)
    if not opens:  # what was begun before: its first byte stands in the block before
        expected[0] = (expected[0][0][1:], True)
    if block is None:
        assert expected == []
    else:
        assert block.data.tobytes() == b"".join(body + b"\n" for body, _ in expected)
        assert block.piece_end.tolist()[-1] == block.data.size
        assert max(len(body) for body, *_ in pieces_of(block)) <= max_piece


@given(st.lists(any_line, min_size=1, max_size=8))
def test_lines_given_as_they_are_lose_nothing(texts):
    assert pieces_of(lines_block(texts)) == [(text, True, True) for text in texts]


some_pieces = st.lists(st.tuples(st.binary(min_size=1, max_size=6), st.booleans()), min_size=1, max_size=10)


def block_of(pieces, opens):
    data = b"".join(body + b"\n" * closed for body, closed in pieces)
    size = np.array([len(body) + closed for body, closed in pieces], np.int64)
    return Block(np.frombuffer(data, np.uint8), np.cumsum(size) - size, np.array([c for _, c in pieces]), opens)


@given(some_pieces, st.booleans(), st.data())
def test_a_block_split_anywhere_is_the_same_pieces(pieces, opens, data):
    block = block_of(pieces, opens)
    at = data.draw(st.integers(0, len(pieces)))
    first, rest = block.split(at)
    assert pieces_of(first) + pieces_of(rest) == pieces_of(block)


@given(some_pieces, st.booleans(), st.data())
def test_a_block_without_some_lines_is_the_other_pieces(pieces, opens, data):
    block = block_of(pieces, opens)
    whole = [i for i, (_, closed, begins) in enumerate(pieces_of(block)) if closed and begins]
    dropped = data.draw(st.sets(st.sampled_from(whole))) if whole else set()
    left = block.without(np.array(sorted(dropped), np.int64))
    assert (pieces_of(left) if left else []) == [p for i, p in enumerate(pieces_of(block)) if i not in dropped]


@given(some_pieces, st.sets(st.integers(0, 255)), st.integers(1, 9))
def test_chunks_begin_at_pieces_behind_separators_at_terminators_and_when_full(pieces, separators, max_chunk):
    separator = np.zeros(256, np.bool_)
    separator[list(separators)] = True
    separator[[b for body, _ in pieces for b in body[::3]]] = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "MAX_CHUNK", max_chunk)
        found = chunk_starts(block_of(pieces, True), separator)
    assert found.tolist() == twin.chunk_starts(pieces, separator, max_chunk)


@given(st.lists(any_line.filter(len), min_size=1, max_size=6), st.data())
def test_two_stretches_hash_alike_exactly_when_bytes_and_salt_are_alike(texts, data):
    text = b"".join(texts)
    ends = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 40))
    stretches = ends.map(lambda s: (s[0], min(s[1], len(text) - s[0])))
    asked = data.draw(st.lists(stretches, min_size=2, max_size=30))
    window = Window(np.frombuffer(text, np.uint8))
    start, length = (np.array([s[side] for s in asked], np.int64) for side in (0, 1))
    by_hash, by_bytes = {}, {}
    for salt in (0, 1, 2):
        for key, (at, size) in zip(window.hash(start, length, salt).tolist(), asked, strict=True):
            by_hash.setdefault(key, set()).add((salt, text[at : at + size]))
            by_bytes.setdefault((salt, text[at : at + size]), set()).add(key)
    assert all(len(same) == 1 for same in by_hash.values())
    assert all(len(same) == 1 for same in by_bytes.values())


@given(st.binary(min_size=1, max_size=80), st.binary(min_size=1, max_size=80), st.integers(1, 80))
def test_the_hash_of_a_stretch_does_not_see_what_stands_around_it(before, after, size):
    inner = bytes(range(size))
    alone = Window(np.frombuffer(inner, np.uint8)).hash(np.array([0]), np.array([size]), 1)
    among = Window(np.frombuffer(before + inner + after, np.uint8)).hash(np.array([len(before)]), np.array([size]), 1)
    assert alone.tolist() == among.tolist()
