"""Hash table and evidence tables, each held to a dict, a Counter or bisect."""

import bisect as plain
import math
from collections import Counter

import numpy as np
import pytest
from drawn import as_dict, key_lists, keys, table, u64
from hypothesis import given
from hypothesis import strategies as st

from melvin import tables, thinning
from melvin.evidence import ROW_BITS, Runs
from melvin.hashing import ABSENT, MULTIPLIER, ZERO_KEY, HashTable, Index, PairTable, mix, mix_one
from melvin.runs import MOST_RUNS, RunStack
from melvin.tables import Counts, bisect, count_keys, fold, run_starts, summed
from melvin.thinning import are_kept, chosen, forget, kept_rows

how_often = st.one_of(st.integers(1, 9), st.integers(2**31, 2**33), st.integers(1, 2**40))  # 32 bits are enough, or not
counters = st.dictionaries(keys, how_often, max_size=60)


hash_keys = keys.filter(lambda key: key != int(ZERO_KEY))  # that one stands for 0: as rare as any other clash of hashes


@given(st.lists(st.dictionaries(hash_keys, st.integers(0, 2**32 - 2), max_size=40), max_size=6), st.lists(hash_keys))
def test_a_hash_table_holds_what_a_dict_holds(batches, asked):
    held, twin = HashTable(), {}
    for batch in batches:
        new = {key: value for key, value in batch.items() if key not in twin}
        held.put(u64(list(new)), np.array(list(new.values()), np.uint32))
        twin |= new
        wanted = [*asked, *twin]
        assert held.get(u64(wanted)).tolist() == [twin.get(key, int(ABSENT)) for key in wanted]
    assert held.size == len(twin)


def test_a_hash_table_grows_past_what_it_was_made_for(monkeypatch):
    monkeypatch.setattr("melvin.hashing.GROWN_AT_ONCE", 1 << 12)  # slots, fewer than it has
    held = HashTable(expected=1)
    key = np.arange(50_000, dtype=np.uint64)
    for part in np.array_split(key, 7):
        held.put(part, part.astype(np.uint32))
    assert (held.get(key) == key).all()
    assert (held.get(key + np.uint64(50_000)) == ABSENT).all()


hashes = keys.map(mix_one)


@given(st.lists(st.lists(hashes, max_size=40), max_size=6), st.lists(hashes), st.integers(0, 3))
def test_an_index_knows_where_each_key_of_its_column_stands(batches, asked, begin):
    column = u64([mix_one(7)] * begin)  # not known: it begins behind them
    held = Index(begin, expected=1)
    for batch in batches:
        column = np.append(column, u64(batch))
        held.add(column)
        known = column[begin:].tolist()
        wanted = [mix_one(7), *asked, *known]
        for key, found in zip(wanted, held.get(u64(wanted)).tolist(), strict=True):
            assert found == int(ABSENT) if key not in known else begin <= found and column[found] == key
    assert held.size == column.size


def test_an_index_grows_past_what_it_was_made_for_and_tells_keys_apart_that_are_alike(monkeypatch):
    monkeypatch.setattr("melvin.hashing.GROWN_AT_ONCE", 1 << 12)  # keys, fewer than there are
    key = mix(np.arange(20_000, dtype=np.uint64))
    column = np.concatenate(
        [key ^ np.uint64(1 << bit) for bit in (0, 20, 46)]
    )  # the highest is the last that is kept of a key
    held = Index(expected=1)
    for end in (1, 7, 40_000, column.size):
        held.add(column[:end])
    assert (held.get(column) == np.arange(column.size)).all()
    assert (held.get(key) == ABSENT).all()


ids = st.one_of(st.integers(0, 9), st.integers(0, 2**21 - 1))


@given(st.lists(st.dictionaries(st.tuples(ids, ids), ids, max_size=40), max_size=4), st.lists(st.tuples(ids, ids)))
def test_a_table_of_pairs_holds_what_a_dict_holds(batches, others):
    held, twin = PairTable(), {}
    for batch in batches:
        new = {pair: value for pair, value in batch.items() if pair not in twin}
        held.put(*(np.array([*part], np.uint32) for part in ((a for a, _ in new), (b for _, b in new), new.values())))
        twin |= new
        asked = [*others, *twin]
        expected = [twin.get(pair, int(ABSENT)) for pair in asked]
        assert held.get(*np.array(asked, np.uint32).reshape(-1, 2).T).tolist() == expected
    assert held.size == len(twin)


