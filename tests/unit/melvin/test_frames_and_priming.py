"""What happens together on two ports is bound; a payload of one brings those of the other to mind."""

import numpy as np
import pytest

from melvin import Brain, Frame, Settings, learner
from melvin.codes import GROUND
from melvin.episodes import border_of
from melvin.errors import InputError
from melvin.lines import MAX_PIECE

MAX_PORTS = 40  # instead of 1,024, each of which costs as much as all before it


def taught(*episodes):
    brain = Brain()
    for *frames, times in episodes:
        for _ in range(times):
            brain.learn_episode(frames)
    return brain


def first(brain, text, port="text", *, on):
    return brain.primed(text, port, on=on)[0].payload.decode()


ANIMALS = [(("text", "dog"), ("audio", "bark"), 5), (("text", "cat"), ("audio", "meow"), 5)]


def test_a_word_primes_a_sound_and_the_sound_the_word():
    brain = taught(*ANIMALS)
    assert first(brain, "dog", on="audio") == "bark"
    assert first(brain, "meow", "audio", on="text") == "cat"


def test_a_probability_is_that_of_an_episode_with_the_query():
    brain = taught(*ANIMALS, (("text", "dog"), ("audio", "howl"), 5))
    primed = {one.payload: one for one in brain.primed("dog", on="audio")}
    assert primed[b"bark"].probability == pytest.approx(primed[b"howl"].probability, abs=0.01)
    assert primed[b"bark"].probability == pytest.approx(0.5, abs=0.05)
    assert b"meow" not in primed
    assert primed[b"bark"].baseline == pytest.approx(1 / 3, abs=0.02)


def test_what_comes_with_everything_is_not_primed():
    brain = taught(*[((*frames, ("audio", "tick"), times)) for *frames, times in ANIMALS])
    best, second = brain.primed("dog", on="audio")[:2]
    assert (best.payload, second.payload) == (b"bark", b"tick")
    assert second.probability > 0.9
    assert best.probability - best.baseline > 0.3 > 0.05 > second.probability - second.baseline


def test_nothing_is_primed_by_what_is_like_nothing_heard():
    brain = taught(*ANIMALS)
    assert brain.primed("zebra", on="audio") == []
    assert brain.primed("", on="audio") == []
    brain.learn(["a line of a port alone"], port="lonely")
    assert brain.primed("dog", on="lonely") == []
    assert brain.primed("dog", on="text") == []


def test_no_more_are_named_than_asked_for_best_first():
    brain = taught(*[(("text", f"word{n}"), ("audio", f"sound{n}"), n + 1) for n in range(9)])
    primed = brain.primed("word", on="audio", n=4)
    assert len(primed) == 4
    gain = [one.probability - one.baseline for one in primed]
    assert gain == sorted(gain, reverse=True)


def test_only_a_few_of_many_targets_are_weighed(monkeypatch):
    brain = taught(
        *[(("text", "same"), ("audio", f"sound {n}"), 1) for n in range(60)], (("text", "same"), ("audio", "it"), 2)
    )
    monkeypatch.setattr("melvin.priming.CANDIDATES", 8)
    primed = brain.primed("same", on="audio", n=99)
    assert len(primed) == 8
    assert primed[0].payload == b"it"


def test_a_port_that_was_never_heard_is_refused():
    brain = taught(*ANIMALS)
    for ports in (("smell", "audio"), ("text", "smell")):
        with pytest.raises(InputError, match="no port 'smell'"):
            brain.primed("dog", ports[0], on=ports[1])


# ---------------------------------------------------------------- frames in time


def test_frames_close_in_time_are_bound_when_the_gaps_say_so():
    brain = Brain()
    for n in range(40):  # the word comes after its reading, long before the next reading; two readings an episode
        reading, word = (b"t=9%d" % (n % 10), b"hot") if n % 2 else (b"t=1%d" % (n % 10), b"cold")
        time = n * 2.0 + (n % 3) * 0.2
        brain.learn_frames(
            [Frame("sensor", time, reading), Frame("sensor", time + 0.01, b"ok"), Frame("text", time + 0.03, word)]
        )
    assert first(brain, "t=99", "sensor", on="text") == "hot"
    assert first(brain, "t=15", "sensor", on="text") == "cold"
    assert first(brain, "cold", on="sensor").startswith("t=1")


