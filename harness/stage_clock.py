"""What each stage of a worker's life costs: wall, CPU, waiting for a processor, memory, bytes written.

A stage may be entered many times (a learner reports one switch per stage and block); its costs add up, its
peaks do not. One switch costs a few µs. Memory and bytes written are read at most once per millisecond; what
is seen then is credited to every stage that ran since the last reading (memory) or to the running one
(bytes).
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import asdict, dataclass
from typing import Any

from harness.heartbeat import HeartbeatWriter
from harness.plain_text import plain_text
from harness.procfs import Memory, MemoryReader, open_proc_file

START = "start"  # the interpreter is up; what the subject imports is being loaded
PROBE = "probe"  # further tests of the subject's own, with brains of their own
WORK = "work"  # learning, with its opcodes counted
ENDED = "ended"  # a program has ended, and somebody still holds its output
LEARN = "learn"  # learning, where the subject does not say which stage of it
MARK_NS = 1_000_000  # least time between two readings of memory
RESET_PEAK = b"5"  # written to clear_refs: forget the high-water mark of resident memory (man 5 proc)


@dataclass
class StageCost:
    """Costs of one stage so far. `None`: this machine does not tell.

    run_queue_wait_s : time spent ready to run, waiting for a processor (main thread)
    peak_anon_bytes : private memory, seen at the borders of the stage
    """

    name: str
    entered: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    run_queue_wait_s: float | None = None
    peak_rss_bytes: int | None = None
    peak_anon_bytes: int | None = None
    written_bytes: int | None = None


class StageClock:
    """Times stages, and keeps the heartbeat.

    `enter(stage)` ends the running stage and starts another; `progress(bytes, lines)` says how far learning
    has come. Both may be called as often as the subject likes.
    """

    def __init__(self, heartbeat: HeartbeatWriter | None = None) -> None:
        self._heartbeat = heartbeat
        self._costs: dict[str, StageCost] = {}
        self._memory = MemoryReader("self")
        self._schedstat = open_proc_file("/proc/self/schedstat")
        self._io = open_proc_file("/proc/self/io")
        self._clear_refs = _open_clear_refs()
        self._since_mark: set[str] = set()
        self._position = (0, 0, -1, -1)
        self.peak_rss_bytes = 0
        self._written = self._read_written()
        self._marked_ns = 0
        self._stage = START
        self._begin = self._read_times()
        self._cost(START).entered = 1
        self._since_mark.add(START)
        self._beat()

    @property
    def stage(self) -> str:
        """The running stage."""
        return self._stage

    def enter(self, stage: str) -> None:
        """End the running stage, start `stage`. Entering the running stage again is free."""
        if stage == self._stage:
            return
        stage = plain_text(str(stage))
        now = self._settle()
        if now[0] - self._marked_ns >= MARK_NS:
            self.mark()
            now = self._read_times()  # reading memory is nobody's cost
        self._stage = stage
        self._begin = now
        self._cost(stage).entered += 1
        self._since_mark.add(stage)
        self._beat()

    def progress(self, at_bytes: int, at_lines: int, nodes: int = -1, edges: int = -1) -> None:
        """How far learning has come; counts that the subject does not know stay -1."""
        self._position = (at_bytes, at_lines, nodes, edges)
        self._beat()

    @property
    def position(self) -> tuple[int, int, int, int]:
        """Bytes, lines, nodes and edges, as last reported."""
        return self._position

    def mark(self) -> None:
        """Read memory and bytes written now, and credit them."""
        memory = self._memory.read()
        if memory is not None:
            self._credit_memory(memory)
        written = self._read_written()
        if written is not None and self._written is not None:
            cost = self._cost(self._stage)
            cost.written_bytes = (cost.written_bytes or 0) + written - self._written
        self._written = written
        if self._clear_refs is not None:
            os.pwrite(self._clear_refs, RESET_PEAK, 0)
        self._since_mark = {self._stage}
        self._marked_ns = time.perf_counter_ns()

    def costs(self) -> list[StageCost]:
        """All stages so far, in the order in which they were first entered, up to this moment."""
        self._begin = self._settle()
        self.mark()
        return list(self._costs.values())

    def costs_as_json(self) -> list[dict[str, Any]]:
        return [asdict(cost) for cost in self.costs()]

    def _settle(self) -> tuple[int, int, int]:
        now = self._read_times()
        cost = self._cost(self._stage)
        cost.wall_s += (now[0] - self._begin[0]) / 1e9
        cost.cpu_s += (now[1] - self._begin[1]) / 1e9
        if self._schedstat is not None:
            cost.run_queue_wait_s = (cost.run_queue_wait_s or 0.0) + (now[2] - self._begin[2]) / 1e9
        return now

    def _credit_memory(self, memory: Memory) -> None:
        self.peak_rss_bytes = max(self.peak_rss_bytes, memory.peak_rss)
        for name in self._since_mark:
            cost = self._cost(name)
            cost.peak_anon_bytes = max(cost.peak_anon_bytes or 0, memory.committed)
            # Without a reset the mark is that of the whole life; only the present size is the stage's.
            peak = memory.peak_rss if self._clear_refs is not None else memory.rss
            cost.peak_rss_bytes = max(cost.peak_rss_bytes or 0, peak)

    def _cost(self, name: str) -> StageCost:
        cost = self._costs.get(name)
        if cost is None:
            cost = self._costs[name] = StageCost(name)
        return cost

    def _beat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.beat(self._stage, *self._position)

    def _read_times(self) -> tuple[int, int, int]:
        """Wall, CPU (own, and of children that have ended) and run-queue wait, in ns."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = time.process_time_ns() + int((children.ru_utime + children.ru_stime) * 1e9)
        wait = int(self._schedstat.read(128).split()[1]) if self._schedstat is not None else 0
        return time.perf_counter_ns(), cpu, wait

    def _read_written(self) -> int | None:
        if self._io is None:
            return None
        text = self._io.read(512)
        start = text.index(b"wchar:") + len(b"wchar:")
        return int(text[start : text.index(b"\n", start)])


def _open_clear_refs() -> int | None:
    try:
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        os.pwrite(descriptor, RESET_PEAK, 0)
    except OSError:
        return None
    return descriptor
