"""The generated corpus is deterministic, grows as real prose does, and has more to learn at every size."""

import lzma
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from scaling_suite.errors import WorkloadError
from scaling_suite.generator import LINES_PER_BLOCK, expand, generate, write_corpus
from scaling_suite.growth import REAL_PROSE, Growth, measure_growth
from scaling_suite.spelling import scatter
from scaling_suite.words import draw_rank, lookup, mix, octave_masses

FIRST_BLOCK = "8a7495d9854eb9e9"


@pytest.fixture(scope="module")
def ten_megabytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    write_corpus(path, 10_000_000, seed=7)
    return path.read_bytes()


@pytest.fixture(scope="module")
def growth(ten_megabytes: bytes) -> dict[int, Growth]:
    return {row.decade or row.size_bytes: row for row in measure_growth([ten_megabytes])}


def test_the_text_of_a_seed_is_the_same_on_every_machine() -> None:
    assert xxhash.xxh3_64_hexdigest(next(generate(7))) == FIRST_BLOCK


def test_seeds_and_blocks_differ() -> None:
    one, two = islice(generate(7), 2)
    other = next(generate(8))
    assert not set(one.splitlines()[:100]) & (set(two.splitlines()[:100]) | set(other.splitlines()[:100]))


def test_a_smaller_corpus_is_a_beginning_of_a_larger_one_cut_at_a_line(ten_megabytes: bytes, tmp_path: Path) -> None:
    for size in (1, 1000, 65_536, 2_000_000):
        written = write_corpus(tmp_path / "small.txt", size, seed=7)
        text = (tmp_path / "small.txt").read_bytes()
        assert len(text) == written <= size
        assert ten_megabytes.startswith(text)
        assert text == b"" or text.endswith(b"\n")
        assert ten_megabytes.find(b"\n", written) >= size


def test_a_block_is_whole_lines_of_printable_text_in_utf_8() -> None:
    block = next(generate(7))
    lines = block.decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == LINES_PER_BLOCK
    assert all(line.isprintable() and line == line.strip() and line for line in lines)


def test_lines_are_as_long_as_lines_of_prose(ten_megabytes: bytes) -> None:
    lengths = np.array([len(line) for line in ten_megabytes.splitlines()])
    assert 140 < lengths.mean() < 220
    assert 60 < np.median(lengths) < 130
    assert 400 < np.percentile(lengths, 95) < 1000


@pytest.mark.parametrize("size", [10**3, 10**4, 10**5, 10**6, 10**7])
def test_words_pairs_and_n_grams_grow_as_in_real_prose(growth: dict[int, Growth], size: int) -> None:
    for here, real in zip(growth[size].compared, REAL_PROSE[size], strict=True):
        assert real / 1.6 < here < real * 1.6


def test_new_words_keep_coming(growth: dict[int, Growth]) -> None:
    assert growth[10**7].words > 3 * growth[10**6].words > 9 * growth[10**5].words


def test_there_is_more_to_learn_at_every_size(ten_megabytes: bytes) -> None:
    costs = [len(lzma.compress(ten_megabytes[:size], preset=1)) / size for size in (3_000, 30_000, 300_000, 3_000_000)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.85 * costs[-2] or costs[-1] < 0.4


def test_context_tells_about_the_next_word(ten_megabytes: bytes) -> None:
    lines = ten_megabytes[:1_000_000].splitlines()
    words = [word for line in lines for word in line.split()]
    shuffled = list(words)
    np.random.default_rng(7).shuffle(shuffled)
    assert len(set(pairwise(words))) < 0.9 * len(set(pairwise(shuffled)))


def test_a_corpus_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="cannot be written"):
        write_corpus(tmp_path / "no" / "such.txt", 1000, seed=7)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=40), st.integers(8, 16))
def test_a_lookup_table_gives_each_choice_its_share(weights: list[int], bits: int) -> None:
    drawn = np.bincount(lookup(weights, bits), minlength=len(weights))
    assert drawn.sum() == 1 << bits
    assert np.abs(drawn - np.array(weights) * (1 << bits) / sum(weights)).max() <= 1


def test_ranks_have_the_masses_of_their_octaves() -> None:
    table = lookup(octave_masses([4, 2], 1, 2, 10))
    ranks = draw_rank(table, mix(np.arange(200_000, dtype=np.uint64)))
    octaves = np.bincount(np.frexp(ranks.astype(float))[1] - 1) / ranks.size
    assert octaves[:3] == pytest.approx([0.5, 0.25, 0.125], abs=0.01)


@pytest.mark.parametrize("octave", [0, 1, 2, 3, 7, 12])
def test_scattering_permutes_each_octave(octave: int) -> None:
    lexemes = np.arange(1 << octave, 2 << octave, dtype=np.uint64)
    scattered = scatter(lexemes, np.full(lexemes.size, octave, np.uint64))
    assert np.array_equal(np.sort(scattered), lexemes)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=20))
def test_expanding_is_the_loop_it_replaces(rows: list[tuple[int, int]]) -> None:
    start, length = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
    owner, entry = expand(start, length)
    looped = [(number, s + i) for number, (s, n) in enumerate(rows) for i in range(n)]
    assert list(zip(owner.tolist(), entry.tolist(), strict=True)) == looped
