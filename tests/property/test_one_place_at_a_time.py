"""A place asked for alone gets, to the bit, what it gets among all places of a block."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melvin import Brain, reader, spread, trace
from melvin.attention import at_lag, at_lag_one, continued, continued_one
from melvin.chunks import Window, hash_one
from melvin.competition import compete_one
from melvin.contexts import context_after
from melvin.hashing import mix, mix_one
from melvin.lines import lines_block
from melvin.parse import Parser
from melvin.settings import MECHANISMS, Settings

PROSE = (Path(__file__).parents[2] / "fixtures" / "prose.txt").read_bytes().splitlines()
BINARY = [bytes([n % 7, 0, n % 3, 255]) * (n % 40) for n in range(60)]
LONG = b"electroencephalographically-immunoelectrophores"  # a symbol of more bytes than beginnings are looked for
U64 = st.integers(0, 2**64 - 1)


def learnt(settings):
    brain = Brain(settings)
    brain.learn([b"x %b%b y" % (LONG, end) for end in (b"", b"Z", b"!")] * 60)
    brain.learn(PROSE)
    brain.learn(BINARY, port="can")
    return brain


@pytest.fixture(scope="module")
def brain():
    return learnt(Settings())


def texts(draw):
    """Beginnings of lines, some that were never read, some without a border in reach."""
    words = b" ".join(PROSE).split()
    for _ in range(40):
        line = draw.choice([draw.choice(PROSE), b" ".join(draw.choices(words, k=30)), draw.randbytes(30)])
        yield line[: draw.randint(0, len(line))]
    yield from (b"x " + (LONG + b"Z")[:size] for size in range(20, len(LONG) + 2))
    yield from (b"", b" ", b"x" * 63, b"x" * 64, b"word " + b"ab" * 200, b"\n\r\0 ", b"The   the ")


def among_others(brain, text, port):
    """The vectorised answer, for all of a text at once."""
    reader, index = brain._ask(port)
    at, every = np.array([len(text)]), np.arange(1, 258)[None]
    return reader.predict(lines_block([text]), index, at, every)[0]


def assert_alike(brain, seed=0):
    for port in ("text", "can"):
        for text in [*texts(random.Random(seed)), *BINARY[-3:]]:
            alone = brain.distribution(text, port=port).probability
            assert np.array_equal(alone, among_others(brain, text, port)), (port, text)


def test_a_place_alone_is_told_what_it_is_told_among_others(brain):
    assert_alike(brain)


@pytest.mark.parametrize("off", MECHANISMS)
def test_so_it_is_without_any_one_mechanism(off):
    assert_alike(learnt(Settings.without([off])))


@pytest.mark.parametrize("entries", [0, 3])
def test_rows_are_read_alike_entry_by_entry_and_by_searching(brain, monkeypatch, entries):
    monkeypatch.setattr(spread, "WIDE", entries)
    brain._reader = None
    assert_alike(brain, seed=1)


@pytest.mark.parametrize("size", [6, 7, 8, 13, 14, 15])
@pytest.mark.parametrize("entries", [0, spread.WIDE])
def test_a_place_behind_the_longest_payload_that_there_is(monkeypatch, size, entries):
    monkeypatch.setattr(spread, "WIDE", entries)
    word, brain = b"abcdefghijklmno"[:size], Brain()
    brain.learn([word, word + b"x", word + b"y"] * 40)
    for text in (word[:-1], word, word + b"z", word + word):
        assert np.array_equal(brain.distribution(text).probability, among_others(brain, text, "text")), text


def test_what_is_remembered_changes_nothing(brain, monkeypatch):
    for module, name in (
        (spread, "KEPT_SPANS"),
        (spread, "KEPT_KIN"),
        (spread, "KEPT_CONTEXTS"),
        (spread, "KEPT_WIDE"),
        (trace, "KEPT_CHUNKS"),
        (trace, "KEPT_PAIRS"),
    ):
        monkeypatch.setattr(module, name, 3)
    for entries in (spread.WIDE, 0):  # rows are read entry by entry, or searched
        monkeypatch.setattr(spread, "WIDE", entries)
        brain._reader = None
        assert_alike(brain, seed=2)


def test_a_continuation_gets_the_same_byte_by_byte_and_all_at_once(brain, monkeypatch):
    lines = [line for line in PROSE if len(line) > 20]
    alone = [brain.probability(line[:n], line[n : n + 9]) for n, line in enumerate(lines)]
    monkeypatch.setattr(reader, "FEW", 0)
    assert alone == [brain.probability(line[:n], line[n : n + 9]) for n, line in enumerate(lines)]


def test_feedback_scales_a_place_alone_as_among_others(brain):
    known = learnt(Settings())
    for text in (b"The ", b"the cat", b""):
        known.feedback(known.query(text), 1.0)
    assert not np.array_equal(known.distribution(b"The ").probability, brain.distribution(b"The ").probability)
    assert_alike(known)


@given(U64, st.binary(max_size=63), st.integers(0, 40))
def test_hashes_of_one_are_those_of_many(value, payload, salt):
    assert mix_one(value) == int(mix(np.array([value], np.uint64))[0])
    window = Window(np.frombuffer(payload, np.uint8))
    hashed = window.hash(np.zeros(1, np.int64), np.array([len(payload)]), salt)
    assert hash_one(payload, salt) == int(hashed[0])
    name = value >> 43
    assert at_lag_one(name, 3) == int(at_lag(np.array([name], np.uint32), np.array([3], np.uint8))[0])
    assert continued_one(name, int(hashed[0])) == int(continued(np.array([name], np.uint32), hashed)[0])


@given(st.binary(min_size=1, max_size=63).filter(lambda line: b"\n" not in line))
def test_one_chunk_parses_as_it_does_among_many(brain, payload):
    symbols = brain.snapshot.symbols
    parsed = Parser(symbols, np.ones(symbols.size, np.uint32)).parse(
        Window(np.frombuffer(payload, np.uint8)),
        np.zeros(1, np.int64),
        np.array([len(payload)]),
        0,
        np.zeros(1, np.bool_),
    )
    ground = [int(symbols.base[0]) + byte for byte in payload]
    alone = compete_one(symbols.pattern_of_one, ground)
    assert alone == parsed.stream().tolist()


@given(st.binary(max_size=12))
def test_the_last_codes_of_a_line_are_those_of_its_block(text):
    from melvin.codes import CODE_BITS, END_CODE
    from melvin.contexts import ORDER, ngrams

    key = ngrams(lines_block([text]), np.full(ORDER, END_CODE, np.uint64), 3)
    assert context_after(text, 3) == int(key[-1]) >> CODE_BITS
