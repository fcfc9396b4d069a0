"""What comes slowly is handed on in time, what comes fast in full blocks; nothing that was read is lost."""

import contextlib
import io
import math
import os
import signal

import pytest

from melvin import arriving, training
from melvin.arriving import Arriving
from melvin.brain import Brain
from melvin.signals import Signals, Stopped
from melvin.training import MOST_SAVING, Every, Source, Training


def never():
    return math.inf


def nothing():
    raise AssertionError("nothing was due")


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with open(reading, "rb") as stream:  # noqa: PTH123 - a descriptor
        yield stream, writing
    with contextlib.suppress(OSError):
        os.close(writing)


def test_what_is_there_is_handed_on_though_more_may_come(pipe):
    stream, writing = pipe
    os.write(writing, b"one line\n")
    assert Arriving(stream, Signals(), 1 << 18, never, nothing).read(1 << 18) == b"one line\n"


def test_what_comes_in_time_is_handed_on_together(pipe, monkeypatch):
    stream, writing = pipe
    monkeypatch.setattr(arriving, "HELD_S", 1e6)
    for part in (b"one ", b"line\n"):
        os.write(writing, part)
    os.close(writing)
    reader = Arriving(stream, Signals(), 3, never, nothing)
    assert [reader.read(99) for _ in range(4)] == [b"one", b" li", b"ne\n", b""]
    assert reader.read(99) == b""


def test_what_falls_due_is_done_while_nothing_comes(pipe):
    stream, writing = pipe
    done = []

    def do():
        done.append(True)
        os.write(writing, b"at last\n")

    reader = Arriving(stream, Signals(), 1 << 18, lambda: math.inf if done else 0.0, do)
    assert reader.read(99) == b"at last\n"
    assert done == [True]


def test_a_signal_hands_on_what_was_read_and_stops_after_that(pipe):
    stream, writing = pipe
    os.write(writing, b"one line\n")
    with Signals() as signals:
        wait = signals.wait

        def wait_and_hear(act):
            found = wait(act)
            if found == b"one line\n":
                signal.raise_signal(signal.SIGINT)
            return found

        signals.wait = wait_and_hear
        reader = Arriving(stream, signals, 1 << 18, never, nothing)
        assert reader.read(99) == b"one line\n"
        with pytest.raises(Stopped):
            reader.read(99)


def test_a_stream_in_memory_is_read_to_its_end():
    reader = Arriving(io.BytesIO(b"abc"), Signals(), 2, never, nothing)
    assert [reader.read(9), reader.read(9), reader.read(9)] == [b"ab", b"c", b""]


def test_saving_takes_no_more_than_its_share_of_the_time(tmp_path, monkeypatch):
    """A clock that only a save moves on by a second, and a block by ten milliseconds."""
    text = tmp_path / "text"
    text.write_bytes(b"a line to be learnt\n" * 4000)
    now, spent = [0.0], [0.0]

    class Slow(Brain):
        def save(self, path):
            now[0] += 1.0
            spent[0] += 1.0
            super().save(path)

    monkeypatch.setattr(training.time, "monotonic", lambda: now[0])
    task = Training(
        Slow(),
        tmp_path / "brain.m",
        [Source(text, 80_000)],
        settings={"port": "text"},
        every=Every(seconds=0.01),
        read_bytes=64,
    )

    def on_progress(_):
        now[0] += 0.05

    assert task.run(on_progress)
    checkpoints = spent[0] - 1  # the last save is the result
    assert checkpoints >= 2
    assert checkpoints <= MOST_SAVING * now[0] + 1
