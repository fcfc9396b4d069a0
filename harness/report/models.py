"""The report: typed, versioned. JSON of this shape is the truth, every view is made from it.

Units stand in the names. `null` means "not measured", never 0. Within a major version fields are only added;
readers ignore what they do not know and refuse another major.

History
-------
harness.report/1
    First version: kind "ladder".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.errors import ReportError
from harness.plain_text import plain_text

SCHEMA_NAME = "harness.report"
SCHEMA_MAJOR = 1
SCHEMA = f"{SCHEMA_NAME}/{SCHEMA_MAJOR}"


class Model(BaseModel):
    """A part of a report: immutable; unknown fields of a later minor version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """A report holds plain text only, whoever wrote it: so every view may show it."""
        if isinstance(value, list):
            return [plain_text(item) if isinstance(item, str) else item for item in value]
        return plain_text(value) if isinstance(value, str) else value


def _renamed(name: str, default: Any) -> Any:
    """A field whose name in JSON is taken in Python: it has a trailing underscore here."""
    return Field(default=default, serialization_alias=name, validation_alias=AliasChoices(name, name + "_"))


class Stage(Model):
    """Cost of one stage of a rung."""

    name: str
    entered: int
    wall_s: float
    cpu_s: float
    run_queue_wait_s: float | None = None
    peak_rss_bytes: int | None = None
    peak_anon_bytes: int | None = None
    written_bytes: int | None = None
    lines_per_s: float | None = None
    mb_per_s: float | None = None


class Exit(Model):
    """How the worker ended. A negative code is a signal; stopped_for: "memory" or "time" if we ended it."""

    code: int
    signal: str | None = None
    command_code: int | None = None
    stopped_for: str | None = None
    result_complete: bool


class OutputStream(Model):
    """What the worker wrote to stdout or stderr."""

    bytes: int
    lines: int
    head: str = ""
    tail: str = ""


class Sample(Model):
    """Memory at one moment of an attempt."""

    at_s: float
    stage: str
    bytes: int
    lines: int
    rss_bytes: int
    anon_bytes: int


class Attempt(Model):
    """One worker, from start to end."""

    limiter: str
    verdict: str
    because: str
    wall_s: float
    cpu_s: float
    involuntary_switches: int
    peak_rss_bytes: int
    peak_anon_bytes: int
    exit: Exit
    last_stage: str
    last_bytes: int
    last_lines: int
    stdout: OutputStream
    stderr: OutputStream
    fault: str = ""
    samples: list[Sample] = Field(default_factory=list)
    black_box: str | None = None


class Learning(Model):
    """Cost and speed of all stages of learning together. mb_per_s: 10^6 bytes."""

    wall_s: float
    cpu_s: float
    run_queue_wait_s: float | None = None
    lines_per_s: float
    lines_per_cpu_s: float | None = None
    mb_per_s: float
    mb_per_cpu_s: float | None = None


class Quality(Model):
    """What learning was good for: so that a learner which is fast because it learns nothing is seen."""

    bits_per_byte: float | None = None
    heldout_bytes: int | None = None
    facts_planted: int
    facts_asked: int
    facts_recalled: int


class Latency(Model):
    """How long an answer took (wall)."""

    queries: int
    median_s: float
    p99_s: float


class Brain(Model):
    """What was learnt, and its size on disk."""

    file_bytes: int
    nodes: int
    edges: int
    stats: dict[str, int]


class Check(Model):
    """Something that must be true after a rung, and the verdict that follows when it is not."""

    name: str
    holds: bool
    verdict: str
    detail: str = ""


class Rung(Model):
    """One size, tried. Stages and measures are those of the deciding attempt."""

    size_bytes: int
    label: str
    corpus_bytes: int
    corpus_lines: int
    verdict: str
    passed: bool
    because: str
    peak_rss_bytes: int
    peak_anon_bytes: int
    stages: list[Stage]
    learning: Learning | None = None
    quality: Quality | None = None
    latency: Latency | None = None
    brain: Brain | None = None
    checks: list[Check] = Field(default_factory=list)
    attempts: list[Attempt]


class Break(Model):
    """Between which sizes the subject breaks, under the limits of this run: an outer bound, not a property of
    it alone.

    last_passed_bytes : None when the first rung already broke
    confirmed_by : the limiters under which the first broken rung broke
    """

    last_passed_bytes: int | None
    first_broken_bytes: int
    verdict: str
    because: str
    confirmed_by: list[str]


class Slope(Model):
    """cost ~ size^value between two sizes, with a 95 % interval."""

    from_bytes: int
    to_bytes: int
    value: float
    low: float
    high: float


class Scaling(Model):
    """How costs grow with size, over the rungs that passed.

    time, memory : one slope over the rungs from `scaling_from_bytes` on (small rungs measure the start, not
    the growth) time_steps, memory_steps : the local slope of each step
    peak_anon_bytes_per_byte, brain_bytes_per_byte : per further byte of input, from the last two rungs
    """

    scaling_from_bytes: int
    time: Slope | None = None
    memory: Slope | None = None
    time_steps: list[Slope] = Field(default_factory=list)
    memory_steps: list[Slope] = Field(default_factory=list)
    peak_anon_bytes_per_byte: float | None = None
    brain_bytes_per_byte: float | None = None


class Machine(Model):
    """Where it ran: part of what makes two reports comparable."""

    fingerprint: str
    cpu_model: str
    cores: int
    memory_bytes: int
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


class Settings(Model):
    """Under which conditions."""

    corpus: str | None = Field(description="None: the generator of the workload")
    seed: int
    sizes_bytes: list[int]
    memory_limit_bytes: int
    time_limit_s: float
    limiter: str
    min_lines_per_s: float | None = None
    required_bytes: int | None = None
    bisect_runs: int


class Report(Model):
    """All of it."""

    schema_: str = _renamed("schema", default=SCHEMA)
    kind: str
    created: str
    command: list[str]
    exit_code: int
    tool: Tool
    machine: Machine
    subject: Subject
    settings: Settings
    rungs: list[Rung]
    narrowing: list[Rung] = Field(default_factory=list)
    break_: Break | None = _renamed("break", default=None)
    scaling: Scaling | None = None
    interrupted: str | None = Field(default=None, description="by what, and where, when it did not come to its end")
    notes: list[str] = Field(default_factory=list)

    def to_json(self) -> str:
        return self.model_dump_json(by_alias=True, indent=1)


def read_report(path: Path) -> Report:
    """The report in a file.

    Raises
    ------
    ReportError
        if it is not there, is no report, or is of another major version.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{path} is not JSON: {error}") from error
    return parse_report(document, str(path))


def parse_report(document: Any, name: str) -> Report:
    """A report from decoded JSON; `name` is for the messages."""
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str) or not schema.startswith(SCHEMA_NAME + "/"):
        raise ReportError(f'{name} is not a report: expected "schema": "{SCHEMA}", found {schema!r}')
    if schema != SCHEMA:
        raise ReportError(f"{name} is {schema}, this harness reads {SCHEMA}: use the harness version that wrote it")
    try:
        return Report.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{name} is damaged at {place}: {first['msg']}") from error
