"""Where a native program crashed: what AddressSanitizer, valgrind or gdb said about it, read into one form. Pure.

`TOOLS` lists the debuggers that a command can be run under, the one that names the cause best first.
"""

from __future__ import annotations

import re

from harness.report.models import CrashSite

FRAMES_KEPT = 40
TOOLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("valgrind", ("--quiet", "--num-callers=40", "--undef-value-errors=no")),
    ("gdb", ("-batch", "-nx", "-q", "-ex", "run", "-ex", "bt 40", "--args")),
)

_ASAN = re.compile(r"ERROR: AddressSanitizer: ([^\s]+)(?: on .*)?")
_SANITIZER_FRAME = re.compile(r"^\s*#\d+ 0x[0-9a-f]+ in (\S+) (\S+)", re.MULTILINE)
_VALGRIND_ERROR = re.compile(
    r"==\d+== (Invalid (?:read|write) of size \d+|Process terminating with default action of signal .*"
    r"|Stack overflow in thread.*|Invalid free.*|Jump to the invalid address.*)"
)
_VALGRIND_FRAME = re.compile(r"==\d+==\s+(?:at|by) 0x[0-9A-Fa-f]+: (\S+) \(([^)]*)\)")
_VALGRIND_ABOUT = re.compile(r"==\d+==  (Address 0x[0-9A-Fa-f]+ is .*)")
_GDB_SIGNAL = re.compile(r"Program received signal (\S+), (.*)\.")
_GDB_FRAME = re.compile(r"^#\d+\s+(?:0x[0-9a-f]+ in )?(\S+) .*?(?: at (\S+:\d+)| from (\S+))?$", re.MULTILINE)

_PY_SPY_FRAME = re.compile(r"^ {4}(\S+) \((.+:\d+)\)$", re.MULTILINE)
_PY_SPY_THREAD = re.compile(r"^Thread .*\n((?: {4}\S+ \(.+:\d+\)\n?)+)", re.MULTILINE)


def read_sanitizer(text: str) -> CrashSite | None:
    """The report of AddressSanitizer on stderr."""
    error = _ASAN.search(text)
    if error is None:
        return None
    frames = [(name, place) for name, place in _SANITIZER_FRAME.findall(text[error.end() :])][:FRAMES_KEPT]
    return _site("AddressSanitizer", error[1], frames)


def read_valgrind(text: str) -> CrashSite | None:
    """The first error that memcheck names."""
    error = _VALGRIND_ERROR.search(text)
    if error is None:
        return None
    frames = []
    about = ""
    for line in text[error.end() :].splitlines()[1:]:
        if frame := _VALGRIND_FRAME.match(line):
            frames.append((frame[1], frame[2].removeprefix("in ")))
        elif found := _VALGRIND_ABOUT.match(line):
            about = ": " + re.sub(r"0x[0-9A-Fa-f]+ ", "", found[1]).lower()
            break
        elif frames:
            break
    return _site("valgrind", error[1] + about, frames[:FRAMES_KEPT])


def read_gdb(text: str) -> CrashSite | None:
    """The backtrace of a batch run."""
    error = _GDB_SIGNAL.search(text)
    if error is None:
        return None
    frames = [(name, place or library) for name, place, library in _GDB_FRAME.findall(text[error.end() :])]
    return _site("gdb", f"{error[1]} ({error[2]})", frames[:FRAMES_KEPT])


def read_attached(text: str) -> CrashSite | None:
    """The stack of a program that was looked at while it ran: by gdb, or by py-spy where it is in Python."""
    if frames := [(name, place or library) for name, place, library in _GDB_FRAME.findall(text)]:
        return _site("gdb", f"is in {frames[0][0]}", frames[:FRAMES_KEPT])
    if thread := _PY_SPY_THREAD.search(text):
        frames = _PY_SPY_FRAME.findall(thread[1])
        return _site("py-spy", f"is in {frames[0][0]}", frames[:FRAMES_KEPT])
    return None


def _site(tool: str, what: str, frames: list[tuple[str, str]]) -> CrashSite:
    """where: the first frame of the program itself, not of a library it runs on."""
    own = next(((name, place) for name, place in frames if re.search(r":\d+", place) and not _is_library(place)), None)
    stack = [f"{name} ({place})" if place else name for name, place in frames]
    return CrashSite(tool=tool, what=what, where=f"{own[0]} ({own[1]})" if own else None, stack=stack)


def _is_library(place: str) -> bool:
    return any(
        part in place for part in ("/lib/", "sanitizer", "../sysdeps", "./stdlib", "./string", "./nptl", "vg_replace")
    )


READERS = {"valgrind": read_valgrind, "gdb": read_gdb}
