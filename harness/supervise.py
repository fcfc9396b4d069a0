"""Supervise one process from outside: its memory, its time, its output, its end.

Runs inside the launcher, which is small, so that what `wait4` says about the child is the child's own. The
loop sleeps in one `select` on the process (pidfd), its output, its result and the orchestrator, and wakes
every 5 ms to look at memory: an overshoot of about 3 MiB at full allocation speed.

When time is up: stack dump (SIGUSR1), `py-spy dump` where allowed, SIGTERM, two seconds, SIGKILL to the whole
group. When memory is used up: stack dump, SIGSTOP, the stacks of the programs that a worker runs, SIGKILL.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.bootstrap import FAULT_FILE
from harness.capture import Capture, ResultPipe
from harness.evidence import Evidence, Sample
from harness.family import Family
from harness.heartbeat import HeartbeatReader
from harness.limits import Limits
from harness.procfs import (
    KIB,
    children_of,
    kernel_log_about,
    memory_available_share,
    memory_pressure_percent,
    oom_kill_count,
)
from harness.programs import find_program

POLL_S = 0.005  # of memory
FAMILY_S = 0.01  # how often new children are looked for
REPORT_S = 0.2  # how often the orchestrator hears
DUMP_WAIT_S = 0.5  # for a stack dump to appear before the process is stopped for time
DUMP_WAIT_MEMORY_S = 0.02  # the same for memory, where every millisecond costs megabytes
TERMINATE_WAIT_S = 2.0  # between SIGTERM and SIGKILL
DUMP_LIMIT_S = 10.0  # for py-spy and gdb to tell all stacks
CHILDREN_DUMPED = 3  # of the programs that a worker runs
SAMPLES_KEPT = 400  # memory samples in the evidence; when full, every other one is dropped
HEARTBEAT_FILE = "heartbeat"
STACK_OF = "stack-of-"  # and the number and name of a program: a file with its stack


@dataclass(frozen=True)
class Spawn:
    """One process to start: what, where, under which limits.

    argv : the program and its arguments; the number of the result descriptor is added at the end
    folder : where its stack dumps, heartbeat and output are kept
    discard_output : send stdout and stderr to /dev/null, to see what writing them costs
    """

    argv: list[str]
    environment: dict[str, str]
    folder: str
    limits: Limits
    discard_output: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Spawn:
        return cls(**{**document, "limits": Limits(**document["limits"])})


class Supervision:
    """One process, from its start to the evidence about it."""

    def __init__(self, spawn: Spawn, control: int, emit: Callable[[dict[str, Any]], None]) -> None:
        self.spawn = spawn
        self.folder = Path(spawn.folder)
        self.control = control
        self.emit = emit
        self.stopped_for: str | None = None
        self.anon_at_stop: int | None = None
        self.peak_rss = 0
        self.peak_anon = 0
        self.stage_peak_anon: dict[str, int] = {}
        self.samples: list[Sample] = []
        self.sample_every = 1
        self.polls = 0
        self.last_memory = (0, 0, 0)
        self.available_share: float | None = None
        self.pressure_percent: float | None = None

    def run(self) -> Evidence:
        """Start the process, watch it to its end, and return what is known."""
        oom_kills_before = oom_kill_count()
        result_read, result_write = os.pipe()
        self.started = time.monotonic()
        process = subprocess.Popen(
            [*self.spawn.argv, str(result_write)],
            env=self.spawn.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if self.spawn.discard_output else subprocess.PIPE,
            stderr=subprocess.DEVNULL if self.spawn.discard_output else subprocess.PIPE,
            pass_fds=(result_write,),
            start_new_session=True,
        )
        os.close(result_write)
        self.pid = process.pid
        self.family = Family(self.pid, self.spawn.limits.memory_bytes)
        self.heartbeat = HeartbeatReader(self.folder / HEARTBEAT_FILE)
        self.result = ResultPipe(result_read)
        nothing = os.open(os.devnull, os.O_RDONLY)
        self.stdout = Capture(process.stdout.fileno() if process.stdout else nothing)
        self.stderr = Capture(process.stderr.fileno() if process.stderr else nothing)
        self.pidfd = os.pidfd_open(self.pid)
        self.emit({"event": "started", "pid": self.pid})
        try:
            self._watch()
        finally:
            self._kill_group()
            _, status, usage = os.wait4(self.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            wall_s = time.monotonic() - self.started
            self._end_leftovers()
            for stream in (self.result, self.stdout, self.stderr):
                stream.drain()
            self.family.close()
            os.close(self.pidfd)
            os.close(result_read)
            os.close(nothing)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self.stdout.write(self.folder / "stdout.txt")
        self.stderr.write(self.folder / "stderr.txt")
        oom_kills = oom_kill_count()
        killed_by_other = process.returncode == -signal.SIGKILL and self.stopped_for is None
        record, error = parse_result(self.result.text)
        reported_peak = int(record.get("peak_rss_bytes") or 0) if record else 0
        # A child's wait4 figure starts at the launcher's own size, some 15 MB: the floor of what can be told.
        return Evidence(
            exit_code=process.returncode,
            wall_s=wall_s,
            cpu_user_s=usage.ru_utime,
            cpu_system_s=usage.ru_stime,
            peak_rss_bytes=max(self.peak_rss, usage.ru_maxrss * KIB, reported_peak),
            peak_anon_bytes=self.peak_anon,
            involuntary_switches=usage.ru_nivcsw,
            command_exit_code=record.get("command_exit_code") if record else None,
            stopped_for=self.stopped_for,
            anon_bytes_at_stop=self.anon_at_stop,
            result=record,
            result_error=error,
            heartbeat=self.heartbeat.read(),
            stdout=self.stdout.summary(),
            stderr=self.stderr.summary(),
            fault=self._fault(),
            stage_peak_anon_bytes=self.stage_peak_anon,
            samples=self.samples,
            memory_available_share=self.available_share,
            memory_pressure_percent=self.pressure_percent,
            oom_kills=None if oom_kills is None or oom_kills_before is None else oom_kills - oom_kills_before,
            kernel_log=kernel_log_about(self.pid) if killed_by_other or process.returncode < 0 else None,
        )

    # Watching

    def _watch(self) -> None:
        deadline = self.started + self.spawn.limits.time_s
        next_poll = next_family = next_report = self.started
        with selectors.DefaultSelector() as selector:
            selector.register(self.pidfd, selectors.EVENT_READ, "end")
            selector.register(self.control, selectors.EVENT_READ, "control")
            for stream in (self.result,) if self.spawn.discard_output else (self.result, self.stdout, self.stderr):
                selector.register(stream.descriptor, selectors.EVENT_READ, stream)
            while True:
                for key, _ in selector.select(max(0.0, next_poll - time.monotonic())):
                    if key.data == "end":
                        return
                    if key.data == "control":  # the orchestrator wants it stopped, or is gone
                        self.stopped_for = "cancelled"
                        return
                    if not key.data.read_some():
                        selector.unregister(key.fd)
                now = time.monotonic()
                if now >= next_family:
                    self.family.look_for_children()
                    next_family = now + FAMILY_S
                if now >= next_poll:
                    if self._poll_memory(now):
                        return
                    next_poll = now + POLL_S
                if now >= next_report:
                    self._report(now)
                    next_report = now + REPORT_S
                if now >= deadline:
                    self.stopped_for = "time"
                    self._stop_for_time(selector)
                    return

    def _poll_memory(self, now: float) -> bool:
        """Look once; True when the process was over its memory and has been dealt with."""
        memory = self.family.read()
        if memory is None:
            return False
        self.last_memory = memory
        rss, anon, peak_rss = memory
        beat = self.heartbeat.read()
        self.peak_rss = max(self.peak_rss, peak_rss)
        self.peak_anon = max(self.peak_anon, anon)
        if anon > self.stage_peak_anon.get(beat.stage, -1):
            self.stage_peak_anon[beat.stage] = anon
        if self.polls % self.sample_every == 0:
            at_s = now - self.started
            self.samples.append(Sample(at_s, beat.stage, beat.bytes, beat.lines, rss, anon))
            if len(self.samples) >= SAMPLES_KEPT:
                self.samples = self.samples[::2]
                self.sample_every *= 2
        self.polls += 1
        limit = self.spawn.limits.watched_bytes
        if limit is None or anon <= limit:
            return False
        self.stopped_for = "memory"
        self.anon_at_stop = anon
        self._ask_for_stack(DUMP_WAIT_MEMORY_S)
        self._halt()
        self._dump_stacks(of_worker=False)
        return True

    def _report(self, now: float) -> None:
        self.available_share = memory_available_share()
        self.pressure_percent = memory_pressure_percent()
        beat = self.heartbeat.read()
        self.emit(
            {
                "event": "sample",
                "elapsed_s": now - self.started,
                "stage": beat.stage,
                "bytes": beat.bytes,
                "lines": beat.lines,
                "nodes": beat.nodes,
                "rss_bytes": self.last_memory[0],
                "anon_bytes": self.last_memory[1],
                "stderr_bytes": self.stderr.bytes,
            }
        )

    # Stopping

    def _stop_for_time(self, selector: selectors.BaseSelector) -> None:
        self.anon_at_stop = self.last_memory[1]
        self._ask_for_stack(DUMP_WAIT_S)
        self._dump_stacks(of_worker=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        until = time.monotonic() + TERMINATE_WAIT_S
        while (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if key.data == "end":
                    return
                if isinstance(key.data, Capture | ResultPipe) and not key.data.read_some():
                    selector.unregister(key.fd)

    def _halt(self) -> None:
        """They take no more while the programs are looked at; who forks is stopped before its children are listed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGSTOP)
        halted: set[int] = set()
        while new := set(children_of(self.pid)) - halted:
            for pid in new:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            halted |= new

    def _ask_for_stack(self, wait_s: float) -> None:
        """SIGUSR1, then wait until the dump has come and stopped growing, the process has ended, or `wait_s`
        is over.

        Only a process that has said that it listens is asked: to others the signal would be the end.
        """
        fault = self.folder / FAULT_FILE
        if not self.heartbeat.read().stage:
            return
        before = size = fault.stat().st_size
        signal.pidfd_send_signal(self.pidfd, signal.SIGUSR1)
        until = time.monotonic() + wait_s
        with selectors.DefaultSelector() as end:
            end.register(self.pidfd, selectors.EVENT_READ)
            while time.monotonic() < until:
                if end.select(POLL_S):
                    return
                previous, size = size, fault.stat().st_size
                if size == previous > before:
                    return

    def _dump_stacks(self, *, of_worker: bool) -> None:
        """Where it is: of a worker and of Python that it runs by py-spy, of other programs by gdb. One file each.

        A worker that is not dumped is stopped, and so are the programs.
        """
        programs = children_of(self.pid)[:CHILDREN_DUMPED]
        until = time.monotonic() + DUMP_LIMIT_S
        for number, pid in enumerate([self.pid, *programs] if of_worker else programs, 0 if of_worker else 1):
            python = "python" in _program_of(pid)
            program = find_program("py-spy" if python else "gdb")
            left = until - time.monotonic()
            if program is None or left <= 0:
                continue
            how = ["dump", "--pid", str(pid)] if python else ["-batch", "-nx", "-p", str(pid), "-ex", "bt 40"]
            how += ["--nonblocking"] if python and not of_worker else []
            with contextlib.suppress(subprocess.TimeoutExpired):
                dump = subprocess.run(
                    [program, *how], stdin=subprocess.DEVNULL, capture_output=True, timeout=left, check=False
                )
                name = f"{STACK_OF}{number}-{Path(_program_of(pid)).name or pid}.txt" if number else "py-spy.txt"
                if dump.returncode == 0:
                    (self.folder / name).write_bytes(dump.stdout + (dump.stderr if python else b""))
            if of_worker:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)  # a dump that failed may leave it stopped

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _end_leftovers(self) -> None:
        """Descendants that left the group were handed to us (we are their reaper): end and bury them."""
        while leftovers := children_of(os.getpid()):
            for pid in leftovers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, 0)

    def _fault(self) -> str:
        try:
            return (self.folder / FAULT_FILE).read_text(errors="backslashreplace")
        except FileNotFoundError:
            return ""


def _program_of(pid: int) -> str:
    """The path of the program that a process runs, as far as it may be known."""
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""


def parse_result(text: bytes) -> tuple[dict[str, Any] | None, str | None]:
    """The worker's record, or what is wrong with it."""
    if not text:
        return None, "no result record arrived"
    try:
        record = json.loads(text)
    except ValueError as error:
        return None, f"the result record is not one JSON document ({error}; {len(text)} bytes)"
    if not isinstance(record, dict):
        return None, "the result record is not a JSON object"
    return record, None
