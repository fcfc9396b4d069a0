"""The rules of diagnosis, on reports that are made by hand: each names its cause first, and no other."""

import pytest
from test_reports import attempt, document, rung  # the makers of reports

from harness.diagnosis.rules import diagnose
from harness.exit_codes import ExitCode
from harness.report import terminal
from harness.report.models import Break, parse_report
from harness.report.summary import forecast_lines
from harness.verdict import NOT_A_BREAK, VERDICTS
from harness.whole_ladder import leaks


def diagnosed(**changes):
    return diagnose(parse_report(document(**changes), "a test"))


def passed(size, cpu_s=None, **changes):
    made = rung(size, **changes)
    if cpu_s is not None:
        made["learning"] |= {"cpu_s": cpu_s, "wall_s": cpu_s}
    return made


def broken(size, verdict, **changes):
    """A rung that broke in learning."""
    made = rung(size, verdict, checks=changes.pop("checks", []))
    made["attempts"] = [attempt(verdict, **changes)]
    return made


def first(**changes):
    found = diagnosed(**changes)
    return found[0].kind if found else None


def test_a_good_report_has_no_findings():
    assert diagnosed(rungs=[passed(10**power, 10.0 ** (power - 7)) for power in range(4, 8)]) == []


@pytest.mark.parametrize("verdict", ["segv", "abort", "bus", "fpe", "ill"])
def test_a_deadly_signal_is_a_crash(verdict):
    assert first(rungs=[broken(1000, verdict)]) == "crash"


@pytest.mark.parametrize("end", [{"code": -9, "signal": "SIGKILL"}, {"code": 1, "command_code": -9}])
def test_a_signal_that_nobody_owns_up_to_is_a_finding(end):
    (found,) = diagnosed(rungs=[broken(1000, "killed_external", exit={"result_complete": False, **end})])
    assert (found.kind, found.severity) == ("killed", "error")
    assert "SIGKILL" in found.title


def test_all_tries_that_were_killed_tell_how_sure_it_is():
    rungs = [broken(1000, "killed_external"), broken(2000, "killed_external")]
    rungs[1]["attempts"] *= 2
    (found,) = diagnosed(rungs=rungs)
    assert found.confidence == "high"
    assert "it was run 3 times, and ended so each time" in found.evidence


def test_what_is_slower_than_was_asked_for_is_too_slow():
    (found,) = diagnosed(rungs=[broken(1000, "too_slow")])
    assert (found.kind, found.severity) == ("too_slow", "error")


@pytest.mark.parametrize("verdict", sorted(set(VERDICTS) - NOT_A_BREAK))
def test_no_break_is_passed_over(verdict):
    assert any(each.severity == "error" for each in diagnosed(rungs=[broken(1000, verdict)]))


def test_a_break_without_findings_is_not_said_to_be_well():
    found = {
        "last_passed_bytes": None,
        "first_broken_bytes": 1000,
        "verdict": "segv",
        "because": "",
        "confirmed_by": [],
    }
    report = parse_report(document(**{"break": found}), "an older report")
    assert "it broke" in str(terminal.diagnosis(report))


WITNESS = {
    "from_bytes": 10_000,
    "from_lines": 100,
    "bytes": 302,
    "lines": 1,
    "longest_line_bytes": 301,
    "runs": 20,
    "wall_s": 1.0,
    "tries": 3,
    "reproduced": 3,
    "content_matters": False,
}


def test_a_crash_that_one_line_suffices_for_is_the_inputs():
    (found, *_) = diagnosed(rungs=[broken(1000, "segv")], witness=WITNESS)
    assert found.kind == "input_triggered_crash"
    assert "301 bytes" in found.title


@pytest.mark.parametrize("changes", [{"any_input": True}, {"lines": 1001}, {"reproduced": 0}])
def test_a_crash_on_any_line_or_on_many_is_not(changes):
    assert first(rungs=[broken(1000, "segv")], witness=WITNESS | changes) == "crash"


def test_a_stack_of_one_function_is_recursion():
    fault = "".join(f'  File "x.py", line {number % 2 + 1} in descend\n' for number in range(40))
    assert first(rungs=[broken(1000, "segv", fault=fault)]) == "deep_recursion"


def test_what_cannot_be_read_back_is_a_save_that_tore():
    assert first(rungs=[broken(1000, "exception", last_stage="load")]) == "unreadable_save"


