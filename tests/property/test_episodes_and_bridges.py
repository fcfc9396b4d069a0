"""Frames become episodes and bridges as the slow twins say; the brain depends on the frames and their order alone."""

import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twins import binding as twin

from melvin import Brain, Frame, binding, bridges, episodes
from melvin.bridges import PAYLOAD_BITS, Gathered
from melvin.episodes import Cutter, border_of

PORTS = ("text", "sensor", "can")
payloads = st.one_of(
    st.sampled_from([b"hot", b"cold", b"t=23.4 p=-7", b"\0\1\xff", b"a\nb", b"r\r"]), st.binary(min_size=1, max_size=12)
)
gaps = st.one_of(st.sampled_from([0, 1, 10**7, 2 * 10**7, 10**9, 3 * 10**9]), st.integers(-(10**9), 10**11))
streams = st.lists(st.tuples(st.sampled_from(PORTS), gaps, payloads), min_size=1, max_size=120)


def timed(stream):
    """(port, time, payload) of (port, gap, payload)."""
    times = np.cumsum([gap for _, gap, _ in stream]).tolist()
    return [(port, time, payload) for (port, _, payload), time in zip(stream, times, strict=True)]


@given(st.lists(st.integers(0, 60), min_size=64, max_size=64), st.integers(1, 60))
def test_the_border_is_the_middle_of_the_valley(counts, zero_below):
    sparse = [count if count > zero_below else 0 for count in counts]
    assert border_of(counts) == twin.border(counts)
    assert border_of(sparse) == twin.border(sparse)


@given(streams)
def test_frames_are_cut_into_episodes_as_the_twin_says(stream):
    cutter, came = Cutter(), []
    for port, time, payload in timed(stream):
        came.append(cutter.add(port, time, payload))
    assert [episode for episode in [*came, cutter.open] if episode] == twin.cut(timed(stream))


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(st.sampled_from(PORTS), payloads), max_size=6), max_size=8))
def test_bridges_are_counted_as_the_twin_says(heard):
    gathered = Gathered()
    for episode in heard:
        gathered.add(episode)
    found = gathered.fold()
    counts, names = twin.bridges(heard)
    key = [(k >> PAYLOAD_BITS, k & (2**PAYLOAD_BITS - 1)) for k in found.counts.key.tolist()]
    assert dict(zip(key, found.counts.count.tolist(), strict=True)) == counts
    assert {name: count for name, (count, _) in found.payloads.items().items()} == names


@settings(max_examples=25)
@given(streams, st.lists(st.integers(0, 120), max_size=4), st.sampled_from([200, 3000, 1 << 24]))
@example(
    [("text", 0, b"hot"), ("sensor", 0, b"cold"), ("text", 0, b"hot")], [3], 200
)  # all that text primes is forgotten
def test_the_same_frames_in_any_batches_with_saves_between_are_the_same_brain(tmp_path_factory, stream, places, fold):
    path = tmp_path_factory.mktemp("brain") / "brain.m"
    frames = [Frame(*frame) for frame in timed(stream)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binding, "FOLD_BYTES", fold)
        patch.setattr(binding, "KEPT_KEYS", fold // 8)
        patch.setattr(binding, "KEPT_BYTES", fold // 4)
        one, other, at = Brain(), Brain(), 0
        one.learn_frames(frames)
        for place in sorted(places):
            other.learn_frames(iter(frames[at:place]))
            other.save(path)
            other = Brain.open(path)
            if other.stats().ports:
                other.primed(b"hot", other.stats().ports[0], on=other.stats().ports[-1])
            at = max(at, place)
        other.learn_frames(frames[at:])
    saved = []
    for brain in (one, other):
        brain.save(path)
        saved.append(path.read_bytes())
    assert saved[0] == saved[1]
    kept = one._learner.binding.known
    assert kept.counts.size <= fold // 8
    assert one.stats().lines == len(frames)


@settings(max_examples=15)
@given(streams.map(lambda stream: [frame for frame in stream if not {10, 13} & {*frame[2]}]))
def test_frames_teach_the_lines_that_their_payloads_are(tmp_path_factory, stream):
    path = tmp_path_factory.mktemp("brain") / "brain.m"
    known = []
    for how in ("frames", "lines"):
        brain = Brain()
        for port in PORTS:
            brain.learn([b"."], port=port)
        if how == "frames":
            brain.learn_frames(Frame(port, None, payload) for port, _, payload in stream)
        else:
            for port, _, payload in stream:
                brain.learn([payload], port=port)
        brain.save(path)
        known.append(path.read_bytes())
    assert known[0] == known[1]


def test_an_episode_holds_no_more_frames_than_it_may():
    cutter = Cutter()
    ended = [cutter.add(f"port {n}", 0, b"x") for n in range(episodes.MAX_FRAMES + 1)]
    assert [len(episode) for episode in ended if episode] == [episodes.MAX_FRAMES]


def test_a_payload_too_long_to_be_primed_still_primes(monkeypatch):
    monkeypatch.setattr(bridges, "MAX_PRIMED_BYTES", 20)
    brain = Brain()
    for _ in range(3):
        brain.learn_episode([("audio", b"hoot " * 30), ("text", "owl")])
        brain.learn_episode([("audio", b"moo " * 30), ("text", "cow")])
    assert brain.primed(b"moo " * 30, "audio", on="text")[0].payload == b"cow"
    assert brain.primed("cow", on="audio") == []


def many_frames():
    """Three ports, payloads of many lengths, a border that stands out, and several generations."""
    draw = random.Random(5)
    time = 0
    for n in range(300):
        time += 10**9 + draw.randrange(10**8)
        for port in draw.sample(PORTS, k=draw.randint(1, 3)):
            yield Frame(port, time, b"%d " % (n % 7) * draw.randint(1, 30))
            time += 10**6


def test_a_generation_and_an_episode_end_at_the_same_frame_however_frames_come(tmp_path):
    frames = [*many_frames()]
    one, single, kept = Brain(), Brain(), Brain()
    one.learn_frames(frames)
    for frame in frames:
        single.learn_frames([frame])
    for at in range(0, len(frames), 45):
        kept.learn_frames(frames[at : at + 45])
        kept.save(tmp_path / "brain.m")
        kept = Brain.open(tmp_path / "brain.m")
    assert one._learner.binding.cutter.border is not None
    assert one.stats().generation > 6
    saved = []
    for brain in (one, single, kept):
        brain.save(tmp_path / "brain.m")
        saved.append((tmp_path / "brain.m").read_bytes())
    assert saved[0] == saved[1]
    assert saved[0] == saved[2]
