"""The resume record: where in its input a training stands. A brain file that is a checkpoint holds one.

It names each input by its bytes (how many were learnt, and their XXH3), not by its path: a corpus may move. What stands
before the next byte, when that is in the middle of a line, is part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from melvin.counting import Carry
from melvin.symbols import Symbols

FINGERPRINT_DIGITS = 32  # 128 bits, in hexadecimal


@dataclass(frozen=True)
class Learnt:
    """An input, or its beginning: as it was named, how many bytes of it are learnt, and their XXH3."""

    name: str
    size: int
    fingerprint: str


@dataclass(frozen=True)
class Resume:
    """Where a training stands.

    done : inputs learnt to their end
    current : the one it stands in, None between two
    opens : the next byte of the current input begins a line;  carry : else what stands before it
    ended : the current input was at its end
    settings : by name, what else the training depends on
    """

    done: tuple[Learnt, ...] = ()
    current: Learnt | None = None
    opens: bool = True
    carry: Carry | None = None
    ended: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        carry = None
        if self.carry is not None:
            carry = {part.name: getattr(self.carry, part.name).tolist() for part in fields(Carry)}
        document = {
            "done": [asdict(one) for one in self.done],
            "current": None if self.current is None else asdict(self.current),
            "opens": self.opens,
            "carry": carry,
            "ended": self.ended,
            "settings": dict(self.settings),
        }
        return json.dumps(document, sort_keys=True)


def parse_resume(text: str, symbols: Symbols) -> Resume:
    """A record from a brain file with these symbols.

    Raises
    ------
    ValueError : it is not one
    """
    try:
        document = json.loads(text)
        if set(document) != {part.name for part in fields(Resume)}:
            raise ValueError("unknown fields")
        settings = document["settings"]
        flags = (document["opens"], document["ended"])
        if not all(type(flag) is bool for flag in flags) or not all(type(value) is str for value in settings.values()):
            raise ValueError("wrong types")
        current = document["current"]
        return Resume(
            done=tuple(_learnt(one) for one in document["done"]),
            current=None if current is None else _learnt(current),
            opens=document["opens"],
            carry=None if document["carry"] is None else _carry(document["carry"], symbols),
            ended=document["ended"],
            settings=settings,
        )
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _learnt(document: Mapping[str, Any]) -> Learnt:
    learnt = Learnt(**document)
    if type(learnt.name) is not str or type(learnt.size) is not int or type(learnt.fingerprint) is not str:
        raise ValueError("an input of wrong types")
    if learnt.size < 0 or len(learnt.fingerprint) != FINGERPRINT_DIGITS:
        raise ValueError("an input that cannot be")
    return learnt


def _carry(document: Mapping[str, Any], symbols: Symbols) -> Carry:
    """Typed and shaped as what stands before a line's start."""
    if not symbols.ports:
        raise ValueError("a line goes on in a brain without ports")
    model = Carry.opening(symbols, 0)
    parts: dict[str, Any] = {}
    for part in fields(Carry):
        like = np.asarray(getattr(model, part.name))
        given = document[part.name] if like.ndim else [document[part.name]]
        most = symbols.size - 1 if like.dtype == np.uint32 else np.iinfo(like.dtype).max  # uint32: ids of symbols
        if len(given) != like.size or not all(type(n) is int and 0 <= n <= most for n in given):
            raise ValueError(f"{part.name} that cannot be")
        parts[part.name] = np.array(given, like.dtype).reshape(like.shape)[()]
    return Carry(**parts)