def test_waiting_and_working_are_told_apart():
    assert first(rungs=[broken(1000, "timeout", cpu_s=0.01, wall_s=10.0)]) == "hang"
    busy = [
        {"at_s": at, "stage": "count", "bytes": 1, "lines": at, "rss_bytes": 1, "anon_bytes": 1} for at in range(10)
    ]
    assert first(rungs=[broken(1000, "timeout", cpu_s=10.0, wall_s=10.0, samples=busy)]) == "too_slow"


def test_exit_0_without_a_result_is_named():
    assert first(rungs=[broken(1000, "vanished")]) == "exit_0_without_brain"


@pytest.mark.parametrize(
    ("name", "detail", "verdict", "kind"),
    [
        ("counts survive a save", "the brain is empty when loaded", "lossy_save", "empty_save"),
        ("counts survive a save", "edges: 3 saved, 2 loaded", "lossy_save", "lossy_save"),
        ("learning on", "resuming starts from nothing: so it is", "lossy_save", "resume_restarts"),
        ("asking leaves the file alone", "it changed", "wrong_result", "query_writes"),
        ("two trainings on the same text agree", "nodes differ", "wrong_result", "non_deterministic"),
        ("something else", "", "wrong_result", "wrong_result"),
    ],
)
def test_a_check_that_fails_is_named_by_what_it_means(name, detail, verdict, kind):
    check = {"name": name, "holds": False, "verdict": verdict, "detail": detail}
    assert first(rungs=[broken(1000, verdict, checks=[check])]) == kind


def test_super_linear_time_is_projected_with_an_interval():
    rungs = [passed(size, size * size / 1e12) for size in (10**5, 10**6, 10**7)]
    (found,) = diagnosed(rungs=rungs)
    assert found.kind == "super_linear_time"
    assert "11.6 days" in found.title  # 1e18 / 1e12 s


@pytest.mark.parametrize("power", [1.0, 1.1])
def test_time_that_is_linear_or_nearly_is_no_finding(power):
    rungs = [passed(size, size**power / 1e6) for size in (10**5, 10**6, 10**7)]
    assert diagnosed(rungs=rungs) == []


def test_output_per_line_is_named_with_what_it_costs():
    quiet = {
        "size_bytes": 10**6,
        "lines": 10_000,
        "stdout_bytes": 0,
        "stdout_lines": 0,
        "stderr_bytes": 5 * 10**6,
        "stderr_lines": 100_000,
        "loud_wall_s": 20.0,
        "quiet_wall_s": 0.2,
    }
    (found,) = diagnosed(quiet=quiet)
    assert found.kind == "debug_output"
    assert found.severity == "error"
    assert "100.0 times slower" in found.title


