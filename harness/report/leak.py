"""The report of a leak hunt: typed, versioned. JSON of this shape is the truth, every view is made from it.

Units stand in the names. `null` means "not measured", never 0. Within a major version fields are only added.

History
-------
harness.leak/1
    First version.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from harness.report.document import Document, Subject, renamed
from harness.report.part import Above0, Amount, Count, Model, one_of

SCHEMA = "harness.leak/1"
# The field of a reading, by ledger.
FIELDS = {"blocks": "blocks", "objects": "objects", "malloc": "malloc_bytes", "resident": "anon_bytes"}


class Reading(Model):
    """The ledgers at the end of an epoch, when all that was made in it is dropped and collected.

    blocks : blocks of Python objects; objects : those of them that the garbage collector follows
    malloc_bytes : in use by malloc; anon_bytes : private memory that is resident
    trimmed_anon_bytes : the same after free memory was handed back; of the last epoch of warm-up, and the last of all
    """

    epoch: Count
    blocks: Count
    objects: Count
    malloc_bytes: Count | None = None
    anon_bytes: Count | None = None
    trimmed_anon_bytes: Count | None = None

    def of(self, ledger: str) -> int | None:
        """What a ledger had; None where it was not read."""
        value: int | None = getattr(self, FIELDS[ledger])
        return value


class Trend(Model):
    """One ledger over the epochs that count: what each adds, with a 99 % interval. Bytes, or blocks of Python objects.

    per_line : of the text, each time that it is learnt; at_first : where the fitted line stands in the first of them
    floor_per_epoch : less than this is not called a rise; says : "rises", "flat", or "noisy"
    """

    ledger: str = one_of(*FIELDS)
    per_epoch: float
    low: float
    high: float
    per_line: float
    at_first: float
    floor_per_epoch: Above0
    says: str = one_of("rises", "flat", "noisy")


class Site(Model):
    """A place in the code whose memory stays: where it was allocated, and the last frames, the innermost one last."""

    where: str
    function: str = ""
    bytes_per_epoch: float
    blocks_per_epoch: float
    stack: list[str] = Field(default_factory=list)


class Kind(Model):
    """A type of which there are more objects each epoch; held_by : what refers to the newest of them, outwards."""

    name: str
    per_epoch: float
    held_by: list[str] = Field(default_factory=list)


class Profile(Model):
    """What a profiler saw, in a worker of its own. Between epochs it learnt the same text `epochs` times more.

    problem : why there is nothing; file : what it recorded, in the folder of the report
    """

    profiler: str
    epochs: Count
    bytes_per_epoch: float | None = None
    sites: list[Site] = Field(default_factory=list)
    kinds: list[Kind] = Field(default_factory=list)
    file: str | None = None
    problem: str | None = None


class Broke(Model):
    """How the worker ended that should have gone through all epochs, where it did not; fault : its stack."""

    verdict: str
    because: str
    fault: str = ""
    stderr_tail: str = ""


class Settings(Model):
    """Under which conditions. warm_up_epochs : the first ones, which do not count"""

    corpus: str | None = Field(description="None: the generator of the workload")
    seed: int
    size_bytes: Count
    corpus_lines: Count | None = None
    epochs: Count
    warm_up_epochs: Count
    memory_limit_bytes: Count
    time_limit_s: Amount


class LeakReport(Document):
    """All of it.

    verdict : of the decision table; because : on what grounds
    returned_share : of what the resident ledger rose by, the part that came back when it was asked for
    """

    schema_: str = renamed("schema", default=SCHEMA)
    subject: Subject
    settings: Settings
    verdict: str
    confidence: str
    because: str
    trends: list[Trend]
    returned_share: float | None = None
    readings: list[Reading]
    profiles: list[Profile] = Field(default_factory=list)
    broke: Broke | None = None
    interrupted: str | None = None

    @model_validator(mode="after")
    def _trends_are_of_readings(self) -> Self:
        """Epochs go up, and a ledger with a trend was read in one that counts."""
        epochs = [one.epoch for one in self.readings]
        if any(later <= earlier for earlier, later in pairwise(epochs)):
            raise ValueError("the epochs of the readings do not go up")
        for trend in self.trends:
            if all(one.of(trend.ledger) is None for one in self.counted):
                raise ValueError(f'the ledger "{trend.ledger}" has a trend, and no reading after the warm-up')
        return self

    @property
    def counted(self) -> list[Reading]:
        """The readings after the warm-up."""
        return self.readings[self.settings.warm_up_epochs :]

    def trend(self, ledger: str) -> Trend | None:
        return next((one for one in self.trends if one.ledger == ledger), None)
