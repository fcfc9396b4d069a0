"""The brain file: every array of a brain by name, and a small JSON document with the rest.

Schema history
--------------
melvin.brain/1    symbols, the tables of evidence, separator, weights; and what the present generation has gathered
melvin.brain/2    words, pairs of words, settings; a brain of version 1 has none, and every mechanism on
melvin.brain/3    episodes and bridges (see `bindingfile`); a brain of an earlier version has none
melvin.brain/4    feedback; a brain of an earlier version was given none
melvin.brain/5    embeddings, categories, weights of the heads that read them; they come with the next generation
melvin.brain/6    learning curve and calibration; a brain of an earlier version has none before its next generation
melvin.brain/7    the pairs of words are the context edges, those of chunks are gone; fewer heads, fitted afresh
melvin.brain/8    the budget and what was forgotten for it; a brain of an earlier version has the default one
melvin.brain/9    the view that queries read (see `viewfile`); that of an earlier version is made when it is asked
melvin.brain/10   what the view holds of 6-grams are their contexts alone; categories are the view's alone (what an
                  earlier version holds of either is not read); when the generation began: in an earlier version at
                  half of its end
melvin.brain/11   categories by another rule (see `vectors.Near.stands_out`); those of an earlier version are not read
melvin.brain/12   heads that know chunks add up what they know, wherever the coming symbol may have begun, and are
                  trusted apart by position (see `weights`); in an earlier version each was there for three such places
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from melvin.binding import Binding
from melvin.bindingfile import Contradiction, arrays_of, read_binding, state_of
from melvin.budget import DEFAULT_MEMORY, LEAST_MEMORY, MOST_MEMORY
from melvin.calibration import Calibration
from melvin.container import Array, Container, write
from melvin.curve import Curve
from melvin.errors import DamagedBrainError, NewerBrainError, NotABrainError, SaveError
from melvin.evidence import TABLES, Evidence, Runs
from melvin.feedback import Feedback
from melvin.generation import Gathering, Snapshot, absorb
from melvin.learner import Learner
from melvin.lexicon import Lexicon
from melvin.resume import Resume, parse_resume
from melvin.settings import MECHANISMS, Settings
from melvin.structure import MAX_COUNT, WEIGHTS, Rules, context_rules, gathering_rules, known_rules, table_rules
from melvin.symbols import Symbols
from melvin.tables import I64, Counts
from melvin.vectors import Embeddings
from melvin.viewfile import (
    EMBEDDINGS,
    VIEW,
    WORDS,
    held_as,
    is_read,
    read_counts,
    read_view,
    sections_of_view,
    view_names,
    view_sections,
)
from melvin.weights import EDGE, HEADS, KIN_ATTENDED, OF_CHUNK, Weights
from melvin.words import Words

SCHEMA = "melvin.brain"
VERSION = 12
RESUME = "resume"
AT_ONCE = 1 << 26  # bytes of a file from which on opening it does not check it whole: up to there, some milliseconds

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
_COUNTS = ("generation", "began_at", "ends_at", "fed", "lines", "halvings")  # whole numbers in the state
HASH_BITS = 64
_FEEDBACK = {"key": "uint64", "sum": "int64"}
FEEDBACK_SINCE = 4
EMBEDDINGS_SINCE = 5
_CURVE = ("end", "size", "cost")
_CALIBRATION = {"tried": 2, "right": 2, "expected": 2, "entropy": 1, "squared": 1}  # name -> dimensions
CURVE_SINCE = 6
RETIRED = ("evidence_flow",)  # mechanisms that there were before version 7
PAIRS = "pairs"  # what the context edges were called before version 7
PAIRS_SINCE = 2
HEADS_SINCE = 7  # the heads that there are now,
ONE_OF_EACH_SINCE = 12  # one of each that knows chunks; before, one for each of
_BEGUN = 3  # places where the coming symbol could have begun: behind all that is read, one symbol back, with the chunk
VIEW_SINCE = 9
BEGAN_SINCE = 10
_LEXICON = {"key": "uint64", "count": "int64", "size": "int64", "pool": "uint32"}


def save(path: Path, learner: Learner, view: Snapshot | None = None) -> None:
    """Write all that a learner holds. Raises SaveError; what was at the path before is then untouched.

    view : what queries read of it, where that was made already
    """
    if not learner.whole:
        raise SaveError(
            f"cannot save {path}: learning was broken off inside a block, which is learnt in part: "
            "open the brain again from its last save"
        )
    learner.tally()
    snapshot, gathering = learner.snapshot, learner.gathering
    arrays: dict[str, Array] = {f"symbols.{name}": getattr(snapshot.symbols, name) for name in _SYMBOLS}
    arrays["separator"] = snapshot.separator
    arrays |= {f"weights.{field}": getattr(snapshot.weights, field) for field in WEIGHTS}
    for where, evidence in (("", snapshot.evidence), ("gathering.", gathering.runs.fold())):
        for name in TABLES:
            table = getattr(evidence, name)
            arrays |= {f"{where}{name}.key": table.key, f"{where}{name}.count": table.count}
    arrays |= {f"words.{name}": getattr(snapshot.words, name) for name in WORDS}
    arrays |= {f"embedding.{name}": getattr(snapshot.embeddings, name) for name in EMBEDDINGS}
    arrays |= {f"feedback.{name}": getattr(snapshot.feedback, name) for name in _FEEDBACK}
    arrays |= {f"curve.{name}": getattr(snapshot.curve, name) for name in _CURVE}
    arrays |= {f"calibration.{name}": getattr(snapshot.calibration, name) for name in _CALIBRATION}
    arrays |= _sample(gathering.sample)
    for name, dtype in _LEXICON.items():
        arrays[f"gathering.lexicon.{name}"] = getattr(gathering.lexicon, name).astype(dtype)
    arrays |= arrays_of(learner.binding, snapshot.symbols.ports)
    state = {
        "halvings": gathering.lexicon.halvings,
        "thinned": gathering.runs.halvings,
        "ports": list(snapshot.symbols.ports),
        "generation": snapshot.generation,
        "began_at": snapshot.began_at,
        "ends_at": snapshot.ends_at,
        "fed": learner.fed,
        "lines": learner.lines,
        "off": snapshot.settings.off,
        "memory": snapshot.settings.memory,
        "forgotten": dict(snapshot.forgotten),
        "episodes": state_of(learner.binding),
    }
    metadata = {"schema": f"{SCHEMA}/{VERSION}", "state": json.dumps(state, sort_keys=True)}
    if learner.resume is not None:
        arrays[RESUME] = np.frombuffer(learner.resume.to_json().encode(), np.uint8)
    read = view_sections(snapshot, gathering) if view is None else sections_of_view(view)
    write(path, [*arrays, *view_names()], chain(arrays.items(), read), metadata)


class Opened:
    """An open brain file. What it holds is checked and read when it is first needed; a small file is checked whole.

    ports : names of the streams of bytes that it knows

    Raises
    ------
    BrainFileError : a leaf that says what is wrong with the file
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _checked(path)
        self._state = _state(self._file)

    @property
    def ports(self) -> tuple[str, ...]:
        return tuple(self._state["ports"])

    def learner(self) -> Learner:
        """All of it, as it learns on. Every byte of the file is checked by now.

        Raises
        ------
        DamagedBrainError : a section's checksum does not hold, or its tables do not fit each other
        """
        file, state = self._file, self._state
        file.verify()
        snapshot = replace(self._snapshot(), evidence=_read_evidence(file, ""))
        gathering = Gathering(
            runs=Runs(_read_evidence(file, "gathering."), _thinned(file, state["thinned"]), snapshot.settings.memory),
            lexicon=Lexicon(
                **{name: file.array(f"gathering.lexicon.{name}", dtype) for name, dtype in _LEXICON.items()},
                halvings=state["halvings"],
            ),
            sample=_read_sample(file),
        )
        self._check(known_rules(snapshot) | table_rules(snapshot.symbols, "", snapshot.evidence))
        self._check(gathering_rules(gathering, snapshot.symbols))
        learner = Learner(snapshot, gathering, fed=state["fed"], lines=state["lines"])
        learner.binding = _read_binding(file, state)
        learner.resume = _read_resume(file, snapshot.symbols)
        return learner

    def view(self) -> Snapshot:
        """What queries read of it. What only learning reads is left alone.

        Raises
        ------
        DamagedBrainError : a section's checksum does not hold, or its tables do not fit each other
        """
        if _version(self._file) < VIEW_SINCE:
            learner = self.learner()
            learner.tally()
            return absorb(learner.snapshot, learner.gathering)
        self._file.verify(name for name in self._file.names() if name.startswith(VIEW))
        view = read_view(self._file, _version(self._file), self._snapshot())
        self._check(
            known_rules(view, VIEW) | table_rules(view.symbols, VIEW, view.evidence) | context_rules(view, VIEW)
        )
        return view

    def verify(self) -> None:
        """Read all of it; what queries read must be what follows from the rest.

        Raises
        ------
        DamagedBrainError : its tables do not fit each other
        """
        learner = self.learner()
        if _version(self._file) < VIEW_SINCE:
            return
        self.view()
        learner.tally()
        version = _version(self._file)
        for name, made in view_sections(learner.snapshot, learner.gathering):
            if not is_read(name, version):
                continue
            if not np.array_equal(self._file.array(held_as(name, version), made.dtype.name), made):
                raise _contradiction(self._path, name)

    def _check(self, rules: Rules) -> None:
        """What a checksum cannot know: that the tables fit each other, so that no later step can stumble over them.

        rules : by section; each relies on those before it
        """
        for section, holds in rules.items():
            if not holds():
                raise _contradiction(self._path, section)

    def _snapshot(self) -> Snapshot:
        """What the last generation left, but for its evidence; that it fits was not checked yet."""
        file, state = self._file, self._state
        return Snapshot(
            symbols=Symbols(
                ports=tuple(state["ports"]),
                **{
                    name: file.array(f"symbols.{name}", dtype, 2 if name == "words" else 1)
                    for name, dtype in _SYMBOLS.items()
                },
            ),
            evidence=Evidence.empty(),
            separator=file.array("separator", "bool", 2),
            weights=_read_weights(file),
            generation=state["generation"],
            began_at=state["began_at"],
            ends_at=state["ends_at"],
            words=_read_words(file),
            embeddings=_read_embeddings(file),
            feedback=_read_feedback(file),
            curve=_read_curve(file),
            calibration=_read_calibration(file),
            settings=Settings.without(
                (name for name in state.get("off", ()) if name not in RETIRED), state.get("memory", DEFAULT_MEMORY)
            ),
            forgotten={name: state.get("forgotten", {}).get(name, 0) for name in TABLES},
        )


