"""Each case of fixtures/behaviours.jsonl, as `python -m scaling_suite behaviours` judges it."""

from pathlib import Path

import pytest

from scaling_suite.behaviours import Case, read_cases
from scaling_suite.judge import judge_all, melvin_learner

CASES = read_cases(Path(__file__).parents[2] / "fixtures" / "behaviours.jsonl")

# What the learner cannot do yet, and why. A case that begins to pass must leave this table.
NOT_YET: dict[str, str] = {}


def test_the_table_of_what_is_not_there_yet_names_real_cases() -> None:
    assert set(NOT_YET) <= {case.id for case in CASES}
    assert not {case.capability for case in CASES if case.id in NOT_YET} & {"recall", "hierarchy"}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.id, marks=pytest.mark.xfail(case.id in NOT_YET, reason=NOT_YET.get(case.id, "")))
        for case in CASES
    ],
)
def test_behaviour(case: Case) -> None:
    (outcome,) = judge_all([case], melvin_learner())
    assert outcome.passed, f"expected: {outcome.expected}; came: {outcome.came}"
