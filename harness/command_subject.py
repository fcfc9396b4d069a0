"""A command subject: a trainer that is a program, described in a TOML file by argument vectors. No shell.

    train = ["./trainer", "train", "{brain}", "{corpus}"]
    stats = ["./trainer", "stats", "{brain}"]
    query = ["./trainer", "query", "{brain}", "{query}"]

    [reads]
    nodes = 'nodes: (\\d+)'

The orchestrator reads and checks the file; what a worker needs of it travels in the job, as plain JSON.
"""

from __future__ import annotations

import difflib
import re
import shutil
import string
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from harness.errors import SubjectError
from harness.placeholders import placeholders
from harness.plain_text import one_line

PLACEHOLDERS = {
    "build": {"built"},
    "train": {"corpus", "brain", "lines", "built"},
    "stats": {"brain", "built"},
    "query": {"brain", "query", "built"},
    "resume": {"corpus", "brain", "lines", "built"},
    "verify": {"brain", "built"},
}
Argv = list[str]
SHOWN = 60  # characters of what was found


class Reads(BaseModel):
    """Regular expressions (Python's, searched in each line of stdout and stderr); the first group is the value.

    The last match counts. progress_lines and progress_bytes say how far training has come, stage names a stage of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: str | None = None
    bytes: str | None = None
    nodes: str | None = None
    edges: str | None = None
    progress_lines: str | None = None
    progress_bytes: str | None = None
    stage: str | None = None
    answer: str | None = Field(default=None, description="None: all that a query prints to stdout")

    @field_validator("*")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            pattern = re.compile(value.encode(), re.MULTILINE)
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        if pattern.groups < 1:
            raise ValueError(f"{value!r} has no group: put the value in parentheses, as in 'nodes: (\\d+)'")
        return value


class Expects(BaseModel):
    """What a correct brain must satisfy. Set one to false where the trainer promises otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes_after_load: bool = Field(default=True, description="`stats` on the brain finds more than 0 nodes")
    same_counts: bool = Field(default=True, description="`stats` finds the counts that `train` printed")
    query_leaves_brain: bool = Field(default=True, description="a query does not change the brain")
    recalls: bool = Field(default=True, description="query goes on with the text; false for a tokenizer, say")
    deterministic: bool = Field(default=True, description="a second training gives the same counts and answers")


class CommandSubject(BaseModel):
    """The whole file. Relative programs and folders start at the folder of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(default=None, description="for people: `subject check` says it")
    train: Argv
    stats: Argv | None = None
    query: Argv | None = None
    resume: Argv | None = Field(default=None, description="learns {corpus} on top of {brain}, in place")
    verify: Argv | None = None
    build: Argv | None = Field(default=None, description="run once before; {built} is a folder for what it makes")
    folder: str = Field(default=".", description="the working folder of every command")
    stdin: Literal["nothing", "input"] = Field(
        default="nothing", description='"input": train and resume read the corpus there, query the question'
    )
    environment: dict[str, str] = Field(default_factory=dict)
    reads: Reads = Reads()
    expects: Expects = Expects()

    @field_validator("train", "stats", "query", "resume", "verify", "build")
    @classmethod
    def _not_empty(cls, argv: Argv | None) -> Argv | None:
        if argv is not None and (not argv or not argv[0]):
            raise ValueError('an argument vector starts with a program: ["./trainer", "train", "{brain}", "{corpus}"]')
        return argv

    @field_validator("environment")
    @classmethod
    def _names(cls, environment: dict[str, str]) -> dict[str, str]:
        for name in environment:
            if not name or "=" in name:
                raise ValueError(f"{name!r} is no name of a variable: it is empty or holds an equals sign")
        return environment

    @field_validator("*", mode="before")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        if "\\x00" in repr(value):
            raise ValueError("it holds a NUL byte, which no argument, folder or variable can")
        return value

    @model_validator(mode="after")
    def _known_placeholders(self) -> CommandSubject:
        for name, known in PLACEHOLDERS.items():
            for argument in getattr(self, name) or []:
                for unknown in placeholders(argument) - known:
                    offered = ", ".join(f"{{{word}}}" for word in sorted(known))
                    raise ValueError(f"{name}: {argument!r} holds {{{unknown}}}; {name} knows {offered}")
                if self.build is None and "built" in placeholders(argument):
                    raise ValueError(f"{name}: {argument!r} holds {{built}}, but there is no build step that fills it")
        said = " ".join(self.train)
        if "{corpus}" not in said and self.stdin == "nothing":
            raise ValueError('train never gets the corpus: put {corpus} in its arguments, or set stdin = "input"')
        if "{brain}" not in said:
            raise ValueError("train is never told where to save: put {brain} in its arguments")
        return self


def read_command_subject(path: Path) -> CommandSubject:
    """The subject in a TOML file.

    Raises
    ------
    SubjectError
        with one sentence: what was found, what was expected.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SubjectError(f"{path}: {error.strerror}; a command subject is a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SubjectError(f"{path} is not TOML: {error}") from error
    try:
        return CommandSubject.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SubjectError(f"{path}: {place + ': ' if place else ''}{_problem(first)}") from error


KINDS = {
    "list_type": 'a list of texts is expected, as in ["./trainer", "train", "{brain}", "{corpus}"]',
    "string_type": "a text is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "dict_type": 'names and texts are expected, as in { OMP_NUM_THREADS = "1" }',
    "model_type": "a table is expected",
}


def _problem(error: ErrorDetails) -> str:
    """What is wrong, in words that need no knowledge of this program."""
    kind, found = error["type"], one_line(repr(error["input"]), SHOWN)
    if kind == "missing":
        return "it is not there, and must be"
    if kind == "extra_forbidden":
        inner: dict[str, type[BaseModel]] = {"reads": Reads, "expects": Expects}
        table = str(error["loc"][0]) if len(error["loc"]) > 1 else ""
        known = list(inner.get(table, CommandSubject).model_fields)
        near = difflib.get_close_matches(str(error["loc"][-1]), known, 1)
        return f"there is no such key{f'; is {near[0]} meant?' if near else '.'} Known are {', '.join(known)}"
    if kind in KINDS:
        return f"{KINDS[kind]}, not {found}"
    return error["msg"].removeprefix("Value error, ")


def resolve(subject: CommandSubject, path: Path) -> dict[str, Any]:
    """What a worker needs, with every path absolute: the part `command` of a job.

    Raises
    ------
    SubjectError
        if a program or the working folder is not there.
    """
    home = (path.parent / subject.folder).resolve()
    if not home.is_dir():
        raise SubjectError(f"{path}: the working folder {home} is not there")
    job = subject.model_dump(mode="json", exclude={"folder", "name"})
    for name in PLACEHOLDERS:
        argv = job[name]
        if argv is not None:
            job[name] = [_program(argv[0], home, path), *argv[1:]]
    job["folder"] = str(home)
    return job


def _program(name: str, home: Path, path: Path) -> str:
    if "{built}" in name:
        return name
    found = shutil.which(str(home / name) if "/" in name else name)
    if found is None:
        where = f"in {home}" if "/" in name else "on PATH"
        raise SubjectError(f"{path}: there is no program {name!r} {where}, or it may not be run: build or install it")
    return found


def formatted(argv: Argv) -> str:
    """An argument vector for a person to read."""
    plain = set(string.ascii_letters + string.digits + "-_./{}=:,+")
    return " ".join(word if word and set(word) <= plain else repr(word) for word in argv)
