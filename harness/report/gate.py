"""The report of a gate: typed, versioned. JSON of this shape is the truth, every view is made from it.

Units stand in the names. `null` means "not measured", never 0. Within a major version fields are only added.

History
-------
harness.gate/1
    First version.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from harness.report.document import Document, Subject, renamed
from harness.report.part import Above0, Amount, Count, Model, one_of

SCHEMA = "harness.gate/1"
BASE, CANDIDATE = "base", "candidate"
SIDES = (BASE, CANDIDATE)
Outcome = Literal["ok", "regression", "cannot_tell"]


class Run(Model):
    """One run of learning in a process of its own."""

    cpu_s: Above0
    wall_s: Amount
    run_queue_wait_s: Amount | None
    peak_anon_bytes: Count


class Pair(Model):
    """Two runs next to each other; in the first pair, the third, … the base goes first."""

    base: Run
    candidate: Run


class Tolerance(Model):
    """What is let pass: half of the slowdown that must be caught; how much more work and memory."""

    slowdown: Amount
    work: Amount
    memory: Amount


class Measure(Model):
    """What one thing costs on both sides.

    base, candidate : CPU seconds ("time"), opcodes a line ("work"), bytes ("memory")
    ratio : of the candidate's to the base's, with an interval of 95 % where there is one
    most : the ratio above which it is a regression
    """

    name: Literal["time", "work", "memory"]
    base: Amount
    candidate: Amount
    ratio: Amount
    low: Amount | None = None
    high: Amount | None = None
    most: Amount
    outcome: Outcome
    because: str


class Broken(Model):
    """The side that did not end its learning well, and how it ended."""

    side: str = one_of(*SIDES)
    verdict: str
    because: str
    black_box: str | None = None


class Settings(Model):
    """Under which conditions."""

    corpus: str | None = Field(description="None: the generator of the workload")
    seed: int
    size_bytes: Count
    corpus_lines: Count | None = None
    memory_limit_bytes: Count
    time_limit_s: Amount
    tolerance: Tolerance
    most_pairs: Count


class Gate(Document):
    """All of it. base_named : how the base was asked for"""

    schema_: str = renamed("schema", default=SCHEMA)
    base_named: str
    base: Subject
    candidate: Subject
    settings: Settings
    measures: list[Measure]
    pairs: list[Pair]
    broken: Broken | None = None
    interrupted: str | None = None

    @model_validator(mode="after")
    def _pairs_have_their_time(self) -> Self:
        """Where there are pairs, their time is the first measure."""
        names = [measure.name for measure in self.measures]
        if self.pairs and names[:1] != ["time"]:
            raise ValueError(f'there are pairs, so the first of the measures is "time"; found {names}')
        return self

    @property
    def time(self) -> Measure | None:
        """CPU time of learning; None where no pair was run."""
        return next((measure for measure in self.measures if measure.name == "time"), None)

    @property
    def regressions(self) -> list[Measure]:
        return [measure for measure in self.measures if measure.outcome == "regression"]

    @property
    def same_code(self) -> bool:
        """Whether both sides are known to run the same code."""
        known = self.base.code_fingerprint is not None and self.candidate.name == self.base.name
        return known and self.base.code_fingerprint == self.candidate.code_fingerprint
