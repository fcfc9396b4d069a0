"""The subject: what is measured. Only a worker ever imports one.

A subject in ten lines, named on the command line as `python:my.module:Counts`:

    class Counts:
        def __init__(self): self.seen = collections.Counter()
        def learn(self, corpus, clock):
            for line in corpus.open("rb"): self.seen.update(line.split())
        def save(self, path): path.write_text(json.dumps(...))
        def load(self, path): self.seen = ...
        def query(self, text): return ...
        def stats(self): return {"nodes": len(self.seen), "edges": 0}

What it offers beyond that (`score`, `verify`, `resumable`, `mechanisms`) it has; what it lacks is reported as null, not
as a failure. `deterministic = False` and `recalls = False` take back what is taken for granted. A class with `budgeted
= True` is made with `memory=BYTES`, the memory limit of its rung, so that it can stay below it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from harness.errors import SubjectError, SubjectMissing


class Clock(Protocol):
    """What a subject may tell while it learns; all of it is optional."""

    def enter(self, stage: str, /) -> None:
        """The stage about to run: "read", "parse", "count", "consolidate", or a name of the subject's own."""

    def progress(self, at_bytes: int, at_lines: int, nodes: int = -1, edges: int = -1) -> None:
        """How far learning has come."""


class Subject(Protocol):
    """A learner, as the harness sees it. It is made without arguments; one that can do `without`, with that one."""

    def learn(self, corpus: Path, clock: Clock) -> None:
        """Learn all lines of a file. Called again, it goes on learning."""

    def save(self, path: Path) -> None:
        """Write everything that was learnt."""

    def load(self, path: Path) -> None:
        """Become what was saved. Called on a fresh subject."""

    def query(self, text: str) -> str:
        """How the text goes on."""

    def stats(self) -> Mapping[str, int]:
        """Sizes: "nodes", "edges" (0 if there are none), and further counts that must survive a save."""


OURS = ("harness", "scaling_suite")  # never come from the folder of a subject: they measure
METHODS = ("learn", "save", "load", "query", "stats")


@runtime_checkable
class Scores(Protocol):
    """A subject that can tell what a text costs it."""

    def score(self, lines: Sequence[bytes]) -> float:
        """Bits per byte of lines (without their line feeds, which count as one byte each)."""


@runtime_checkable
class Verifies(Protocol):
    """A subject that can check its file without becoming it."""

    def verify(self, path: Path) -> None:
        """Raise if the file is damaged."""


@runtime_checkable
class Ablates(Protocol):
    """A subject of which parts can be switched off: made with `without=(name, ...)`, it learns without them."""

    def mechanisms(self) -> Mapping[str, Sequence[str]]:
        """What is worth switching off, by name: one mechanism, or a group of them."""


@runtime_checkable
class Probes(Protocol):
    """A subject that can be put to further tests of its own."""

    def probe(self) -> Mapping[str, float]:
        """What each capability reaches, from 0 to 1, by name; with brains of its own, made `without` the same."""


def is_resumable(subject: Subject) -> bool:
    """Whether it promises that learning on after a save and a load gives the file of one go."""
    return bool(getattr(subject, "resumable", False))


def is_deterministic(subject: Subject) -> bool:
    """Whether the same text gives the same counts and answers; taken for granted unless it says otherwise."""
    return bool(getattr(subject, "deterministic", True))


def is_to_recall(subject: Subject) -> bool:
    """Whether facts of the text should come back when asked for; taken for granted unless it says otherwise."""
    return bool(getattr(subject, "recalls", True))


@dataclass(frozen=True)
class SubjectName:
    """A subject as named on the command line.

    module, class_name : what a worker imports; empty for a command
    command : the part `command` of a job, for a command subject
    without : mechanisms that it is to do without
    memory : the memory limit of its rung, in bytes; None where there is none
    code : the folder that its package is imported from; None: from wherever Python finds it
    """

    text: str
    module: str = ""
    class_name: str = ""
    command: dict[str, Any] | None = None
    without: tuple[str, ...] = ()
    memory: int | None = None
    code: str | None = None

    @property
    def job(self) -> dict[str, Any]:
        """What a job says about its subject."""
        if self.command is None:
            return {"task": "train", "subject": self.text, "without": list(self.without), "code": self.code}
        return {"task": "command", "subject": self.text, "command": self.command}

    @property
    def package(self) -> str:
        """The package whose code is measured: part of what makes two reports comparable."""
        return "melvin" if self.text == "melvin" else self.module.partition(".")[0]


BUILT_IN = {"melvin": ("harness.subjects.melvin", "Melvin")}


def parse_subject(text: str) -> SubjectName:
    """`melvin`, `python:package.module:Class`, or `command:file.toml`.

    Raises
    ------
    SubjectError
        for any other form, and for a command that cannot be run.
    """
    if "\0" in text:
        raise SubjectError(f"unknown subject {text!r}: it holds a NUL byte")
    if text in BUILT_IN:
        return SubjectName(text, *BUILT_IN[text])
    kind, _, rest = text.partition(":")
    module, _, class_name = rest.partition(":")
    if kind == "python" and module and class_name:
        return SubjectName(text, module, class_name)
    if kind == "command" and rest:
        from harness.command_subject import read_command_subject, resolve  # pydantic: workers do without

        path = Path(rest)
        return SubjectName(text, command=resolve(read_command_subject(path), path))
    known = ", ".join(sorted(BUILT_IN))
    raise SubjectError(f"unknown subject {text!r}: expected {known}, python:package.module:Class or command:file.toml")


def subject_of(job: Mapping[str, Any]) -> SubjectName:
    """The subject that a job names. Only in a worker."""
    memory = job.get("limits", {}).get("memory_bytes")
    named = parse_subject(job["subject"])
    return replace(named, without=tuple(job.get("without", ())), memory=memory, code=job.get("code"))


def places_outside(package: str, folder: Path) -> list[str]:
    """Where an imported package lies, as far as that is not in a folder."""
    imported = sys.modules[package]
    places = [*getattr(imported, "__path__", ()), *filter(None, [getattr(imported, "__file__", None)])]
    return [place for place in places if not Path(place).resolve().is_relative_to(folder.resolve())]


def make_subject(name: SubjectName) -> Subject:
    """Import and make it. Only in a worker.

    Raises
    ------
    SubjectMissing
        if the module cannot be found, has no such class, the class lacks a method, or it is the code of another folder.
    """
    if name.code is not None and name.code not in sys.path:
        for ours in OURS:  # a package that is imported finds its modules where it lies
            importlib.import_module(ours)
        sys.path.insert(0, name.code)
    try:
        module = importlib.import_module(name.module)
    except ModuleNotFoundError as error:
        raise SubjectMissing(f"subject {name.text}: {error}") from error
    if name.code is not None and (others := places_outside(name.package, Path(name.code))):
        raise SubjectMissing(
            f"subject {name.text}: {name.package} is in {name.code}, but was imported from {others[0]}"
        )
    make: Any = getattr(module, name.class_name, None)
    if make is None:
        raise SubjectMissing(f"subject {name.text}: module {name.module} has no {name.class_name}")
    asked: dict[str, Any] = {"without": name.without} if name.without else {}
    if name.memory is not None and getattr(make, "budgeted", False):
        asked["memory"] = name.memory
    subject: Subject = make(**asked)
    if lacking := [method for method in METHODS if not callable(getattr(subject, method, None))]:
        raise SubjectMissing(
            f"subject {name.text}: {name.class_name} has no {', '.join(lacking)}; a subject has {', '.join(METHODS)}"
        )
    return subject
