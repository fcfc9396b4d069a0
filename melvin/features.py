"""Features: what of a payload may tell which payloads of other ports come with it. Bytes flow in, hashes flow out.

A payload is looked at as fields: the words and numbers of a text, or, where it is no text, its bytes by their place. A
field is told by its beginnings, each longer one narrower, the last one the whole field; so a reading that was never
heard shares its first digits with others. The fields of a text are looked at twice: wherever they stand, and in their
place in the row. There a number's beginnings know how many digits follow before its point: the 2 of 23.4 is not that of
2.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import xxhash

from melvin.tables import U64

FIELD = re.compile(rb"[0-9A-Za-z.+\-\x80-\xff]+")
WHOLE_DIGITS = re.compile(rb"[+-]?[0-9]*")
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")  # no text holds them
MAX_FIELDS = 64  # of a payload, the first ones
MAX_BEGINNING = 8  # bytes: longer beginnings than that are no broader than the field
NIBBLE = 4  # bits: half a byte is a byte's beginning

Chain = tuple[int, ...]  # hashes of beginnings, the broadest first


@dataclass(frozen=True)
class Features:
    """What a payload is told by.

    root : of any payload of the port
    fields : for each field its chains: different looks at the same bytes
    whole : of this payload alone
    """

    root: int
    fields: tuple[tuple[Chain, ...], ...]
    whole: int

    @cached_property
    def every(self) -> U64:
        """All hashes, each once, ascending. Shape (n,)."""
        inner = (feature for field in self.fields for chain in field for feature in chain)
        return np.unique(np.array([self.root, self.whole, *inner], np.uint64))


@lru_cache(maxsize=1 << 12)  # words come again and again
def features_of(port: str, payload: bytes) -> Features:
    """Features of a payload; the same bytes on another port have others."""
    seed = port_hash(port)
    fields = _text_fields(payload, seed) if _is_text(payload) else _byte_fields(payload, seed)
    return Features(root=_hash(b"root", seed), fields=tuple(fields), whole=_hash(b"whole" + payload, seed))


def port_hash(port: str) -> int:
    """64 bits from a port's name."""
    return int(xxhash.xxh3_64_intdigest(port.encode("utf-8", "surrogatepass")))


def payload_hash(port: str, payload: bytes) -> int:
    """64 bits from a payload and its port."""
    return _hash(b"payload" + payload, port_hash(port))


def _hash(data: bytes, seed: int) -> int:
    return int(xxhash.xxh3_64_intdigest(data, seed))


def _is_text(payload: bytes) -> bool:
    if CONTROL.search(payload):
        return False
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text_fields(payload: bytes, seed: int) -> list[tuple[Chain, ...]]:
    fields = []
    for place, found in enumerate(FIELD.finditer(payload)):
        if place == MAX_FIELDS:
            break
        text = found[0]
        digits = WHOLE_DIGITS.match(text)
        point = digits.end() if digits else 0
        ends = range(1, min(len(text), MAX_BEGINNING) + 1)
        anywhere = [b"begins " + text[:end] for end in ends] + [b"is " + text]
        here = [b"%d begins %d %b" % (place, max(point - end, 0), text[:end]) for end in ends]
        here += [b"%d is %b" % (place, text)]
        fields.append(tuple(tuple(_hash(look, seed) for look in chain) for chain in (anywhere, here)))
    return fields


def _byte_fields(payload: bytes, seed: int) -> list[tuple[Chain, ...]]:
    return [
        ((_hash(b"high %d %d" % (place, byte >> NIBBLE), seed), _hash(b"byte %d %d" % (place, byte), seed)),)
        for place, byte in enumerate(payload[:MAX_FIELDS])
    ]
