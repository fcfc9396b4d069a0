"""Real processes that end in each of the ways that processes end."""

import json
import os
import select
import signal
from pathlib import Path

import pytest

from fixtures.canaries import honest
from harness.errors import Interrupted, LauncherError, SubjectMissing
from harness.evidence import Evidence
from harness.procfs import children_of
from harness.report import build
from harness.supervise import Spawn

MIB = 1024**2
PATIENCE_S = 30.0  # for something that takes milliseconds


def kill_while_it_waits(heard):
    """SIGKILL from outside, as soon as the worker has been seen counting."""
    if heard[-1]["event"] == "sample" and heard[-1]["stage"] == "count":
        os.kill(heard[0]["pid"], signal.SIGKILL)


def test_a_worker_killed_from_outside_is_told_from_one_that_we_killed(attempt):
    tried = attempt("broken:Hangs", act=kill_while_it_waits)
    assert tried.verdict.name == "killed_external"
    assert "SIGKILL" in tried.verdict.because


def test_a_worker_that_segfaults_leaves_its_stack(attempt):
    tried = attempt("broken:Segfaults")
    assert tried.verdict.name == "segv"
    assert "broken.py" in tried.evidence.fault
    assert tried.evidence.heartbeat.lines == 400


def test_a_worker_that_aborts_leaves_its_stack(attempt):
    tried = attempt("broken:Aborts")
    assert tried.verdict.name == "abort"
    assert "in learn" in tried.evidence.fault


def test_a_worker_that_exits_0_early_has_vanished(attempt):
    tried = attempt("broken:ExitsEarly")
    assert tried.evidence.exit_code == 0
    assert tried.verdict.name == "vanished"


def test_a_worker_that_hangs_is_stopped_with_its_stack(attempt):
    tried = attempt("broken:Hangs", time_s=2.0)
    assert tried.verdict.name == "timeout"
    assert "wait_for_ever" in tried.evidence.fault
    assert tried.evidence.exit_code == -signal.SIGTERM


def test_a_worker_that_eats_memory_is_stopped_close_to_the_limit(attempt):
    tried = attempt("broken:EatsMemory")
    assert tried.verdict.name == "memory_limit"
    assert tried.evidence.exit_code == -signal.SIGKILL
    assert 256 * MIB < tried.evidence.anon_bytes_at_stop < 512 * MIB
    assert "broken.py" in tried.evidence.fault
    assert tried.evidence.stage_peak_anon_bytes["count"] == tried.evidence.peak_anon_bytes


def test_memory_that_a_child_of_the_worker_eats_counts(attempt):
    tried = attempt("broken:EatsMemoryInAChild")
    assert tried.verdict.name == "memory_limit"


FORKS = """
import os
import time
from fixtures.canaries.honest import Honest

class Forks(Honest):
    def learn(self, corpus, clock):
        super().learn(corpus, clock)
        kept = bytearray(b"x") * ({mine} << 20)
        pids = []
        for _ in range(4):
            if (pid := os.fork()) == 0:
                own = bytearray(b"y") * ({theirs} << 20)
                time.sleep(0.5)  # held for a hundred looks of the watchdog
                os._exit(0)
            pids.append(pid)
        for pid in pids:
            os.waitpid(pid, 0)
"""


@pytest.mark.parametrize("limiter", ["watchdog", "watchdog_only", "rlimit_as"])
@pytest.mark.parametrize(("mine", "theirs", "limit", "verdict"), [(120, 1, 256, "ok"), (1, 20, 60, "memory_limit")])
def test_memory_that_a_fork_left_to_several_counts_once(
    trials, tmp_path, monkeypatch, limiter, mine, theirs, limit, verdict
):
    (tmp_path / "forks.py").write_text(FORKS.format(mine=mine, theirs=theirs))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    trial = trials("python:forks:Forks", memory_bytes=limit * MIB, limiter=limiter).try_once(20_000)
    assert trial.verdict.name == verdict, trial.verdict.because


def test_the_kernel_as_limiter_gives_a_memory_error(attempt):
    tried = attempt("broken:EatsMemory", limiter="rlimit_data")
    assert tried.verdict.name == "memory_error"


def test_an_exception_is_named_with_its_place(attempt):
    tried = attempt("broken:Raises")
    assert tried.verdict.name == "exception"
    assert "KeyError" in tried.verdict.because
    assert "broken.py" in tried.verdict.because


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("honest:Honest", "ok"),
        ("broken:SavesNothing", "lossy_save"),
        ("broken:DropsCounts", "lossy_save"),
        ("broken:ForgetsOnResume", "lossy_save"),
        ("broken:ForgetsToLearn", "wrong_result"),
    ],
)
def test_what_was_learnt_and_saved_is_checked(attempt, name, verdict):
    assert attempt(name).verdict.name == verdict


def test_a_subject_that_cannot_be_found_is_nothing_to_try(attempt):
    with pytest.raises(SubjectMissing, match="has no NoSuchClass"):
        attempt("broken:NoSuchClass")


def test_a_class_that_lacks_methods_is_nothing_to_try(attempt):
    with pytest.raises(SubjectMissing, match="Recursive has no learn, save, load, query, stats; a subject has"):
        attempt("broken:Recursive")


ODD = """
from fixtures.canaries.honest import Honest

class Odd(Honest):
    def {method}(self, *_):
        return {value}
"""
WHOLE = "a mapping of names to whole numbers was expected"