def test_without_gaps_that_tell_a_port_that_comes_again_begins_an_episode():
    brain = Brain()
    for n in range(20):
        brain.learn_frames(
            [
                Frame("sensor", 2.0 * n, b"91" if n % 3 else b"07"),
                Frame("text", 2.0 * n + 1, b"hot" if n % 3 else b"cold"),
            ]
        )
    assert first(brain, "07", "sensor", on="text") == "cold"
    assert first(brain, "91", "sensor", on="text") == "hot"


def test_one_hill_of_gaps_has_no_border():
    assert border_of([0] * 64) is None
    gaps = [0] * 64
    gaps[29:33] = [5, 40, 45, 3]
    assert border_of(gaps) is None
    gaps[20] = 1
    assert border_of(gaps) is None  # one gap may be chance
    gaps[20] = 30
    assert border_of(gaps) == 25


def test_seconds_and_nanoseconds_are_the_same_time(path):
    saved = []
    for times in ((0.0, 1.5, 2.25), (0, 1_500_000_000, 2_250_000_000)):
        brain = Brain()
        brain.learn_frames(Frame(port, time, "x") for time, port in zip(times, "aba", strict=True))
        brain.save(path)
        saved.append(path.read_bytes())
    assert saved[0] == saved[1]


@pytest.mark.parametrize("time", [float("nan"), float("inf"), 1e12, 1 << 63, "noon", 1 + 2j])
def test_what_is_no_timestamp_is_refused_and_what_came_before_is_learnt(path, time):
    brain = Brain()
    with pytest.raises(InputError, match="is not a timestamp"):
        brain.learn_frames([Frame("text", 0.0, "learnt"), Frame("text", time, "refused")])
    assert brain.lines == 1
    brain.save(path)
    assert Brain.open(path).recall("lea") == b"learnt"


def test_numpy_times_are_times():
    brain = Brain()
    brain.learn_frames([Frame("a", np.float64(0.5), "x"), Frame("b", np.int64(600_000_000), "y")])
    assert brain.primed("x", "a", on="b")[0].payload == b"y"


def test_one_port_too_many_is_refused_and_the_brain_stays_whole(path, monkeypatch):
    monkeypatch.setattr(learner, "MAX_PORTS", MAX_PORTS)
    brain = Brain()
    with pytest.raises(InputError, match="ports already"):
        brain.learn_frames(Frame(f"port {n}", float(n), b"x") for n in range(MAX_PORTS + 1))
    brain.save(path)
    assert Brain.open(path).lines == MAX_PORTS


def test_a_port_for_which_there_are_no_ids_left_is_refused(monkeypatch):
    monkeypatch.setattr(learner, "MAX_SYMBOLS", 3 * GROUND)
    brain = Brain()
    with pytest.raises(InputError, match="2 ports already"):
        brain.learn_frames(Frame(f"port {n}", float(n), b"x") for n in range(3))
    assert brain.lines == 2


def test_a_payload_of_any_bytes_and_any_length_is_one_line():
    payload = b"first\nsecond\r\n\0\xff" + bytes(range(256)) * (MAX_PIECE // 128)
    brain = Brain()
    brain.learn_frames(
        [Frame("bytes", n, payload) for n in range(3)] + [Frame("bytes", 3, b""), Frame("bytes", 4, b"e")]
    )
    assert brain.lines == 4
    assert brain.stats().bytes == 3 * (len(payload) + 1) + 2
    assert brain.recall(b"first\nse", port="bytes").startswith(b"first\nsecond\r\n\0\xff")


def test_an_episode_of_one_port_binds_nothing():
    brain = taught((("text", "a"), ("text", "b"), 3))
    assert brain.stats().bridges == 0


def test_with_bridges_off_lines_are_learnt_and_nothing_is_bound(path):
    brain = Brain(Settings.without(["bridges"]))
    brain.learn_episode([("text", "dog"), ("audio", "bark")])
    brain.learn_frames([Frame("text", 0, "cat"), Frame("audio", 1, "meow")])
    brain.save(path)
    opened = Brain.open(path)
    assert (opened.lines, opened.stats().bridges) == (4, 0)
    assert opened.primed("dog", on="audio") == []


def test_an_interrupted_frame_leaves_a_brain_that_cannot_be_saved(path, monkeypatch):
    from melvin.binding import Binding
    from melvin.errors import SaveError

    brain = taught(*ANIMALS)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Binding, "frame", interrupted)
    with pytest.raises(KeyboardInterrupt):
        brain.learn_frames([Frame("text", 0, "x")])
    with pytest.raises(SaveError, match="learnt in part"):
        brain.save(path)
