"""similar, category, compose … and primed: each command shows what the brain's own method says."""

import json

import pytest
from click.testing import CliRunner

from melvin import Brain
from melvin.cli import main

FRAMES = ("the {} eats", "a {} sleeps here", "feed the {} now", "that {} barks at us")
ANIMALS, CARS = ("dog", "cat", "pig", "hen"), ("car", "bus", "van", "cab")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    brain = Brain()
    brain.learn([frame.format(animal) for frame in FRAMES for animal in ANIMALS] * 5)
    brain.learn([f"park the {car} outside and wash your {car} well" for car in CARS] * 5)
    for _ in range(5):
        brain.learn_episode([("bell", "ding"), ("text", "food comes")])
        brain.learn_episode([("bell", "dong"), ("text", "night falls")])
    saved = tmp_path_factory.mktemp("likeness") / "brain.m"
    brain.save(saved)
    return saved


def run(*arguments):
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_words_that_stand_alike_are_similar(path):
    words = json.loads(run("similar", path, "dog", "-n", 3, "--json"))["words"]
    assert {word["text"] for word in words} == {"cat", "pig", "hen"}
    assert run("similar", path, "dog").split()[0] in ANIMALS
    assert run("similar", path, "qqq") == "no word is like it\n"


def test_a_category_shows_its_members(path):
    document = json.loads(run("category", path, "van", "--json"))
    assert set(document["members"]) == set(CARS)
    assert document["category"]["size"] == len(CARS)
    assert set(run("category", path, "cab").split()) == set(CARS)
    assert run("category", path, "qqq") == "qqq has no category\n"


def test_words_are_added_and_subtracted_as_the_brain_does(path):
    brain = Brain.open(path)
    for command, words in (
        ("compose", ("dog", "cat")),
        ("remove", ("dog", "cat")),
        ("substitute", ("dog", "cat", "car")),
        ("analogy", ("dog", "cat", "car")),
    ):
        wanted = getattr(brain, command)(*words)
        shown = json.loads(run(command, path, *words, "--json"))
        assert (shown["text"], shown["confidence"]) == (wanted.text, wanted.confidence)
        assert wanted.text in run(command, path, *words)


def test_one_port_brings_to_mind_what_came_with_it_on_another(path):
    found = json.loads(run("primed", path, "ding", "--port", "bell", "--on", "text", "--json"))["primed"]
    assert bytes.fromhex(found[0]["payload_hex"]) == b"food comes"
    assert found[0]["probability"] > found[0]["baseline"]
    assert run("primed", path, "dong", "--port", "bell", "--on", "text").startswith("night falls")
    assert run("primed", path, "clang", "--port", "bell", "--on", "text") == "nothing is brought to mind\n"
