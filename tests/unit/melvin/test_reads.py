"""What a prediction reads does not depend on how much was learnt."""

from itertools import islice

import numpy as np
import pytest

from melvin import Brain
from melvin.lines import lines_block
from melvin.reader import Reader
from melvin.reads import Meter, metered, reads_of
from melvin.weights import HEADS
from scaling_suite.generator import generate

SMALL, LARGE = 50_000, 1_000_000
CONTEXTS = 6  # byte contexts of length 0 to 5
ENTRIES_A_ROW = 16  # its borders, and those of what may come in it; symbols' payloads on the way there
MORE_STEPS = 1.35  # log2 of the larger brain's rows to that of the smaller's: all that binary searches may add


@pytest.fixture(scope="module")
def snapshots():
    text = b"".join(islice(generate(7), 2))
    assert len(text) > LARGE
    learnt = []
    for size in (SMALL, LARGE):
        brain = Brain()
        brain.learn(text[:size].splitlines())
        learnt.append(brain.snapshot)
    return text.splitlines()[3], learnt


def test_the_rows_that_a_line_reads_are_bounded_by_line_and_heads_and_do_not_grow_with_the_brain(snapshots):
    line, (small, large) = snapshots
    assert large.evidence.links.size > 8 * small.evidence.links.size
    few, many = reads_of(small, line, 0), reads_of(large, line, 0)
    for reads in (few, many):
        assert 0 < reads.rows <= reads.places * (HEADS + CONTEXTS)
        assert reads.entries <= reads.places * (HEADS + CONTEXTS) * ENTRIES_A_ROW
    assert many.rows <= few.rows
    assert many.entries <= few.entries * MORE_STEPS


def test_counting_changes_no_answer(snapshots):
    line, (small, _) = snapshots
    block = lines_block([line])
    watched, meter = metered(small)
    assert Reader(watched).line_bits(block, 0) == Reader(small).line_bits(block, 0)
    assert meter.entries == reads_of(small, line, 0).entries


def test_a_scan_is_seen_by_the_meter():
    meter = Meter()
    array = meter.watch(np.arange(1000, dtype=np.uint64), "table", row_bits=4)
    array[3:700]
    assert meter.entries == 0  # a view
    array[np.array([1, 2, 3])]
    assert meter.entries == 3
    array[5:][2]
    assert meter.entries == 4
    np.searchsorted(array, np.array([17, 18, 40], np.uint64))
    assert (meter.entries, meter.rows) == (7, {"table": {1, 2}})
    array.sum()
    assert meter.entries == 1007
    assert (array[:500] < 1000).all()
    assert meter.entries == 1507
    np.concatenate((array, array))
    assert meter.entries == 3507
