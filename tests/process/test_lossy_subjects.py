"""Every subject that loses something is found out, its loss named rightly, with a small witness. The honest are not."""

import shutil

import pytest

from fixtures.lossy.honest import Honest
from fixtures.lossy.losers import LOSERS
from harness.roundtrip.checks import Judge
from harness.roundtrip.losses import KINDS
from harness.roundtrip.search import search
from harness.subjects.melvin import Melvin
from harness.tasks.roundtrip import scratch

EXAMPLES = 4
SHRINKING = 20
WITNESS_BYTES = 40
REPEATED = {"CountsInOneByte"}  # shown only by hundreds of lines, though all alike


@pytest.fixture
def folder(tmp_path):
    place = scratch(tmp_path)  # in memory: thousands of saves, each told to reach the disk
    yield place
    shutil.rmtree(place)


def found_in(subject, folder):
    return search(Judge(subject, folder), examples=EXAMPLES, large=0, seed=1, shrinking=SHRINKING)


@pytest.mark.parametrize("subject", LOSERS, ids=lambda subject: subject.__name__)
def test_a_planted_loss_is_named_with_a_small_witness(subject, folder):
    findings = found_in(subject, folder)
    named = {finding.loss.key: finding for finding in findings}
    assert subject.expected in named
    assert {where for where, _ in named} == {subject.expected[0]}
    assert {kind for _, kind in named} <= set(KINDS)
    witness = named[subject.expected].witness
    assert not witness.after
    if subject.__name__ in REPEATED:
        assert len(set(witness.before)) == 1
    else:
        assert sum(len(line) + 1 for _, line in witness.before) <= WITNESS_BYTES


@pytest.mark.parametrize("subject", [Honest, Melvin])
def test_nothing_is_found_in_a_subject_that_keeps_everything(subject, folder):
    assert found_in(subject, folder) == []


def test_there_are_at_least_eight_planted_losses_of_as_many_kinds():
    assert len(LOSERS) >= 8
    assert len({subject.expected[1] for subject in LOSERS}) >= 8