def test_a_table_of_pairs_grows_past_what_it_was_made_for():
    left, right = (part.ravel().astype(np.uint32) for part in np.divmod(np.arange(60_000), 300))
    held = PairTable(expected=1)
    for some in np.array_split(np.arange(60_000), 7):
        held.put(left[some], right[some], left[some] ^ right[some])
    assert (held.get(left, right) == left ^ right).all()
    assert (held.get(left, right + np.uint32(300)) == ABSENT).all()


@given(key_lists)
def test_keys_are_counted_as_a_counter_counts_them(seen):
    counts = count_keys(u64(seen))
    assert as_dict(counts) == Counter(seen)
    assert counts.key.tolist() == sorted(set(seen))
    assert counts.total() == len(seen)


@given(key_lists, st.integers(1, 4))
def test_counts_take_the_larger_type_only_where_they_need_it(seen, small):
    twin = Counter(seen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "SMALL", small)
        counts = count_keys(u64(seen))
    assert as_dict(counts) == twin
    assert counts.count.dtype == (np.uint32 if max(twin.values(), default=0) <= small else np.uint64)


@given(key_lists)
def test_a_run_starts_wherever_the_key_changes(seen):
    ordered = sorted(seen)
    assert run_starts(u64(ordered)).tolist() == [i for i, k in enumerate(ordered) if i == 0 or k != ordered[i - 1]]


@st.composite
def that_just_fit(draw):
    """Keys, with counts that take all the bits that a key leaves, or one more."""
    key_bits = draw(st.integers(8, 64))
    count_bits = max(min(64 - key_bits + draw(st.integers(0, 1)), 56), 1)
    largest = (2**key_bits - 1, 2**count_bits - 1)
    return [largest, *draw(st.lists(st.tuples(*(st.integers(min(n, 1), n) for n in largest)), max_size=60))]


@given(st.one_of(st.lists(st.tuples(keys, how_often), max_size=60), that_just_fit()))
def test_counts_of_equal_keys_are_added(pairs):
    twin = Counter()
    for key, count in pairs:
        twin[key] += count
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "FOLD_KEYS", 4)
        counts, times = summed(u64([k for k, _ in pairs]), np.array([c for _, c in pairs], np.int64))
    assert as_dict(counts) == twin
    assert counts.key.tolist() == sorted(twin)
    assert dict(zip(counts.key.tolist(), times.tolist(), strict=True)) == Counter(key for key, _ in pairs)


@given(counters, counters, counters)
def test_folding_is_addition_in_any_order(a, b, c):
    ta, tb, tc = table(a), table(b), table(c)
    kept = [(t.key.copy(), t.count.copy()) for t in (ta, tb, tc)]
    added = Counter(a) + Counter(b) + Counter(c)
    for folded in (
        fold(fold(ta, tb), tc),
        fold(ta, fold(tb, tc)),
        fold(fold(tb, ta), tc),
        fold(tc, fold(tb, ta)),
        fold(ta, tb, tc),
    ):
        assert as_dict(folded) == added
        assert folded.key.tolist() == sorted(added)
        assert folded.count.dtype == table(added).count.dtype  # however they were added: the bytes saved are the same
    for t, (key, count) in zip((ta, tb, tc), kept, strict=True):  # what goes in is left as it was
        assert t.key.tolist() == key.tolist()
        assert t.count.tolist() == count.tolist()


@given(st.lists(counters, max_size=9), st.integers(1, 9))
def test_tables_are_folded_alike_wherever_they_are_cut(several, step):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "FOLD_KEYS", step)
        patch.setattr(tables, "MERGED_KEYS", step)
        folded = fold(*map(table, several))
        few = folded.where(lambda part: part.key % np.uint64(3) == 0)
    added = sum(map(Counter, several), Counter())
    assert as_dict(folded) == added
    assert folded.key.tolist() == sorted(added)
    assert folded.count.dtype == table(added).count.dtype
    assert as_dict(few) == {key: count for key, count in added.items() if key % 3 == 0}


