"""Words that stand in the same frames: found, put together, reckoned with, and kept."""

import numpy as np
import pytest

from melvin import Brain
from melvin.settings import Settings

PEOPLE = (("king", "queen"), ("man", "woman"), ("boy", "girl"), ("prince", "princess"))
CITIES = (("Oslo", "Norway"), ("Rome", "Italy"), ("Paris", "France"), ("Cairo", "Egypt"), ("Lima", "Peru"))


def people():
    lines = []
    for he, she in PEOPLE:
        lines += [f"the {he} said he was there", f"the {she} said she was there"] * 5
    for royal in ("king", "queen", "prince", "princess"):
        lines += [f"the {royal} rules the land"] * 5
    for common in ("man", "woman", "boy", "girl"):
        lines += [f"the {common} walks to town"] * 5
    for grown in ("king", "queen", "man", "woman"):
        lines += [f"an old {grown} sleeps"] * 5
    for child in ("boy", "girl", "prince", "princess"):
        lines += [f"a young {child} plays"] * 5
    return lines


def places():
    lines = []
    for city, country in CITIES:
        lines += [f"we live in the town of {city} now", f"they flew over all {country} today"] * 4
        lines += [f"mayor of {city} spoke", f"laws for {country} passed"] * 4
    return lines


@pytest.fixture(scope="module")
def brain():
    learnt = Brain()
    learnt.learn(people() + places())
    return learnt


@pytest.mark.parametrize(
    ("a", "b", "c", "wanted"),
    [
        ("man", "woman", "king", "queen"),
        ("king", "queen", "man", "woman"),
        ("man", "king", "woman", "queen"),
        ("boy", "girl", "prince", "princess"),
    ],
)
def test_a_is_to_b_as_c_is_to(brain, a, b, c, wanted):
    answer = brain.analogy(a, b, c)
    assert answer.text == wanted
    assert answer.confidence > 0.9
    assert not {a, b, c} & {word.text for word in answer.candidates}


def test_one_part_of_a_meaning_is_put_in_place_of_another(brain):
    assert brain.substitute("king", "man", "woman").text == "queen"


def test_what_is_composed_is_near_both(brain):
    assert brain.compose("king", "woman").text in ("queen", "man")
    assert brain.remove("king", "man").candidates[0].text in ("prince", "princess", "queen")


def test_similar_words_come_nearest_first_and_never_the_word_itself(brain):
    found = brain.similar("Oslo", 4)
    assert {word.text for word in found} == {city for city, _ in CITIES} - {"Oslo"}
    assert [word.similarity for word in found] == sorted((word.similarity for word in found), reverse=True)
    assert len(brain.similar("Oslo", 2)) == 2


def test_a_category_has_members_and_edges_of_its_own(brain):
    category = brain.category("Rome")
    assert category is not None
    assert set(brain.members(category)) == {city for city, _ in CITIES}
    assert category.size == len(CITIES)
    assert category.name in brain.members(category)
    assert "of" in [word.text for word in category.before]
    assert "spoke" in [word.text for word in category.after]
    other = brain.category("Italy")
    assert other is not None
    assert other.label != category.label


def test_of_a_word_never_read_nothing_is_known(brain):
    assert brain.similar("wug") == []
    assert brain.category("wug") is None
    assert brain.members(brain.category("Rome"))
    for answer in (brain.compose("wug", "wug"), brain.analogy("king", "wug", "man")):
        assert (answer.text, answer.confidence, answer.candidates) == ("", 0.0, ())


def test_asking_changes_nothing_and_opening_brings_all_back(brain, tmp_path):
    brain.save(tmp_path / "a.m")
    brain.similar("king")
    brain.analogy("man", "woman", "king")
    brain.save(tmp_path / "b.m")
    assert (tmp_path / "a.m").read_bytes() == (tmp_path / "b.m").read_bytes()
    opened = Brain.open(tmp_path / "a.m")
    for part in ("embeddings", "categories"):
        mine, theirs = (getattr(one._learner.snapshot, part) for one in (brain, opened))
        assert mine.name.size
        assert all((getattr(mine, name) == getattr(theirs, name)).all() for name in mine.__dataclass_fields__)
    assert opened.similar("king") == brain.similar("king")
    assert opened.category("Rome") == brain.category("Rome")


@pytest.mark.parametrize("times", [2, 10])
def test_words_of_a_few_lines_belong_together_when_they_stand_in_the_same_places(times):
    places = {"sat on the mat": ["cat", "dog", "bird"], "is a big town": ["Rome", "Paris", "Bonn", "Kiel"]}
    for lines in range(1, len(places) + 1):
        few = Brain()
        for place, words in [*places.items()][:lines]:
            few.learn([f"the {word} {place}" for word in words] * times)
        for words in [*places.values()][:lines]:
            categories = [few.category(word) for word in words]
            assert all(categories)
            assert {*few.members(categories[0])} == {*words}


def test_without_embeddings_there_are_none():
    off = Brain(Settings.without(["embeddings"]))
    off.learn(people())
    assert off.similar("king") == []
    assert off.category("king") is None
    assert off.snapshot.embeddings.name.size == off.snapshot.categories.name.size == 0


def test_without_categories_words_are_still_similar():
    off = Brain(Settings.without(["categories"]))
    off.learn(people())
    assert off.similar("king")[0].text == "queen"
    assert off.category("king") is None


def test_the_words_that_a_search_looks_at_do_not_grow_with_the_brain(brain):
    """At most FANOUT words of each of ACTIVE dimensions, and SHORTLIST of them in full."""
    from melvin.embedding import ACTIVE
    from melvin.vectors import FANOUT, SHORTLIST

    large = Brain()
    large.learn(f"w{n % 700} goes to v{n % 90} by w{n * 7 % 700} at u{n % 50}" for n in range(6000))
    for one in (brain, large):
        e = one.snapshot.embeddings
        words, _ = e.fans
        every = np.arange(e.name.size)
        query, dimension, value = e.spread(every)
        assert words.shape[1] == FANOUT
        assert np.bincount(e.nearest(query, dimension, value).query).max() <= SHORTLIST
    assert large.snapshot.embeddings.name.size > ACTIVE * FANOUT / 2
