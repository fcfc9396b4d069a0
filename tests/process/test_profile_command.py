"""`profile` as it is run: a real py-spy and a real memray on a subject that is known to spend and hold in one place."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.programs import find_program

ROOT = Path(__file__).parents[2]
SUBJECT = "python:fixtures.profiled:Spends"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)

    def invoke(*words):
        asked = ["profile", "--subject", SUBJECT, "--size", "10KB", *words, "--json", "-o", str(tmp_path / "report")]
        result = CliRunner().invoke(main, asked)
        assert "Traceback" not in result.stderr
        return result, json.loads(result.stdout) if result.stdout else None

    return invoke


def weight_of(part, function):
    """The share of a part of a profile that has a function on its stack."""
    called = [call["function"] for call in part["frames"]]
    held = sum(
        one["weight"] for one in part["stacks"] if any(called[at].split(".")[-1] == function for at in one["frames"])
    )
    return held / sum(one["weight"] for one in part["stacks"])


@pytest.mark.skipif(find_program("py-spy") is None, reason="py-spy is not installed")
def test_the_function_that_takes_the_time_and_the_one_that_holds_the_memory_are_named(run, tmp_path):
    result, report = run()
    assert result.exit_code == 0, result.output
    assert report["schema"] == "harness.profile/1"
    assert report["problems"] == []
    assert weight_of(report["time"], "spin") > 0.8
    assert weight_of(report["memory"], "hold") > 0.8
    files = {call["file"] for call in report["time"]["frames"]}
    assert "fixtures/profiled.py" in files
    assert not [file for file in files if file.endswith("tasks/profile.py")]  # what called the subject is left out
    said = result.stderr.splitlines()[-2]
    assert re.search(r"in (Spends\.)?spin \(fixtures/profiled\.py:\d+\); \d+% of the memory in (Spends\.)?hold", said)
    folder = tmp_path / "report"
    written = {"memory.memray", "report.html", "report.json", "summary.md", "time.speedscope.json"}
    assert {file.name for file in folder.iterdir()} == written
    assert json.loads((folder / "time.speedscope.json").read_text())["profiles"]
    page = (folder / "report.html").read_text()
    assert page.count("<svg") >= 2
    assert not re.search(r"""(src|href)\s*=|https?://(?!www\.w3\.org)""", page)
    CliRunner().invoke(main, ["report", str(tmp_path / "report"), "-o", str(tmp_path / "again")])
    assert (tmp_path / "again" / "report.html").read_text() == page


def test_memory_alone_and_nothing_of_what_was_imported_before(run):
    result, report = run("--only", "memory")
    assert (result.exit_code, report["time"]) == (0, None)
    held = sum(one["weight"] for one in report["memory"]["stacks"])
    assert 8 << 20 <= held < 9 << 20
    assert report["memory"]["snapshots"][-1]["heap_bytes"] >= 0


def test_melvin_can_be_looked_at(run):
    result, report = run("--subject", "melvin", "--only", "memory")
    assert result.exit_code == 0, result.output
    assert any(call["file"] == "melvin/learner.py" for call in report["memory"]["frames"])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (
            ("--subject", "command:fixtures/subjects/c_trainer.toml"),
            2,
            "is a program: a profile needs a Python subject",
        ),
        (("--subject", "python:fixtures.profiled:Nobody"), 2, "has no Nobody"),
        (("--subject", "python:fixtures.canaries.broken:Raises", "--size", "100KB"), 4, "failed, exception"),
        (("--corpus", "/no/such"), 2, "cannot be read"),
    ],
)
def test_what_cannot_be_profiled_is_one_sentence(run, words, code, says):
    result, report = run(*words)
    assert (result.exit_code, report) == (code, None)
    assert says in result.stderr