def written(size_bytes, output_bytes):
    lines = {"lines": size_bytes // 100, "output_lines": output_bytes // 100}
    return {"size_bytes": size_bytes, "output_bytes": output_bytes, **lines}


def test_output_that_does_not_grow_is_a_fixed_amount_and_nothing_is_projected():
    quiet = {"size_bytes": 10**6, "lines": 10_000, "stdout_bytes": 6 * 10**6, "stdout_lines": 60_000}
    quiet |= {"stderr_bytes": 0, "stderr_lines": 0, "loud_wall_s": 0.2, "quiet_wall_s": 0.2}
    (found,) = diagnosed(quiet={**quiet, "smaller": written(10**5, 6 * 10**6)})
    assert found.kind == "debug_output"
    assert "whatever the size" in found.title
    assert not any("projected" in line for line in found.evidence)
    (found,) = diagnosed(quiet={**quiet, "smaller": written(10**5, 10**6 + 500_000)})
    assert "500 bytes per line" in found.title  # 4.5 MB for 9,000 further lines
    assert "projected at 1 GB: 5 GB of output" in found.evidence
    (found,) = diagnosed(quiet=quiet)
    assert not any("projected" in line for line in found.evidence)  # one size says nothing about growth


def test_memory_that_the_size_does_not_explain_is_a_hog_and_the_rest_is_growth():
    assert first(rungs=[broken(1000, "memory_limit")]) == "memory_hog"
    grown = [passed(size, peak_anon_bytes=2_000 * size) for size in (10**4, 10**5, 10**6)]
    assert first(rungs=[*grown, broken(10**7, "memory_limit")]) == "memory_growth"


def test_pages_that_nobody_holds_are_no_leak():
    small = {"kept_blocks": 0, "kept_malloc_bytes": 0, "kept_anon_bytes": 10**6}
    large = {"kept_blocks": 10, "kept_malloc_bytes": 10**6, "kept_anon_bytes": 10**8}
    assert diagnosed(rungs=[passed(10**5, ledger=small), passed(10**6, ledger=large)]) == []


@pytest.mark.parametrize(("blocks", "kind"), [(10, "leak"), (10**6, "retention")])
def test_memory_that_outlives_the_learner_is_told_by_its_ledger(blocks, kind):
    small = {"kept_blocks": 0, "kept_malloc_bytes": 0, "kept_anon_bytes": 10**6}
    large = {"kept_blocks": blocks, "kept_malloc_bytes": 10**8, "kept_anon_bytes": 10**8}
    rungs = [passed(10**5, ledger=small), passed(10**6, ledger=large)]
    assert first(rungs=rungs) == kind
    report = parse_report(document(rungs=rungs), "a test")
    assert not leaks(report)
    assert leaks(report.model_copy(update={"findings": diagnose(report)}))
    assert not leaks(report.model_copy(update={"findings": diagnose(report), "exit_code": ExitCode.BREAK}))
    above = Break(last_passed_bytes=10**6, first_broken_bytes=10**7, verdict="segv", because="", confirmed_by=[])
    assert not leaks(report.model_copy(update={"findings": diagnose(report), "break_": above}))


def test_a_pattern_that_never_matches_is_said():
    rungs = [passed(10**5, unmatched_patterns=["nodes"])]
    assert first(rungs=rungs) == "output_missing"


def test_a_program_that_printed_nothing_before_it_crashed_may_have_had_nothing_to_say():
    said = {"bytes": 90, "lines": 3, "tail": ""}
    silent = {"bytes": 0, "lines": 0, "tail": ""}
    rungs = [passed(10**4, attempts=[attempt("ok", stdout=said)]), broken(10**5, "segv", stdout=silent)]
    (found,) = (each for each in diagnosed(rungs=rungs) if each.kind == "output_missing")
    assert (found.severity, found.confidence) == ("note", "low")
    assert found.advice.startswith("If it prints only at its end")


def test_a_match_that_is_no_number_is_said():
    (found,) = diagnosed(rungs=[passed(10**5, no_numbers={"nodes": "1e6"})])
    assert found.evidence == ["nodes matched '1e6'"]


def test_the_heaviest_comes_first():
    quadratic = [passed(size, size * size / 1e12) for size in (10**5, 10**6, 10**7)]
    found = diagnosed(rungs=[*quadratic, broken(10**8, "segv")])
    assert [finding.kind for finding in found] == ["crash", "super_linear_time"]


MIB = 2**20
FLATTENS = [28.8, 30.7, 54.8, 205.6, 233.1, 680.7]  # MiB of private memory at 1 KB, 10 KB, ... 100 MB


def climbed(peaks):
    return [rung(10 ** (power + 3), peak_anon_bytes=round(peak * MIB)) for power, peak in enumerate(peaks)]


def test_memory_that_flattens_is_not_said_to_break_at_a_size_that_passed():
    early = {"after_bytes": 1_000_000, "cause": "memory", "slope": 0.8, "predicted_bytes": 43_400_000}
    early |= {"low_bytes": 20_000_000, "high_bytes": 80_000_000}
    for last in (5, 6):
        found = diagnosed(rungs=climbed(FLATTENS[:last]), forecasts=[early])
        assert [each for each in found if each.severity != "note"] == []
        assert not any("43.4MB" in line for each in found for line in [each.title, *each.evidence])
    report = parse_report(document(rungs=climbed(FLATTENS), forecasts=[early]), "a test")
    assert forecast_lines(report)[-1].endswith("after 1MB: that forecast was wrong")


def test_memory_that_goes_on_growing_is_a_warning_with_the_size_it_breaks_at():
    (found, *_) = diagnosed(rungs=climbed([28, 30, 60, 350]))
    assert (found.kind, found.severity) == ("memory_growth", "warning")


@pytest.mark.parametrize(
    ("asked", "recalled", "kinds"), [(9, 0, ["nothing_recalled"]), (9, 1, []), (1, 0, []), (0, 0, [])]
)
def test_planted_facts_of_which_none_comes_back_are_a_finding(asked, recalled, kinds):
    quality = {"facts_planted": 9, "facts_asked": asked, "facts_recalled": recalled}
    assert [found.kind for found in diagnosed(rungs=[passed(1000, quality=quality)])] == kinds
