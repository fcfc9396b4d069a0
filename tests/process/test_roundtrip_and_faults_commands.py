"""The commands as they are run: workers, forks, strace where it is there, the table, the exit code."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fixtures.lossy.honest import Honest
from fixtures.lossy.losers import EmptyOnDamage, WritesInPlace
from harness.cli import main
from harness.faults import damage, sizes
from harness.faults.bench import Bench
from harness.roundtrip.losses import compare
from melvin import Brain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)

    def invoke(*words):
        result = CliRunner().invoke(main, [*words, "--json", "-o", str(tmp_path / "report")])
        return result, json.loads(result.stdout) if result.stdout else None

    return invoke


def test_the_short_sweeps_leave_melvins_file_as_it_was_or_as_it_should_be(run, tmp_path):
    result, report = run("faults", "--short")
    assert result.exit_code == 0, result.output
    assert {row["sweep"] for row in report["rows"]} == set("abcdef")
    assert report["total"]["corrupt"] == report["total"]["littered"] == 0
    assert report["total"]["points"] > 300
    assert "| (f) | bit flips" in (tmp_path / "report" / "summary.md").read_text()


def test_a_subject_that_writes_in_place_is_corrupt_after_a_full_disk(tmp_path):
    (row, *_) = sizes.size_sweep(Bench(WritesInPlace, tmp_path, 1), 12)
    assert row.corrupt > 8
    assert row.details


def test_a_subject_that_is_empty_on_damage_loads_damaged_files(tmp_path):
    rows = list(damage.sweep(Bench(EmptyOnDamage, tmp_path, 1), 100))
    assert sum(row.corrupt for row in rows) > 90


def test_an_honest_subject_passes_both(tmp_path):
    bench = Bench(Honest, tmp_path, 1)
    rows = [*sizes.size_sweep(bench, 12), *damage.sweep(bench, 100)]
    assert sum(row.corrupt + row.littered for row in rows) == 0
    assert sum(row.before + row.after for row in rows) == 24


def test_a_loss_is_exit_code_5_and_told(run):
    result, report = run("roundtrip", "--subject", "python:fixtures.lossy.losers:DropsATable", "--examples", "5")
    assert result.exit_code == 5
    assert {(found["where"], found["kind"]) for found in report["findings"]} == {("edges", "missing")}


def test_one_brain_file_is_checked_in_other_processes_too(run, tmp_path):
    brain = Brain()
    brain.learn([b"the cat sat on the mat"] * 40)
    brain.save(tmp_path / "a.m")
    result, report = run("roundtrip", str(tmp_path / "a.m"))
    assert result.exit_code == 0, result.output
    assert report["findings"] == []


def test_a_brain_file_that_is_damaged_is_no_result(run, tmp_path):
    (tmp_path / "a.m").write_bytes(b"no brain")
    result, _ = run("roundtrip", str(tmp_path / "a.m"))
    assert result.exit_code == 1
    assert "not a brain file" in result.output


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"t": {1: 2}}, {"t": {"1": 2}}, "type"),
        ({"t": [1, 2]}, {"t": (1, 2)}, "type"),
        ({"t": [1, 2]}, {"t": [2, 1]}, "order"),
        ({"t": 0.1}, {"t": 0.1000001}, "precision"),
        ({"t": 0.0}, {"t": -0.0}, "precision"),
        ({"t": 70000}, {"t": 70000 % 65536}, "truncation"),
        ({"t": b"a\0"}, {"t": b"a"}, "truncation"),
        ({"t": [1]}, {"t": []}, "truncation"),
        ({"t": "a\rb"}, {"t": "ab"}, "missing"),
        ({"t": {1: 2}}, {}, "missing"),
        ({"t": {"a": 1, "b": 2}}, {"t": {"b": 3}}, "aliasing"),
        ({"t": True}, {"t": 1}, "type"),
        ({"t": np.arange(3)}, {"t": np.arange(3, dtype=np.int32)}, "type"),
        ({"t": np.arange(3)}, {"t": np.arange(2)}, "truncation"),
        ({"t": np.arange(3)}, {"t": np.arange(3)[::-1].copy()}, "order"),
        ({"t": np.arange(3) + 65536}, {"t": np.arange(3)}, "truncation"),
        ({"t": np.arange(3)}, {"t": np.zeros(3, np.int64)}, "missing"),
        ({"t": np.array([0.1, 3])}, {"t": np.array([0.1, 3.0001])}, "precision"),
        ({"t": np.array([0.1, 3])}, {"t": np.array([0.1, 3], np.float32)}, "precision"),
    ],
)
def test_kinds_of_loss(before, after, kind):
    assert {loss.kind for loss in compare(before, after)} == {kind}
    assert compare(before, before) == []


def test_what_was_one_object_must_stay_one():
    shared = [1, 2]
    (loss,) = compare({"a": shared, "b": shared}, {"a": [1, 2], "b": [1, 2]})
    assert loss.kind == "aliasing"
