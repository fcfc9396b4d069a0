"""What a block is counted as, held to loops over its chunks, and to tables that choose for themselves."""

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melvin import Brain, counting
from melvin.attention import LAGS, MOST_SEEN, NOTHING, attend, chunk_frequency, chunk_frequency_one
from melvin.codes import SYMBOL_BITS
from melvin.counting import Carry, count, read
from melvin.evidence import ROW_BITS, TABLES
from melvin.lines import lines_block
from melvin.tables import sizes
from melvin.thinning import are_kept

PROSE = (Path(__file__).parents[2] / "fixtures" / "prose.txt").read_bytes().splitlines()
frequencies = st.one_of(st.integers(0, 3), st.integers(0, int(NOTHING) - 1))
ends = st.sampled_from([[], [int(NOTHING)]])  # of a line that goes on in the next block, and of others
lines = st.builds(list.__add__, st.lists(frequencies, min_size=1, max_size=2 * LAGS + 2), ends)


@given(st.lists(lines, min_size=1, max_size=5), st.integers(1, 6))
def test_the_rarest_of_a_lines_last_chunks_are_attended_to_first_of_equals_the_latest(lines, count):
    seen = np.array([frequency for line in lines for frequency in line], np.uint32)
    within = np.array([place for line in lines for place in range(len(line))])
    focus = attend(np.arange(seen.size, dtype=np.uint32), seen, within, count)
    for at, before in enumerate(within.tolist()):
        lags = sorted(range(1, min(before, LAGS) + 1), key=lambda lag: (seen[at - lag], lag))
        found = [lag for lag in focus.lag[:, at].tolist() if lag]
        assert found == lags[:count]
        assert focus.chunk[:, at].tolist() == [at - lag for lag in found] + [int(NOTHING)] * (count - len(found))


@given(st.lists(st.lists(st.integers(0, 1 << 18), min_size=1, max_size=63), min_size=1, max_size=9))
def test_chunks_are_in_order_of_how_often_they_were_seen_at_the_most_also_below_once(chunks):
    size = np.array([*map(len, chunks)])
    often, symbols = np.array([*itertools.chain(*chunks)], np.uint32), np.arange(size.sum(), dtype=np.uint32)
    seen = chunk_frequency(often, symbols, np.cumsum(size) - size, size)
    assert seen.tolist() == [chunk_frequency_one(min(chunk), len(chunk)) for chunk in chunks]
    most = [Fraction(min(chunk), 2 ** (len(chunk) - 1)) for chunk in chunks]
    assert [a < b for a in seen for b in seen] == [a < b for a in most for b in most]
    assert seen.max() < MOST_SEEN


@given(st.lists(st.integers(1, 9), min_size=1))
def test_runs_are_as_long_as_it_is_from_each_to_the_next(lengths):
    first = np.cumsum([0, *lengths[:-1]])
    assert sizes(first, sum(lengths)).tolist() == lengths
    assert sizes(first[:0], 0).tolist() == []


@pytest.fixture(scope="module")
def snapshot():
    brain = Brain()
    brain.learn(PROSE)
    return brain._learner.snapshot


@pytest.mark.parametrize("halvings", [1, 4, 8, 17, 20, 21, 23])
def test_where_tables_are_thinned_exactly_what_they_would_keep_is_worked_out(snapshot, halvings, monkeypatch):
    attended_before = counting._attended_before

    def some_at_a_border(reading):
        foci = attended_before(reading)
        foci[:, ::3] *= foci[:, ::3] == NOTHING
        return foci

    monkeypatch.setattr(counting, "_attended_before", some_at_a_border)
    block, carry = lines_block(PROSE), Carry.opening(snapshot.symbols, 0)
    reading = read(snapshot.parser(), snapshot.familiarity, snapshot.separator[0], block, 0, carry)
    # Names are cut so far that half of them are low enough to be kept.
    reading = replace(reading, name=reading.name >> np.uint32(min(halvings, SYMBOL_BITS) - 1))

    def counted(halvings):
        keys, _ = count(snapshot.symbols, snapshot.familiarity, block, 0, carry, reading, halvings)
        return keys

    everything, some = counted({}), counted(dict.fromkeys(TABLES, halvings))
    assert everything.keys() == some.keys() == set(TABLES)
    for name, key in everything.items():
        kept = key[are_kept(key, halvings, ROW_BITS.get(name))]
        assert sorted(some[name].tolist()) == sorted(kept.tolist())
    assert some["transformers"].size
    assert all(0 < some[name].size < everything[name].size for name in TABLES if halvings == 1)
