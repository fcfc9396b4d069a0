"""Pairs, vectors and labels are what plain Python says; words are kept by how often they were read."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import words as twin

from melvin import embedding, vectors
from melvin.categories import ROUNDS, propagate
from melvin.embedding import ACTIVE, embed, slots
from melvin.tables import Counts, count_keys
from melvin.vectors import ASKED, FRAME_LAGS, FRAME_WORDS, PLACES, VALUE_ONE, Embeddings, Vector
from melvin.words import (
    BORDER,
    HELD,
    NEAR,
    WORD_BITS,
    Words,
    added,
    chosen_pieces,
    pack_pair,
    pair_keys,
    unpack_pair,
)

pieces = st.lists(
    st.tuples(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.booleans(), st.booleans()), min_size=1, max_size=8
)


def keys_of(drawn):
    word = np.array([w for words, _, _ in drawn for w in words], np.uint32)
    piece = np.array([n for n, (words, _, _) in enumerate(drawn) for _ in words])
    opens, closes = (np.array([row[at] for row in drawn]) for at in (1, 2))
    return pair_keys(word, piece, opens, closes)


def counted(drawn):
    return twin.pairs(*zip(*drawn, strict=True), int(BORDER), NEAR)


@given(pieces)
def test_every_pair_of_near_words_is_counted_from_both_sides(drawn):
    columns = unpack_pair(keys_of(drawn))
    found = Counter(row for row in zip(*(column.tolist() for column in columns), strict=True) if row[2] != HELD)
    assert found == counted(drawn)


@given(st.integers(0, 2**28 - 1), st.integers(0, 2**28 - 1), st.integers(1, NEAR), st.booleans())
def test_a_pair_comes_back_from_its_key(word, other, lag, behind):
    key = pack_pair(np.array([word], np.uint32), np.array([other], np.uint32), lag, behind)
    assert [int(column[0]) for column in unpack_pair(key)] == [word, other, lag, behind]


def embedded(drawn):
    return embed(count_keys(keys_of(drawn).copy()))


def rows_of(e):
    rows = {}
    for place, name in enumerate(e.name.tolist()):
        _, dimension, value = e.spread(np.array([place]))
        frames = [(int(e.frame[d // PLACES]), d % PLACES >= FRAME_LAGS, d % FRAME_LAGS + 1) for d in dimension.tolist()]
        rows[name] = dict(zip(frames, value.tolist(), strict=True))
    return rows


@pytest.mark.parametrize("active", [ACTIVE, 3])
@given(drawn=pieces)
def test_vectors_are_the_frames_that_gain_most(active, drawn):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "ACTIVE", active)
        mine = rows_of(embedded(drawn))
    theirs = twin.vectors(counted(drawn), int(BORDER), FRAME_LAGS, FRAME_WORDS, active, VALUE_ONE)
    assert {word: sorted(row.values()) for word, row in mine.items()} == {
        word: sorted(row.values()) for word, row in theirs.items()
    }
    if active == ACTIVE:
        full = {word for word, row in theirs.items() if len(row) < active}  # where nothing had to be left out
        assert {word: mine[word] for word in full} == {word: theirs[word] for word in full}


@given(pieces)
def test_the_nearest_are_those_with_the_largest_cosine(drawn):
    e = embedded(drawn)
    every = np.arange(e.name.size)
    near = e.nearest(*e.spread(every), every)
    rows, names = rows_of(e), e.name.tolist()
    found = {}
    for query, word, similarity in zip(near.query.tolist(), near.word.tolist(), near.similarity.tolist(), strict=True):
        assert similarity == pytest.approx(twin.cosine(rows[names[query]], rows[names[word]]))
        assert similarity == pytest.approx(e.vector(query).cosine(e.vector(word)))
        found.setdefault(query, []).append(similarity)
    for query, similarities in found.items():
        assert similarities == sorted(similarities, reverse=True)
        sharing = [n for n in range(len(names)) if n != query and rows[names[n]].keys() & rows[names[query]].keys()]
        assert len(similarities) == len(sharing)


@pytest.mark.parametrize("at_a_time", [1, 3, ASKED])
@given(drawn=pieces)
def test_asking_for_many_words_at_once_is_asking_for_each(at_a_time, drawn):
    e = embedded(drawn)
    every = np.arange(e.name.size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "ASKED", at_a_time)
        together = e.nearest(*e.spread(every), every)
    assert together.mean.size == together.deviation.size == every.size
    for query in every:
        alone = e.nearest(*e.spread(np.array([query])), np.array([query]))
        mine = together.query == query
        assert together.word[mine].tolist() == alone.word.tolist()
        assert together.similarity[mine].tolist() == alone.similarity.tolist()


@given(pieces, st.data())
def test_what_stands_out_for_one_vector_is_what_stands_out_among_many(drawn, data):
    e = embedded(drawn)
    before = data.draw(st.lists(st.sampled_from(e.frame.tolist() or [1]), max_size=FRAME_LAGS, unique=True))
    asked = [(e.vector(place), place) for place in range(e.name.size)] + [(e.behind(tuple(before)), -1)]
    for vector, itself in asked:
        query = np.zeros(vector.value.size, np.int64)
        near = e.nearest(query, vector.dimension, vector.value, np.array([itself]))
        assert e.standing_out(vector, itself).tolist() == near.where(near.stands_out).word.tolist()


@pytest.mark.parametrize("alike", range(1, 6))
@pytest.mark.parametrize("more", [2, 3, 9])
def test_what_stands_out_of_words_that_are_nearly_alike_is_the_same_for_one_and_for_many(alike, more):
    """Similarities that differ by less than words are ordered by."""
    large = 2**15 - 1
    rows = [{0: large}, {0: large, 1: 1}, *[{0: large}] * alike, {0: large, 1: more}]
    e = Embeddings(
        frame=np.array([1], np.uint32),
        name=np.arange(1, len(rows) + 1, dtype=np.uint32),
        size=np.array([len(row) for row in rows], np.uint8),
        dimension=np.array([dimension for row in rows for dimension in row], np.uint16),
        value=np.array([value for row in rows for value in row.values()], np.uint16),
    )
    for place in range(e.name.size):
        vector = e.vector(place)
        near = e.nearest(np.zeros(vector.value.size, np.int64), vector.dimension, vector.value, np.array([place]))
        assert e.standing_out(vector, place).tolist() == near.where(near.stands_out).word.tolist()


@given(pieces, st.lists(st.integers(0, 12), max_size=FRAME_LAGS))
def test_what_stands_behind_words_stands_in_their_frames(drawn, names):
    e = embedded(drawn)
    frames = [e.dimension_of(np.array([name], np.uint32), lag, behind=True)[0] for lag, name in enumerate(names, 1)]
    found = e.behind(tuple(names))
    assert found.dimension.tolist() == sorted(frame for frame in frames if frame >= 0)
    assert found.value.tolist() == [VALUE_ONE] * found.dimension.size
    assert [e.place(name) for name in names] == e.index(np.array(names, np.uint32)).tolist()


some_names = st.one_of(st.integers(0, 20), st.integers(0, 2**WORD_BITS - 1))


@given(st.sets(some_names, min_size=1), st.lists(some_names))
def test_a_name_is_found_where_it_stands(held, others):
    frame = np.array(sorted(held), np.uint32)
    assert slots(frame, frame).tolist() == list(range(frame.size))
    found = frame[slots(frame, np.array(others, np.uint32))] == others
    assert found.tolist() == [name in held for name in others]


def test_no_pairs_make_no_vectors():
    assert embed(Counts.empty()).name.size == 0


drawn_vectors = st.dictionaries(st.integers(0, 9), st.integers(-9, 9).filter(bool), max_size=6)


def vector(entries):
    return Vector(np.array(sorted(entries), np.int64), np.array([entries[d] for d in sorted(entries)], np.int64))


@given(drawn_vectors, drawn_vectors)
def test_vectors_add_up_and_come_apart(a, b):
    total = vector(a) + vector(b)
    expected = Counter(a)
    expected.update(b)
    assert dict(zip(total.dimension.tolist(), total.value.tolist(), strict=True)) == {
        d: v for d, v in expected.items() if v
    }
    back = total - vector(b)
    assert dict(zip(back.dimension.tolist(), back.value.tolist(), strict=True)) == a


edges = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda e: e[0] < e[1]), st.integers(1, 1000), max_size=12
)


@given(edges)
def test_labels_are_those_that_kin_give_most_weight(one_way):
    both = {pair[::step]: weight for pair, weight in one_way.items() for step in (1, -1)}
    one, other = (np.array([pair[at] for pair in both], np.int64) for at in (0, 1))
    weight = np.array([*both.values()], np.float64) / 1000
    assert propagate(8, one, other, weight).tolist() == twin.propagate(8, both, ROUNDS)


def table(entries):
    names = sorted(entries)
    text = b"".join(entries[name][1] for name in names)
    return Words(
        np.array(names, np.uint32),
        np.zeros(len(names), np.uint16),
        np.array([entries[name][0] for name in names], np.int64),
        np.array([len(entries[name][1]) for name in names], np.uint8),
        np.frombuffer(text, np.uint8),
    )


def entries_of(words):
    return {int(n): (int(c), words.payload(at)) for at, (n, c) in enumerate(zip(words.name, words.count, strict=True))}


word_tables = st.dictionaries(
    st.integers(1, 12), st.tuples(st.integers(1, 9), st.binary(min_size=1, max_size=5)), max_size=9
)


@given(word_tables, word_tables)
def test_two_tables_of_words_are_added_and_the_first_text_stays(a, b):
    expected = {
        name: (sum(t[name][0] for t in (a, b) if name in t), (a.get(name) or b[name])[1])
        for name in a.keys() | b.keys()
    }
    assert entries_of(added([table(a), table(b)])) == expected


@given(word_tables, st.integers(0, 9))
def test_the_words_read_most_are_kept(entries, limit):
    if limit == 0:
        return
    kept = entries_of(added([table(entries)], limit))
    by_count = sorted(entries, key=lambda name: (-entries[name][0], name))[:limit]
    assert kept == {name: entries[name] for name in by_count}


@given(word_tables, st.lists(st.integers(1, 12), max_size=5))
def test_words_are_found_by_name(entries, asked):
    words = table(entries)
    places = words.places(np.array(asked, np.uint32))
    for name, place in zip(asked, places.tolist(), strict=True):
        assert (place >= 0) == (name in entries)
        if place >= 0:
            assert words.payload(place) == entries[name][1]
            assert words.find(name) == place


@given(
    st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5), min_size=1, max_size=30), st.integers(2, 9)
)
def test_pieces_are_chosen_by_their_content_alone(pieces, one_in):
    def chosen(some):
        sizes = np.array([len(piece) for piece in some])
        return chosen_pieces(
            np.array([key for piece in some for key in piece], np.uint64), np.cumsum(sizes) - sizes, one_in
        ).tolist()

    together = chosen(pieces)
    assert together == [chosen([piece])[0] for piece in pieces]
    assert chosen(pieces[::-1]) == together[::-1]


def test_of_many_pieces_one_in_so_many_is_chosen():
    key = np.random.default_rng(7).integers(0, 2**64, 40_000, np.uint64)
    begin = np.arange(0, key.size, 2)
    assert chosen_pieces(key, begin, 1).all()
    assert abs(int(chosen_pieces(key, begin, 10).sum()) - 2_000) < 200
