"""Opcodes: how much Python a piece of work takes, counted exactly.

Where a timing depends on the machine and on who else is on it, this count is the same on every run of the same text
with the same interpreter and libraries. It tells how often Python is asked to do something, not how much numpy then
does at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def count_opcodes(work: Callable[[], object]) -> int:
    """Run `work` in this thread, 15 to 20 times as slowly; how many opcodes of Python it took.

    From Python 3.12 on only code that was traced once before is counted: take the second count of the same work.
    A debugger or a coverage tool that traces this thread sees nothing of it meanwhile.
    """
    opcodes = 0

    def on_event(frame: FrameType, event: str, _: Any) -> Callable[..., Any]:
        nonlocal opcodes
        if event == "opcode":
            opcodes += 1
        elif event == "call":
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return on_event

    before = sys.gettrace()
    sys.settrace(on_event)
    try:
        work()
    finally:
        sys.settrace(before)
    return opcodes
