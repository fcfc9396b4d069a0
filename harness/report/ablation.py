"""The report of an ablation: typed, versioned. JSON of this shape is the truth, every view is made from it.

Units stand in the names. `null` means "not measured", never 0. Within a major version fields are only added.

History
-------
harness.ablation/1
    First version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from harness.report.document import Document, Subject, renamed
from harness.report.part import Amount, Count, Model

SCHEMA = "harness.ablation/1"
FULL = "full"  # the variant with every mechanism
WORTH_BITS = 0.001  # per byte: less is within what another choice of held-out lines would change
SAVES = 0.02  # of memory or size: less is not called a cost, nor a saving
FASTER = 0.05  # of speed, which is never the same twice


class Measures(Model):
    """What a variant reached, and what it cost; or how much more than the full subject did.

    capabilities : what each probe reached, from 0 to 1, by name
    """

    bits_per_byte: float | None = None
    facts_recalled: int | None = None
    lines_per_cpu_s: float | None = None
    peak_anon_bytes: int | None = None
    brain_bytes: int | None = None
    capabilities: dict[str, float] = Field(default_factory=dict)

    def minus(self, other: Measures) -> Measures:
        """How much more this is, where both are known."""
        names = ("bits_per_byte", "facts_recalled", "lines_per_cpu_s", "peak_anon_bytes", "brain_bytes")
        found: dict[str, Any] = {name: _minus(getattr(self, name), getattr(other, name)) for name in names}
        known = self.capabilities.keys() & other.capabilities.keys()
        shared = {name: self.capabilities[name] - other.capabilities[name] for name in sorted(known)}
        return Measures(**found, capabilities=shared)


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


class Variant(Model):
    """The subject without some mechanisms. difference : how much more than the full subject; null for that one."""

    name: str
    without: list[str]
    verdict: str
    passed: bool
    because: str
    measures: Measures
    difference: Measures | None = None
    black_box: str | None = None

    def brings(self, full: Measures) -> list[str]:
        """What gets worse without the mechanism. Time does not count: the machine's other work is in it."""
        change = self.difference
        if change is None:
            return []
        found = []
        if (change.bits_per_byte or 0.0) >= WORTH_BITS:
            found.append("bits/byte")
        if (change.facts_recalled or 0) < 0:
            found.append("recall")
        found += [name for name, more in change.capabilities.items() if more < 0]
        return found + [name for name, share in self._resources(full) if share > SAVES]

    def costs(self, full: Measures) -> list[str]:
        """What gets cheaper without the mechanism."""
        change = self.difference
        speed = change.lines_per_cpu_s if change is not None else None
        faster = bool(speed and full.lines_per_cpu_s and speed / full.lines_per_cpu_s > FASTER)
        return ["time"] * faster + [name for name, share in self._resources(full) if share < -SAVES]

    def _resources(self, full: Measures) -> list[tuple[str, float]]:
        """How much more memory and size it takes without the mechanism, as a share."""
        change = self.difference or Measures()
        pairs = (
            ("memory", change.peak_anon_bytes, full.peak_anon_bytes),
            ("size", change.brain_bytes, full.brain_bytes),
        )
        return [(name, more / of) for name, more, of in pairs if more is not None and of]


class Settings(Model):
    """Under which conditions. repeats : tries of each variant, of which the one with the least CPU time counts."""

    corpus: str | None = Field(description="None: the generator of the workload")
    seed: int
    size_bytes: Count
    corpus_lines: Count | None = None
    heldout_bytes: Count | None = None
    facts_asked: Count | None = None
    memory_limit_bytes: Count
    time_limit_s: Amount
    repeats: Count


class Ablation(Document):
    """All of it. The first variant is the full subject."""

    schema_: str = renamed("schema", default=SCHEMA)
    subject: Subject
    settings: Settings
    variants: list[Variant]
    interrupted: str | None = None

    @property
    def full(self) -> Variant | None:
        return next((one for one in self.variants if one.name == FULL), None)


def with_differences(variants: Sequence[Variant]) -> list[Variant]:
    """Each variant beside the full one."""
    full = next((one for one in variants if one.name == FULL and one.passed), None)
    return [
        one
        if full is None or one is full or not one.passed
        else one.model_copy(update={"difference": one.measures.minus(full.measures)})
        for one in variants
    ]