@given(st.sets(keys, max_size=20), st.sets(keys, max_size=20))
def test_counts_that_pass_32_bits_only_all_together_are_added(a, b):
    largest = 2**31 - 1
    folded = fold(table(dict.fromkeys(a, largest)), table(dict.fromkeys(b, largest)))
    assert as_dict(folded) == {key: largest * ((key in a) + (key in b)) for key in a | b}
    assert folded.count.dtype == np.uint32


@given(counters)
def test_a_table_folded_with_itself_counts_all_twice(a):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "MERGED_KEYS", 4)
        assert as_dict(fold(table(a), table(a))) == {key: 2 * count for key, count in a.items()}


@given(st.lists(key_lists, max_size=12), st.integers(1, 30), counters)
def test_a_stack_of_runs_adds_up_what_was_added_however_it_came(batches, buffer, already):
    stack = RunStack(table(already), at_once=buffer)
    twin = Counter(already)
    for number, batch in enumerate(batches):
        stack.add(u64(batch))
        twin.update(batch)
        if number % 3 == 0:  # reading in between changes nothing
            assert as_dict(stack.fold()) == twin
    assert as_dict(stack.fold()) == twin


named = st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 62).map(lambda n: 2**n), st.integers(0, 30))


def name(key):
    """A border has the name 0: behind it, the next name counts."""
    return key if key >> 42 else key << 21


@given(st.lists(st.lists(named, max_size=20), max_size=12), st.integers(1, 30), st.integers(2, 30))
def test_a_stack_with_a_limit_keeps_the_same_keys_however_they_came(batches, buffer, limit):
    twin = Counter(key for batch in batches for key in batch)
    halvings = 0
    while sum(name(key) < 2 ** (63 - halvings) for key in twin) > limit:
        halvings += 1
    kept = {key: count for key, count in twin.items() if name(key) < 2 ** (63 - halvings)}
    for order in (batches, batches[::-1]):
        stack = RunStack(limit=limit, at_once=buffer)
        for number, batch in enumerate(order):
            stack.add(u64(batch))
            if number % 4 == 3:  # read, or saved and opened
                stack = RunStack(stack.fold(), limit, stack.halvings, at_once=buffer)
        assert as_dict(stack.fold()) == kept
        assert stack.halvings == halvings


@given(st.lists(st.lists(st.integers(0, 200), max_size=20), max_size=12), st.integers(1, 30), st.integers(4, 30))
def test_a_stack_thinned_by_rows_keeps_the_same_rows_whole_however_they_came(batches, buffer, limit):
    twin = Counter(key for batch in batches for key in batch)
    found = []
    for order in (batches, batches[::-1]):
        stack = RunStack(limit=limit, row_bits=2, at_once=buffer)
        for number, batch in enumerate(order):
            stack.add(u64(batch))
            if number % 4 == 3:  # read, or saved and opened
                stack = RunStack(stack.fold(), limit, stack.halvings, 2, buffer)
        found.append(as_dict(stack.fold()))
        named = {key for key in twin if (key | 3) * int(MULTIPLIER) % 2**64 < 2 ** (64 - stack.halvings)}
        assert found[-1].keys() == named
    assert found[0] == found[1]
    assert len(found[0]) <= limit
    rows = {key >> 2 for key in found[0]}
    assert found[0] == {key: count for key, count in twin.items() if key >> 2 in rows}
    assert len(twin) > limit or found[0] == twin


@given(st.lists(st.lists(st.integers(0, 2**12), max_size=60), min_size=2, max_size=12), st.integers(1, 9))
def test_keys_that_were_chosen_already_are_chosen_again_where_the_table_was_thinned_since(batches, buffer):
    chosen_before, all_given = (RunStack(limit=5, row_bits=2, at_once=size) for size in (buffer, 900))
    for batch in batches:
        halvings = chosen_before.halvings
        chosen_before.add(chosen(u64(batch), halvings, 2), halvings)
        all_given.add(u64(batch))
    assert as_dict(chosen_before.fold()) == as_dict(all_given.fold())
    assert chosen_before.halvings == all_given.halvings


