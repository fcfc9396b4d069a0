"""A noun goes on as its class does, with a verb that it was never read with."""

import json

from click.testing import CliRunner

from scaling_suite.capabilities.abstraction import TIMES, measure, task
from scaling_suite.cli import main


def test_what_is_hidden_is_never_shown_and_its_class_is() -> None:
    made = task(3)
    assert len(made.hidden) == 60
    for hidden in made.hidden:
        assert not [line for line in made.lines if line.startswith(hidden.begins)]
        assert sum(line.endswith(hidden.goes_on) for line in made.lines) >= 5 * TIMES
        assert hidden.goes_on in hidden.others
        assert len(set(hidden.others)) == 5


def test_the_same_seed_gives_the_same_task() -> None:
    assert task(3) == task(3) != task(4)


def test_categories_know_what_no_other_head_does() -> None:
    result = measure(seed=1, classes=4, nouns=6, verbs=6)
    assert result.accuracy["all on"] >= 0.8
    assert result.accuracy["categories off"] <= 0.5
    assert result.accuracy["embeddings off"] <= 0.5


def test_the_command_prints_one_json_document() -> None:
    small = ["capability", "abstraction", "--classes", "2", "--nouns", "3", "--verbs", "3"]
    run = CliRunner().invoke(main, [*small, "--json"])
    assert run.exit_code == 0, run.output
    document = json.loads(run.output)
    assert document["schema"] == "scaling_suite.capability.abstraction/1"
    assert document["pairs"] == 6
    assert "categories off" in CliRunner().invoke(main, small).output
