"""Feedback: a reward moves what led to an answer, nothing else; it is undone by its opposite, and it stays."""

import itertools

import numpy as np
import pytest

from melvin import Brain, verify
from melvin.errors import InputError
from melvin.feedback import Feedback

MOON, SPOON, HILL = b"silver moon", b"silver spoon", b"green hill"


@pytest.fixture
def brain():
    learnt = Brain()
    learnt.learn([MOON] * 10 + [SPOON] * 5 + [HILL] * 5)
    return learnt


@pytest.fixture
def bytes_of(tmp_path):
    def of(brain):
        brain.save(tmp_path / "brain.m")
        return (tmp_path / "brain.m").read_bytes()

    return of


def test_a_rewarded_answer_is_likelier_and_a_punished_one_less_likely(brain):
    answer = brain.query(b"silver ")
    before = brain.probability(b"silver ", b"moon")
    brain.feedback(answer, 1.0)
    after = brain.probability(b"silver ", b"moon")
    assert after > before
    brain.feedback(answer, 0.0)
    brain.feedback(answer, 0.0)
    assert brain.probability(b"silver ", b"moon") < before


def test_after_enough_punishments_another_candidate_wins(brain):
    answer = brain.query(b"silver ")
    assert answer.text == "moon"
    for _ in range(3):
        brain.feedback(answer, 0.0)
    assert brain.query(b"silver ").text == "spoon"


@pytest.mark.parametrize("reward", [0.0, 0.1, 0.3, 0.49, 1.0])
def test_the_opposite_undoes_feedback_bit_for_bit(brain, bytes_of, reward):
    before = bytes_of(brain)
    answer = brain.query(b"silver ")
    brain.feedback(answer, reward)
    assert bytes_of(brain) != before
    brain.feedback(brain.query(b"silver ") if reward > 0.5 else answer, 1 - reward)
    assert bytes_of(brain) == before


def test_a_half_says_nothing(brain, bytes_of):
    before = bytes_of(brain)
    brain.feedback(brain.query(b"silver "), 0.5)
    assert bytes_of(brain) == before


@pytest.mark.parametrize("reward", [-0.1, 1.1, float("nan"), float("inf"), "good", None])
def test_a_reward_that_is_none_is_refused_and_changes_nothing(brain, bytes_of, reward):
    before = bytes_of(brain)
    with pytest.raises(InputError, match="from 0 \\(wrong\\) to 1 \\(right\\)"):
        brain.feedback(brain.query(b"silver "), reward)
    assert bytes_of(brain) == before


def test_feedback_survives_saving_and_opening_bit_for_bit(brain, tmp_path):
    brain.feedback(brain.query(b"silver "), 0.0)
    brain.save(tmp_path / "a.m")
    verify(tmp_path / "a.m")
    opened = Brain.open(tmp_path / "a.m")
    opened.save(tmp_path / "b.m")
    assert (tmp_path / "a.m").read_bytes() == (tmp_path / "b.m").read_bytes()
    assert opened.probability(b"silver ", b"moon") == brain.probability(b"silver ", b"moon")


def test_feedback_survives_the_end_of_generations_and_learning_goes_on_the_same(brain, bytes_of, tmp_path):
    for _ in range(5):
        brain.feedback(brain.query(b"silver "), 0.0)
    assert brain.query(b"silver ").text == "spoon"
    brain.save(tmp_path / "taught.m")
    twin = Brain.open(tmp_path / "taught.m")
    generation = brain.stats().generation
    more = [b"line %d of something else" % n for n in range(60)]
    brain.learn(more)
    for line in more:
        twin.learn([line])
    assert brain.stats().generation > generation
    assert brain.query(b"silver ").text == "spoon"
    assert bytes_of(brain) == bytes_of(twin)


def test_what_the_answer_did_not_use_is_predicted_as_before(brain):
    asked = [b"", b"g", b"green", b"green ", b"si", b"silver", b"silver s", b"some other silver "]
    before = [brain.distribution(text).probability for text in asked]
    brain.feedback(brain.query(b"silver "), 0.0)
    for text, old in zip(asked, before, strict=True):
        assert np.array_equal(brain.distribution(text).probability, old), text
    changed = brain.distribution(b"silver ").probability
    assert changed.sum() == pytest.approx(1.0)


def test_feedback_on_one_port_leaves_the_other_alone(brain):
    brain.learn([b"silver moon"] * 4, port="audio")
    before = brain.distribution(b"silver ", port="audio").probability
    brain.feedback(brain.query(b"silver "), 0.0)
    assert np.array_equal(brain.distribution(b"silver ", port="audio").probability, before)
    heard = brain.query(b"silver ", port="audio")
    assert heard.port == "audio"
    brain.feedback(heard, 0.0)
    assert not np.array_equal(brain.distribution(b"silver ", port="audio").probability, before)


def test_probability_and_distribution_agree_where_feedback_was_given(brain):
    brain.feedback(brain.query(b"silver "), 0.2)
    steps = [brain.distribution(b"silver " + b"moon"[:n]).probability[b"moon"[n]] for n in range(4)]
    assert brain.probability(b"silver ", b"moon") == pytest.approx(np.prod(steps))


def test_the_end_of_a_line_can_be_punished_too(brain):
    answer = brain.query(b"green hill")
    assert answer.payload == b""
    assert answer.ends
    before = brain.distribution(b"green hill").probability[256]
    brain.feedback(answer, 0.0)
    assert brain.distribution(b"green hill").probability[256] < before


def test_an_answer_that_fades_out_claims_no_end(brain):
    answer = brain.query(b"silver ")
    faded = type(answer)(**{**vars(answer), "ends": False})
    end = brain.distribution(b"silver moon").probability
    brain.feedback(faded, 0.0)
    assert np.array_equal(brain.distribution(b"silver moon").probability, end)


def test_feedback_stays_within_its_bound_and_the_strongest_is_kept():
    context, code = np.arange(8, dtype=np.uint64), np.ones(8, np.int64)
    amount = np.array([5, -9, 1, 7, -7, 2, 9, -1])
    held = Feedback.empty().add(context, code, amount, limit=4)
    assert held.sum.tolist() == [-9, 7, -7, 9]
    assert (np.diff(held.key.astype(np.int64)) > 0).all()


def test_feedback_adds_up_as_a_plain_dictionary_does_in_any_order():
    draw = np.random.default_rng(3)
    said = [(int(c), int(k), int(a)) for c, k, a in draw.integers((0, 1, -3), (6, 5, 4), (200, 3))]
    plain = {}
    for c, k, a in said:
        plain[c << 9 | k] = plain.get(c << 9 | k, 0) + a
    expected = sorted((key, total) for key, total in plain.items() if total)
    for rows, step in itertools.product((said, said[::-1]), (1, 7, 200)):
        held = Feedback.empty()
        for at in range(0, len(rows), step):
            c, k, a = (np.array(column) for column in zip(*rows[at : at + step], strict=True))
            held = held.add(c.astype(np.uint64), k, a)
        assert list(zip(held.key.tolist(), held.sum.tolist(), strict=True)) == expected


def test_asking_a_brain_that_was_taught_changes_nothing(brain, bytes_of):
    brain.feedback(brain.query(b"silver "), 0.0)
    before = bytes_of(brain)
    brain.query(b"silver ")
    brain.score([MOON, HILL])
    assert bytes_of(brain) == before
