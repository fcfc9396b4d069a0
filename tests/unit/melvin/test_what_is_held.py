"""What a brain no longer needs, it no longer holds."""

import copy
import gc
import io
import weakref

import pytest

from melvin import Brain

TEXT = b"the cat sat on the mat\n" * 100
READ_BYTES = 1 << 6


@pytest.fixture(autouse=True)
def no_garbage_collector():
    """It comes when there are many objects, and arrays are few and large: what is let go must not wait for it."""
    gc.disable()
    yield
    gc.enable()


class FewAtATime(io.BytesIO):
    def read(self, size=-1, /):
        return super().read(min(size, READ_BYTES) if size >= 0 else READ_BYTES)


def test_a_snapshot_is_let_go_when_its_generation_ends():
    brain, ended, held = Brain(), [], set()

    def on_stage(stage):
        if stage == "consolidate":
            ended.append(weakref.ref(brain._learner.snapshot))
            ended.append(weakref.ref(brain._learner.snapshot.symbols))
        else:
            held.update(number for number, snapshot in enumerate(ended) if snapshot() is not None)

    brain.learn_stream(FewAtATime(TEXT), on_stage=on_stage, on_progress=lambda _: None)
    assert len(ended) > 10
    assert not held


def test_what_answers_came_from_is_let_go_when_more_was_learnt():
    brain = Brain()
    brain.learn_stream(io.BytesIO(TEXT))
    brain.query("the cat")
    known = brain._reader.snapshot
    asked = [weakref.ref(part) for part in (known, known.evidence.links, *brain._reader._singles[0])]
    del known
    brain.learn(["and the dog"])
    brain.query("the dog")
    assert [part() for part in asked] == [None] * len(asked)


def test_a_copy_of_a_brain_that_was_asked_answers_alike_and_holds_nothing_of_it():
    brain = Brain()
    brain.learn_stream(io.BytesIO(TEXT))
    answer, symbols = brain.query("the cat").text, weakref.ref(brain._learner.snapshot.symbols)
    twin = copy.deepcopy(brain)
    del brain
    assert symbols() is None
    assert twin.query("the cat").text == answer
    twin.learn(["and the dog"] * 9)
    assert twin.query("and the").text == " dog"