def verify(path: str | Path) -> None:
    """Read every byte of a brain file and check it, and whether its tables fit each other.

    Raises
    ------
    BrainFileError : a leaf that names the file, the section and what is wrong
    """
    Opened(Path(path)).verify()


def _checked(path: Path) -> Container:
    file = Container(path)
    schema, _, version = file.metadata.get("schema", "").partition("/")
    if schema != SCHEMA or not re.fullmatch("[1-9][0-9]{0,8}", version):
        raise NotABrainError(f"{path} is a safetensors file, but not a brain: name a brain file")
    if int(version) > VERSION:
        raise NewerBrainError(
            f"{path} was written by a later Melvin (schema {SCHEMA}/{version}, this one reads up to "
            f"{SCHEMA}/{VERSION}): upgrade Melvin"
        )
    if file.size < AT_ONCE:
        file.verify()
    return file


def _state(file: Container) -> dict[str, Any]:
    try:
        state = json.loads(file.metadata["state"])
        if _version(file) < BEGAN_SINCE:
            began_at = state["ends_at"] // 2 if state["generation"] else 0  # every generation doubled what was fed
            state["began_at"] = min(began_at, state["fed"])  # less than that where brains of few bytes were merged
        good = all(type(state[name]) is int and 0 <= state[name] < MAX_COUNT for name in _COUNTS)
        thinned = state["thinned"]
        good = good and thinned.keys() <= {*TABLES, PAIRS}
        good = good and all(type(n) is int and 0 <= n < HASH_BITS for n in thinned.values())
        forgotten = state.get("forgotten", {})
        good = good and forgotten.keys() <= {*TABLES}
        good = good and all(type(n) is int and 0 <= n < MAX_COUNT for n in forgotten.values())
        memory = state.get("memory", DEFAULT_MEMORY)
        good = good and type(memory) is int and LEAST_MEMORY <= memory <= MOST_MEMORY
        off = state.get("off", [])
        good = good and type(off) is list and all(name in (*MECHANISMS, *RETIRED) for name in off)
        good = good and state["began_at"] <= state["fed"] < state["ends_at"] and state["halvings"] < HASH_BITS
        ports = state["ports"]
        good = good and type(ports) is list and all(type(name) is str for name in ports) and len({*ports}) == len(ports)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        good = False
    if not good:
        raise DamagedBrainError(f"{file.path}: the section 'state' is damaged: restore the file from a copy")
    return dict(state)


