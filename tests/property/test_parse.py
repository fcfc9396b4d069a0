"""Parsing by competition, and what a parser remembers, held to loops over lists."""

import itertools

import numpy as np
import pytest
from drawn import any_line, forms, parse_block, parsed, payloads, symbol_sets
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import evidence as twin
from twins import lines as line_twin

from melvin import chunks, parse
from melvin.attention import MOST_SEEN, chunk_frequency_one
from melvin.chunks import chunk_starts
from melvin.codes import BYTES, END, START
from melvin.competition import compete
from melvin.hashing import Index, mix
from melvin.lines import lines_block
from melvin.parse import Parser
from melvin.symbols import Symbols

some_symbols = st.one_of(symbol_sets(ports=("text", "can")), symbol_sets(deep=True, rounds=9))


def parser_of(symbols):
    return Parser(symbols, np.ones(symbols.size, np.uint32))


@given(
    st.lists(st.tuples(*(st.sampled_from([0, 1, most - 1, most]) for most in (2**31 - 1, chunks.MAX_CHUNK, MOST_SEEN))))
)
def test_what_is_held_of_a_chunk_in_one_word_is_found_in_it(held):
    first, size, frequency = np.array(held, np.int64).reshape(-1, 3).T
    packed = parse._packed(first, size, frequency)
    assert [part.tolist() for part in parse._unpacked(packed)] == [first.tolist(), size.tolist(), frequency.tolist()]
    assert not held or parse._sizes(packed).tolist() == size.tolist()


def competed(symbols, stream_chunks):
    """`compete` on chunks of ground symbols: what is left of each chunk, and the positions."""
    stream = np.array([s for chunk in stream_chunks for s in chunk], np.uint32)
    begins = np.array([i == 0 for chunk in stream_chunks for i in range(len(chunk))], np.bool_)
    left, begins, position = compete(symbols, stream, begins, np.arange(stream.size))
    starts = [*np.flatnonzero(begins), left.size]
    return [left[a:b].tolist() for a, b in itertools.pairwise(starts)], position.tolist()


@settings(max_examples=150)
@given(some_symbols, st.lists(any_line.filter(len), max_size=6))
def test_all_chunks_compete_at_once_as_each_does_alone(symbols, texts):
    found, position = competed(symbols, texts)
    assert found == [twin.compete(text, forms(symbols)) for text in texts]
    text = payloads(symbols)
    at, expected = 0, []  # a pattern stands where its first byte stood
    for chunk in found:
        for symbol in chunk:
            expected.append(at)
            at += len(text[symbol])
    assert position == expected


def test_in_a_run_of_one_byte_every_second_pair_merges():
    a = np.array([ord("a")], np.uint32)
    symbols = Symbols.empty().with_port("text", 0).with_patterns(a, a, 0)
    aa = symbols.size - 1
    assert competed(symbols, [b"aaaaa", b"aa", b"a"])[0] == [[aa, aa, ord("a")], [aa], [ord("a")]]


@given(some_symbols, st.lists(st.lists(any_line, min_size=1, max_size=5), min_size=1, max_size=4), st.data())
def test_the_payloads_of_a_parse_are_the_bytes_that_were_parsed(symbols, batches, data):
    separator = np.zeros(BYTES, np.bool_)
    separator[list(data.draw(st.sets(st.sampled_from(b" a\0"))))] = True
    parser, text = parser_of(symbols), payloads(symbols)
    for texts in batches:  # one parser: chunks are looked up the second time
        port = data.draw(st.integers(0, len(symbols.ports) - 1))
        block = lines_block(texts)
        stream = parse_block(parser, separator, block, port)
        base = int(symbols.base[port])
        ends = {base + END: b"\n", base + START: b""}
        parsed = b"".join(ends.get(s, text[s]) for s in stream)
        assert parsed == block.data.tobytes()
        assert all(symbols.port[s] == port for s in stream)
        expected = []  # and each chunk is what it is by itself
        pieces = [(line, True) for line in texts]
        starts = [*line_twin.chunk_starts(pieces, separator, chunks.MAX_CHUNK), block.data.size]
        terminators = set((block.piece_end - 1).tolist())
        for begin, end in itertools.pairwise(starts):
            if begin in terminators:
                expected += [base + END, base + START]
            else:
                expected += twin.compete([base + b for b in block.data[begin:end].tolist()], forms(symbols))
        assert stream == expected
        assert chunk_starts(block, separator).tolist() == starts[:-1]


