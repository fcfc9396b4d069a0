"""Separators: openness against plain counting, and the bytes that separate texts of every kind."""

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melvin.codes import END_CODE
from melvin.contexts import ORDER, four_grams, ngrams
from melvin.lines import lines_block
from melvin.separators import openness, separators
from melvin.tables import count_keys


def grams(rows):
    return four_grams(count_keys(ngrams(lines_block(rows), np.full(ORDER, END_CODE, np.uint64), 0)))


def entropy(rows, ahead):
    """{byte: entropy of the code next to it, its own and two codes on the other side known}."""
    seen, whole = Counter(), Counter()
    for row in rows:
        codes = [END_CODE] * 3 + [byte + 1 for byte in row] + [END_CODE]
        for at in range(3, len(codes)):
            a, b, c, d = codes[at - 3 : at + 1]
            context, asked = ((a, b, c), c) if ahead else ((b, c, d), b)
            seen[asked, context, d if ahead else a] += 1
            whole[asked, context] += 1
    left, total = Counter(), Counter()
    for (asked, context, _), n in seen.items():
        left[asked] += n * math.log2(whole[asked, context] / n)
        total[asked] += n
    return {asked - 1: left[asked] / total[asked] for asked in total if asked != END_CODE}


@given(st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=8))
def test_openness_is_the_entropy_around_a_byte(rows):
    _, ahead, behind = openness(grams(rows))
    for found, expected in ((ahead, entropy(rows, ahead=True)), (behind, entropy(rows, ahead=False))):
        assert {byte: found[byte] for byte in expected} == pytest.approx(expected, abs=1e-9)


def text_of(separator, vocabulary, seed):
    """Lines of a small vocabulary of made-up words, whose vowels branch as widely as a space does."""
    draw = random.Random(seed)
    words = ["".join(draw.choice("bcdfg") + draw.choice("aeiou") for _ in range(draw.randint(1, 4))) for _ in range(60)]
    return [
        separator.join(draw.choice(words[:vocabulary]) for _ in range(draw.randint(3, 8))).encode() for _ in range(3000)
    ]


@pytest.mark.parametrize("separator", [" ", "_", "-", "\t"])
@pytest.mark.parametrize("vocabulary", [20, 60])
def test_what_stands_between_words_separates(separator, vocabulary):
    assert np.flatnonzero(separators(grams(text_of(separator, vocabulary, 1)))).tolist() == [ord(separator)]


def test_without_bytes_nothing_separates():
    assert not separators(grams([b"aaaa"] * 9)).any()