def test_each_table_is_told_how_far_its_own_keys_were_chosen():
    key = mix(np.arange(64, dtype=np.uint64))
    runs = Runs(halvings={"grams": 1, "links": 5})
    runs.add({"grams": key, "links": key}, {"links": 5})
    found = runs.fold()
    assert found.links.size == 64
    assert found.grams.key.tolist() == sorted(key[are_kept(key, 1, ROW_BITS["grams"])].tolist())
    assert 0 < found.grams.size < 64


@given(st.integers(0, 300), st.integers(0, 63), st.integers(0, 40))
def test_rows_are_kept_as_their_keys_are(rows, halvings, row_bits):
    kept = kept_rows(rows, halvings, row_bits)
    assert (kept is None) == (halvings == 0)
    if kept is not None:
        named = [((row << row_bits | (1 << row_bits) - 1) * int(MULTIPLIER)) % 2**64 for row in range(rows)]
        assert kept.tolist() == [name < 2 ** (64 - halvings) for name in named]


@given(
    st.dictionaries(st.one_of(keys, named), st.integers(1, 3), min_size=5, max_size=40),
    st.one_of(st.none(), st.integers(0, 20)),
)
def test_what_was_seen_least_is_forgotten_first(counter, limit):
    order = sorted((-count, name(key)) for key, count in counter.items())
    first_gone = order[limit] if limit is not None and limit < len(order) else (0, 0)
    strongest = [key for key, count in counter.items() if (-count, name(key)) < first_gone]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "FOLD_KEYS", 4)
        patch.setattr(thinning, "FOLD_KEYS", 4)
        assert as_dict(forget(table(counter), limit)) == {key: counter[key] for key in strongest}
    assert as_dict(forget(table(counter), limit)) == {key: counter[key] for key in strongest}
    by_rows = as_dict(forget(table(counter), limit, row_bits=62))
    assert len(by_rows) <= (len(counter) if limit is None else limit)
    least = min(by_rows.values(), default=0)
    gone = {key: count for key, count in counter.items() if key not in by_rows}
    assert not by_rows or all(count <= least for count in gone.values())
    assert not {key >> 62 for key in gone if gone[key] == least} & {k >> 62 for k, n in by_rows.items() if n == least}


@given(
    st.lists(st.integers(0, 20), min_size=0, max_size=40).map(sorted),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 21)), max_size=20),
)
def test_bisect_finds_the_first_value_that_is_not_below(values, asked):
    ranges = [sorted((min(a, len(values)), min(b, len(values)))) for a, b, _ in asked]
    low, high = (np.array([r[side] for r in ranges], np.int64) for side in (0, 1))
    wanted = [w for *_, w in asked]
    found = bisect(np.array(values, np.int64), low, high, np.array(wanted, np.int64))
    assert found.tolist() == [plain.bisect_left(values, w, lo, hi) for w, (lo, hi) in zip(wanted, ranges, strict=True)]


def test_few_runs_are_kept_however_many_keys_come():
    stack = RunStack(at_once=1)
    random = np.random.default_rng(1)
    for batch in range(1, 2000):
        stack.add(random.integers(0, 2**64 - 1, 3, np.uint64))
        assert len(stack._runs) <= MOST_RUNS + math.log2(3 * batch)
    assert stack.fold().total() == 3 * 1999


def test_an_empty_table_adds_nothing():
    some = table({3: 4})
    assert as_dict(fold(Counts.empty(), some)) == as_dict(fold(some, Counts.empty())) == {3: 4}


def test_a_table_is_thinned_once_where_memory_ran_out_at_first(monkeypatch):
    def filled():
        stack = RunStack(limit=40, row_bits=1)
        stack.add(np.arange(100, dtype=np.uint64))
        return stack

    stack = filled()
    with monkeypatch.context() as patch:
        patch.setattr(Counts, "where", lambda *_: (_ for _ in ()).throw(MemoryError()))
        with pytest.raises(MemoryError):
            stack.fold()
    assert stack.halvings == 0
    assert stack.fold().key.tolist() == filled().fold().key.tolist()
    assert stack.halvings > 0
