"""Parts of a report about fidelity: what faults left on the disk, what a round trip lost. And their tables. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from harness import units
from harness.report.part import Model

COUNTS = ("points", "before", "after", "refused", "corrupt", "littered", "died")
SHOWN_DETAILS = 3  # of a row; the report has more


class FaultRow(Model):
    """One sweep: a kind of fault, at many points.

    before, after : points that left exactly the old or exactly the new state
    refused : damaged files that were recognised
    corrupt : points that left anything else;  littered : that left other files behind
    died : points that ended the process by a signal that was not ours (what is on the disk counts all the same)
    """

    sweep: str
    kind: str
    by: str
    points: int
    before: int
    after: int
    refused: int
    corrupt: int
    littered: int
    died: int
    details: list[str] = Field(default_factory=list)
    note: str = ""


class Faults(Model):
    """Every sweep that was run, and what could not be, with the reason. file_bytes : of the file that is hit."""

    file_bytes: int
    short: bool = False
    rows: list[FaultRow]
    left_out: list[str] = Field(default_factory=list)

    def total(self, count: str, sweeps: str = "") -> int:
        """Of one of `COUNTS`, over all sweeps or those of these letters."""
        return sum(getattr(row, count) for row in self.rows if row.sweep in sweeps or not sweeps)

    @property
    def tested(self) -> bool:
        """Whether any point was hit: what was not tried is not proven."""
        return self.total("points") > 0

    @property
    def hold(self) -> bool:
        return not self.total("corrupt") and not self.total("littered")


class Loss(Model):
    """Something that was saved and is not what is loaded: where (table and field), which kind, the smallest case."""

    where: str
    kind: str
    detail: str
    witness: str
    witness_bytes: int | None = None
    seen: int = 1


class RoundTrip(Model):
    """A search for losses.

    brain: the file that was checked, None where cases were drawn; offered: what was looked at
    """

    brain: str | None = None
    cases: int
    offered: dict[str, bool] = Field(default_factory=dict)
    losses: list[Loss] = Field(default_factory=list)

    @property
    def looked_at(self) -> str:
        return ", ".join(what for what, there in self.offered.items() if there)


@dataclass(frozen=True)
class Table:
    """Rows of text under a title, and remarks below. bad: the numbers of rows that are not as they should be."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str]
    bad: frozenset[int]
    empty: str = ""


def faults_table(faults: Faults) -> Table:
    rows = [[f"({row.sweep})", row.kind, row.by, *(f"{getattr(row, c):,}" for c in COUNTS)] for row in faults.rows]
    rows.append(["", "all", "", *(f"{faults.total(count):,}" for count in COUNTS)])
    remarks = [f"{row.kind}: {row.note}" for row in faults.rows if row.note]
    for row in faults.rows:
        remarks += row.details[:SHOWN_DETAILS]
        if len(row.details) > SHOWN_DETAILS:
            remarks.append(f"and more of {row.kind}: see report.json")
    remarks += [f"left out: {why}" for why in faults.left_out]
    bad = frozenset(number for number, row in enumerate(faults.rows) if row.corrupt or row.littered)
    title = f"Faults, at a file of {faults.file_bytes:,} bytes"
    return Table(title, ("", "kind", "by", *COUNTS), rows, remarks, bad)


def loss_table(trip: RoundTrip) -> Table:
    rows = [[loss.where, loss.kind, loss.detail, loss.witness] for loss in trip.losses]
    columns = ("where", "kind", "what is lost", "smallest case")
    remarks = [f"looked at: {trip.looked_at}"] if trip.looked_at else []
    return Table("Losses", columns, rows, remarks, frozenset(range(len(rows))), "Nothing is lost.")


def faults_headline(faults: Faults) -> str:
    points, corrupt, littered = (faults.total(count) for count in ("points", "corrupt", "littered"))
    if not faults.tested:
        return "nothing was tested: no sweep that was asked for has a point here"
    if corrupt:
        return f"{corrupt:,} of {points:,} points leave something that is neither before nor after"
    if littered:
        return f"{littered:,} of {points:,} points leave files behind"
    return f"{points:,} points, 0 corrupt: each leaves exactly the old state, exactly the new one, or is refused"


def trip_headline(trip: RoundTrip) -> str:
    what = f"{units.plural(trip.cases, 'case')}" if trip.brain is None else f"{trip.brain}"
    if not trip.losses:
        return f"nothing is lost in {what}"
    found = ", ".join(dict.fromkeys(f"{loss.where} ({loss.kind})" for loss in trip.losses))
    return f"{units.plural(len(trip.losses), 'loss', 'losses')} in {what}: {found}"