@pytest.mark.parametrize(
    ("method", "value", "said"),
    [
        ("stats", "None", f"stats() returned None; {WHOLE}"),
        ("stats", "{'nodes': 1.5}", WHOLE),
        ("stats", "{'nodes': float('nan')}", WHOLE),
        ("stats", "{'nodes': {'a': 1}}", WHOLE),
        ("stats", "{'nodes': 'many'}", WHOLE),
        ("query", "None", "query() returned None; a text (str) was expected"),
        ("query", "b'abc'", "query() returned b'abc'"),
        ("score", "float('nan')", "score() returned nan; a number of bits per byte"),
        ("score", "float('inf')", "score() returned inf"),
        ("score", "10**400", "score() returned 1000"),
        ("score", "type('Mute', (), {'__repr__': lambda self: 1 / 0})()", "score() returned a Mute"),
        ("score", "'x'", "score() returned 'x'"),
        ("score", "-1.0", "score() returned -1.0"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_wrong_result(trials, tmp_path, monkeypatch, method, value, said):
    (tmp_path / "odd.py").write_text(ODD.format(method=method, value=value))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    trial = trials("python:odd:Odd").try_once(20_000)
    assert trial.verdict.name == "wrong_result"
    assert said in trial.verdict.because
    made = build.rung(20_000, trial, tmp_path)
    assert json.loads(made.model_dump_json())["verdict"] == "wrong_result"


def test_a_function_that_makes_a_subject_is_a_subject_too(trials, tmp_path, monkeypatch):
    (tmp_path / "odd.py").write_text(
        "def make():\n    from fixtures.canaries.honest import Honest\n    return Honest()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    assert trials("python:odd:make").try_once(20_000).verdict.name == "ok"


def test_a_save_that_writes_nothing_leaves_no_result(trials, tmp_path, monkeypatch):
    (tmp_path / "odd.py").write_text(ODD.format(method="save", value="None"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    verdict = trials("python:odd:Odd").try_once(20_000).verdict
    assert verdict.name == "vanished"
    assert "save() returned, but there is no file" in verdict.because


def test_a_subject_that_was_there_and_is_no_more_is_a_break(trials, tmp_path, monkeypatch):
    code = tmp_path / "gone.py"
    code.write_text(Path(honest.__file__).read_text())
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    gone = trials("python:gone:Honest")
    assert gone.try_once(20_000).verdict.name == "ok"
    code.unlink()
    broken = gone.try_once(20_000).verdict
    assert broken.name == "exception"
    assert "No module named 'gone'" in broken.because


def test_a_flood_of_output_is_counted_and_does_not_stop_the_worker(attempt):
    tried = attempt("broken:FloodsStderr")
    assert tried.verdict.name == "ok"
    assert tried.evidence.stderr.lines == 20_000
    assert tried.evidence.stderr.bytes > 1_000_000


def test_a_peak_is_the_workers_own_however_large_the_orchestrator_is(attempt):
    ballast = bytearray(b"x") * (200 * MIB)
    tried = attempt("honest:Honest")
    assert tried.evidence.peak_rss_bytes < 100 * MIB < len(ballast)


def test_a_worker_does_not_outlive_a_launcher_that_was_killed(attempt):
    worker = []

    def kill_the_launcher(heard):
        if heard[-1]["event"] == "sample" and heard[-1]["stage"] == "count":
            worker.append(os.pidfd_open(heard[0]["pid"]))
            os.kill(*children_of(os.getpid())[:1], signal.SIGKILL)

    with pytest.raises(LauncherError):
        attempt("broken:Hangs", act=kill_the_launcher)
    assert select.select(worker, [], [], PATIENCE_S)[0]
    os.close(worker[0])


def test_a_stop_that_comes_too_late_stops_nothing(launcher, attempt):
    launcher.stop()
    assert attempt("honest:Honest").verdict.name == "ok"


def interrupt(*_):
    raise Interrupted(signal.SIGINT)


@pytest.mark.parametrize("moment", [(Spawn, "as_json"), (Evidence, "from_json")])
def test_an_interrupt_before_a_worker_runs_or_after_it_ended_waits_for_no_end(trials, monkeypatch, moment):
    honest_ones = trials("python:fixtures.canaries.honest:Honest")
    with monkeypatch.context() as patch:
        patch.setattr(*moment, interrupt)
        with pytest.raises(Interrupted):
            honest_ones.try_once(20_000)
    assert honest_ones.try_once(20_000).verdict.name == "ok"


@pytest.mark.parametrize("kind", ["started", "sample", "ended"])
def test_an_interrupt_while_an_event_is_heard_stops_what_runs_and_is_acted_on(trials, monkeypatch, kind):
    honest_ones = trials("python:fixtures.canaries.honest:Honest")
    hear = json.loads

    def hear_and_interrupt(text):
        event = hear(text)
        if isinstance(event, dict) and event.get("event") == kind:
            signal.raise_signal(signal.SIGINT)
        return event

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with monkeypatch.context() as patch:
            patch.setattr("harness.launch.json.loads", hear_and_interrupt)
            with pytest.raises(Interrupted):
                honest_ones.try_once(20_000)
    finally:
        signal.signal(signal.SIGINT, before)
    assert honest_ones.try_once(20_000).verdict.name == "ok"


def test_a_black_box_holds_what_was_run_and_what_was_seen(attempt):
    box = attempt("broken:Segfaults").black_box
    names = {file.name for file in box.iterdir()}
    assert names >= {"job.json", "recipe.json", "evidence.json", "fault.txt", "stderr.txt", "stdout.txt"}
