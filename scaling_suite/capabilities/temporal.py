"""Temporal: of pairs of invented words, is it told which cause, enable, prevent, precede or follow each other?

Words of invented prose that came once in it are paired, and each pair gets lines of its own, with common words before,
between and behind what matters, hidden among the prose. Causes fail at times, effects come by themselves or of a second
cause, what is enabled mostly does not come, what is prevented comes nevertheless now and then.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

LINES = 40  # about a pair
PAIRS = 12  # of each kind, in a full measurement
DEFAULT_SEED = 7
NOISE_LINES = 40  # of prose, about each pair
FEWEST_LINES = 1000  # of prose, from which words are taken
FILLERS = 60  # common words, that say nothing
MOST_FILLERS = 3  # of them in a row

WORKS = 0.9  # share of a cause's lines in which its effect comes
BY_ITSELF = 0.1  # effects without it, for each of its lines
HELPS = 0.35  # share of an enabler's lines in which what it enables comes
SCENE = 0.85  # share of the lines of a scene in which what belongs to it comes
SLIPS = 0.05  # share of a preventer's lines in which it comes nevertheless

Draw = random.Random
Line = list[str]  # the words that matter, in order


@dataclass(frozen=True)
class Pair:
    """Two words, what the one has to do with the other, and the lines that show it."""

    source: str
    target: str
    kind: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Result:
    """How often the kind of relation is right.

    chance : any kind;  most_frequent : always the commonest kind
    by_kind : the share that is right, by kind
    mistaken : (kind, what was said) and how often, the commonest first
    """

    pairs: int
    lines: int
    accuracy: float
    chance: float
    most_frequent: float
    by_kind: dict[str, float]
    mistaken: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Prose:
    """Text that the pairs hide in. common : its commonest words, in order;  rare : those that came once"""

    lines: list[str]
    common: list[str]
    rare: list[str]


def prose(lines: int, seed: int) -> Prose:
    """Invented prose (see `generator`); the same seed gives the same."""
    from scaling_suite.generator import generate  # numpy is loaded by those who need it

    text = (line.decode() for block in generate(seed) for line in block.splitlines())
    drawn = list(islice(text, max(lines, FEWEST_LINES)))
    count = Counter(word for line in drawn for word in line.split() if word.isalpha() and word.islower())
    common = [word for word, _ in count.most_common(FILLERS)]
    return Prose(drawn[:lines], common, sorted(word for word, n in count.items() if n == 1))


def causes(draw: Draw, word: Callable[[], str]) -> Pair:
    a, b, second = word(), word(), word()
    lines = [[a, b] if draw.random() < WORKS else [a] for _ in range(LINES)]
    lines += [[b] for _ in range(int(LINES * BY_ITSELF))]
    if draw.random() < 0.5:  # every other effect has two causes
        lines += [[second, b] if draw.random() < WORKS else [second] for _ in range(LINES)]
    return Pair(a, b, "causes", tuple(lines))


def enables(draw: Draw, word: Callable[[], str]) -> Pair:
    a, b, instead = word(), word(), word()
    lines = [[a, b] if draw.random() < HELPS else [a, instead][: draw.randint(1, 2)] for _ in range(LINES)]
    return Pair(a, b, "enables", (*lines, *([instead] for _ in range(LINES // 4))))


def prevents(draw: Draw, word: Callable[[], str]) -> Pair:
    a, b, scene = word(), word(), word()
    lines = [[scene, b] if draw.random() < SCENE else [scene] for _ in range(LINES // 2)]
    lines += [[scene, a, b] if draw.random() < SLIPS else [scene, a] for _ in range(LINES // 2)]
    return Pair(a, b, "prevents", tuple(lines))


def precedes(draw: Draw, word: Callable[[], str]) -> Pair:
    """Both belong to a scene; the second comes as often without the first."""
    a, b, scene = word(), word(), word()
    lines = [[scene, *[a] * (n % 2), *[b] * (draw.random() < SCENE)] for n in range(LINES)]
    return Pair(a, b, "precedes", tuple(lines))


def follows(draw: Draw, word: Callable[[], str]) -> Pair:
    cause = causes(draw, word)
    return Pair(cause.target, cause.source, "follows", cause.lines)


def none(draw: Draw, word: Callable[[], str]) -> Pair:
    """Half stand in one line in any order, half in lines of their own."""
    a, b = word(), word()
    together = draw.random() < 0.5
    lines = [draw.sample([a, b], 2) if together else [draw.choice([a, b])] for _ in range(LINES)]
    return Pair(a, b, "none", tuple(lines))


MAKERS = (causes, enables, prevents, precedes, follows, none)


def make_pairs(count: int, rare: list[str], seed: int) -> list[Pair]:
    """So many pairs of each kind; the same seed gives the same ones."""
    draw = random.Random(seed)  # noqa: S311 - a workload, not a secret
    words = iter(draw.sample(rare, len(rare)))
    return [make(draw, words.__next__) for make in MAKERS for _ in range(count)]


def hidden(pairs: list[Pair], around: Prose, seed: int) -> list[str]:
    """The lines of all pairs, filled with common words, among those of the prose, in any order."""
    draw = random.Random(~seed)  # noqa: S311 - a workload, not a secret
    weight = [1 / rank for rank in range(1, len(around.common) + 1)]  # as words come: Zipf

    def filled(line: Line) -> str:
        words: Line = []
        for word in line:
            words += [*draw.choices(around.common, weight, k=draw.randint(0, MOST_FILLERS)), word]
        return " ".join([*words, *draw.choices(around.common, weight, k=draw.randint(0, MOST_FILLERS))])

    lines = [filled(line) for pair in pairs for line in pair.lines] + around.lines
    draw.shuffle(lines)
    return lines


def measure(brain: Any, pairs: int = PAIRS, seed: int = DEFAULT_SEED) -> Result:
    """Teach a fresh brain, and ask it what the words of each pair have to do with each other."""
    around = prose(NOISE_LINES * pairs * len(MAKERS), seed)
    made = make_pairs(pairs, around.rare, seed)
    lines = hidden(made, around, seed)
    brain.learn(lines)
    said = [(pair.kind, brain.relation(pair.source, pair.target).kind) for pair in made]
    kinds = [make.__name__ for make in MAKERS]
    wrong = Counter((kind, came) for kind, came in said if kind != came)
    return Result(
        pairs=len(made),
        lines=len(lines),
        accuracy=sum(kind == came for kind, came in said) / len(said),
        chance=1 / len(kinds),
        most_frequent=max(Counter(kind for kind, _ in said).values()) / len(said),
        by_kind={kind: sum(said_one == (kind, kind) for said_one in said) / pairs for kind in kinds},
        mistaken=tuple((kind, came, count) for (kind, came), count in wrong.most_common()),
    )
