"""One case judged: what is lost between a save and a load of a subject that learnt these lines.

Letters as in docs/save_and_load.md: (a) saved again, (b) learning on, (c) answers, (e) asking, (f) state.
"""

from __future__ import annotations

import contextlib
import copy
import os
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.returned import WrongValue, answer_of, counts_of, score_of
from harness.roundtrip.losses import Loss, compare
from harness.roundtrip.offers import Line, ShowsState, teach
from harness.subject import Scores, Subject, is_resumable

PROBE_BYTES = 3  # of each line that is asked for
PROBES = 4


@dataclass(frozen=True)
class Case:
    """Lines learnt before the save, and lines learnt after it."""

    before: tuple[Line, ...]
    after: tuple[Line, ...] = ()

    def __str__(self) -> str:
        return f"{_told(self.before)}, then {_told(self.after)}" if self.after else _told(self.before)


def _told(lines: Sequence[Line]) -> str:
    """Lines; a run of equal ones as how many."""
    shown = []
    for number, line in enumerate(lines):
        if number and lines[number - 1] == line:
            continue
        times = next((n for n, other in enumerate(lines[number:]) if other != line), len(lines) - number)
        shown.append(f"{line[0]}:{line[1]!r}" + (f" x {times}" if times > 1 else ""))
    return ", ".join(shown)


class Judge:
    """Holds a subject's saves against what they promise, in a folder of its own."""

    def __init__(self, make: Callable[[], Subject], folder: Path) -> None:
        self._make, self._folder = make, folder

    def losses(self, case: Case, *, steps: int = 4) -> tuple[list[Loss], int]:
        """The losses of the first step that shows any, and how many steps that took; at most `steps` are made."""
        path = self._folder / "brain"
        clear(path)
        subject = self._make()
        teach(subject, case.before)
        known = observe(subject, case)
        subject.save(path)
        saved = content(path)
        loaded = self._make()
        try:
            loaded.load(path)
        except Exception as error:  # the border: whatever a subject raises is a fact about it
            return [Loss("file", "unreadable", f"{type(error).__name__}: {error}")], 1
        made = (
            lambda: [*_held(known, loaded, case), *self._left_alone(path, saved)],
            lambda: self._saved_again(loaded, saved),
            lambda: self._learnt_on(path, case),
            lambda: [*self._damaged(path, saved), *self._replaced(subject, path)],
        )
        for number, step in enumerate(made[:steps], 1):
            if found := list(step()):
                return found, number
        return [], steps

    def _left_alone(self, path: Path, saved: bytes) -> Iterator[Loss]:
        if content(path) != saved:
            yield Loss("file", "writes_on_query", "loading it and asking changed its bytes")

    def _saved_again(self, loaded: Subject, saved: bytes) -> Iterator[Loss]:
        again = self._folder / "again"
        clear(again)
        loaded.save(again)
        if content(again) != saved:
            kind = "order" if sorted(content(again)) == sorted(saved) else "value"
            yield Loss("file", kind, "save, load, save gives other bytes")

    def _learnt_on(self, path: Path, case: Case) -> Iterator[Loss]:
        """(b) train(A); save; load; train(B) is train(A + B)."""
        if not case.after or not is_resumable(self._make()):
            return
        resumed, at_once = self._make(), self._make()
        resumed.load(path)
        teach(resumed, case.after)
        teach(at_once, [*case.before, *case.after])
        for loss in _held(observe(at_once, case), resumed, case):
            yield Loss(f"learning on: {loss.where}", loss.kind, loss.detail)

    def _damaged(self, path: Path, saved: bytes) -> Iterator[Loss]:
        """A file that is cut short, or has a byte changed, is refused."""
        if not path.is_file():
            return
        middle = len(saved) // 2
        damages = {
            "cut in half": saved[:middle],
            "empty": b"",
            "one bit flipped": saved[:middle] + bytes([saved[middle] ^ 4]) + saved[middle + 1 :],
        }
        damaged = self._folder / "damaged"
        for name, data in damages.items():
            damaged.write_bytes(data)
            subject = self._make()
            try:
                subject.load(damaged)
            except Exception:  # noqa: S112  # refused, as it must be; how is `faults`' question
                continue
            nodes = counts_of(subject).get("nodes", 0)
            yield Loss("file", "silent_damage", f"{name}, it is loaded without complaint, with {nodes} nodes")
            return

    def _replaced(self, subject: Subject, path: Path) -> Iterator[Loss]:
        """A save that fails halfway leaves the old file: the disk is full after half of it."""
        old = content(path)
        if not path.is_file() or len(old) < 2:
            return
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, len(old) // 2))
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                subject.save(path)
            os._exit(0)
        os.waitpid(child, 0)
        if content(path) != old:
            size = path.stat().st_size if path.exists() else 0
            yield Loss("file", "in_place", f"a save that fails leaves {size} of {len(old)} bytes, the old file is gone")


def observe(subject: Subject, case: Case) -> dict[str, Any]:
    """What a subject shows of itself: state, counts, answers, scores."""
    seen: dict[str, Any] = {"state": subject.state()} if isinstance(subject, ShowsState) else {}
    return {**copy.deepcopy(seen), **_asked(subject, case)}


def _asked(subject: Subject, case: Case) -> dict[str, Any]:
    probes = [line[:PROBE_BYTES].decode("utf-8", "surrogateescape") for _, line in case.before[:PROBES]]
    seen: dict[str, Any] = {"counts": counts_of(subject)}
    seen["answers"] = [outcome(partial(answer_of, subject, probe)) for probe in probes]
    lines = [line for _, line in case.before if line]
    if isinstance(subject, Scores) and lines:
        seen["scores"] = outcome(lambda: score_of(subject, lines))
    return seen


def outcome(ask: Callable[[], Any]) -> Any:
    """What asking gives; a refusal is an answer too, which must be the same after a load."""
    try:
        return ask()
    except WrongValue:  # of this nothing can be told
        raise
    except Exception as error:  # the border: whatever a subject raises is a fact about it
        return f"{type(error).__name__}: {error}"


def _held(known: dict[str, Any], loaded: Subject, case: Case) -> Iterator[Loss]:
    losses = compare(known["state"], loaded.state()) if isinstance(loaded, ShowsState) else []
    yield from losses
    seen = _asked(loaded, case)
    if not losses:  # what is not seen in the state is seen in what it does
        for what, value in seen.items():
            yield from (Loss(what, loss.kind, f"{what}{loss.detail}") for loss in compare(known[what], value))


def content(path: Path) -> bytes:
    """The bytes of what a subject saved: a file, or all files below a folder with their names."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return b"".join(str(file.relative_to(path)).encode() + b"\0" + file.read_bytes() for file in files)
    return path.read_bytes() if path.exists() else b""


def clear(path: Path) -> None:
    if path.is_dir():
        for inner in path.iterdir():
            clear(inner)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
