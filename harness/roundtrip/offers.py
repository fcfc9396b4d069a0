"""What a subject may offer beyond the protocol, so that more can be told about its saves. All of it is optional."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from harness.subject import Subject

TEXT = "text"  # the port of a subject that has no ports

Line = tuple[str, bytes]  # port, bytes


@runtime_checkable
class ShowsState(Protocol):
    """A subject that shows all it has learnt."""

    def state(self) -> Mapping[str, Any]:
        """By table: mappings, sequences, strings, bytes, numbers, dataclasses, arrays. Nothing that is derived."""


@runtime_checkable
class HasPorts(Protocol):
    """A subject that is taught lines on named ports."""

    def learn_lines(self, lines: Sequence[bytes], port: str) -> None:
        """Learn lines, in order."""


@runtime_checkable
class Trains(Protocol):
    """A subject that can be trained into a file with checkpoints, and resumed."""

    def train(self, corpus: Path, brain: Path, checkpoint_lines: int) -> int:
        """Learn a file into the brain at a path, going on where a checkpoint stands; the exit code of a program."""

    def is_checkpoint(self, brain: Path) -> bool:
        """Whether the training that wrote it had not reached the end."""


@runtime_checkable
class Forges(Protocol):
    """A subject that knows how to make hostile files of its own format."""

    def hostile_files(self, brain: Path, folder: Path) -> Iterator[Path]:
        """Files that hold together by their checksums and claim what they do not hold."""


class QuietClock:
    """A clock that listens to nobody."""

    def enter(self, stage: str, /) -> None:
        pass

    def progress(self, at_bytes: int, at_lines: int, nodes: int = -1, edges: int = -1) -> None:
        pass


def teach(subject: Subject, lines: Sequence[Line]) -> None:
    """Teach lines in order; a subject without ports is taught all of them on one."""
    if isinstance(subject, HasPorts):
        for port, run in groupby(lines, key=itemgetter(0)):
            subject.learn_lines([line for _, line in run], port)
        return
    with tempfile.NamedTemporaryFile(suffix=".txt", delete=False) as file:
        file.write(b"".join(line + b"\n" for _, line in lines))
    try:
        subject.learn(Path(file.name), QuietClock())
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(file.name).unlink()
