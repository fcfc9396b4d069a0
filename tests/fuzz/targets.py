"""Targets: bytes in; the parser takes them, or refuses them with the one error it promises. Anything else is a find."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.command_subject import read_command_subject
from harness.durations import parse_duration
from harness.errors import ReportError, SubjectError
from harness.report.models import read_report
from melvin import Brain
from melvin.container import Container, write
from melvin.errors import BrainFileError, InputError
from melvin.resume import parse_resume
from melvin.training import parse_every
from scaling_suite.errors import SizeError
from scaling_suite.sizes import parse_size

_KEPT = tempfile.TemporaryDirectory(prefix="fuzz-")  # removed when the process ends
FOLDER = Path(_KEPT.name)
TAUGHT = Brain()
TAUGHT.learn([b"the cat sat on the mat"] * 9)
TAUGHT.save(FOLDER / "whole.m")
WHOLE = Container(FOLDER / "whole.m")


@dataclass(frozen=True)
class Target:
    """name, what takes the bytes, the error that refuses them, and an example to begin with."""

    name: str
    take: Callable[[bytes], object]
    refusal: type[Exception]
    example: bytes

    def __call__(self, data: bytes) -> bool:
        """Whether the bytes were taken. Raises what the parser was not to raise."""
        try:
            self.take(data)
        except self.refusal:
            return False
        return True


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def from_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def take(data: bytes) -> object:
        path = FOLDER / name
        path.write_bytes(data)
        return read(path)

    return take


def read_all(path: Path) -> object:
    """Open a brain, and need all that the file holds."""
    brain = Brain.open(path)
    brain.stats()
    return brain.snapshot


def open_with_state(data: bytes) -> object:
    """A brain whose checksums hold, with any text as its state."""
    arrays = {name: WHOLE.get(name) for name in WHOLE.names()}
    metadata = {"schema": WHOLE.metadata["schema"], "state": data.decode("utf-8", "replace")}
    write(FOLDER / "state.m", list(arrays), arrays.items(), metadata)
    return read_all(FOLDER / "state.m")


RECORD = b"""{"carry": null, "current": {"fingerprint": "00000000000000000000000000000000", "name": "a", "size": 1},
"done": [], "ended": false, "opens": true, "settings": {"port": "text"}}"""
SUBJECT = b'train = ["./trainer", "{corpus}", "{brain}"]\n[reads]\nlines = "lines: ([0-9]+)"\n'

TARGETS = (
    Target("brain file", from_file("a.m", read_all), BrainFileError, (FOLDER / "whole.m").read_bytes()),
    Target("state of a brain", open_with_state, BrainFileError, WHOLE.metadata["state"].encode()),
    Target("resume record", lambda d: parse_resume(text(d), TAUGHT.snapshot.symbols), ValueError, RECORD),
    Target("how often", lambda data: parse_every(text(data)), InputError, b"60s"),
    Target("size", lambda data: parse_size(text(data)), SizeError, b"512MiB"),
    Target("duration", lambda data: parse_duration(text(data)), ValueError, b"10min"),
    Target("report", from_file("report.json", read_report), ReportError, b'{"schema": "harness.report/1"}'),
    Target("command subject", from_file("subject.toml", read_command_subject), SubjectError, SUBJECT),
)
