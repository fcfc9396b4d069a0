"""Abstraction: does a word go on as the others of its class do, in a frame in which it was never read?

Lines say that nouns do something somewhere: "the NOUN VERB PLACE". All classes of nouns have the verbs in common, and
each class has a place of its own for each verb: only who knows the noun's class knows the place. Every noun is read
with all verbs but one, and is asked for with that one. The words mean nothing: they are drawn by the seed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CLASSES, NOUNS, VERBS = 5, 12, 6  # of a full measurement: 60 pairs are hidden
TIMES = 2  # that each line is read
DEFAULT_SEED = 7
ONSETS, NUCLEI = "bdfgklmnprstvz", "aeiou"
OFF = {"all on": (), "categories off": ("categories",), "embeddings off": ("embeddings",)}


@dataclass(frozen=True)
class Hidden:
    """A line that is not shown: how it begins, how it goes on, and how it would for nouns of each class."""

    begins: str
    goes_on: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """Lines to learn, and those that were hidden."""

    lines: tuple[str, ...]
    hidden: tuple[Hidden, ...]


@dataclass(frozen=True)
class Result:
    """How often the hidden continuation is the likeliest of those that the verb has.

    pairs : nouns, each asked for with a verb that it was never read with
    shown : lines of its class with that verb that were read, at the least
    accuracy : by what was switched off
    chance : any of the verb's places
    """

    pairs: int
    shown: int
    accuracy: dict[str, float]
    chance: float


def task(seed: int, classes: int = CLASSES, nouns: int = NOUNS, verbs: int = VERBS) -> Task:
    """The same seed gives the same lines, in the same order."""
    draw = random.Random(seed)  # noqa: S311 - a workload, not a secret
    word = _words(draw)
    verb = [next(word) for _ in range(verbs)]
    place = [[f"{next(word)} {next(word)}" for _ in verb] for _ in range(classes)]
    lines, hidden = [], []
    for kind in range(classes):
        for number in range(nouns):
            noun = next(word)
            for at, does in enumerate(verb):
                begins, goes_on = f"the {noun} {does} ", place[kind][at]
                if at == number % verbs:
                    hidden.append(Hidden(begins, goes_on, tuple(places[at] for places in place)))
                else:
                    lines += [begins + goes_on] * TIMES
    draw.shuffle(lines)
    return Task(tuple(lines), tuple(hidden))


def measure(seed: int = DEFAULT_SEED, classes: int = CLASSES, nouns: int = NOUNS, verbs: int = VERBS) -> Result:
    """Teach fresh brains with mechanisms on and off, and ask them for what was hidden."""
    from melvin import Brain
    from melvin.settings import Settings

    made = task(seed, classes, nouns, verbs)
    accuracy = {}
    for what, off in OFF.items():
        accuracy[what] = recovered(Brain(Settings.without(off)), made)
    shown = (nouns - -(-nouns // verbs)) * TIMES
    return Result(len(made.hidden), shown, accuracy, 1 / classes)


def recovered(brain: Any, made: Task) -> float:
    """Teach a fresh brain the lines; the share of what was hidden that it ranks first."""
    brain.learn(made.lines)
    return sum(_ranks_first(brain, each) for each in made.hidden) / len(made.hidden)


def _ranks_first(brain: Any, hidden: Hidden) -> bool:
    likely = {place: brain.probability(hidden.begins, place) for place in hidden.others}
    return all(likely[hidden.goes_on] > p for place, p in likely.items() if place != hidden.goes_on)


def _words(draw: random.Random) -> Iterator[str]:
    """Words of two or three syllables for ever, none twice."""
    seen: set[str] = set()
    while True:
        word = "".join(draw.choice(ONSETS) + draw.choice(NUCLEI) for _ in range(draw.choice((2, 3))))
        if word not in seen:
            seen.add(word)
            yield word