def test_a_parser_that_forgets_goes_on_as_before(monkeypatch):
    a, b = np.array([ord("a")], np.uint32), np.array([ord("b")], np.uint32)
    symbols = Symbols.empty().with_port("text", 0).with_patterns(a, b, 0)
    separator = np.zeros(BYTES, np.bool_)
    separator[ord(" ")] = True
    blocks = [lines_block([b"ab aab %d" % i for i in range(n, n + 9)]) for n in range(0, 90, 3)]
    often = np.arange(1, symbols.size + 1, dtype=np.uint32)
    streams, found, parsers = [], [], []
    for room in (1 << 22, 20):
        monkeypatch.setattr("melvin.parse.POOL_SYMBOLS", room)
        parsers.append(parser := Parser(symbols, often))
        streams.append([parse_block(parser, separator, block, 0, tally=True) for block in blocks])
        found.append([parsed(parser, separator, block, 0).frequency.tolist() for block in blocks])
    assert streams[0] == streams[1]
    assert found[0] == found[1]
    aab = chunk_frequency_one(often[ord(" ")], 3)  # that and a space are three symbols
    assert {*itertools.chain(*found[0])} > {MOST_SEEN, aab}  # the first is that of a line's end
    one, other = (parser.lexicon() for parser in parsers)
    for field in ("key", "count", "size", "pool"):
        assert getattr(one, field).tolist() == getattr(other, field).tolist()
    assert int(one.count.sum()) == 3 * 9 * len(blocks)  # three chunks a line


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 9)), max_size=30), st.integers(0, 200))
def test_what_was_read_most_often_is_remembered_as_far_as_there_is_room_for_its_symbols(chunks_read, room):
    held = parse._Held(np.empty(0, np.uint32))
    count, size = np.array(chunks_read, np.int64).reshape(-1, 2).T
    held.add(
        mix(np.arange(count.size, dtype=np.uint64)), np.zeros(size.sum(), np.uint32), size, 0 * size.astype(np.uint32)
    )
    held.chunks["count"][:] = count
    alike = np.minimum(count, parse.OFTEN)
    least = next(n for n in range(parse.OFTEN + 2) if size[alike >= n].sum() <= room)
    assert held.often(room).tolist() == np.flatnonzero(alike >= least).tolist()


def test_a_parser_whose_room_is_full_goes_on_knowing_what_is_read_often(monkeypatch):
    monkeypatch.setattr("melvin.parse.POOL_SYMBOLS", 200)
    parsed = []
    monkeypatch.setattr(
        "melvin.parse.compete",
        lambda symbols, stream, *rest: parsed.append(bytes(stream.astype(np.uint8))) or compete(symbols, stream, *rest),
    )
    parser = parser_of(Symbols.empty().with_port("text", 0))
    for number in range(300):
        parse_block(parser, np.zeros(BYTES, np.bool_), lines_block([b"often", b"%d" % number]), 0, tally=True)
    assert sum(chunks.count(b"often") for chunks in parsed) == 1
    assert len(parsed) == 300  # the rest is new in each block, and was forgotten on the way
    assert parser._held.pool.size <= 200 + len("often299")


def test_a_parser_that_was_broken_off_while_its_memory_grew_goes_on_as_one_that_was_not(monkeypatch):
    symbols = Symbols.empty().with_port("text", 0)
    separator = np.zeros(BYTES, np.bool_)
    first = lines_block([b"%d" % number for number in range(10)])
    many = lines_block([b"%d" % number for number in range(5000)])
    other = parser_of(symbols)
    parse_block(other, separator, first, 0)
    with monkeypatch.context() as patch:
        patch.setattr(Index, "_place", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            parse_block(other, separator, many, 0)
    held = other._held.chunks.size
    parse_block(other, separator, first, 0)
    assert other._held.chunks.size == held  # what was known still is
    for block in (first, many):
        assert parse_block(other, separator, block, 0) == parse_block(parser_of(symbols), separator, block, 0)


def test_each_time_that_a_chunk_is_read_counts_and_ends_of_lines_do_not():
    parser = parser_of(Symbols.empty().with_port("text", 0))
    for rows in ([b"a", b"b", b"a"], [b"a"]):
        parse_block(parser, np.zeros(BYTES, np.bool_), lines_block(rows), 0, tally=True)
        parse_block(parser, np.zeros(BYTES, np.bool_), lines_block(rows), 0)
    lexicon = parser.lexicon()
    assert dict(zip(map(chr, lexicon.pool.tolist()), lexicon.count.tolist(), strict=True)) == {"a": 3, "b": 1}
