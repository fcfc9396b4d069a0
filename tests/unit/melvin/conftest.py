"""A brain, and the bytes it is saved as."""

import pytest
from brain_files import PROSE

from melvin import Brain


@pytest.fixture(scope="module")
def brain():
    """Two ports, patterns, and a generation near its end, with lines held back."""
    learnt = Brain()
    learnt.learn(PROSE[:115])
    learnt.learn([bytes([1, n, 3]) for n in range(60)], port="can")
    assert learnt._learner.gathering.sample
    return learnt


@pytest.fixture(scope="module")
def whole(brain, tmp_path_factory):
    """The bytes of a brain file."""
    path = tmp_path_factory.mktemp("brain") / "whole.m"
    brain.save(path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "brain.m"
