"""The brain file: every array of a brain by name, and a small JSON document with the rest.

Schema history
--------------
melvin.brain/1    symbols, links, grams, separator, weights; and what the generation that is going on has gathered
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from melvin.container import Array, Container, write
from melvin.errors import DamagedBrainError, NewerBrainError, NotABrainError, SaveError
from melvin.evidence import RANK_SHIFT, TABLES, Evidence, Runs
from melvin.generation import Gathering, Snapshot
from melvin.heads import BUCKETS, HEADS, Weights
from melvin.learner import Learner
from melvin.lexicon import Lexicon
from melvin.resume import Resume, parse_resume
from melvin.symbols import BYTES, GROUND, MAX_SYMBOLS, NONE, SYMBOL_BITS, Symbols
from melvin.tables import U64, Counts

SCHEMA = "melvin.brain"
VERSION = 1
RESUME = "resume"

_SYMBOLS = {
    "base": "uint32",
    "port": "uint16",
    "left": "uint32",
    "right": "uint32",
    "level": "uint8",
    "length": "uint8",
    "born": "int64",
    "pair_left": "uint32",
    "pair_right": "uint32",
    "pair_symbol": "uint32",
    "words": "uint64",
}  # name in Symbols -> dtype
_WEIGHTS = ("right", "asked")
_LEXICON = {"key": "uint64", "count": "int64", "size": "int64", "pool": "uint32"}


def save(path: Path, learner: Learner) -> None:
    """Write all that a learner holds. Raises SaveError; what was at the path before is then untouched."""
    if not learner.whole:
        raise SaveError(
            f"cannot save {path}: learning was broken off inside a block, which is learnt in part: "
            "open the brain again from its last save"
        )
    learner.tally()
    snapshot, gathering = learner.snapshot, learner.gathering
    arrays: dict[str, Array] = {f"symbols.{name}": getattr(snapshot.symbols, name) for name in _SYMBOLS}
    arrays["separator"] = snapshot.separator
    arrays |= {f"weights.{field}": getattr(snapshot.weights, field) for field in _WEIGHTS}
    for where, evidence in (("", snapshot.evidence), ("gathering.", gathering.runs.fold())):
        for name in TABLES:
            table = getattr(evidence, name)
            arrays |= {f"{where}{name}.key": table.key, f"{where}{name}.count": table.count}
    arrays |= _sample(gathering.sample)
    for name, dtype in _LEXICON.items():
        arrays[f"gathering.lexicon.{name}"] = getattr(gathering.lexicon, name).astype(dtype)
    state = {
        "halvings": gathering.lexicon.halvings,
        "ports": list(snapshot.symbols.ports),
        "generation": snapshot.generation,
        "ends_at": snapshot.ends_at,
        "fed": learner.fed,
        "lines": learner.lines,
    }
    metadata = {"schema": f"{SCHEMA}/{VERSION}", "state": json.dumps(state, sort_keys=True)}
    if learner.resume is not None:
        metadata[RESUME] = learner.resume.to_json()
    write(path, arrays, metadata)


def load(path: Path) -> Learner:
    """Open a brain. Raises a BrainFileError leaf that says what is wrong with the file."""
    file = _checked(path)
    state = _state(file)
    symbols = Symbols(
        ports=tuple(state["ports"]),
        **{name: file.array(f"symbols.{name}", dtype, 2 if name == "words" else 1) for name, dtype in _SYMBOLS.items()},
    )
    snapshot = Snapshot(
        symbols=symbols,
        evidence=_read_evidence(file, ""),
        separator=file.array("separator", "bool", 2),
        weights=Weights(**{field: file.array(f"weights.{field}", "int64", 2) for field in _WEIGHTS}),
        generation=state["generation"],
        ends_at=state["ends_at"],
    )
    gathering = Gathering(
        runs=Runs(_read_evidence(file, "gathering.")),
        lexicon=Lexicon(
            **{name: file.array(f"gathering.lexicon.{name}", dtype) for name, dtype in _LEXICON.items()},
            halvings=state["halvings"],
        ),
        sample=_read_sample(file),
    )
    _check_structure(path, snapshot, gathering)
    learner = Learner(snapshot, gathering, fed=state["fed"], lines=state["lines"])
    if RESUME in file.metadata:
        learner.resume = _read_resume(file, symbols)
    return learner


def verify(path: str | Path) -> None:
    """Read every byte of a brain file and check it.

    Raises
    ------
    BrainFileError : a leaf that names the file, the section and what is wrong
    """
    load(Path(path))


def _checked(path: Path) -> Container:
    file = Container(path)
    schema, _, version = file.metadata.get("schema", "").partition("/")
    if schema != SCHEMA or not version.isdecimal():
        raise NotABrainError(f"{path} is a safetensors file, but not a brain: name a brain file")
    if int(version) > VERSION:
        raise NewerBrainError(
            f"{path} was written by a later Melvin (schema {SCHEMA}/{version}, this one reads up to "
            f"{SCHEMA}/{VERSION}): upgrade Melvin"
        )
    file.verify()
    return file


def _state(file: Container) -> dict[str, Any]:
    try:
        state = json.loads(file.metadata["state"])
        counts = [state[name] for name in ("generation", "ends_at", "fed", "lines", "halvings")]
        good = all(type(n) is int and n >= 0 for n in counts)
        good = good and all(type(name) is str for name in state["ports"])
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise DamagedBrainError(f"{file.path}: the section 'state' is damaged: restore the file from a copy")
    return dict(state)


def _read_resume(file: Container, symbols: Symbols) -> Resume:
    try:
        return parse_resume(file.metadata[RESUME], symbols)
    except ValueError as error:
        raise DamagedBrainError(
            f"{file.path}: the section {RESUME!r} is damaged ({error}): restore the file from a copy"
        ) from error


def _read_evidence(file: Container, where: str) -> Evidence:
    tables = {}
    for name in TABLES:
        wide = file.dtype(f"{where}{name}.count") == "uint64"
        tables[name] = Counts(
            file.array(f"{where}{name}.key", "uint64"),
            file.array(f"{where}{name}.count", "uint64" if wide else "uint32"),
        )
    return Evidence(**tables)


def _sample(sample: list[tuple[int, bytes]]) -> dict[str, Array]:
    """Sampled lines in order of their bytes: the order in which they came does not matter."""
    ordered = sorted(sample)
    return {
        "gathering.sample.port": np.array([port for port, _ in ordered], np.uint16),
        "gathering.sample.size": np.array([len(line) for _, line in ordered], np.int64),
        "gathering.sample.data": np.frombuffer(b"".join(line for _, line in ordered), np.uint8),
    }


def _read_sample(file: Container) -> list[tuple[int, bytes]]:
    port, size = file.array("gathering.sample.port", "uint16"), file.array("gathering.sample.size", "int64")
    data = file.array("gathering.sample.data", "uint8").tobytes()
    if port.size != size.size or (size < 0).any() or int(size.sum()) != len(data):
        raise DamagedBrainError(
            f"{file.path}: the section 'gathering.sample' contradicts itself: restore the file from a copy"
        )
    end = np.cumsum(size)
    return [(int(p), data[e - n : e]) for p, n, e in zip(port, size, end, strict=True)]


def _check_structure(path: Path, snapshot: Snapshot, gathering: Gathering) -> None:
    """What a checksum cannot know: that the tables fit each other, so that no later step can stumble over them."""
    s = snapshot.symbols
    n, ports = s.size, len(s.ports)
    ids = np.arange(n)
    parts = [np.where(part == NONE, 0, part) for part in (s.left, s.right)]
    pairs = (s.pair_left, s.pair_right, s.pair_symbol)
    rules = {
        "symbols": all(a.size == n for a in (s.port, s.right, s.level, s.length, s.born))
        and s.words.ndim == 2
        and s.words.shape[1] == n
        and s.base.size == ports
        and bool((s.port < max(ports, 1)).all())
        and bool((s.base.astype(np.int64) + GROUND <= n).all())
        and all(bool((part[s.level > 0] < ids[s.level > 0]).all()) for part in parts)
        and bool(((s.left == NONE) == (s.level == 0)).all() and ((s.right == NONE) == (s.level == 0)).all())
        and bool((s.length.astype(np.int64) <= 7 * s.words.shape[0]).all())
        and all(a.size == pairs[0].size and bool((a < n).all()) for a in pairs),
        "separator": snapshot.separator.shape == (ports, BYTES),
        "weights": all(getattr(snapshot.weights, field).shape == (HEADS, BUCKETS) for field in _WEIGHTS),
        "gathering.sample": all(port < ports for port, _ in gathering.sample),
    }
    lexicon = gathering.lexicon
    rules["gathering.lexicon"] = (
        lexicon.key.size == lexicon.count.size == lexicon.size.size
        and bool((lexicon.key[1:] > lexicon.key[:-1]).all() and (lexicon.size > 0).all() and (lexicon.count > 0).all())
        and int(lexicon.size.sum()) == lexicon.pool.size
        and bool((lexicon.pool < max(n, 1)).all())
    )
    for where, evidence in (("", snapshot.evidence), ("gathering.", gathering.runs.fold())):
        for name in TABLES:
            table = getattr(evidence, name)
            rules[where + name] = (
                table.key.size == table.count.size
                and bool((table.key[1:] > table.key[:-1]).all())
                and bool((table.count > 0).all())
                and (name != "links" or int((table.key >> np.uint64(SYMBOL_BITS)).max(initial=0)) < max(n, 1))
                and (name not in RANK_SHIFT or _within(table.key >> np.uint64(RANK_SHIFT[name]), n))
            )
    for name, holds in rules.items():
        if not holds:
            raise DamagedBrainError(f"{path}: the section {name!r} contradicts itself: restore the file from a copy")


def _within(key: U64, symbols: int) -> bool:
    """Whether every key's rank is below the number of symbols."""
    return not key.size or int((key & np.uint64(MAX_SYMBOLS - 1)).max()) < symbols
