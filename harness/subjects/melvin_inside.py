"""Melvin from inside, for the round trip and the fault sweeps: its state, its training, hostile files of its format."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import melvin
from melvin import container
from melvin.lock import Lock
from melvin.signals import Signals
from melvin.training import Every, Source, Training

READ_BYTES = 1 << 11  # so that a small corpus has many places to stand at
SIGNALLED = 128
HUGE = 1 << 40  # bytes that a hostile header claims


def state_of(brain: melvin.Brain) -> Mapping[str, Any]:
    """All that is learnt, as dataclasses of arrays; what is derived or arbitrary (order of a set) is left out."""
    learner = brain._learner
    learner.tally()
    gathering: dict[str, Any] = {}
    for part in fields(learner.gathering):
        value = getattr(learner.gathering, part.name)
        gathering[part.name] = value.fold() if hasattr(value, "fold") else value
    gathering["sample"] = sorted(gathering["sample"])
    return {
        "snapshot": learner.snapshot,
        "gathering": gathering,
        "fed": learner.fed,
        "lines": learner.lines,
        "resume": learner.resume,
    }


def train(corpus: Path, brain: Path, checkpoint_lines: int) -> int:
    """`melvin train --resume` with small blocks: checkpoints, signals, lock and exit codes are those of the program."""
    with Lock(brain), Signals() as signals:
        container.remove_remains(brain)
        begun = brain.exists()
        learner = melvin.Brain.open(brain) if begun else melvin.Brain()
        training = Training(
            learner,
            brain,
            [Source(corpus, corpus.stat().st_size)],
            settings={"port": "text"},
            every=Every(lines=checkpoint_lines),
            signals=signals,
            read_bytes=READ_BYTES,
        )
        if begun:
            training.go_on()
        return 0 if training.run(lambda _: None) else SIGNALLED + signals.number


def hostile_files(brain: Path, folder: Path) -> Iterator[Path]:
    """Files whose header holds together and claims what the file does not hold, or what fits no table."""
    data = brain.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    header[container.METADATA].pop(container.HEADER_CHECKSUM)
    names = [name for name in header if name != container.METADATA and not name.startswith(container.PADDING)]

    def resealed(header: Mapping[str, Any]) -> bytes:
        return container.sealed(header, length)

    def forged(text: bytes, rest: bytes = body) -> Path:
        path = folder / "hostile.m"
        path.write_bytes(struct.pack("<Q", len(text)) + text + rest)
        return path

    def sealed(change: dict[str, Any], name: str) -> bytes:
        return resealed({**header, name: {**header[name], **change}})

    for name in names:
        begin, end = header[name]["data_offsets"]
        yield forged(sealed({"shape": [HUGE]}, name))
        yield forged(sealed({"data_offsets": [begin, begin + HUGE]}, name))
        yield forged(sealed({"shape": [HUGE], "data_offsets": [begin, begin + HUGE]}, name))
        yield forged(sealed({"shape": [-1]}, name))
        yield forged(sealed({"shape": [0] * 64}, name))
        yield forged(sealed({"dtype": "F128"}, name))
        if begin < end:
            yield forged(sealed({"data_offsets": [end, begin]}, name))
        if 0 < begin < end:  # an empty array is empty wherever it lies
            yield forged(sealed({"data_offsets": [0, end - begin]}, name))
        yield forged(resealed({key: value for key, value in header.items() if key != name}))
        yield forged(resealed({**header, name: [1, 2, 3]}))
        yield forged(resealed({**header, name: None}))
    for field in json.loads(header[container.METADATA]["state"]):
        state = json.loads(header[container.METADATA]["state"])
        values: tuple[Any, ...] = (-1, 2.5, "x", None, {})
        was = state[field]
        for value in values:
            if value == {} and isinstance(was, dict) and set(was.values()) == {0}:
                continue  # counts that are not there are 0: the same state
            state[field] = value
            marks = {**header[container.METADATA], "state": json.dumps(state)}
            yield forged(resealed({**header, container.METADATA: marks}))
    most = container.MAX_HEADER
    yield forged(b"[" * most, b"")
    yield forged(b"{" + b'"a":{' * (most // 5 - 1), b"")
    yield forged(b'{"a":[' + b"1," * (most // 2 - 8) + b"1]}", b"")
    yield forged((b"{" + b",".join(b'"%x":{}' % n for n in range(most // 10)))[: most - 1] + b"}", b"")
    yield forged(b'{"__metadata__":{"header":"' + b"0" * (most - 40) + b'"}}', b"")
    yield forged(b'{"__metadata__":' + b"9" * (most - 40) + b"}", b"")
    for claimed in (0, 1, most + 1, 1 << 32, 1 << 63, (1 << 64) - 1):
        path = folder / "hostile.m"
        path.write_bytes(struct.pack("<Q", claimed) + data[8:])
        yield path