def _read_resume(file: Container, symbols: Symbols) -> Resume | None:
    """Where a training stands; up to version 8 it is told in the header."""
    record = file.metadata.get(RESUME)
    if RESUME in file.names():
        record = file.array(RESUME, "uint8").tobytes().decode("utf-8", "replace")
    if record is None:
        return None
    try:
        return parse_resume(record, symbols)
    except ValueError as error:
        raise DamagedBrainError(
            f"{file.path}: the section {RESUME!r} is damaged ({error}): restore the file from a copy"
        ) from error


def _read_binding(file: Container, state: dict[str, Any]) -> Binding:
    if _version(file) < 3:
        return Binding()
    try:
        return read_binding(file, state.get("episodes"), state["ports"])
    except Contradiction as section:
        raise _contradiction(file.path, str(section)) from section


def _version(file: Container) -> int:
    return int(file.metadata["schema"].partition("/")[2])


def _thinned(file: Container, thinned: dict[str, int]) -> dict[str, int]:
    """How far each table is thinned, by its present name."""
    if _version(file) >= HEADS_SINCE:
        return thinned
    return {name: thinned.get(PAIRS if name == "context_edges" else name, 0) for name in TABLES}


def _read_words(file: Container) -> Words:
    if _version(file) < 2:
        return Words.empty()
    return Words(**{name: file.array(f"words.{name}", dtype) for name, dtype in WORDS.items()})


