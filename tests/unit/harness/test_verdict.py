"""The verdict table: one row of evidence, one verdict, first match wins."""

import dataclasses
import signal

import pytest

from harness.evidence import Evidence, Output
from harness.heartbeat import Heartbeat
from harness.verdict import NOT_A_BREAK, VERDICTS, judge, learning_rate

COMPLETE = {
    "complete": True,
    "stages": [
        {"name": "start", "wall_s": 5.0, "run_queue_wait_s": 0.0},
        {"name": "count", "wall_s": 2.0, "run_queue_wait_s": 1.5},
        {"name": "save", "wall_s": 9.0, "run_queue_wait_s": 0.0},
    ],
    "checks": [{"name": "it learnt something", "holds": True, "verdict": "wrong_result", "detail": ""}],
}


def evidence(**changes):
    plain = Evidence(
        exit_code=0,
        wall_s=3.0,
        cpu_user_s=1.0,
        cpu_system_s=0.1,
        peak_rss_bytes=1,
        peak_anon_bytes=1,
        result=COMPLETE,
        heartbeat=Heartbeat("count", 100, 7, -1, -1, 0),
    )
    return dataclasses.replace(plain, **changes)


def raised(kind, message="it said so"):
    return {"complete": False, "exception": {"type": kind, "message": message, "where": "a.py:3 in f"}}


def failed(verdict):
    return {**COMPLETE, "checks": [{"name": "x", "holds": False, "verdict": verdict, "detail": "because"}]}


TABLE = [
    ("ok", {}),
    ("memory_limit", {"exit_code": -9, "stopped_for": "memory", "anon_bytes_at_stop": 5}),
    ("timeout", {"exit_code": -9, "stopped_for": "time"}),
    ("timeout", {"exit_code": -15, "stopped_for": "time"}),
    ("timeout", {"exit_code": 0, "stopped_for": "time"}),
    ("killed_external", {"exit_code": -9, "result": None}),
    ("killed_external", {"exit_code": -15, "result": None}),
    ("killed_external", {"exit_code": -9, "result": None, "memory_available_share": 0.4, "oom_kills": 0}),
    ("oom_killed", {"exit_code": -9, "result": None, "memory_available_share": 0.01}),
    ("oom_killed", {"exit_code": -9, "result": None, "memory_pressure_percent": 40.0}),
    ("oom_killed", {"exit_code": -9, "result": None, "oom_kills": 1}),
    (
        "oom_killed",
        {"exit_code": -9, "result": None, "kernel_log": "Out of memory: Killed process 7 (python)"},
    ),
    ("segv", {"exit_code": -11, "result": None}),
    ("bus", {"exit_code": -7, "result": None}),
    ("fpe", {"exit_code": -8, "result": None}),
    ("ill", {"exit_code": -4, "result": None}),
    ("abort", {"exit_code": -6, "result": None}),
    ("cpu_limit", {"exit_code": -24, "result": None}),
    ("file_limit", {"exit_code": -25, "result": None}),
    ("memory_error", {"exit_code": 1, "result": raised("MemoryError")}),
    ("memory_error", {"exit_code": 1, "result": raised("_ArrayMemoryError")}),
    ("memory_error", {"exit_code": 1, "result": None, "stderr": Output(tail="x\nMemoryError\n")}),
    ("memory_error", {"exit_code": 1, "result": None, "stderr": Output(tail="can't start new thread")}),
    (
        "memory_error",
        {
            "exit_code": 1,
            "result": None,
            "stderr": Output(tail="OpenBLAS error: Memory allocation still failed after 10 retries"),
        },
    ),
    ("vanished", {"result": None, "result_error": "no result record arrived"}),
    ("vanished", {"result": {"complete": False}}),
    ("exception", {"exit_code": 1, "result": raised("KeyError")}),
    ("exception", {"exit_code": 137, "result": None}),
    ("wrong_result", {"result": failed("wrong_result")}),
    ("lossy_save", {"result": failed("lossy_save")}),
    ("segv", {"exit_code": 1, "result": raised("CommandFailed"), "command_exit_code": -11}),
    ("exception", {"exit_code": 1, "result": raised("CommandFailed"), "command_exit_code": 3}),
]


@pytest.mark.parametrize(("verdict", "changes"), TABLE)
def test_evidence_gets_the_verdict_of_the_table(verdict, changes):
    assert judge(evidence(**changes), corpus_lines=10).name == verdict


def test_every_verdict_of_the_table_is_one_of_the_known_names():
    assert {verdict for verdict, _ in TABLE} <= set(VERDICTS)
    assert set(VERDICTS) >= NOT_A_BREAK


def test_a_reason_names_signal_stage_and_line():
    because = judge(evidence(exit_code=-signal.SIGSEGV, result=None), corpus_lines=10).because
    assert "SIGSEGV" in because
    assert "count" in because
    assert "7 lines" in because


def test_the_rate_counts_learning_only_and_knows_what_it_would_be_without_waiting():
    rate = learning_rate(COMPLETE["stages"], corpus_lines=1000)
    assert rate.lines_per_s == pytest.approx(500)
    assert rate.lines_per_busy_s == pytest.approx(2000)


@pytest.mark.parametrize(("asked", "verdict"), [(None, "ok"), (400, "ok"), (1000, "inconclusive"), (3000, "too_slow")])
def test_too_slow_is_said_only_when_waiting_for_a_processor_does_not_explain_it(asked, verdict):
    assert judge(evidence(), corpus_lines=1000, min_lines_per_s=asked).name == verdict


def test_a_wrong_result_is_never_excused_by_speed():
    assert judge(evidence(result=failed("lossy_save")), corpus_lines=1000, min_lines_per_s=1e9).name == "lossy_save"


def test_evidence_survives_the_wire():
    before = evidence(stage_peak_anon_bytes={"count": 5}, stderr=Output(3, 1, "a", "b"))
    assert Evidence.from_json(before.as_json()) == before


def test_what_an_exception_says_is_one_line_and_not_too_long():
    verdict = judge(evidence(exit_code=1, result=raised("ValueError", "a\n b\n" + "y" * 10_000)), corpus_lines=1)
    assert verdict.because.startswith("ValueError: a b yyy")
    assert len(verdict.because) < 400
    assert "\n" not in verdict.because
