"""What every report says: of which form it is, when and how it was made, with what and where. And how one is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import AliasChoices, Field, ValidationError

from harness.errors import ReportError
from harness.report.part import Count, Model


def renamed(name: str, default: Any) -> Any:
    """A field whose name in JSON is taken in Python: it has a trailing underscore here."""
    return Field(default=default, serialization_alias=name, validation_alias=AliasChoices(name, name + "_"))


class Machine(Model):
    """Where it ran: part of what makes two reports comparable."""

    fingerprint: str
    cpu_model: str
    cores: Count
    memory_bytes: Count
    system: str
    load_1min: float | None = None


class Tool(Model):
    """What measured."""

    harness: str
    python: str
    packages: dict[str, str] = Field(default_factory=dict)


class Subject(Model):
    """What was measured. code_fingerprint: SHA-256 over the source files of its package."""

    name: str
    code_fingerprint: str | None = None
    commit: str | None = None
    dirty: bool | None = None


class Document(Model):
    """A report of any kind; each names its schema, of which only the version after the slash may change.

    command : what was run;  exit_code : what it said to a script
    """

    schema_: str = renamed("schema", default="")
    created: str
    command: list[str]
    exit_code: int
    tool: Tool
    machine: Machine

    def to_json(self) -> str:
        return self.model_dump_json(by_alias=True, indent=1)

    @classmethod
    def schema_name(cls) -> str:
        """What it is, whatever the version."""
        return str(cls.model_fields["schema_"].default).partition("/")[0]


Kind = TypeVar("Kind", bound=Document)


def read_json(path: Path) -> Any:
    """What is in a file.

    Raises
    ------
    ReportError : it is not there, or is not JSON
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ReportError(
            f"{path}: {error.strerror}; a report is a report.json, or the folder that holds one"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{path} is not JSON: {error}") from error


def parse_document(document: Any, name: str, *kinds: type[Kind]) -> Kind:
    """A report of one of these kinds from decoded JSON; `name` is for the messages.

    Raises
    ------
    ReportError : it is none of them, of another version, or damaged
    """
    schema = document.get("schema") if isinstance(document, dict) else None
    named = {kind.schema_name(): kind for kind in kinds}
    kind = named.get(schema.partition("/")[0]) if isinstance(schema, str) else None
    if kind is None:
        known = " or ".join(f'"{kind.model_fields["schema_"].default}"' for kind in kinds)
        raise ReportError(f'{name} is not a report that is read here: expected "schema": {known}, found {schema!r}')
    if schema != kind.model_fields["schema_"].default:
        reads = kind.model_fields["schema_"].default
        raise ReportError(f"{name} is {schema}, this harness reads {reads}: use the harness version that wrote it")
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise ReportError(f"{name} is damaged{' at ' if place else ''}{place}: {what}") from error
