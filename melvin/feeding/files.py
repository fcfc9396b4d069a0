"""Files into a brain: each through the reader of its type, those with times merged by time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from melvin.brain import Brain
from melvin.episodes import MAX_TIME_NS
from melvin.errors import InputError
from melvin.feeding.readers import FileType, damaged, type_of
from melvin.frames import Frame

AUTO = "auto"  # the port that goes with a file's type


@dataclass(frozen=True)
class Fed:
    """A file that was fed: its type, the port it went to, and how much of it was learnt."""

    file: str
    type: str
    port: str
    frames: int = 0
    bytes: int = 0


def feed(brain: Brain, paths: Sequence[Path], port: str = AUTO) -> list[Fed]:
    """Learn files: first those without times, in the order given, then all others together, by time.

    Raises
    ------
    InputError : one cannot be read, is damaged, or needs a package that is not installed; the brain has learnt in part
    """
    kinds = [type_of(path) for path in paths]
    fed = [
        Fed(str(path), kind.name, kind.port if port == AUTO else port) for path, kind in zip(paths, kinds, strict=True)
    ]
    untimed: list[Iterator[Frame]] = []
    timed: list[Iterator[Frame]] = []
    for at, (path, kind) in enumerate(zip(paths, kinds, strict=True)):
        frames = _frames(path, kind, fed, at)
        first = next(frames, None)
        if first is not None:
            (untimed if first.timestamp is None else timed).append(chain([first], frames))
    brain.learn_frames(chain(*untimed, heapq.merge(*timed, key=lambda frame: frame.timestamp or 0)))
    return fed


def _frames(path: Path, kind: FileType, fed: list[Fed], at: int) -> Iterator[Frame]:
    try:
        for when, payload in kind.read(path):
            if when is not None and abs(when) >= MAX_TIME_NS:
                raise damaged(path, kind.name, f"frame {fed[at].frames + 1} lies more than 146 years from 0")
            if payload:
                fed[at] = replace(fed[at], frames=fed[at].frames + 1, bytes=fed[at].bytes + len(payload))
                yield Frame(fed[at].port, when, payload)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
