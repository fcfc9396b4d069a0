"""What a brain no longer needs, it no longer holds."""

import io
import weakref

from melvin import Brain

TEXT = b"the cat sat on the mat\n" * 100
READ_BYTES = 1 << 6


class FewAtATime(io.BytesIO):
    def read(self, size=-1, /):
        return super().read(min(size, READ_BYTES) if size >= 0 else READ_BYTES)


def test_a_snapshot_is_let_go_when_its_generation_ends():
    brain, ended, held = Brain(), [], set()

    def on_stage(stage):
        if stage == "consolidate":
            ended.append(weakref.ref(brain._learner.snapshot))
        else:
            held.update(number for number, snapshot in enumerate(ended) if snapshot() is not None)

    brain.learn_stream(FewAtATime(TEXT), on_stage=on_stage, on_progress=lambda _: None)
    assert len(ended) > 5
    assert not held
