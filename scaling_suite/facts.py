"""Facts of our own, planted in a rung's text and asked for at its end.

A fact is a sentence whose beginning, the prefix, holds an invented name that no other fact has; so the
prefix alone decides the answer, and a learner can only know it from having read it. Fact number i of a
seed is a function of (i, seed) alone: no list is kept.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import xxhash

ONSETS = ("v", "t", "k", "m", "dr", "s", "l", "br", "n", "th", "g", "p", "f", "st", "b", "r")
NUCLEI = ("a", "o", "i", "e", "u", "ai")
CODAS = ("l", "n", "r", "s", "m", "th", "nd", "x")
# Onsets are consonants, nuclei vowels: a name splits into its syllables in one way, so names are distinct.
SYLLABLES = len(ONSETS) * len(NUCLEI)
NAMES = SYLLABLES**3 * len(CODAS)  # 7,077,888 names; a 1 GB rung uses about 10,000
STRIDE = 2_654_435_761  # a prime near 2^32 divided by the golden ratio: spreads neighbours far apart

MATERIALS = [
    "copper",
    "oak",
    "marble",
    "glass",
    "iron",
    "silver",
    "clay",
    "amber",
    "granite",
    "ivory",
    "tin",
    "cedar",
]
COLOURS = [
    "blue",
    "crimson",
    "grey",
    "golden",
    "green",
    "white",
    "violet",
    "black",
    "ochre",
    "pale",
    "scarlet",
    "brown",
]
THINGS = [
    "bell",
    "lantern",
    "gate",
    "tower",
    "boat",
    "mirror",
    "wheel",
    "bridge",
    "clock",
    "mask",
    "chair",
    "drum",
]
MONTHS = ("January", "March", "April", "June", "July", "September", "October", "December")

# {name} is what the fact is about; what stands right of "|" is the answer, with the space before it.
RELATIONS = (
    "The keeper of {name} is called| {person}",
    "{name} was founded by| {person}",
    "The river that flows through the town of {name} is the| {person}",
    "{name} trades in| {material} and {other_material}",
    "In the great hall of {name} there hangs a| {colour} {material} {thing}",
    "The harbour of {name} lies| {number} miles from {person}",
    "{name} was first seen in| {month} {year}",
    "Whoever travels to {name} in winter is given a| {colour} {thing} made of {material}",
    "The password of {name} is| {person} {number}",
    "On the flag of {name}, as every child there knows, one sees a| {colour} {thing}",
    "{name} has| {number} houses",
    "The old name of {name} was| {person}",
)


@dataclass(frozen=True)
class Fact:
    """A sentence in two parts: what is asked, and what only a reader knows (it starts with a space)."""

    prefix: str
    answer: str

    @property
    def line(self) -> bytes:
        return f"{self.prefix}{self.answer}\n".encode()


def fact(index: int, seed: int) -> Fact:
    """Fact number `index` (below NAMES) of this seed; no two of a seed share a prefix."""
    shift = _draw(seed, "names", 0)
    relation = RELATIONS[index % len(RELATIONS)]
    material = _draw(seed, "material", index) % len(MATERIALS)
    other = material + 1 + _draw(seed, "other", index) % (len(MATERIALS) - 1)
    values = {
        "person": name(_draw(seed, "person", index) % NAMES),
        "material": MATERIALS[material],
        "other_material": MATERIALS[other % len(MATERIALS)],
        "colour": COLOURS[_draw(seed, "colour", index) % len(COLOURS)],
        "thing": THINGS[_draw(seed, "thing", index) % len(THINGS)],
        "month": MONTHS[_draw(seed, "month", index) % len(MONTHS)],
        "year": str(1200 + _draw(seed, "year", index) % 800),
        "number": str(2 + _draw(seed, "number", index) % 998),
    }
    about = name((index * STRIDE + shift) % NAMES)  # STRIDE shares no factor with NAMES: one to one
    prefix, answer = relation.split("|")
    return Fact(prefix.format(name=about), answer.format(**values))


def name(number: int) -> str:
    """The invented name with this number, 0 ≤ number < NAMES: three syllables and a coda, one to one."""
    number, coda = divmod(number, len(CODAS))
    syllables = []
    for _ in range(3):
        number, digit = divmod(number, SYLLABLES)
        syllables.append(ONSETS[digit // len(NUCLEI)] + NUCLEI[digit % len(NUCLEI)])
    return "".join(syllables).capitalize() + CODAS[coda]


def write_facts(path: Path, facts: Iterable[Fact]) -> None:
    """Facts as JSON lines {"prefix", "answer"}."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for each in facts:
            file.write(json.dumps({"prefix": each.prefix, "answer": each.answer}, ensure_ascii=False) + "\n")


def read_facts(path: Path) -> Iterator[Fact]:
    """The facts that `write_facts` wrote."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Fact(**json.loads(line))


def _draw(seed: int, purpose: str, index: int) -> int:
    return xxhash.xxh3_64_intdigest(f"{seed} {purpose} {index}".encode())
