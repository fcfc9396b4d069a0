"""Sweep (c): the Nth allocation fails, alone or with the next ones, while a subject learns, saves or loads.

An interpreter for which every allocation fails from some point on may spin for ever while it raises: a long row of
failures stands for that. numpy itself does not survive some of them: its indexing (`a[b]`, b not of type intp) writes
to a buffer that it did not get (mapiter_get, npyiter_copy_to_buffers). The row says where a process died.
`_testcapi.set_nomemory` makes Python's own allocators fail; large buffers of numpy do not pass through them.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import Signals
from typing import Any

from harness.faults.bench import LINES, Bench, Row, fork, run, spread, wait
from harness.programs import find_program
from harness.roundtrip.checks import content
from harness.roundtrip.losses import compare
from harness.roundtrip.offers import ShowsState, teach
from harness.subject import Subject

try:
    import _testcapi  # type: ignore[import-not-found]
except ImportError:  # some builds of Python leave it out
    _testcapi = None

MOST_ALLOCATIONS = 1 << 22
IN_A_ROW = 50  # allocations that fail together
GDB_S = 60
GDB_FRAME = re.compile(r"^#0\s+(?:0x[0-9a-f]+ in )?(\S+) .*?(?: from (\S+))?$", re.MULTILINE)
FINE, RAISED, WRONG = 50, 51, 52  # exit codes of a child


def available() -> bool:
    return _testcapi is not None


def _failing(action: Callable[[], Any], start: int, stop: int) -> bool:
    """Run an action while allocations start .. stop-1 fail Whether it raised."""
    gc.collect()
    raised = False
    _testcapi.set_nomemory(start, stop)
    try:
        action()
    except BaseException:  # the border: whatever it raises, what is left behind is the question
        raised = True
    finally:
        _testcapi.remove_mem_hooks()
    return raised


def allocations_of(action: Callable[[], Any]) -> int:
    """About how many allocations an action makes: from there on a row of failures does not hit it any more."""

    def ends_well(start: int) -> bool:
        return run(lambda: RAISED if _failing(action, start, start + IN_A_ROW) else FINE) == FINE

    high = 1
    while not ends_well(high) and high < MOST_ALLOCATIONS:
        high *= 2
    low = high // 2
    while high - low > max(1, high // 16):
        middle = (low + high) // 2
        low, high = (low, middle) if ends_well(middle) else (middle, high)
    return high


def sweep(bench: Bench, most: int) -> Iterator[Row]:
    """learn (with the end of generations in it), save, load."""
    for name, action, after in (
        ("save", lambda: bench.new.save(bench.path), lambda _: FINE),
        ("learn", lambda: teach(bench.old, bench.lines[LINES:]), lambda raised: _saved_after_learning(bench, raised)),
        ("load", *_loading(bench)),
    ):
        total = allocations_of(action)
        for kind, width in (("once", 1), (f"{IN_A_ROW} in a row", IN_A_ROW)):
            row = Row("c", f"allocation fails in {name}, {kind}", "set_nomemory")
            for start in spread(total, most):

                def hit(start: int = start, width: int = width, action: Any = action, after: Any = after) -> int:
                    raised = _failing(action, start, start + width)
                    return int(after(raised))

                code = run(hit)
                if code < 0:
                    row.died += 1
                    told = where_it_died(hit, bench.folder / "fault.txt")
                    bench.reset()
                    row.tell(f"allocation {start} in {name} fails: the process ends by {Signals(-code).name}{told}")
                if code == WRONG:
                    row.count(
                        "corrupt", f"allocation {start} in {name} fails: what is left is neither before nor after"
                    )
                    bench.reset()
                else:
                    bench.judge(row, f"allocation {start} in {name} fails", killed=code < 0)
            yield row


def where_it_died(hit: Callable[[], int], file: Path) -> str:
    """The point once more: the innermost Python frames, by faulthandler, which allocates nothing."""
    with file.open("wb") as fault:

        def again() -> int:
            faulthandler.enable(fault)
            return hit()

        code = run(again)
    frames = [line.strip() for line in file.read_text(errors="replace").splitlines() if "File " in line]
    if code >= 0 or not frames:
        return ", not again when it is tried once more"
    return f" at {frames[0]}{native_frame(hit)}"


def native_frame(hit: Callable[[], int]) -> str:
    """The function and the library of the crash, by gdb, where it is here and may look."""
    gdb = find_program("gdb")
    if gdb is None:
        return ""

    def held() -> int:
        os.kill(os.getpid(), signal.SIGSTOP)  # until gdb has us
        return hit()

    child = fork(held)
    os.waitpid(child, os.WUNTRACED)
    argv = [gdb, "-batch", "-nx", "-q", "-p", str(child)]
    quiet = (f"handle {name} nostop noprint pass" for name in ("SIGSTOP", "SIGALRM"))
    for command in (*quiet, "signal SIGCONT", "bt 1"):
        argv += ["-ex", command]
    said = ""
    with contextlib.suppress(subprocess.TimeoutExpired):
        said = subprocess.run(argv, capture_output=True, text=True, timeout=GDB_S, check=False).stdout
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    wait(child)
    frame = GDB_FRAME.search(said.partition("Program received signal")[2])
    library = f" of {Path(frame[2]).name}" if frame is not None and frame[2] else ""
    return "" if frame is None else f", in {frame[1]}{library} (gdb)"


def _saved_after_learning(bench: Bench, raised: bool) -> int:
    """Learning that broke off is saved as it was before, as it is after, or not at all."""
    try:
        bench.old.save(bench.path)
    except Exception:  # refused: the old file stays
        return RAISED
    if not raised:
        return FINE
    return FINE if content(bench.path) in (bench.old_bytes, bench.new_bytes) else WRONG


def _loading(bench: Bench) -> tuple[Callable[[], Any], Callable[[bool], int]]:
    """A load that does not raise has loaded everything."""
    made: list[Subject] = []

    def load() -> None:
        subject = bench.make()
        subject.load(bench.path)
        made.append(subject)

    def is_whole(raised: bool) -> int:
        if raised:
            return RAISED
        if isinstance(bench.old, ShowsState) and isinstance(made[-1], ShowsState):
            return WRONG if compare(bench.old.state(), made[-1].state()) else FINE
        return FINE if dict(made[-1].stats()) == dict(bench.old.stats()) else WRONG

    return load, is_whole
