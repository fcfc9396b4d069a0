"""The whole ladder as a person runs it: a process, its output, its files, its exit code."""

import contextlib
import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.exit_codes import ExitCode
from harness.output import WORK
from harness.procfs import children_of
from harness.report.models import read_report

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0  # for something that takes milliseconds
FILES = {"recipe.json", "report.json", "report.html", "summary.md", "junit.xml"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    lines = (f"line {i}: number {i * 7919 % 1009} comes before number {i * 104729 % 1013}\n" for i in range(25_000))
    path.write_text("".join(lines))
    return str(path)


def ladder(folder, *arguments):
    argv = [sys.executable, "-m", "harness", "ladder", "-o", str(folder), *arguments]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(folder, *arguments):
    with ladder(folder, *arguments) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def test_an_honest_learner_climbs_and_the_report_is_on_stdout_and_on_disk(tmp_path):
    code, out, err = finished(tmp_path, "--subject", "python:fixtures.canaries.honest:Honest", "--to", "10KB", "--json")
    assert code == ExitCode.OK, err
    report = read_report(tmp_path / "report.json")
    assert json.loads(out) == json.loads(report.to_json())
    assert [rung.verdict for rung in report.rungs] == ["ok", "ok"]
    assert {file.name for file in tmp_path.iterdir()} == FILES
    for rung in report.rungs:
        assert rung.quality.bits_per_byte > 0
        assert all(check.holds for check in rung.checks)
        assert {stage.name for stage in rung.stages} >= {
            "start",
            "count",
            "save",
            "load",
            "verify",
            "query",
            "resume",
        }
    assert "not broken up to 10KB" in err


def test_what_lies_in_the_folder_already_stays(tmp_path):
    own = [tmp_path / name for name in ("black-box/mine.txt", "work/mine.txt", "built/mine.txt", "witness.txt")]
    for file in own:
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine")
    code, _, err = finished(tmp_path, "--subject", "python:fixtures.canaries.honest:Honest", "--to", "1KB")
    assert code == ExitCode.OK, err
    assert {file.read_text() for file in own} == {"mine"}


def test_the_result_is_shown_also_where_the_summary_of_the_job_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "such.md"))
    code, _, err = finished(tmp_path / "r", "--subject", "python:fixtures.canaries.honest:Honest", "--to", "1KB")
    assert code == ExitCode.OK, err
    assert "not broken up to 1KB" in err
    assert "warning: cannot append to $GITHUB_STEP_SUMMARY" in err


def test_the_work_of_learning_is_counted_and_is_the_same_on_every_run(tmp_path):
    counted = []
    for run in ("a", "b"):
        code, out, err = finished(
            tmp_path / run, "--subject", "python:fixtures.canaries.honest:Honest", "--to", "1KB", "--json"
        )
        assert code == ExitCode.OK, err
        counted.append(json.loads(out)["work"])
    assert counted[0] == counted[1]
    assert counted[0]["opcodes"] > counted[0]["lines"] > 0


def test_the_breaking_size_is_found_between_two_rungs(tmp_path, corpus):
    subject = "python:fixtures.canaries.broken:BreaksAt50KB"
    code, out, err = finished(
        tmp_path,
        "--subject",
        subject,
        "--from",
        "10KB",
        "--to",
        "1MB",
        "--bisect-runs",
        "3",
        "--witness-runs",
        "0",
        "--corpus",
        corpus,
    )
    assert code == ExitCode.BREAK, err
    assert out == ""
    found = read_report(tmp_path / "report.json").break_
    assert found.verdict == "abort"
    assert found.last_passed_bytes < 50_000 < found.first_broken_bytes < 100_000


def test_a_loss_has_its_own_exit_code(tmp_path, corpus):
    code, _, err = finished(
        tmp_path, "--subject", "python:fixtures.canaries.broken:DropsCounts", "--to", "1KB", "--corpus", corpus
    )
    assert code == ExitCode.LOSSY, err


