"""The launcher: a small process that starts and watches workers, itself started before anything grows.

It is small on purpose. A child's peak memory, as the kernel tells it to its parent, starts at the size of
that parent.

`python -m harness.launcher IN OUT`: one JSON request per line on descriptor IN, JSON events on descriptor
OUT. While a worker runs, any byte on IN (or its end) stops the worker.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from typing import Any

from harness.bootstrap import die_with_parent
from harness.supervise import Spawn, Supervision

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h: orphaned descendants become ours, so that none is lost


def main() -> None:
    requests, events = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the orchestrator's to handle
    for descriptor in (requests, events):
        os.set_inheritable(descriptor, False)

    def emit(event: dict[str, Any]) -> None:
        text = json.dumps(event).encode() + b"\n"
        with contextlib.suppress(BrokenPipeError):  # nobody listens: the end of input will stop us
            while text:
                text = text[os.write(events, text) :]

    while line := _read_line(requests):
        evidence = Supervision(Spawn.from_json(json.loads(line)), requests, emit).run()
        emit({"event": "ended", "evidence": evidence.as_json()})


def _read_line(descriptor: int) -> bytes:
    """One line, unbuffered: nothing beyond it may be taken, since more input means "stop"."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            return b""
        if byte != b"\n" or line:  # a lone line feed is a late "stop"
            line += byte
    return bytes(line)


if __name__ == "__main__":
    main()
