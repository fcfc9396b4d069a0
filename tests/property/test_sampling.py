"""Sampling draws what the brain expects, one byte at a time."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melvin import Brain
from melvin.errors import InputError

PROSE = (Path(__file__).parents[2] / "fixtures" / "prose.txt").read_bytes().splitlines()


@pytest.fixture(scope="module")
def brain():
    learnt = Brain()
    learnt.learn(PROSE)
    learnt.learn([bytes([n % 7, 0, n % 3, 255]) for n in range(50)], port="can")
    return learnt


def one_by_one(brain, text, length, seed, temperature, port="text"):
    """What sampling does, a byte and a question at a time."""
    made = b""
    for chance in np.random.default_rng(seed).random(length):
        spread = brain.distribution(text + made, port=port).probability
        weight = np.cumsum((spread / spread.max()) ** (1 / temperature))
        drawn = int(np.searchsorted(weight, chance * weight[-1], side="right"))
        if drawn == 256:
            break
        made += bytes([drawn])
    return made


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([b"", b"The ", b"th", b"\xff\0"]), st.integers(0, 2**40), st.sampled_from([0.5, 1.0, 2.0]))
def test_a_sample_is_what_is_drawn_one_byte_at_a_time(brain, text, seed, temperature):
    made = brain.generate(text, length=30, seed=seed, temperature=temperature)
    assert made == one_by_one(brain, text, 30, seed, temperature)


def test_a_sample_of_another_port_is_of_that_port(brain):
    for seed in range(3):
        assert brain.generate(length=9, seed=seed, port="can") == one_by_one(brain, b"", 9, seed, 1.0, "can")


def test_samples_come_as_often_as_they_are_likely():
    brain = Brain()
    brain.learn([b"river bank"] * 15 + [b"river mouth"] * 5)
    drawn = Counter(brain.generate(b"river ", seed=seed) for seed in range(300))
    for line in (b"bank", b"mouth"):
        share = brain.probability(b"river ", line) * brain.distribution(b"river " + line).probability[256]
        assert abs(drawn[line] / 300 - share) < 4 * (share * (1 - share) / 300) ** 0.5


def test_a_temperature_of_zero_takes_the_likeliest_byte_each_time(brain):
    made = brain.generate(b"The ", length=20, temperature=0, seed=1)
    assert made == brain.generate(b"The ", length=20, temperature=0, seed=2)
    text = b"The "
    for byte in made:
        assert brain.distribution(text).probability.argmax() == byte
        text += bytes([byte])


@pytest.mark.parametrize(
    "bad", [{"length": -1}, {"length": 1 << 21}, {"seed": -1}, {"temperature": -0.1}, {"temperature": float("nan")}]
)
def test_a_sample_that_cannot_be_is_refused(brain, bad):
    with pytest.raises(InputError):
        brain.generate(b"The ", **bad)


def test_what_comes_next_depends_on_the_last_chunks_alone_to_the_bit(brain):
    """The end of a long line is encoded alone: as if the whole line had been."""
    words, draw = b" ".join(PROSE).split(), random.Random(5)
    reader, port = brain._ask("text")
    for _ in range(15):
        text = b" ".join(draw.choices(words, k=draw.randint(8, 40)))[: draw.randint(20, 200)]
        whole = reader.predict(*_last_place(text, port))[0]
        assert np.array_equal(brain.distribution(text).probability, whole), text


def _last_place(text, port):
    from melvin.lines import lines_block

    return lines_block([text]), port, np.array([len(text)]), np.arange(1, 258)[None]
