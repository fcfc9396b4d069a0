"""`profile` as it is run: a real py-spy and a real memray on a subject that is known to spend and hold in one place."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import progress
from harness.cli import main
from harness.programs import find_program

ROOT = Path(__file__).parents[2]
SUBJECT = "python:fixtures.profiled:Spends"
needs_spy = pytest.mark.skipif(find_program("py-spy") is None, reason="py-spy is not installed")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)

    def invoke(*words):
        asked = ["profile", "--subject", SUBJECT, "--size", "10KB", *words, "--json", "-o", str(tmp_path / "report")]
        result = CliRunner().invoke(main, asked, catch_exceptions=False)
        return result, json.loads(result.stdout) if result.stdout else None

    return invoke


def weight_of(part, function):
    """The share of a part of a profile that has a function on its stack."""
    called = [call["function"] for call in part["frames"]]
    held = sum(
        one["weight"] for one in part["stacks"] if any(called[at].split(".")[-1] == function for at in one["frames"])
    )
    return held / sum(one["weight"] for one in part["stacks"])


@needs_spy
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
    again = ["report", str(tmp_path / "report"), "-o", str(tmp_path / "again")]
    CliRunner().invoke(main, again, catch_exceptions=False)
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
def test_what_cannot_be_profiled_is_one_sentence_and_leaves_no_folder(run, words, code, says, tmp_path):
    result, report = run(*words)
    assert (result.exit_code, report) == (code, None)
    assert says in result.stderr
    assert not (tmp_path / "report").exists()


@needs_spy
def test_a_subject_that_breaks_under_the_second_profiler_keeps_what_the_first_saw(run, tmp_path):
    result, report = run("--subject", "python:fixtures.profiled:FailsUnderMemray")
    assert result.exit_code == report["exit_code"] == 4
    assert weight_of(report["time"], "spin") > 0.8
    assert report["memory"] is None
    (problem,) = report["problems"]
    assert problem.startswith("memory: python:fixtures.profiled:FailsUnderMemray failed, exception: ")
    assert f"missing: {problem}" in result.stderr
    written = {"report.html", "report.json", "summary.md", "time.speedscope.json"}
    assert {file.name for file in (tmp_path / "report").iterdir()} == written


@needs_spy
def test_ctrl_c_leaves_a_report_of_what_was_seen(tmp_path):
    fifo, folder = tmp_path / "waits", tmp_path / "report"
    os.mkfifo(fifo)
    argv = [sys.executable, "-m", "harness", "profile", "--subject", "python:fixtures.profiled:WaitsUnderMemray"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    argv += ["--size", "1KB", "-o", str(folder)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        with fifo.open("wb"):  # opens once the subject reads from it
            process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    report = json.loads((folder / "report.json").read_text())
    assert report["interrupted"].startswith("SIGINT at memory")
    assert weight_of(report["time"], "spin") > 0.8
    assert (report["memory"], report["problems"]) == (None, [])
    assert f"stopped: {report['interrupted']}" in said
    written = {"report.html", "report.json", "summary.md", "time.speedscope.json"}
    assert {file.name for file in folder.iterdir()} == written


@needs_spy
def test_it_says_how_far_it_is(run, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_AFTER_S", 0.0)
    said = run()[0].stderr
    assert re.search(r"^ +time  learn .* lines", said, re.MULTILINE)
    assert re.search(r"^ +memory  learn .* lines", said, re.MULTILINE)


@needs_spy
def test_child_processes_are_sampled_and_it_is_told_that_their_memory_is_not_seen(run):
    result, report = run("--subject", "python:fixtures.profiled:SpendsInAChild")
    assert result.exit_code == 0, result.output
    assert weight_of(report["time"], "spin") > 0.8
    assert not [call for call in report["time"]["frames"] if call["function"].startswith("process ")]
    says = r"memory: \d+% of the CPU time was spent in child processes, which are not in the profile"
    assert any(re.fullmatch(says, problem) for problem in report["problems"]), report["problems"]


@needs_spy
def test_what_the_harness_does_for_the_subject_is_not_in_it(run):
    result, report = run("--subject", "python:fixtures.profiled:TellsALot", "--rate", "1000")
    assert result.exit_code == 0, result.output
    for part in ("time", "memory"):
        files = {call["file"] for call in report[part]["frames"]}
        assert not [file for file in files if "harness/" in file]


@needs_spy
def test_where_nothing_was_sampled_it_is_told(run, tmp_path):
    result, report = run("--subject", "python:fixtures.canaries.honest:Honest", "--only", "time", "--rate", "1")
    assert (result.exit_code, report["time"]) == (6, None)
    says = "nothing was seen: learning was over before the first look: give a larger --size or --rate"
    assert report["problems"] == [says]
    assert f"Honest: {says}" in result.stderr
    assert not (tmp_path / "report" / "time.speedscope.json").exists()


def test_from_another_folder_files_are_named_as_they_are_imported(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if subprocess.run([sys.executable, "-c", "import harness"], cwd=ROOT.parent, env=environment).returncode:
        pytest.skip("the harness is not installed")
    argv = [sys.executable, "-m", "harness", "profile", "--only", "memory", "--size", "10KB", "--json"]
    argv += ["-o", str(tmp_path / "report")]
    done = subprocess.run(argv, cwd=ROOT.parent, env=environment, capture_output=True, text=True, check=True)
    files = {call["file"] for call in json.loads(done.stdout)["memory"]["frames"]}
    assert {"harness/subjects/melvin.py", "melvin/learner.py"} <= files
    assert not [file for file in files if file.startswith(("subjects/", ROOT.name))]
