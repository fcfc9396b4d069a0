"""Sizes are read and written as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_suite.errors import SizeError, WorkloadError
from scaling_suite.sizes import MAX_SIZE_BYTES, format_size, parse_size
from scaling_suite.workload import ladder_sizes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1KB", 1000),
        ("1KiB", 1024),
        ("10MB", 10_000_000),
        ("512MiB", 512 * 2**20),
        ("1GB", 10**9),
        ("1.5MB", 1_500_000),
        ("17", 17),
        ("17B", 17),
        (" 2 gb ", 2 * 10**9),
    ],
)
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "MB", "ten", "10XB", "-1KB", "1e3", "0", "0.2B", "1 0KB", "9" * 19 + "TB", "1KB\n2KB"]
)
def test_what_is_not_a_size_gets_one_sentence(text: str) -> None:
    with pytest.raises(SizeError) as caught:
        parse_size(text)
    assert "\n" not in str(caught.value)
    assert "must" in str(caught.value) or "such as 10MB" in str(caught.value)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (1000, "1KB"),
        (1024, "1KiB"),
        (10**9, "1GB"),
        (512 * 2**20, "512MiB"),
        (999, "999B"),
        (880_326, "880KB"),
        (99_999_999, "100MB"),
        (999_999_930, "1GB"),
    ],
)
def test_a_size_is_written_short(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(1, MAX_SIZE_BYTES // 2))
def test_a_written_size_reads_back_within_half_a_percent(size: int) -> None:
    assert abs(parse_size(format_size(size)) - size) * 200 <= size


def test_a_ladder_goes_from_its_first_to_its_last_size() -> None:
    assert ladder_sizes(1000, 10**6) == [1000, 10_000, 100_000, 10**6]
    assert ladder_sizes(1000, 5000, 2) == [1000, 2000, 4000, 5000]
    assert ladder_sizes(1000, 1000) == [1000]


@pytest.mark.parametrize(("first", "last", "factor"), [(0, 10, 10), (10, 5, 10), (10, 100, 1)])
def test_a_ladder_that_does_not_climb_is_refused(first: int, last: int, factor: int) -> None:
    with pytest.raises(WorkloadError):
        ladder_sizes(first, last, factor)
