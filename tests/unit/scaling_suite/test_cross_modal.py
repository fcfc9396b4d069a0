"""Two ports interleaved: a reading that was never heard primes the word that names the state."""

import json
from itertools import islice

from click.testing import CliRunner

from melvin import Brain
from scaling_suite.capabilities.cross_modal import SENSOR, STATES, WORD, interleaved, measure, readings
from scaling_suite.cli import main


def test_no_row_is_ever_heard_twice_and_every_state_comes() -> None:
    drawn = [*islice(readings(1), 500)]
    assert len({reading.row for reading in drawn}) == 500
    assert {reading.state for reading in drawn} == {state.name for state in STATES}


def test_the_same_seed_gives_the_same_frames() -> None:
    first, again = ([*interleaved([*islice(readings(3), 20)], 3)] for _ in range(2))
    assert first == again
    assert [port for port, _, _ in first] == [SENSOR, WORD] * 20


def test_a_reading_that_was_never_heard_primes_its_word() -> None:
    result = measure(Brain(), episodes=400, held_out=100)
    assert result.accuracy >= 0.9
    assert result.optimum >= result.accuracy - 0.05  # the task can be done
    assert result.chance < result.most_frequent < 0.5


def test_a_brain_that_heard_shuffled_words_knows_no_better_than_a_guess() -> None:
    class Shuffled(Brain):
        def learn_frames(self, rows):  # type: ignore[no-untyped-def]
            frames = [*rows]
            words = [frame.payload for frame in frames[1::2]]
            moved = words[1:] + words[:1]
            super().learn_frames(
                type(frame)(frame.port, frame.timestamp, moved[n // 2] if n % 2 else frame.payload)
                for n, frame in enumerate(frames)
            )

    assert measure(Shuffled(), episodes=400, held_out=100).accuracy < 0.5


def test_the_command_prints_one_json_document() -> None:
    run = CliRunner().invoke(main, ["capability", "cross-modal", "--episodes", "60", "--held-out", "20", "--json"])
    assert run.exit_code == 0, run.output
    document = json.loads(run.output)
    assert document["schema"] == "scaling_suite.capability.cross-modal/1"
    assert document["episodes"] == 60
    table = CliRunner().invoke(main, ["capability", "cross-modal", "--episodes", "60", "--held-out", "20"])
    assert "most frequent" in table.output
