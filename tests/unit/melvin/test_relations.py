"""What two words have to do with each other; the kinds are also cases of fixtures/behaviours.jsonl."""

import json

import pytest
from click.testing import CliRunner

from melvin import Brain
from melvin.cli import main
from melvin.errors import InputError
from melvin.words import FAR, NEAR, PAIR_BYTES, reach

RAIN = ["rain then wet"] * 20 + ["sun then dry"] * 20 + ["rain and wind"] * 2 + ["then"] * 3


@pytest.fixture(scope="module")
def brain():
    learnt = Brain()
    learnt.learn(RAIN)
    return learnt


def test_a_cause_has_its_evidence(brain):
    found = brain.relation("rain", "wet")
    assert (found.kind, found.after, found.before, found.order) == ("causes", 20, 0, 1.0)
    assert (found.mean_lag, found.lag_deviation) == (2.0, 0.0)
    assert (found.source_trials, found.target_trials, found.trials) == (22, 20, 45)
    assert (found.delta_p, found.strength) == (20 / 22, 20 / 22)
    assert (found.edges, found.count) == (4, 20)


@pytest.mark.parametrize(
    ("a", "b", "kind"),
    [
        ("rain", "wet", "causes"),
        ("wet", "rain", "follows"),
        ("sun", "wet", "prevents"),
        ("rain", "then", "precedes"),
        ("rain", "wind", "none"),
    ],
)
def test_each_kind_is_told(brain, a, b, kind):
    assert brain.relation(a, b).kind == kind


def test_a_mere_predecessor_is_screened_off_by_what_really_causes():
    """Thunder comes before hail, and hail as often without thunder, where there is a storm."""
    brain = Brain()
    noise = [f"word{n % 17} other{n % 13} thing{n % 7}" for n in range(200)]
    brain.learn(["storm then thunder then hail"] * 20 + ["storm then hail"] * 20 + noise)
    thunder = brain.relation("thunder", "hail")
    assert thunder.delta_p > 0.8
    assert (thunder.kind, brain.relation("storm", "hail").kind) == ("precedes", "causes")


def test_of_several_words_the_last_and_the_first_are_asked(brain):
    assert brain.relation("the heavy rain ", "wet ground").delta_p == brain.relation("rain", "wet").delta_p
    assert brain.after("some rain") == brain.after("rain")


@pytest.mark.parametrize(("a", "b"), [("rain", "never"), ("never", "wet"), ("", "wet"), ("rain", " "), ("", "")])
def test_words_that_were_never_read_have_no_relation(brain, a, b):
    found = brain.relation(a, b)
    assert (found.kind, found.strength, found.count) == ("none", 0.0, 0)


def test_two_ports_are_two_worlds():
    brain = Brain()
    brain.learn(RAIN)
    brain.learn(["rain then dry"] * 20 + ["sun then wet"] * 20, port="notes")
    assert brain.relation("rain", "wet").trials == 45
    assert brain.relation("rain", "dry", port="notes").kind == "causes"
    with pytest.raises(InputError, match="no port 'audio'"):
        brain.relation("rain", "wet", port="audio")


def test_a_large_generation_looks_less_far():
    assert (reach(1), reach(PAIR_BYTES), reach(1 << 40)) == (FAR, NEAR, NEAR)
    assert all(reach(n) * n <= FAR * PAIR_BYTES for n in (1 << 18, 1 << 19, PAIR_BYTES))


def test_the_commands_say_what_the_methods_do(brain, tmp_path):
    path = str(tmp_path / "brain.m")
    brain.save(path)

    def run(*arguments):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    document = json.loads(run("relation", path, "rain", "wet", "--json"))
    assert (document["kind"], document["count"], document["delta_p"]) == ("causes", 20, 20 / 22)
    assert run("relation", path, "rain", "wet").startswith("rain causes wet\nstrength     0.909\n")
    words = json.loads(run("after", path, "rain", "--json"))["words"]
    assert (
        [word["text"] for word in words]
        == [word.text for word in brain.after("rain")]
        == ["then", "wet", "and", "wind"]
    )
    assert run("before", path, "wet", "-n", "1").split() == ["then", "20", "lag", "1.00", "±", "0.00"]
    why = json.loads(run("why", path, "rain then ", "wet", "--json"))
    assert why["probability"] == brain.probability("rain then ", "wet")
    assert sum(reason["share"] for reason in why["reasons"]) == pytest.approx(1)
    assert run("why", path, "rain then ", "wet") == brain.why("rain then ", "wet").text + "\n"
    assert run("why", path, "rain then ") == brain.query("rain then ").why().text + "\n"


@pytest.mark.parametrize("lines", [["hello hello"] * 20, ["hello"] * 20 + ["other"] * 5, RAIN + ["then then"] * 9])
def test_a_word_has_no_relation_to_itself(lines):
    brain = Brain()
    brain.learn(lines)
    for word in ("hello", "then"):
        found = brain.relation(word, word)
        assert (found.kind, found.strength) == ("none", 0.0)
        assert found.before == found.after == sum(near.count for near in brain.after(word) if near.text == word)