def _read_weights(file: Container) -> Weights:
    if _version(file) < HEADS_SINCE:
        return Weights.none()
    tables = {field: file.array(f"weights.{field}", "int64", 2) for field in WEIGHTS}
    if _version(file) < ONE_OF_EACH_SINCE:
        tables = {field: _one_of_each(table) for field, table in tables.items()}
    return Weights(**tables)


def _one_of_each(table: I64) -> I64:
    """Heads of an earlier version, those that are one now added up. (heads then, buckets then) -> (HEADS, BUCKETS)"""
    kin, each = HEADS - KIN_ATTENDED, KIN_ATTENDED - OF_CHUNK  # that there were at each place
    if len(table) != _BEGUN * (each + kin) or bool((table < 0).any()) or bool((table >= MAX_COUNT // _BEGUN).any()):
        return table  # whatever that is, no sum of it must look sound
    at = table[: _BEGUN * each].reshape(_BEGUN, each, -1)
    behind, _, chunk = at[:, :OF_CHUNK]
    know_chunks = np.concatenate((at[:, OF_CHUNK:], table[_BEGUN * each :].reshape(kin, _BEGUN, -1).swapaxes(0, 1)), 1)
    anywhere, beginning = know_chunks.sum(0), know_chunks[-1]
    never = np.zeros((EDGE, table.shape[1]), table.dtype)
    by_position = [(behind, chunk, anywhere), (never, beginning), (never, anywhere)]  # inside, beginning, first
    return np.hstack([np.concatenate(parts) for parts in by_position])


def _read_embeddings(file: Container) -> Embeddings:
    if _version(file) < EMBEDDINGS_SINCE:
        return Embeddings.empty()
    return Embeddings(**{name: file.array(f"embedding.{name}", dtype) for name, dtype in EMBEDDINGS.items()})


def _read_feedback(file: Container) -> Feedback:
    if _version(file) < FEEDBACK_SINCE:
        return Feedback.empty()
    return Feedback(**{name: file.array(f"feedback.{name}", dtype) for name, dtype in _FEEDBACK.items()})


def _read_curve(file: Container) -> Curve:
    if _version(file) < CURVE_SINCE:
        return Curve.empty()
    return Curve(**{name: file.array(f"curve.{name}", "int64") for name in _CURVE})


def _read_calibration(file: Container) -> Calibration:
    if _version(file) < CURVE_SINCE:
        return Calibration.empty()
    return Calibration(**{name: file.array(f"calibration.{name}", "int64", n) for name, n in _CALIBRATION.items()})


def _read_evidence(file: Container, where: str) -> Evidence:
    tables = {}
    for name in TABLES:
        section = name
        if name == "context_edges" and _version(file) < HEADS_SINCE:
            section = PAIRS
            if _version(file) < PAIRS_SINCE:
                tables[name] = Counts.empty()
                continue
        tables[name] = read_counts(file, where + section)
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
        raise _contradiction(file.path, "gathering.sample")
    end = np.cumsum(size)
    return [(int(p), data[e - n : e]) for p, n, e in zip(port, size, end, strict=True)]


def _contradiction(path: Path, section: str) -> DamagedBrainError:
    return DamagedBrainError(f"{path}: the section {section!r} contradicts itself: restore the file from a copy")
