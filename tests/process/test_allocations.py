"""What a block of text asks of the allocator: memray counts it."""

import io
from itertools import islice

import pytest

from melvin import Brain, lines
from scaling_suite.generator import generate

BLOCK = 1 << 16
BLOCKS = 4  # of each stretch that is watched
LEARNT = 1_000_000  # bytes before the first stretch: both lie within one generation
MOST = 3_000  # allocations a block; each handful of bytes of its own would be 10,000
ALIKE = 1.25  # of two stretches: new words take a few steps more or less to parse
memray = pytest.importorskip("memray", reason="there is none for this system")
FREED = (memray.AllocatorType.FREE, memray.AllocatorType.MUNMAP)


@pytest.fixture
def allocations(tmp_path):
    """Learn some bytes; how often memory was asked for meanwhile."""

    def count(brain, data):
        held = tmp_path / "allocations.bin"
        destination = memray.FileDestination(held, overwrite=True)
        with memray.Tracker(destination=destination, file_format=memray.FileFormat.ALL_ALLOCATIONS):
            brain.learn_stream(io.BytesIO(data))
        records = memray.FileReader(held).get_allocation_records()
        return sum(record.allocator not in FREED for record in records)

    return count


def test_a_block_takes_few_allocations_and_a_later_one_as_many(allocations, monkeypatch):
    monkeypatch.setattr(lines, "READ_BYTES", BLOCK)
    text = b"".join(islice(generate(7), 4))
    rows = text.splitlines(keepends=True)
    stretch = BLOCK * BLOCKS
    at, taken = 0, []
    for size in (LEARNT, stretch, stretch):  # whole lines, so that a stretch ends where a block does
        begin = at
        while size > 0:
            size -= len(rows[at])
            at += 1
        taken.append(b"".join(rows[begin:at]))
    brain = Brain()
    brain.learn_stream(io.BytesIO(taken[0]))
    generation = brain.snapshot.generation
    first, later = (allocations(brain, data) / BLOCKS for data in taken[1:])
    assert brain._learner.snapshot.generation == generation
    assert 100 < first < MOST
    assert later < ALIKE * first
