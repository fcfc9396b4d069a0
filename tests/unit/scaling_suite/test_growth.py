"""Growth counts what a plain loop counts, however the text is cut."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_suite import growth
from scaling_suite.growth import Growth, measure_growth

WORD = re.compile(rb"[0-9A-Za-z_\x80-\xff]+")
TEXTS = st.lists(st.sampled_from([b"a", b"B", b"ab", b"Ab", b"9", b"\xc3\xa9", b" ", b"\n", b".", b"\0"]), max_size=300)


def count_in_a_loop(text: bytes) -> tuple[int, ...]:
    lines = [[word.lower() for word in WORD.findall(line)] for line in text.split(b"\n")]
    words = [word for line in lines for word in line]
    pairs = {pair for line in lines for pair in itertools.pairwise(line)}
    threes, fives = ({text[i : i + n] for i in range(len(text) - n + 1)} for n in (3, 5))
    return text.count(b"\n"), len(words), len(set(words)), len(pairs), len(threes), len(fives)


def figures(row: Growth) -> tuple[int, ...]:
    return row.lines, row.tokens, *row.compared


@given(TEXTS.map(b"".join).filter(len), st.integers(1, 64))
def test_growth_is_the_loop_it_replaces_however_the_text_is_cut(text: bytes, portion: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growth, "PORTION_BYTES", portion)
        patch.setattr(growth, "MIN_MERGE", 4)
        blocks = [text[i : i + 7] for i in range(0, len(text), 7)]
        lines = text.split(b"\n")
        whole = [*measure_growth(blocks)][-1]
    expected = count_in_a_loop(text)
    if max(map(len, lines)) < portion:  # a longer line is cut, and with it perhaps a word
        assert figures(whole) == expected
    assert figures(whole)[4:] == expected[4:]
    assert whole.size_bytes == len(text)


def test_growth_is_told_at_each_decade_and_at_the_end() -> None:
    text = b"one two three\n" * 2000
    rows = list(measure_growth([text]))
    assert [row.size_bytes for row in rows] == [1000, 10_000, 28_000]
    for row in rows:
        assert figures(row) == count_in_a_loop(text[: row.size_bytes])


def test_an_empty_text_has_no_growth() -> None:
    assert list(measure_growth([])) == []
    assert list(measure_growth([b""])) == []
