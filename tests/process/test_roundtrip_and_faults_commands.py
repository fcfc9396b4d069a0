"""The commands as they are run: workers, forks, strace where it is there, the table, the exit code."""

import ctypes
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fixtures.lossy.honest import Honest
from fixtures.lossy.losers import EmptyOnDamage, WritesInPlace
from harness.cli import main
from harness.exit_codes import ExitCode
from harness.faults import allocations, damage, sizes
from harness.faults.bench import Bench
from harness.programs import find_program
from harness.report.models import SCHEMA, parse_report
from harness.roundtrip.losses import compare
from melvin import Brain

ROOT = Path(__file__).parents[2]
needs_compiler = pytest.mark.skipif(find_program("cc") is None, reason="there is no C compiler (cc) on this machine")


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
    assert report["schema"] == SCHEMA
    faults = parse_report(report, "stdout").faults
    assert {row.sweep for row in faults.rows} == set("abcdef")
    assert faults.total("corrupt") == faults.total("littered") == 0
    assert faults.total("points") > 300
    assert "| (f) | bit flips" in (tmp_path / "report" / "summary.md").read_text()
    page = (tmp_path / "report" / "report.html").read_text()
    assert f"{faults.total('points'):,} points, 0 corrupt" in page
    assert "<td>bit flips</td>" in page
    assert CliRunner().invoke(main, ["report", str(tmp_path / "report")]).exit_code == 0


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


def test_a_process_that_dies_of_a_failed_allocation_is_told_with_its_frame(tmp_path):
    told = allocations.where_it_died(lambda: ctypes.string_at(0), tmp_path / "fault.txt")
    assert "string_at" in told
    if find_program("gdb") is not None:
        assert "(gdb)" in told
        assert "kill" not in told
    assert "not again" in allocations.where_it_died(lambda: 0, tmp_path / "fault.txt")


def test_a_loss_is_exit_code_5_and_told(run):
    result, report = run("roundtrip", "--subject", "python:fixtures.lossy.losers:DropsATable", "--examples", "5")
    assert result.exit_code == 5
    assert {(found["where"], found["kind"]) for found in report["roundtrip"]["losses"]} == {("edges", "missing")}


C_TRAINER = "command:fixtures/subjects/c_trainer.toml"


@needs_compiler
def test_nothing_is_found_in_a_command_that_keeps_everything(run):
    result, report = run("roundtrip", "--subject", C_TRAINER, "--large", "1")
    assert result.exit_code == 0, result.output
    assert report["roundtrip"]["losses"] == []
    assert all(report["roundtrip"]["offered"].values())


