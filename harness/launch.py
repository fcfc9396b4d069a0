"""The orchestrator's end of the launcher: send one process to start, hear how it goes, get the evidence."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from harness.errors import LauncherError
from harness.evidence import Evidence
from harness.signals import deferred
from harness.supervise import Spawn

OnEvent = Callable[[dict[str, Any]], None]

# What a worker sees of the environment. Nothing else passes: no secrets in black boxes, no surprises.
PASSED_ON = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
FIXED = {
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",  # the same dict order in every run
    "PYTHONUNBUFFERED": "1",  # what was printed before a crash is there after it
    "OPENBLAS_NUM_THREADS": "1",  # its work areas otherwise fill an address-space limit by themselves
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",  # one heap: what it retains can be told
}


def worker_environment() -> dict[str, str]:
    """The environment of every worker."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed, **FIXED}


class Launcher:
    """The launcher process. Start it first, before anything large is imported.

    Use as a context manager; leaving it ends the launcher and whatever it runs.
    """

    def __init__(self) -> None:
        request_read, self._requests = os.pipe()
        event_read, event_write = os.pipe()
        self._events, self._heard = event_read, b""
        self._running = False  # a process was asked for, and its end was not heard of yet
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.launcher", str(request_read), str(event_write)],
            stdin=subprocess.DEVNULL,
            pass_fds=(request_read, event_write),
            start_new_session=True,  # Ctrl-C reaches us alone, and we tell it
        )
        os.close(request_read)
        os.close(event_write)

    def run(self, spawn: Spawn, on_event: OnEvent) -> Evidence:
        """Run one process to its end. An exception in between (Ctrl-C) stops the process first."""
        request = json.dumps(spawn.as_json()).encode() + b"\n"
        try:
            with deferred():
                self._running = True
                os.write(self._requests, request)
            return self._until_ended(on_event)
        except BrokenPipeError as error:
            raise LauncherError("the launcher process is gone") from error
        except LauncherError:
            raise
        except BaseException:
            with contextlib.suppress(BrokenPipeError, LauncherError):  # gone already: nothing to stop
                if self._running:
                    self.stop()
                    self._until_ended(lambda _: None)
            raise

    def stop(self) -> None:
        """End the worker that is running, if one is."""
        os.write(self._requests, b"\n")

    def _until_ended(self, on_event: OnEvent) -> Evidence:
        while (event := self._next_event())["event"] != "ended":
            on_event(event)
        return Evidence.from_json(event["evidence"])

    def _next_event(self) -> dict[str, Any]:
        """Ctrl-C is acted on while this waits; what has come is taken whole, and noted, before it is."""
        waiting = select.poll()
        waiting.register(self._events, select.POLLIN)
        while b"\n" not in self._heard:
            waiting.poll()
            with deferred():
                more = os.read(self._events, 1 << 16)
                self._heard += more
            if not more:
                raise LauncherError(f"the launcher process ended early (exit {self._process.wait()})")
        with deferred():
            line, _, self._heard = self._heard.partition(b"\n")
            event: dict[str, Any] = json.loads(line)
            self._running = event["event"] != "ended"
        return event

    def close(self) -> None:
        os.close(self._requests)
        self._process.wait()
        os.close(self._events)

    def __enter__(self) -> Launcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
