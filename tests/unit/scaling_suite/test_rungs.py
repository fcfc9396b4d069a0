"""A rung's files hold what they promise, for any source."""

import os
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scaling_suite import heldout
from scaling_suite.errors import SourceError, WorkloadError
from scaling_suite.facts import read_facts
from scaling_suite.workload import MAX_FACTS_ASKED, MIN_RUNG_BYTES, TIMES_PLANTED, Rung, prepare_rung

SENTENCES = [
    b"The %dth traveller came from town %d and stayed %d days." % (n, n * 7 % 901, n % 13) for n in range(9000)
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "source.txt"
    path.write_bytes(b"".join(line + b"\n" for line in SENTENCES))
    return path


def lines_of(path: Path) -> list[bytes]:
    text = path.read_bytes()
    assert text == b"" or text.endswith(b"\n")
    return text.split(b"\n")[:-1]


def fact_lines(rung: Rung) -> list[bytes]:
    return [fact.line.removesuffix(b"\n") for fact in read_facts(rung.facts)]


@pytest.mark.parametrize("size", [512, 1000, 10_000, 100_000, 400_000])
def test_a_rung_is_cut_at_a_line_border_and_nearly_full(source: Path, tmp_path: Path, size: int) -> None:
    rung = prepare_rung(source, size, tmp_path)
    lines = lines_of(rung.corpus)
    assert size - 75 < rung.corpus_bytes <= size
    assert rung.corpus.stat().st_size == rung.corpus_bytes
    assert len(lines) == rung.corpus_lines
    copied = set(SENTENCES)
    planted = [line for line in lines if line not in copied]
    assert len(planted) == TIMES_PLANTED * max(1, round(len(lines) / 200 / TIMES_PLANTED))


def test_what_is_held_out_is_in_no_rung_and_the_same_for_every_rung(source: Path, tmp_path: Path) -> None:
    rungs = [prepare_rung(source, size, tmp_path / str(size)) for size in (512, 5_000, 50_000, 480_000)]
    held = {rung.heldout.read_bytes() for rung in rungs}
    assert len(held) == 1
    scored = set(lines_of(rungs[0].heldout))
    assert len(scored) >= heldout.MIN_LINES / 2
    assert scored <= set(SENTENCES)
    for rung in rungs:
        assert not scored & set(lines_of(rung.corpus))


def test_every_fact_stands_in_the_text_three_times_spread_over_it(source: Path, tmp_path: Path) -> None:
    rung = prepare_rung(source, 400_000, tmp_path)
    lines = lines_of(rung.corpus)
    asked = fact_lines(rung)
    assert len(asked) > 5
    third = len(lines) / 3
    for fact in asked:
        places = [number for number, line in enumerate(lines) if line == fact]
        assert [int(place // third) for place in places] == [0, 1, 2]


def test_a_fact_s_prefix_has_one_answer_in_the_whole_text(source: Path, tmp_path: Path) -> None:
    rung = prepare_rung(source, 400_000, tmp_path)
    text = rung.corpus.read_bytes()
    for fact in read_facts(rung.facts):
        assert text.count(fact.prefix.encode()) == TIMES_PLANTED == text.count(fact.line)


def test_the_facts_asked_are_capped_and_spread_over_all(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_bytes(b"".join(b"%d\n" % number for number in range(400_000)))
    rung = prepare_rung(path, 2_500_000, tmp_path / "rung")
    asked = fact_lines(rung)
    assert len(asked) == MAX_FACTS_ASKED
    first_places = [lines_of(rung.corpus).index(fact) for fact in asked[:: MAX_FACTS_ASKED // 4]]
    assert first_places == sorted(first_places)
    assert first_places[-1] > rung.corpus_lines / 5


def test_a_smaller_rung_has_a_beginning_of_the_lines_of_a_larger_one(source: Path, tmp_path: Path) -> None:
    small, large = (
        [line for line in lines_of(prepare_rung(source, size, tmp_path / str(size)).corpus) if line in set(SENTENCES)]
        for size in (20_000, 200_000)
    )
    assert large[: len(small)] == small
    assert len(small) > 100


def test_the_same_arguments_give_the_same_bytes_and_another_seed_does_not(source: Path, tmp_path: Path) -> None:
    one, again, other = (
        prepare_rung(source, 50_000, tmp_path / name, seed) for name, seed in (("a", 7), ("b", 7), ("c", 8))
    )
    for name in ("corpus", "heldout", "facts"):
        assert getattr(one, name).read_bytes() == getattr(again, name).read_bytes()
        assert getattr(one, name).read_bytes() != getattr(other, name).read_bytes()


def test_the_hash_seed_of_python_changes_nothing(tmp_path: Path) -> None:
    made = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        command = [sys.executable, "-m", "scaling_suite", "rung", "--size", "100KB", "--out", str(folder)]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, check=True, capture_output=True)
        made.append([(folder / name).read_bytes() for name in ("corpus.txt", "heldout.txt", "facts.jsonl")])
    assert made[0] == made[1]


def test_a_source_smaller_than_the_rung_is_refused_with_what_to_do(source: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"offers .* asks for 1MB: ask for a smaller rung"):
        prepare_rung(source, 1_000_000, tmp_path)


def test_a_rung_too_small_for_a_fact_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="too small"):
        prepare_rung(source, MIN_RUNG_BYTES - 1, tmp_path)


def test_a_folder_that_cannot_be_made_is_one_sentence(source: Path) -> None:
    with pytest.raises(WorkloadError, match="cannot be written") as caught:
        prepare_rung(source, 1000, source / "rung")
    assert "\n" not in str(caught.value)


def test_one_line_without_end_is_cut_at_the_size_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "one_line"
    with path.open("wb") as file:
        for _ in range(48):
            file.write(b"x" * (1 << 20))
    tracemalloc.start()
    rung = prepare_rung(path, 40_000_000, tmp_path / "rung")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert rung.corpus_bytes == 40_000_000
    assert rung.corpus_lines == 1 + TIMES_PLANTED
    assert rung.heldout.read_bytes() == b""


def test_empty_lines_are_kept_and_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "gaps.txt"
    path.write_bytes(b"".join(b"%d words\n\n\r\n" % number for number in range(2000)))
    rung = prepare_rung(path, 10_000, tmp_path / "rung")
    lines = lines_of(rung.corpus)
    assert lines.count(b"") > 300
    assert rung.corpus_lines == len([line for line in lines if line not in (b"", b"\r")])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=400).map(lambda line: line.replace(b"\n", b" ")), min_size=1),
    st.integers(512, 4000),
)
@example([b"\xd9sV\xfdqa\x02KDr\xcc\x0f"], 512)  # the only line there is, and its hash is low: it is none to spare
def test_any_bytes_make_a_sound_rung(lines: list[bytes], size: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = b"".join(line + b"\n" for line in lines)
        (folder / "source").write_bytes(text * (size // len(text) * 60 + 60))
        rung = prepare_rung(folder / "source", size, folder / "rung")
        made = lines_of(rung.corpus)
        facts = fact_lines(rung)
        scored = set(lines_of(rung.heldout))
        assert rung.corpus_bytes <= size
        assert all(made.count(fact) == TIMES_PLANTED for fact in facts)
        assert not scored & {line.removesuffix(b"\r") for line in made}
        copied = [line for line in made if line not in facts]
        assert all(line in lines for line in copied[:-1])
        assert not copied or any(line.startswith(copied[-1]) for line in lines)