@pytest.mark.parametrize("times", [1, 30])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_ladder_ends_its_worker_and_writes_what_it_has(tmp_path, corpus, number, times):
    with ladder(
        tmp_path, "--subject", "python:fixtures.canaries.broken:HangsAt10KB", "--to", "10KB", "--corpus", corpus
    ) as process:
        said = []
        for line in process.stderr:  # the first rung is done: the second hangs, or is about to
            said.append(line)
            if line.split()[:2] == ["1KB", "ok"]:
                break
        for _ in range(times):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.03)
        _, err = process.communicate()
    assert process.returncode == ExitCode.INTERRUPTED, "".join(said) + err
    report = read_report(tmp_path / "report.json")
    assert report.interrupted.startswith(number.name)
    assert [rung.label for rung in report.rungs] == ["1KB"]
    assert not (tmp_path / WORK).exists()


def test_a_terminal_that_goes_away_leaves_the_report(tmp_path, corpus):
    subject = "python:fixtures.canaries.broken:HangsAt10KB"
    arguments = ["--subject", subject, "--to", "10KB", "--corpus", corpus, "-o", str(tmp_path)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "harness", "ladder", *arguments])
    said = b""
    while b"1KB  ok" not in said or b"count" not in said.partition(b"1KB  ok")[2]:
        said += os.read(terminal, 65536)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == ExitCode.INTERRUPTED
    assert read_report(tmp_path / "report.json").interrupted.startswith("SIGHUP")


@pytest.mark.parametrize("output", ["2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"])
def test_progress_that_nobody_can_read_leaves_the_report(tmp_path, output):
    argv = [sys.executable, "-m", "harness", "ladder", "--subject", "python:fixtures.canaries.honest:Honest"]
    argv += ["--to", "1KB", "-o", str(tmp_path)]
    done = subprocess.run(["sh", "-c", f"{shlex.join(argv)} {output}"], cwd=ROOT, check=False)
    assert done.returncode == ExitCode.OK
    assert read_report(tmp_path / "report.json").rungs[0].verdict == "ok"


@pytest.mark.parametrize(("output", "why"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")])
def test_a_result_that_cannot_be_printed_is_told_in_one_sentence(tmp_path, output, why):
    argv = [sys.executable, "-m", "harness", "doctor", "--json"]
    done = subprocess.run(["sh", "-c", f"{shlex.join(argv)} {output}"], cwd=ROOT, stderr=-1, text=True, check=False)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.splitlines()[-1] == f"error: cannot write to standard output: {why}"
    assert "Traceback" not in done.stderr


def test_no_worker_outlives_a_harness_that_was_killed(tmp_path, corpus):
    with ladder(
        tmp_path,
        "--subject",
        "python:fixtures.canaries.broken:HangsAt10KB",
        "--from",
        "10KB",
        "--to",
        "10KB",
        "--corpus",
        corpus,
    ) as process:
        process.stderr.readline()
        while not list(tmp_path.glob("black-box/*/heartbeat")):  # the worker is up once it has one
            assert process.poll() is None
        family = [os.pidfd_open(pid) for pid in children_of(process.pid)]
        assert len(family) == 2  # launcher and worker
        process.kill()
        ended = [select.select([pidfd], [], [], PATIENCE_S)[0] for pidfd in family]
        for pidfd in family:
            os.close(pidfd)
    assert all(ended)


def test_melvin_climbs(tmp_path):
    code, _, err = finished(tmp_path, "--to", "10KB")
    assert code == ExitCode.OK, err
    last = read_report(tmp_path / "report.json").rungs[-1]
    assert {stage.name for stage in last.stages} >= {"read", "parse", "count", "consolidate", "resume"}
    assert last.brain.nodes > 0


def test_a_break_that_only_one_limiter_sees_is_an_artefact_of_it(tmp_path, corpus):
    limits = ("--limiter", "rlimit_as", "--memory-limit", "20MiB", "--corpus", corpus)
    code, _, err = finished(tmp_path, "--subject", "python:fixtures.canaries.honest:Honest", "--to", "1KB", *limits)
    assert code == ExitCode.OK, err
    (rung,) = read_report(tmp_path / "report.json").rungs
    assert rung.verdict == "limit_artefact"
    assert [attempt.verdict for attempt in rung.attempts] == ["memory_error", "ok"]
