"""Each case of fixtures/behaviours.jsonl, as `python -m scaling_suite behaviours` judges it."""

from pathlib import Path

import pytest

from scaling_suite.behaviours import Case, read_cases
from scaling_suite.judge import judge_all, melvin_learner

CASES = read_cases(Path(__file__).parents[2] / "fixtures" / "behaviours.jsonl")

# What the learner cannot do yet, and why. A case that begins to pass must leave this table.
FURTHER_BACK = "a word further back does not weigh enough yet"
SHARES = "the shares of a free combination follow frequency too far"
RELATIONS = "relation() is not offered yet"
EPISODES = "learn_episode() and primed() are not offered yet"
NOT_YET: dict[str, str] = {
    "first-of-three:summer": FURTHER_BACK,
    "who-and-what:uncle-grows": FURTHER_BACK,
    "who-and-what:sister-grows": FURTHER_BACK,
    "who-and-what:sister-sold": FURTHER_BACK,
    "longer-context-wins-by-words": FURTHER_BACK,
    "spoken-in:Danish": FURTHER_BACK,
    "spoken-in:Greek": FURTHER_BACK,
    "said-twice-in-a-line": FURTHER_BACK,
    "rows-of-one-shape-come-back": FURTHER_BACK,
    "unequal-parts": SHARES,
    "steps:1": FURTHER_BACK,
    "steps:2": FURTHER_BACK,
    "cause": RELATIONS,
    "cause-of-the-other": RELATIONS,
    "heard-together:owl": EPISODES,
    "heard-together:cow": EPISODES,
    "sensor-names-the-state": EPISODES,
}


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
