"""Spelling: a lexeme's number becomes syllables, and syllables are looked up in a pool of bytes.

A lexeme in octave o is written with 7 bits a syllable: frequent words are short. The highest digit is
the word's last syllable, so that words of one frequency share endings as derived words do; the others
are scattered, so that neighbours in rank do not look alike. Each word has an origin, a language with its
own syllables.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling_suite.words import Words, look_up, lookup, mix

Pieces = NDArray[np.int32]  # numbers of byte strings in the pool

SYLLABLE_BITS = 7
SYLLABLES = 1 << SYLLABLE_BITS
MAX_SYLLABLES = 5  # 2^35 lexemes
COMPOSE_STEPS = (40503, 28657, 17711)  # 2^16 over the golden ratio, and two Fibonacci primes
SCATTER = np.uint64(0x2545F4914F6CDD1D)  # odd, so multiplying by it is one to one in any number of bits

ORIGIN_WEIGHTS = [48, 24, 16, 12, 10, 8, 8, 6, 6, 5, 5, 4, 4, 4, *[2] * 50]  # words come from many languages
ORIGINS = lookup(ORIGIN_WEIGHTS)


def sounds(text: str) -> tuple[str, ...]:
    """The sounds of a list written as text."""
    return tuple(text.split())


# Each origin favours others.
ONSETS = sounds(
    """
    t s r n d l c m p f b h g w v st pr tr ch sh th k gr cr br pl qu sp cl fl j bl ph z kh sk
    y sw gh wh x tw ts rh zh ps
    """
)
NUCLEI = sounds("e a i o u ea ou ai ee io oo au ie y ia ei oi ue ae eo ui aa uo")
CODAS = sounds("n r t s l d m nd st ck rt ng p nt ss ll x ct sh f mp rd b th rk v gh ff lm z tz ks c w")
SUFFIXES = sounds("er ion en al le ent ive ate on ous ity ard ance ic ish ment age or ure ine et est ism ful")

ACCENTED = "éèüöáíóñçäåøêâôîãúßæœšžčłğşıőěř"
SCRIPTS = (
    "αβγδεζηθικλμνξοπρστυφχψω",
    "абвгдежзийклмнопрстуфхцчшщыьэюя",
    "–—“”’…·•°±×÷§«»→≤≥≠≈∞√",
)
IDEOGRAPHS = (0x4E00, 4096)  # first code point, how many


def compose(origin: int, *kinds: Sequence[str]) -> list[str]:
    """SYLLABLES distinct syllables of one sound of each kind, some sounds more often than others.

    The sounds of syllable i are picked by multiples of i modulo 2^16, squared so that one end of the list is
    favoured; each origin starts the list elsewhere.
    """
    spelled: dict[str, None] = {}
    for i in itertools.count(1):
        picked = [(i * step % 65536) ** 2 >> 16 for step in COMPOSE_STEPS[: len(kinds)]]
        ranks = [(len(kind) * where >> 16) + origin * 5 for kind, where in zip(kinds, picked, strict=True)]
        spelled["".join(kind[rank % len(kind)] for kind, rank in zip(kinds, ranks, strict=True))] = None
        if len(spelled) == SYLLABLES:
            break
    return list(spelled)


def inventories_of(origin: int) -> dict[str, list[str]]:
    """The syllables of words of one origin: of a whole word, first, inner and last ones."""
    turn = origin * 3 % len(SUFFIXES)
    endings = ["", *SUFFIXES[turn:], *SUFFIXES[:turn], *compose(origin, ["", *ONSETS], NUCLEI, CODAS)]
    return {
        "mono": compose(origin, ONSETS, NUCLEI, CODAS),
        "initial": compose(origin, ONSETS, NUCLEI, ["", *CODAS]),
        "medial": compose(origin, ["", *ONSETS], NUCLEI, ["", *CODAS]),
        "final": list(dict.fromkeys(endings))[:SYLLABLES],
    }


@dataclass(frozen=True)
class Pool:
    """Byte strings one after the other, each three times: as written, with a capital, in capitals.

    data : uint8              all bytes
    start, length : int32     where each piece is
    size : int                pieces as written; + size has a capital, + 2 size is in capitals
    first : dict              inventory -> number of its first piece
    """

    data: NDArray[np.uint8]
    start: NDArray[np.int32]
    length: NDArray[np.int32]
    size: int
    first: dict[str, int]


def build_pool(literals: Sequence[str]) -> Pool:
    """The pool of all pieces; piece 0 is empty, 1 a space, 2 a line feed."""
    origins = [inventories_of(origin) for origin in range(len(ORIGIN_WEIGHTS))]
    inventories: dict[str, Sequence[str]] = {
        "empty": [""],
        "space": [" "],
        "line": ["\n"],
        "literal": literals,
        **{name: [s for origin in origins for s in origin[name]] for name in origins[0]},
        "number": [str(n) for n in range(1000)],
        "padded": [f"{n:03d}" for n in range(1000)],
        "ascii": [chr(code) for code in range(33, 127)],
        "accented": list(ACCENTED),
        **{f"script{i}": list(script) for i, script in enumerate(SCRIPTS)},
        "ideograph": [chr(IDEOGRAPHS[0] + i) for i in range(IDEOGRAPHS[1])],
    }
    first: dict[str, int] = {}
    written: list[str] = []
    for name, inventory in inventories.items():
        first[name] = len(written)
        written += inventory
    capital = [piece[:1].upper() + piece[1:] for piece in written]
    encoded = [piece.encode() for piece in [*written, *capital, *(piece.upper() for piece in written)]]
    length = np.array([len(piece) for piece in encoded], np.int32)
    start = np.cumsum(length, dtype=np.int32) - length
    return Pool(np.frombuffer(b"".join(encoded), np.uint8), start, length, len(written), first)


def spell(lexeme: Words, pool: Pool) -> Pieces:
    """The syllables of lexemes ≥ 1: shape (n, MAX_SYLLABLES), filled up with the empty piece."""
    octave = np.frexp(lexeme.astype(np.float64))[1].astype(np.uint64) - np.uint64(1)
    number = scatter(lexeme, octave)
    last = octave // np.uint64(SYLLABLE_BITS)  # the place of the last syllable
    origin = look_up(ORIGINS, mix(number)).astype(np.int32) * np.int32(SYLLABLES)
    pieces = np.zeros((lexeme.size, MAX_SYLLABLES), np.int32)
    for place in range(MAX_SYLLABLES):
        rows = np.flatnonzero(last >= place)
        digit = (number[rows] >> np.uint64(SYLLABLE_BITS * place)).astype(np.int32) & np.int32(SYLLABLES - 1)
        inner, ending = ("initial", "mono") if place == 0 else ("medial", "final")
        inventory = np.where(last[rows] == place, pool.first[ending], pool.first[inner])
        pieces[rows, place] = inventory + origin[rows] + digit
    return pieces


def scatter(lexeme: Words, octave: Words) -> Words:
    """A permutation of the lexemes within each octave: shift, multiply, shift, in `octave` bits."""
    top = np.uint64(1) << octave
    mask, shift = top - np.uint64(1), octave // np.uint64(2) + np.uint64(1)
    low = lexeme & mask
    for _ in range(2):
        low ^= low >> shift
        low = (low * SCATTER) & mask
    scattered: Words = top | (low ^ (low >> shift))
    return scattered
