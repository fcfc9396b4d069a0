"""`leak` as it is run: subjects that keep something, ones that do not, the report, the exit code."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import main

ROOT = Path(__file__).parents[2]
COUNTERS = 1  # the number of the heartbeat is an object of its own once it is above 256


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)

    def invoke(subject, *words):
        argv = ["leak", "--subject", f"python:fixtures.canaries.{subject}", "--size", "1KB", "--epochs", "8", *words]
        result = CliRunner().invoke(main, [*argv, "--json", "-o", str(tmp_path / "report")], catch_exceptions=False)
        return result, json.loads(result.stdout) if result.stdout else None

    return invoke


def line_of(file, text):
    source = (ROOT / "fixtures" / "canaries" / file).read_text().splitlines()
    return f"fixtures/canaries/{file}:{next(number for number, line in enumerate(source, 1) if text in line)}"


def test_an_honest_subject_is_flat_and_reading_it_adds_nothing(run, tmp_path):
    result, report = run("honest:Honest", "--epochs", "12")
    assert result.exit_code == 0, result.output
    assert (report["schema"], report["verdict"], report["profiles"]) == ("harness.leak/1", "flat", [])
    assert len(report["readings"]) == 12
    first, *_, last = report["readings"][4:]
    assert last["blocks"] - first["blocks"] <= COUNTERS  # the readings themselves add nothing
    assert last["malloc_bytes"] == first["malloc_bytes"]
    assert [reading["epoch"] for reading in report["readings"] if reading["trimmed_anon_bytes"] is not None] == [2, 12]
    assert report == json.loads((tmp_path / "report" / "report.json").read_text())
    assert "flat: no ledger rises" in result.stderr
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["report.html", "report.json", "summary.md"]


def test_objects_that_stay_are_retention_and_the_line_that_keeps_them_is_named(run, tmp_path):
    result, report = run("broken:RetainsLines")
    assert (result.exit_code, report["verdict"]) == (8, "retention")
    (profile,) = report["profiles"]
    site = profile["sites"][0]
    blocks = next(trend for trend in report["trends"] if trend["ledger"] == "blocks")
    assert site["where"] == line_of("broken.py", "KEPT.append(")
    assert site["function"] == "RetainsLines.learn_line"
    assert site["blocks_per_epoch"] == pytest.approx(blocks["per_epoch"], rel=0.05)
    assert profile["kinds"][0]["name"] == "list"
    assert profile["kinds"][0]["held_by"] == ["fixtures.canaries.broken.KEPT"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<svg") == 3
    assert not re.search(r"""(src|href)\s*=|https?://(?!www\.w3\.org)""", page)
    assert f"allocated at {site['where']}" in (tmp_path / "report" / "summary.md").read_text()


def test_native_memory_that_nobody_frees_is_a_leak(run):
    result, report = run("broken:LeaksNativeMemory")
    assert (result.exit_code, report["verdict"], report["confidence"]) == (8, "leak", "high")
    assert [profile["profiler"] for profile in report["profiles"]] == ["tracemalloc", "memray"]


def test_a_leak_that_memray_can_see_is_named(run, tmp_path):
    result, report = run("keeping:LeaksInTheInterpreter")
    assert (result.exit_code, report["verdict"]) == (8, "leak")
    native = report["profiles"][-1]
    assert native["sites"][0]["where"] == line_of("keeping.py", "RAW_MALLOC(EPOCH_BYTES)")
    assert native["sites"][0]["bytes_per_epoch"] == 400_000
    assert (tmp_path / "report" / native["file"]).stat().st_size > 0


@pytest.mark.parametrize(
    ("subject", "code", "verdict"),
    [("FillsACache", 0, "flat"), ("PinsTheHeap", 0, "fragmentation"), ("WritesALog", 8, "retention")],
)
def test_what_one_ledger_would_mistake_is_told_apart(run, subject, code, verdict):
    result, report = run(f"keeping:{subject}", "--epochs", "12")
    assert (result.exit_code, report["verdict"]) == (code, verdict)


def test_pages_beside_malloc_are_told_with_low_confidence(run):
    result, report = run("keeping:MapsPages")
    assert (result.exit_code, report["verdict"], report["confidence"]) == (8, "resident_growth", "low")


@pytest.mark.parametrize(("subject", "verdict"), [("broken:Aborts", "abort"), ("keeping:SavesNowhere", "vanished")])
def test_a_subject_that_breaks_is_exit_code_4_with_its_verdict(run, subject, verdict):
    result, report = run(subject)
    assert (result.exit_code, report["broke"]["verdict"]) == (4, verdict)
    assert f"broke in epoch 1: {verdict}" in result.stderr
    assert report["readings"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--subject", "command:fixtures/subjects/markovify.toml"), "python -m harness ladder"),
        (("--subject", "python:fixtures.canaries.honest:Nobody"), "has no Nobody"),
        (("--corpus", "/no/such"), "cannot be read"),
        (("--epochs", "7"), "8<=x<=200"),
    ],
)
def test_what_cannot_be_hunted_is_one_sentence_and_exit_code_2(run, words, says, tmp_path):
    result, report = run("honest:Honest", *words)
    assert (result.exit_code, report) == (2, None)
    assert says in result.stderr
    assert not (tmp_path / "report").exists()


def test_ctrl_c_leaves_a_report_of_what_was_read(tmp_path):
    fifo = tmp_path / "waits"
    os.mkfifo(fifo)
    argv = [sys.executable, "-m", "harness", "leak", "--subject", "python:fixtures.canaries.keeping:WaitsInTheFourth"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    argv += ["--size", "1KB", "-o", str(tmp_path / "report")]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        with fifo.open("wb"):  # opens once the subject reads from it
            process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["interrupted"].startswith("SIGINT")
    assert len(report["readings"]) == 3
    assert (report["verdict"], report["trends"]) == ("cannot_tell", [])


@pytest.mark.parametrize(
    ("subject", "place"),
    [
        ("broken:RetainsLines", ("broken.py", "KEPT.append(")),
        ("keeping:LeaksInTheInterpreter", ("keeping.py", "RAW_MALLOC(EPOCH_BYTES)")),
    ],
)
def test_from_another_folder_places_are_named_as_they_are_imported(subject, place, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if subprocess.run([sys.executable, "-c", "import harness"], cwd=ROOT.parent, env=environment).returncode:
        pytest.skip("the harness is not installed")
    argv = [sys.executable, "-m", "harness", "leak", "--subject", f"python:fixtures.canaries.{subject}", "--json"]
    argv += ["--size", "1KB", "--epochs", "8", "-o", str(tmp_path / "report")]
    done = subprocess.run(argv, cwd=ROOT.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 8, done.stderr
    sites = json.loads(done.stdout)["profiles"][-1]["sites"]
    assert sites[0]["where"] == line_of(*place)
    assert not [frame for site in sites for frame in site["stack"] if "tasks/leak" in frame]
