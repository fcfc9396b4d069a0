"""The report of a profile: typed, versioned. JSON of this shape is the truth, every view is made from it.

Units stand in the names. `null` means "not measured", never 0. Within a major version fields are only added.

History
-------
harness.profile/1
    First version.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import PurePath
from typing import Self

from pydantic import Field, field_validator, model_validator

from harness.report.document import Document, Subject, renamed
from harness.report.part import Amount, Count, Model
from harness.stacks import Frame, Stack

SCHEMA = "harness.profile/1"


class Call(Model):
    """A frame of a stack."""

    function: str
    file: str
    line: int

    @field_validator("file")
    @classmethod
    def _names_a_file(cls, file: str) -> str:
        if file and not PurePath(file).parts:
            raise ValueError(f'"{file}" is no file')
        return file


class Weighed(Model):
    """One stack: numbers of its frames, the outermost call first; seconds, or bytes."""

    frames: list[Count]
    weight: Amount


class Stacks(Model):
    """What a profiler saw. file : what it wrote itself, beside the report, for its own tools"""

    file: str
    frames: list[Call]
    stacks: list[Weighed]

    @model_validator(mode="after")
    def _frames_are_there(self) -> Self:
        """Every number in a stack is that of a frame."""
        most = max((at for one in self.stacks for at in one.frames), default=-1)
        if most >= len(self.frames):
            raise ValueError(f"a stack has frame {most}, and there are {len(self.frames)}, counted from 0")
        return self

    @cached_property
    def weights(self) -> dict[Stack, float]:
        """The same, with each stack spelt out."""
        frames = [Frame(call.function, call.file, call.line) for call in self.frames]
        return {tuple(frames[at] for at in one.frames): one.weight for one in self.stacks}

    @property
    def total(self) -> float:
        return sum(one.weight for one in self.stacks)


class Time(Stacks):
    """Seconds in which learning was running, by stack, of all threads and processes; from so many samples a second."""

    rate_hz: Count


class Snapshot(Model):
    """Memory at one moment. heap_bytes : asked of the allocators and not given back"""

    at_s: Amount
    rss_bytes: Count
    heap_bytes: Count


class Memory(Stacks):
    """Bytes that were held when learning held most, by the stack that asked for them."""

    allocations: Count
    snapshots: list[Snapshot]


class Settings(Model):
    """Under which conditions."""

    corpus: str | None = Field(description="None: the generator of the workload")
    seed: int
    size_bytes: Count
    corpus_lines: Count
    memory_limit_bytes: Count
    time_limit_s: Amount
    native: bool


class Profile(Document):
    """All of it. problems : why a part is missing that was asked for, or what is missing in one"""

    schema_: str = renamed("schema", default=SCHEMA)
    subject: Subject
    settings: Settings
    time: Time | None = None
    memory: Memory | None = None
    problems: list[str] = Field(default_factory=list)
    interrupted: str | None = None
