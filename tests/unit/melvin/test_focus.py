"""Task focus: what a question is about re-weights what may come next."""

import json
import math

import pytest
from click.testing import CliRunner

from melvin import Brain
from melvin.cli import main
from melvin.settings import Settings

LINES = ["the river bank is muddy", "the money bank is closed"] * 6 + ["the cat sat on the mat"] * 6


@pytest.fixture(scope="module")
def brain():
    learnt = Brain()
    learnt.learn(LINES)
    return learnt


@pytest.mark.parametrize(("focus", "text"), [("river", "muddy"), ("money", "closed"), ("the money", "closed")])
def test_the_focus_picks_what_goes_with_it(brain, focus, text):
    assert brain.query("the bank is ", focus=focus).text == text
    unfocused = brain.probability("the bank is ", text)
    assert brain.query("the bank is ", focus=focus).candidates[0].probability > unfocused


@pytest.mark.parametrize(("focus", "text"), [("river", "water river"), ("money", "loan money")])
def test_a_focus_may_also_stand_behind_what_it_picks(focus, text):
    brain = Brain()
    brain.learn(["bank water river"] * 5 + ["bank loan money"] * 5)
    assert brain.query("bank ", focus=focus).text == text


def test_a_word_that_is_unlikely_without_the_focus_is_brought_in_by_it():
    brain = Brain()
    brain.learn([f"it is {word} here" for word in ("hot", "dry", "wet", "old", "new", "far", "big", "red", "low")] * 9)
    brain.learn(["it is salty here near the ocean"] * 2)
    assert not brain.query("it is ").text.startswith("salty")
    assert brain.query("it is ", focus="ocean").text.startswith("salty")


WHO_DID_WHAT = [
    {
        "the goat hid": " under the garden",
        "the cat ran": " to the gate",
        "the goat ran": " to the lamp",
        "the cat hid": " under the rug",
    },
    {
        "the duck stood": " by the table",
        "the duck slept": " in the box",
        "the horse slept": " in the boat",
        "the horse stood": " by the branch",
    },
]


@pytest.mark.parametrize("places", WHO_DID_WHAT)
def test_of_ways_that_are_as_likely_the_words_of_the_line_choose(places):
    """Each word by itself leads one to expect two places; both together, one."""
    brain = Brain()
    for begun, place in places.items():
        brain.learn([begun + place] * 10)
    assert {begun: brain.query(begun).text for begun in places} == places
    for begun, place in places.items():
        *before, last = place.split()
        answer = brain.query(f"{begun} {' '.join(before)} ")
        assert answer.candidates[0].text == answer.text == last


def test_without_pairs_of_words_the_likeliest_way_is_answered():
    brain = Brain(Settings.without(["context_edges"]))
    brain.learn(["hello world"] * 5 + ["hello there"] * 5)
    answer = brain.query("hello ")
    assert answer.text == max(answer.candidates, key=lambda way: way.probability).text


def test_an_empty_or_unknown_focus_changes_nothing(brain):
    for text in ("the bank is ", "the ", "cat", ""):
        plain = brain.query(text)
        assert plain == brain.query(text, focus="")
        assert plain.focus_width == 0
        unknown = brain.query(text, focus="xylophone")
        assert [c.probability for c in unknown.candidates] == [c.probability for c in plain.candidates]
        assert (unknown.text, unknown.focus_width) == (plain.text, 0)


def test_the_width_of_a_focus_is_the_effective_number_of_words_that_told_something(brain):
    assert brain.query("the bank is ", focus="river").focus_width == pytest.approx(1)
    assert brain.query("the bank is ", focus="river money").focus_width == pytest.approx(2, abs=1e-3)
    assert brain.query("the bank is ", focus="river river river").focus_width == pytest.approx(1)
    assert 1 < brain.query("the bank is ", focus="the river").focus_width < 1.5  # "the" goes with either


def test_a_focused_choice_is_still_a_choice(brain):
    for focus in ("river", "money", "the cat", "cat sat on"):
        shares = [c.probability for c in brain.query("the bank is ", focus=focus).candidates]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1 + 1e-9
        assert all(share >= 0 and math.isfinite(share) for share in shares)


def test_asking_with_a_focus_changes_no_brain(brain, tmp_path):
    brain.save(tmp_path / "a.m")
    brain.query("the bank is ", focus="river")
    brain.save(tmp_path / "b.m")
    assert (tmp_path / "a.m").read_bytes() == (tmp_path / "b.m").read_bytes()


def test_the_focus_of_one_port_is_looked_up_on_it():
    brain = Brain()
    brain.learn(LINES)
    brain.learn(["low bank hum", "low shore hiss"] * 5, port="audio")
    assert brain.query("low ", focus="river", port="audio").focus_width == 0
    assert brain.query("low ", focus="hiss", port="audio").text.startswith("shore")


def test_the_command_takes_a_focus(brain, tmp_path):
    path = str(tmp_path / "brain.m")
    brain.save(path)
    shown = CliRunner().invoke(main, ["query", path, "the bank is ", "--focus", "money", "--json"])
    found = json.loads(shown.stdout)
    assert (found["text"], round(found["focus_width"], 3)) == ("closed", 1.0)
    assert found["choices"] == pytest.approx(2 ** found["entropy_bits"])