@pytest.mark.parametrize(("method", "said"), [("query", "a text (str)"), ("stats", "whole numbers"), ("score", "bits")])
def test_a_value_of_the_wrong_kind_is_no_loss_but_a_failure_in_one_sentence(run, tmp_path, monkeypatch, method, said):
    (tmp_path / "odd.py").write_text(
        f"from fixtures.canaries.honest import Honest\n\nclass Odd(Honest):\n    def {method}(self, *_): return b'x'\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    result, _ = run("roundtrip", "--subject", "python:odd:Odd", "--examples", "1", "--large", "0")
    assert result.exit_code == ExitCode.BREAK
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: python:odd:Odd failed, exception: {method}() returned b'x'; ")
    assert said in line
    assert "returned.py" not in line


COMMANDS_THAT_LOSE = {
    "LOSSY_SAVE": ("counts.edges", "missing"),
    "EMPTY_ON_LOAD": ("counts.nodes", "missing"),
    "QUERY_WRITES": ("file", "writes_on_query"),
    "RESTARTS": ("learning on: counts.nodes", "missing"),
    "WRITES_IN_PLACE": ("file", "in_place"),
    "SILENT_EXIT": ("file", "missing"),
}


@needs_compiler
@pytest.mark.parametrize("defect", COMMANDS_THAT_LOSE)
def test_what_a_command_loses_is_named_with_a_small_text(run, tmp_path, defect):
    subject = (ROOT / "fixtures" / "subjects" / "c_trainer.toml").read_text()
    described = tmp_path / "broken.toml"
    folder = f'folder = "{ROOT / "fixtures" / "subjects"}"'
    described.write_text(subject.replace('folder = "."', folder).replace('"-O2"', f'"-O2", "-DDEFECT={defect}"'))
    result, report = run("roundtrip", "--subject", f"command:{described}", "--large", "1")
    assert result.exit_code == 5, result.output
    found = {(loss["where"], loss["kind"]): loss for loss in report["roundtrip"]["losses"]}
    assert found[COMMANDS_THAT_LOSE[defect]]["witness_bytes"] <= 100


def test_sweeps_that_have_no_point_are_not_said_to_be_well(run, tmp_path):
    (tmp_path / "trainer.py").write_text("import shutil, sys\nshutil.copy(sys.argv[2], sys.argv[1])\n")
    described = tmp_path / "trainer.toml"
    described.write_text(f"train = [{json.dumps(sys.executable)}, 'trainer.py', '{{brain}}', '{{corpus}}']\n")
    result, report = run("faults", "--short", "--sweeps", "c", "--subject", f"command:{described}")
    assert result.exit_code == ExitCode.INCONCLUSIVE, result.output
    assert report["faults"]["rows"] == []
    assert "nothing was tested" in result.stderr


@needs_compiler
@pytest.mark.parametrize(("name", "kept"), [("subjects/c_trainer", True), ("lossy/c_writes_in_place", False)])
def test_a_command_is_hit_from_outside_and_what_cannot_be_is_said(run, name, kept):
    result, report = run("faults", "--short", "--subject", f"command:fixtures/{name}.toml")
    faults = parse_report(report, "stdout").faults
    assert result.exit_code == (0 if kept else 5), result.output
    assert (faults.total("corrupt") == 0) is kept
    assert faults.total("refused") == faults.total("points", "f") == 100
    assert {row.sweep for row in faults.rows} >= set("bdef")
    assert any("(c)" in why for why in faults.left_out)


def test_a_command_that_is_never_the_same_twice_cannot_be_judged_and_that_is_said(run, tmp_path):
    (tmp_path / "trainer.py").write_text(
        "import os, sys\nopen(sys.argv[1], 'wb').write(os.urandom(8) + open(sys.argv[2], 'rb').read())\n"
    )
    described = tmp_path / "trainer.toml"
    described.write_text(f"train = [{json.dumps(sys.executable)}, 'trainer.py', '{{brain}}', '{{corpus}}']\n")
    result, _ = run("faults", "--short", "--subject", f"command:{described}")
    assert result.exit_code == ExitCode.USAGE
    assert "leaves another file each time" in result.output


def test_one_brain_file_is_checked_in_other_processes_too(run, tmp_path):
    brain = Brain()
    brain.learn([b"the cat sat on the mat"] * 40)
    brain.save(tmp_path / "a.m")
    result, report = run("roundtrip", str(tmp_path / "a.m"))
    assert result.exit_code == 0, result.output
    assert report["roundtrip"]["losses"] == []


def test_a_brain_file_that_is_damaged_is_no_result(run, tmp_path):
    (tmp_path / "a.m").write_bytes(b"no brain")
    result, _ = run("roundtrip", str(tmp_path / "a.m"))
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith(f"error: {tmp_path / 'a.m'} cannot be loaded: ")
    assert "not a brain file" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["roundtrip", "faults"])
def test_a_trainer_that_fails_is_a_break_in_one_sentence_with_its_last_words(run, tmp_path, command):
    described = tmp_path / "trainer.toml"
    described.write_text("train = ['sh', '-c', 'echo it has no room >&2; exit 3', '{brain}', '{corpus}']\n")
    result, _ = run(command, "--subject", f"command:{described}")
    assert result.exit_code == ExitCode.BREAK
    (line,) = result.stderr.splitlines()
    assert "failed, exception: train (sh) ended with exit code 3, in stage" in line
    assert line.endswith("; the last it said: it has no room")
    assert "command.py" not in line


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
