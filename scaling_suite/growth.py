"""How a text's vocabulary grows: words, word pairs and byte n-grams at each decade, beside real prose.

Text flows in; each portion becomes sorted 64-bit keys, which are merged into what was distinct before:
memory holds what is distinct, not the text. A byte n-gram is its own key; a word's or a pair's key is a
hash (with 20 M pairs, as in 1 GB, the chance that any two collide is 1 in 90,000).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling_suite.words import GOLDEN, Words, mix

FIRST_DECADE = 1000
PORTION_BYTES = 2 << 20  # of text at once: about 100 MB of temporary arrays
MERGE_SHARE = 2  # new keys are merged once they are half as many as the old: each key is moved a few times in all
MIN_MERGE = 1 << 20

# Measured on 100 MB of mixed English prose (reference works, encyclopaedias, books):
# size -> words, word pairs, byte 3-grams, byte 5-grams.
REAL_PROSE = {
    10**3: (98, 142, 579, 816),
    10**4: (711, 1_343, 2_743, 6_517),
    10**5: (4_457, 12_317, 8_905, 40_132),
    10**6: (20_968, 98_477, 25_377, 180_324),
    10**7: (77_087, 666_699, 65_988, 694_159),
    10**8: (283_181, 3_835_654, 150_011, 2_449_369),
}

HASH_BASE = 0x5851F42D4C957F2D  # odd, so that it has an inverse modulo 2^64
HASH_INVERSE = pow(HASH_BASE, -1, 1 << 64)


@dataclass(frozen=True)
class Growth:
    """What the first `size_bytes` of a text hold; words, pairs and n-grams are counted once each.

    A word is a run of letters, digits, underscores and bytes above 127, with A–Z folded; a pair is two
    neighbouring words of one line; an n-gram is any n neighbouring bytes.
    """

    size_bytes: int
    lines: int
    tokens: int
    words: int
    word_pairs: int
    byte_3grams: int
    byte_5grams: int

    @property
    def decade(self) -> int | None:
        """The decade that this size is at, or within a thousandth of (a corpus ends with a whole line)."""
        return next((size for size in REAL_PROSE if abs(self.size_bytes - size) * 1000 < size), None)

    @property
    def compared(self) -> tuple[int, int, int, int]:
        """The figures in the order of REAL_PROSE."""
        return self.words, self.word_pairs, self.byte_3grams, self.byte_5grams


class Distinct:
    """A growing set of 64-bit keys: one sorted array, and sorted runs that wait to be merged into it."""

    def __init__(self) -> None:
        self.keys = np.zeros(0, np.uint64)
        self.waiting: list[Words] = []

    def add(self, keys: Words) -> None:
        self.waiting.append(sorted_distinct(keys))
        if sum(run.size for run in self.waiting) > max(MIN_MERGE, self.keys.size // MERGE_SHARE):
            self.merge()

    def merge(self) -> None:
        self.keys = sorted_distinct(np.concatenate([self.keys, *self.waiting]))
        self.waiting = []

    def size_with(self, keys: Words) -> int:
        """How many keys the set would hold with these."""
        self.merge()
        more = sorted_distinct(keys)
        place = np.minimum(np.searchsorted(self.keys, more), max(self.keys.size - 1, 0))
        known = np.count_nonzero(self.keys[place] == more) if self.keys.size else 0
        return self.keys.size + more.size - int(known)


def measure_growth(blocks: Iterable[bytes]) -> Iterator[Growth]:
    """The growth of a text at 1 KB, 10 KB, … and at its end."""
    counted = tuple(Distinct() for _ in range(4))
    seen = lines = tokens = 0  # of what was added
    before = b""  # the last bytes of what was added: n-grams reach over the border
    pending, decade, reported = b"", FIRST_DECADE, 0

    def report(part: bytes) -> Growth:
        more, keys = keys_of(before, part)
        sizes = (each.size_with(new) for each, new in zip(counted, keys, strict=True))
        return Growth(seen + len(part), lines + part.count(b"\n"), tokens + more, *sizes)

    for block in blocks:
        pending += block
        while seen + len(pending) >= decade:
            reported = decade
            yield report(pending[: decade - seen])
            decade *= 10
        while len(pending) >= PORTION_BYTES:
            border = pending.rfind(b"\n", 0, PORTION_BYTES) + 1 or PORTION_BYTES
            part, pending = pending[:border], pending[border:]
            more, keys = keys_of(before, part)
            for each, new in zip(counted, keys, strict=True):
                each.add(new)
            seen, lines, tokens = seen + len(part), lines + part.count(b"\n"), tokens + more
            before = (before + part)[-4:]
    if seen + len(pending) > reported:
        yield report(pending)


def keys_of(before: bytes, part: bytes) -> tuple[int, tuple[Words, Words, Words, Words]]:
    """How many words a part of a text has, and the keys of its words, pairs, 3-grams and 5-grams."""
    hashed, line = hash_words(part)
    pairs = mix(hashed[:-1] + GOLDEN) ^ hashed[1:]
    keys = hashed, pairs[line[:-1] == line[1:]], ngrams(before[-2:] + part, 3), ngrams(before[-4:] + part, 5)
    return hashed.size, keys


def hash_words(part: bytes) -> tuple[Words, NDArray[np.int64]]:
    """A 64-bit hash of each word, and the line that it stands in.

    hash = sum(byte * BASE**place for place, byte in enumerate(word))      # modulo 2^64, for each word
    """
    text = np.frombuffer(part, np.uint8)
    inside = np.concatenate([[False], _WORD_BYTES[text], [False]])
    borders = np.flatnonzero(inside[1:] != inside[:-1])
    start, end = borders[::2], borders[1::2]
    sums = np.zeros(text.size + 1, np.uint64)
    np.cumsum(_FOLDED[text] * _powers(HASH_BASE, text.size), out=sums[1:])
    hashed = (sums[end] - sums[start]) * _powers(HASH_INVERSE, text.size + 1)[start]
    return mix(hashed), np.cumsum(text == ord("\n"))[start]


def ngrams(text: bytes, length: int) -> Words:
    """Every run of `length` bytes as one number."""
    data = np.frombuffer(text, np.uint8).astype(np.uint64)
    count = max(data.size - length + 1, 0)
    keys = np.zeros(count, np.uint64)
    for place in range(length):
        keys = keys << np.uint64(8) | data[place : place + count]
    return keys


def sorted_distinct(keys: Words) -> Words:
    """The distinct keys, rising; plain `np.unique` hashes first, which is many times slower on such keys."""
    keys = np.sort(keys)
    return keys[np.append(True, keys[1:] != keys[:-1])] if keys.size else keys


def _powers(base: int, count: int) -> Words:
    """1, base, base², … modulo 2^64."""
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)


_CODES = np.arange(256)
_UPPER = (ord("A") <= _CODES) & (ord("Z") >= _CODES)
_FOLDED = (_CODES + 32 * _UPPER).astype(np.uint64)
_WORD_BYTES = np.array([code > 127 or chr(code).isalnum() or chr(code) == "_" for code in range(256)])
