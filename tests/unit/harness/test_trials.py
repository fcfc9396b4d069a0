"""Retries under another limiter, on a launcher that answers from a script."""

import dataclasses

import pytest

from harness.attempts import Plan, Trials
from harness.evidence import Evidence
from harness.limits import LIMITERS, Limits, other_limiter
from harness.output import WORK
from harness.subject import parse_subject
from scaling_suite.workload import Rung

FINE = Evidence(0, 1.0, 1.0, 0.0, 1, 1, result={"complete": True, "stages": [], "checks": []})
OVER_MEMORY = dataclasses.replace(FINE, exit_code=-9, stopped_for="memory", result=None)
MEMORY_ERROR = dataclasses.replace(
    FINE, exit_code=1, result={"exception": {"type": "MemoryError", "message": "", "where": ""}}
)
KILLED = dataclasses.replace(FINE, exit_code=-9, result=None)
CRASHED = dataclasses.replace(FINE, exit_code=-11, result=None)


class Script:
    """A launcher that answers from a list, and remembers the limiters it was asked for."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.limiters = []

    def run(self, spawn, on_event):
        self.limiters.append(spawn.limits.limiter)
        return self.answers.pop(0)


class Nobody:
    def __getattr__(self, name):
        return lambda *arguments: None


def prepare(source, size, folder, seed):
    folder.mkdir(parents=True)
    (folder / "c").write_bytes(b"a text\n")
    return Rung(size, folder / "c", size, 10, folder / "h", folder / "f")


@pytest.fixture
def trials(tmp_path):
    def make(script, limiter="watchdog"):
        plan = Plan(parse_subject("melvin"), None, 7, Limits(2**30, 60.0, limiter), None)
        return Trials(plan, script, tmp_path, Nobody(), prepare)

    return make


def test_a_memory_break_is_confirmed_by_another_limiter(trials):
    script = Script(OVER_MEMORY, MEMORY_ERROR)
    trial = trials(script).try_and_confirm(1000)
    assert trial.verdict.name == "memory_limit"
    assert script.limiters == ["watchdog", "rlimit_data"]


def test_a_limit_for_each_process_is_no_proof_that_several_hold_it_together(trials):
    together = dataclasses.replace(FINE, peak_anon_bytes=2**30 + 1)
    trial = trials(Script(OVER_MEMORY, together)).try_and_confirm(1000)
    assert [attempt.verdict.name for attempt in trial.attempts] == ["memory_limit", "memory_limit"]
    assert not trial.passed


def test_a_memory_break_that_goes_away_is_an_artefact_and_the_climb_goes_on_with_the_other_limiter(trials):
    script = Script(MEMORY_ERROR, FINE, FINE)
    ladder = trials(script, "rlimit_as")
    trial = ladder.try_and_confirm(1000)
    assert trial.verdict.name == "limit_artefact"
    assert trial.passed
    assert trial.deciding is trial.attempts[1]
    ladder.try_and_confirm(10_000)
    assert script.limiters == ["rlimit_as", "watchdog", "watchdog"]


def test_a_foreign_kill_is_tried_once_more_and_forgotten_when_it_does_not_come_back(trials):
    assert trials(Script(KILLED, FINE)).try_and_confirm(1000).verdict.name == "ok"
    assert trials(Script(KILLED, KILLED)).try_and_confirm(1000).verdict.name == "killed_external"


def test_a_crash_is_not_tried_again(trials):
    script = Script(CRASHED)
    assert trials(script).try_and_confirm(1000).verdict.name == "segv"
    assert script.limiters == ["watchdog"]


def test_a_search_does_not_confirm(trials):
    script = Script(OVER_MEMORY)
    assert trials(script).try_once(1000).verdict.name == "memory_limit"


def test_a_broken_attempt_leaves_a_black_box_and_a_good_one_nothing(trials, tmp_path):
    trial = trials(Script(CRASHED)).try_once(1000)
    box = trial.attempts[0].black_box
    assert {file.name for file in box.iterdir()} == {"job.json", "recipe.json", "evidence.json"}
    assert trials(Script(FINE)).try_once(10_000).attempts[0].black_box is None
    assert [folder.name for folder in (tmp_path / "black-box").iterdir()] == [box.name]
    assert not (tmp_path / WORK).exists()


@pytest.mark.parametrize("limiter", LIMITERS)
@pytest.mark.parametrize("verdict", ["memory_limit", "memory_error"])
def test_the_other_limiter_is_another_one(limiter, verdict):
    assert other_limiter(limiter, verdict) in set(LIMITERS) - {limiter}
