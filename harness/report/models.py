"""The report: typed, versioned. JSON of this shape is the truth, every view is made from it.

Units stand in the names. `null` means "not measured", never 0. Within a major version fields are only added;
readers ignore what they do not know and refuse another major.

History
-------
harness.report/1
    First version: kind "ladder".
    Added: findings, witness, crash_site, quiet, forecasts, frontier of a report; repeats of a break; ledger, unmatched
    output patterns and command_peak_rss_bytes of a rung. Nodes and edges may be null.
    Added: work of a report.
    Added: left_running and no_numbers of a rung; smaller of quiet.
    Added: kinds "faults" and "roundtrip", whose rungs are empty, with the parts of these names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from harness.report.document import Document, Subject, parse_document, read_json, renamed
from harness.report.fidelity import Faults, RoundTrip
from harness.report.part import Count, Model

SCHEMA = "harness.report/1"


class Stage(Model):
    """Cost of one stage of a rung."""

    name: str
    entered: int
    wall_s: float
    cpu_s: float
    run_queue_wait_s: float | None = None
    peak_rss_bytes: Count | None = None
    peak_anon_bytes: Count | None = None
    written_bytes: Count | None = None
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

    bytes: Count
    lines: Count
    head: str = ""
    tail: str = ""


class Sample(Model):
    """Memory at one moment of an attempt."""

    at_s: float
    stage: str
    bytes: Count
    lines: Count
    rss_bytes: Count
    anon_bytes: Count


class Attempt(Model):
    """One worker, from start to end."""

    limiter: str
    verdict: str
    because: str
    wall_s: float
    cpu_s: float
    involuntary_switches: int
    peak_rss_bytes: Count
    peak_anon_bytes: Count
    exit: Exit
    last_stage: str
    last_bytes: Count
    last_lines: Count
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
    heldout_bytes: Count | None = None
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

    file_bytes: Count
    nodes: int | None = None
    edges: int | None = None
    stats: dict[str, int]


class Check(Model):
    """Something that must be true after a rung, and the verdict that follows when it is not."""

    name: str
    holds: bool
    verdict: str
    detail: str = ""


class Ledger(Model):
    """Memory that stayed after the learner was gone, in three ledgers: objects, malloc in use, resident.

    kept_blocks : Python objects more than before; kept_malloc_bytes : bytes in use by malloc more than before
    kept_anon_bytes : private memory more than before, after free memory was handed back to the kernel
    returned_bytes : private memory that the kernel got back only when it was asked for
    """

    kept_blocks: int
    kept_malloc_bytes: int | None = None
    kept_anon_bytes: int
    returned_bytes: int = 0


class Rung(Model):
    """One size, tried. Stages and measures are those of the deciding attempt."""

    size_bytes: Count
    label: str
    corpus_bytes: Count
    corpus_lines: Count
    verdict: str
    passed: bool
    because: str
    peak_rss_bytes: Count
    peak_anon_bytes: Count
    stages: list[Stage]
    learning: Learning | None = None
    quality: Quality | None = None
    latency: Latency | None = None
    brain: Brain | None = None
    ledger: Ledger | None = None
    unmatched_patterns: list[str] = Field(default_factory=list)
    command_peak_rss_bytes: Count | None = None
    no_numbers: dict[str, str] = Field(default_factory=dict, description="by pattern: what matched, and is no number")
    left_running: list[str] = Field(default_factory=list, description="commands that left a process behind")
    checks: list[Check] = Field(default_factory=list)
    attempts: list[Attempt]


class Break(Model):
    """Between which sizes the subject breaks, under the limits of this run: an outer bound, not a property of
    it alone.

    last_passed_bytes : None when the first rung already broke
    confirmed_by : the limiters under which the first broken rung broke
    broken_tries, broken_times : tries of the smallest broken size, and how many of them broke
    passed_tries : tries of the largest passed size, all of which passed
    """

    last_passed_bytes: Count | None
    first_broken_bytes: Count
    verdict: str
    because: str
    confirmed_by: list[str]
    broken_tries: int | None = None
    broken_times: int | None = None
    passed_tries: int | None = None


class Slope(Model):
    """cost ~ size^value between two sizes, with a 95 % interval."""

    from_bytes: Count
    to_bytes: Count
    value: float
    low: float
    high: float


class Scaling(Model):
    """How costs grow with size, over the rungs that passed.

    time, memory : one slope over the rungs from `scaling_from_bytes` on (small rungs measure the start, not
    the growth) time_steps, memory_steps : the local slope of each step
    peak_anon_bytes_per_byte, brain_bytes_per_byte : per further byte of input, from the last two rungs
    """

    scaling_from_bytes: Count
    time: Slope | None = None
    memory: Slope | None = None
    time_steps: list[Slope] = Field(default_factory=list)
    memory_steps: list[Slope] = Field(default_factory=list)
    peak_anon_bytes_per_byte: float | None = None
    brain_bytes_per_byte: float | None = None


class Forecast(Model):
    """After a rung: where it will break, for what, with a 95 % interval. predicted_bytes None: not before 1 TB."""

    after_bytes: Count
    cause: str = Field(description='"memory" or "time"')
    slope: float
    predicted_bytes: Count | None = None
    low_bytes: Count | None = None
    high_bytes: Count | None = None


class CrashSite(Model):
    """Where a native subject crashed, and who said so: gdb, valgrind, AddressSanitizer, faulthandler."""

    tool: str
    what: str
    where: str | None = None
    stack: list[str] = Field(default_factory=list)


class Witness(Model):
    """The smallest text found that breaks the subject in the same way.

    any_input : it breaks on whatever it is given; content_matters : other bytes of the same length do not break it
    halves_break : whether half of the lines alone still breaks it
    reproduced : how many of `tries` runs of the witness broke; fewer than all is a flaky break
    """

    from_bytes: Count
    from_lines: Count
    bytes: Count
    lines: Count
    longest_line_bytes: Count
    runs: int
    wall_s: float
    tries: int
    reproduced: int
    any_input: bool = False
    content_matters: bool | None = None
    finished: bool = True
    shown: str = ""
    file: str | None = None


class Written(Model):
    """What learning a text of this size wrote to stdout and stderr together."""

    size_bytes: Count
    lines: Count
    output_bytes: Count
    output_lines: Count


class Quiet(Model):
    """A rung learnt twice more: with its output read, and with its output discarded. CPU time is that of learning.

    smaller : the rung before, learnt once more; None where no smaller one passed
    """

    size_bytes: Count
    lines: Count
    stdout_bytes: Count
    stdout_lines: Count
    stderr_bytes: Count
    stderr_lines: Count
    loud_wall_s: float
    quiet_wall_s: float
    smaller: Written | None = None

    @property
    def factor(self) -> float:
        return self.loud_wall_s / max(self.quiet_wall_s, 1e-6)


class Work(Model):
    """What learning asks of Python, counted: the same on every run of this text with this interpreter and libraries."""

    size_bytes: Count
    lines: Count
    opcodes: int

    @property
    def per_line(self) -> float:
        return self.opcodes / max(self.lines, 1)


class Cell(Model):
    """One field of the frontier: what came of a size under a memory limit. measured: False where it follows."""

    limit_bytes: Count
    size_bytes: Count
    verdict: str
    passed: bool
    measured: bool


class Frontier(Model):
    """Breaking size by memory limit."""

    limits_bytes: list[Count]
    sizes_bytes: list[Count]
    cells: list[Cell]


class Finding(Model):
    """One thing that is wrong, as a person acts on it.

    severity : "error" (it is broken), "warning" (it will break, or costs too much), "note"
    confidence : "high", "medium" or "low"
    """

    kind: str
    severity: str
    title: str
    evidence: list[str]
    confidence: str
    advice: str


class Settings(Model):
    """Under which conditions. The limits are those of a rung; of a report without rungs, those of the whole run."""

    corpus: str | None = Field(description="None: the generator of the workload")
    seed: int
    sizes_bytes: list[Count]
    memory_limit_bytes: Count
    time_limit_s: float
    limiter: str
    min_lines_per_s: float | None = None
    required_bytes: Count | None = None
    bisect_runs: int


class Report(Document):
    """All of it."""

    schema_: str = renamed("schema", default=SCHEMA)
    kind: str
    subject: Subject
    settings: Settings
    rungs: list[Rung] = Field(default_factory=list)
    narrowing: list[Rung] = Field(default_factory=list)
    break_: Break | None = renamed("break", default=None)
    scaling: Scaling | None = None
    findings: list[Finding] = Field(default_factory=list)
    forecasts: list[Forecast] = Field(default_factory=list)
    witness: Witness | None = None
    crash_site: CrashSite | None = None
    quiet: Quiet | None = None
    work: Work | None = None
    frontier: Frontier | None = None
    faults: Faults | None = None
    roundtrip: RoundTrip | None = None
    interrupted: str | None = Field(default=None, description="by what, and where, when it did not come to its end")
    notes: list[str] = Field(default_factory=list)


def read_report(path: Path) -> Report:
    """The report of a ladder, a round trip or faults in a file.

    Raises
    ------
    ReportError
        if it is not there, is no such report, or is of another major version.
    """
    return parse_document(read_json(path), str(path), Report)


def parse_report(document: Any, name: str) -> Report:
    """The same from decoded JSON; `name` is for the messages."""
    return parse_document(document, name, Report)
