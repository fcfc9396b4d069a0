"""Brain files of every schema version that there was load for ever, and hold what they held."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from brain_files import changed
from click.testing import CliRunner

from melvin import Brain, verify
from melvin.brainfile import BEGAN_SINCE, ONE_OF_EACH_SINCE, VERSION
from melvin.cli import main
from melvin.container import Container, write
from melvin.errors import DamagedBrainError
from melvin.viewfile import CATEGORIES_UP_TO
from melvin.weights import EDGE, OF_CHUNK

GOLDEN = Path(__file__).parents[3] / "fixtures" / "golden"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.m")), ids=lambda path: path.stem)
def test_a_golden_brain_loads_and_holds_what_it_held(path):
    holds = json.loads(path.with_suffix(".json").read_text())
    verify(path)
    brain = Brain.open(path)
    stats = brain.stats()
    assert [stats.bytes, stats.lines, stats.generation, list(stats.ports), stats.symbols] == [
        holds[name] for name in ("bytes", "lines", "generation", "ports", "symbols")
    ]
    assert sorted(pattern.payload.hex() for pattern in brain.patterns()) == holds["patterns"]
    for reading, word in holds.get("primed", {}).items():  # none before version 3
        assert brain.primed(reading, "other", on="text")[0].payload.decode() == word
    assert brain.snapshot.feedback.sum.tolist() == holds.get("feedback", [])  # none before version 4
    curve = [[point.bytes, point.predicted] for point in brain.learning_curve()]
    assert curve == holds.get("learning_curve", [])  # none before version 6
    assert brain.snapshot.calibration.tried.sum() == holds.get("tried", 0)  # nor before version 6
    standing = brain.resume
    assert (standing.current.size if standing else None) == holds["learnt_of_input"]
    brain.query("the ")
    brain.learn([b"and more is learnt"])


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_golden_checkpoint_is_resumed_to_the_end_of_its_input(tmp_path, version):
    path = tmp_path / "brain.m"
    shutil.copy(GOLDEN / f"checkpoint-{version}.m", path)
    resumed = CliRunner().invoke(main, ["train", str(path), str(GOLDEN / "prose.txt"), "--resume"])
    assert resumed.exit_code == 0, resumed.output
    assert Brain.open(path).lines == Brain.open(GOLDEN / f"brain-{version}.m").lines


@pytest.mark.parametrize("version", range(1, BEGAN_SINCE))
def test_a_generation_of_an_earlier_version_began_at_half_of_its_end(version):
    known = Brain.open(GOLDEN / f"brain-{version}.m").snapshot
    assert 2 * known.began_at == known.ends_at


def test_the_first_generation_of_any_version_began_with_nothing(tmp_path):
    path = tmp_path / "brain.m"
    brain = Brain()
    brain.learn([b"few"])
    brain.save(path)
    whole = path.read_bytes()
    for version in ("9", "8"):
        path.write_bytes(changed(whole, lambda h, v=version: h["__metadata__"].update(schema=f"melvin.brain/{v}")))
        assert Brain.open(path)._learner.snapshot.began_at == 0


def test_a_section_counts_by_the_version_of_its_file(tmp_path):
    path = tmp_path / "brain.m"
    held = Container(GOLDEN / f"brain-{VERSION}.m")
    arrays = {name: held.get(name) for name in held.names()}
    arrays["view.grams.count"] = arrays.pop("view.contexts.5.count")
    write(path, list(arrays), arrays.items(), {name: held.metadata[name] for name in ("schema", "state")})
    for asked in (verify, lambda path: Brain.open(path).query("the ")):
        with pytest.raises(DamagedBrainError, match=r"'view.contexts.5.count' is missing"):
            asked(path)


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_brain_of_any_version_that_was_asked_is_saved_whole(tmp_path, version):
    brain, learnt = (Brain.open(GOLDEN / f"brain-{version}.m") for _ in range(2))
    brain.category("the")
    brain.save(tmp_path / "asked.m")
    learnt.save(tmp_path / "not asked.m")
    verify(tmp_path / "asked.m")
    assert (tmp_path / "asked.m").read_bytes() == (tmp_path / "not asked.m").read_bytes()


def test_categories_of_an_earlier_rule_are_not_read(tmp_path):
    """In this brain the rule of version 10 found none."""
    path, brain = tmp_path / "brain.m", Brain()
    brain.learn([f"the {word} sat on the mat" for word in ("cat", "dog", "bird")] * 10)
    brain.save(path)
    held = Container(path)
    arrays = {name: held.get(name) for name in held.names()}
    arrays |= {f"view.categories.{part}": np.empty(0, np.uint32) for part in ("name", "label")}
    for version, whole in ((CATEGORIES_UP_TO, True), (VERSION, False)):
        metadata = {"schema": f"melvin.brain/{version}", "state": held.metadata["state"]}
        write(tmp_path / "other.m", list(arrays), arrays.items(), metadata)
        if whole:
            verify(tmp_path / "other.m")
            assert Brain.open(tmp_path / "other.m").category("cat").size == 3
        else:
            with pytest.raises(DamagedBrainError, match=r"'view.categories.name' contradicts itself"):
                verify(tmp_path / "other.m")


def test_heads_of_an_earlier_version_that_are_one_now_are_added_up():
    path = GOLDEN / f"brain-{ONE_OF_EACH_SINCE - 1}.m"
    held, now = Container(path).array("weights.asked", "int64", 2), Brain.open(path).snapshot.weights.asked
    begun, kin = held[:30].reshape(3, 10, -1), held[30:].reshape(3, 3, -1)  # by place and head; by head and place
    inside, beginning, first = np.hsplit(now, 3)
    chunks = begun[:, OF_CHUNK:].sum(0)
    assert np.array_equal(inside, np.concatenate((begun[0, :OF_CHUNK], begun[2, :OF_CHUNK], chunks, kin.sum(1))))
    assert np.array_equal(beginning[EDGE:], np.concatenate((begun[2, OF_CHUNK:], kin[:, 2])))
    assert np.array_equal(first[EDGE:], inside[EDGE:])
    assert not np.hstack((beginning, first))[:EDGE].any()
    assert now[EDGE].any()


@pytest.mark.parametrize("rows", [0, 5, 40])
def test_heads_of_an_earlier_version_that_are_fewer_or_more_are_damage(tmp_path, rows):
    held = Container(GOLDEN / f"brain-{ONE_OF_EACH_SINCE - 1}.m")
    arrays = {name: held.get(name) for name in held.names()}
    arrays |= {f"weights.{name}": np.zeros((rows, 120), np.int64) for name in ("right", "asked", "expected")}
    metadata = {name: held.metadata[name] for name in ("schema", "state")}
    write(tmp_path / "brain.m", list(arrays), arrays.items(), metadata)
    with pytest.raises(DamagedBrainError, match="weights"):
        verify(tmp_path / "brain.m")


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_every_version_has_its_golden_brains(version):
    assert (GOLDEN / f"brain-{version}.m").exists()
    assert (GOLDEN / f"checkpoint-{version}.m").exists()
