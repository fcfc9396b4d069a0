"""Cross-modal: does a sensor reading that was never heard prime the word that names the machine's state?

Rows of five noisy sensors and words are interleaved on two ports, as frames in time. Sensors overlap: none tells the
state by itself. No row is ever heard twice.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SENSOR, WORD = "sensor", "text"
EPISODES, HELD_OUT = 2000, 500  # of a full measurement
DEFAULT_SEED = 7


@dataclass(frozen=True)
class State:
    """A state of the machine: its name, how often it comes, and the mean of each sensor in it."""

    name: str
    weight: int
    mean: tuple[float, ...]


SENSORS = (("t", 4.0), ("p", 6.0), ("h", 5.0), ("v", 0.6), ("i", 0.8))  # name, standard deviation
STATES = (
    State("idle", 6, (22.0, 101.0, 40.0, 0.9, 1.1)),
    State("warming", 3, (38.0, 104.0, 36.0, 1.6, 6.2)),
    State("running", 8, (61.0, 118.0, 28.0, 3.9, 4.4)),
    State("overload", 2, (84.0, 139.0, 20.0, 7.5, 9.3)),
    State("cooling", 3, (55.0, 99.0, 48.0, 1.2, 2.0)),
)


@dataclass(frozen=True)
class Reading:
    """A row of the sensors, and the state that it was drawn in."""

    row: bytes
    values: tuple[float, ...]
    state: str


@dataclass(frozen=True)
class Result:
    """How often the word that is primed first is right, on rows that were never heard.

    chance, most_frequent : what a guess reaches: any word, and always the word that was heard most often
    optimum : what whoever knows the generator's means and deviations reaches
    """

    episodes: int
    held_out: int
    accuracy: float
    chance: float
    most_frequent: float
    optimum: float


def readings(seed: int) -> Iterator[Reading]:
    """Readings for ever, none twice; the same seed gives the same ones."""
    draw = random.Random(seed)  # noqa: S311 - a workload, not a secret
    seen: set[bytes] = set()
    while True:
        state = draw.choices(STATES, [state.weight for state in STATES])[0]
        values = tuple(draw.gauss(mean, sd) for mean, (_, sd) in zip(state.mean, SENSORS, strict=True))
        row = " ".join(f"{name}={value:.1f}" for (name, _), value in zip(SENSORS, values, strict=True)).encode()
        if row not in seen:
            seen.add(row)
            yield Reading(row, values, state.name)


def interleaved(heard: list[Reading], seed: int) -> Iterator[tuple[str, float, bytes]]:
    """(port, seconds, payload): about a reading a second, and shortly after each the word."""
    draw = random.Random(seed)  # noqa: S311 - a workload, not a secret
    time_s = 0.0
    for reading in heard:
        time_s += draw.uniform(0.8, 1.3)
        yield SENSOR, time_s, reading.row
        yield WORD, time_s + draw.uniform(0.01, 0.09), reading.state.encode()


def measure(brain: Any, episodes: int = EPISODES, held_out: int = HELD_OUT, seed: int = DEFAULT_SEED) -> Result:
    """Teach a fresh brain, and ask it for the state of rows that it never heard."""
    from melvin import Frame

    source = readings(seed)
    heard, asked = ([next(source) for _ in range(count)] for count in (episodes, held_out))
    brain.learn_frames(Frame(*frame) for frame in interleaved(heard, seed))
    right = 0
    for reading in asked:
        primed = brain.primed(reading.row, SENSOR, on=WORD)
        right += bool(primed) and primed[0].payload == reading.state.encode()
    ((favourite, _),) = Counter(reading.state for reading in heard).most_common(1)
    return Result(
        episodes=episodes,
        held_out=held_out,
        accuracy=right / held_out,
        chance=1 / len(STATES),
        most_frequent=sum(reading.state == favourite for reading in asked) / held_out,
        optimum=sum(_likeliest(reading) == reading.state for reading in asked) / held_out,
    )


def _likeliest(reading: Reading) -> str:
    def log_posterior(state: State) -> float:
        pairs = zip(reading.values, state.mean, SENSORS, strict=True)
        return math.log(state.weight) - sum((value - mean) ** 2 / (2 * sd * sd) for value, mean, (_, sd) in pairs)

    return max(STATES, key=log_posterior).name
