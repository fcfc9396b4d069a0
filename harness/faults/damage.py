"""Sweep (f): the file is damaged in every way we know. It must be refused: no answer, no crash, no large allocation."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

from harness.faults.bench import CHILD_S, Bench, Row, fork, spread, wait
from harness.roundtrip.offers import Forges
from harness.subject import Subject, Verifies

BATCH = 500  # damaged files that one child looks at
PAGES = (64, 512, 4096)
CLEAR_REFS = "/proc/self/clear_refs"


def bit_flips(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    """Half of them in the first bytes, where the structure is."""
    head = min(len(data), max(64, len(data) // 8)) * 8
    for at in spread(head, count // 2) + [chance.randrange(8 * len(data)) for _ in range(count - count // 2)]:
        yield data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]


def truncations(data: bytes, count: int, _: random.Random) -> Iterator[bytes]:
    for size in spread(len(data), count):
        yield data[:size]


def zeroed(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    while count:
        size = chance.choice(PAGES)
        at = chance.randrange(max(1, len(data) // size)) * size
        if any(page := data[at : at + size]):
            count -= 1
            yield data[:at] + bytes(len(page)) + data[at + size :]


def swapped(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    """Two pages change places."""
    while count:
        size = chance.choice(PAGES[:2])
        a, b = sorted(chance.randrange(max(2, len(data) // size)) * size for _ in range(2))
        one, other = data[a : a + size], data[b : b + size]
        if b + size <= len(data) and one != other:
            count -= 1
            yield data[:a] + other + data[a + size : b] + one + data[b + size :]


def appended(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    for number in range(count):
        more = bytes(number + 1) if number % 2 else chance.randbytes(number + 1)
        yield data + more


def cut_out(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    """A stretch is missing, or stands there twice."""
    for number in range(count):
        at, size = chance.randrange(len(data)), chance.randint(1, 256)
        yield data[:at] + (data[at + size :] if number % 2 else data[at : at + size] + data[at:])


DAMAGES = (
    ("bit flips", bit_flips, 0.4),
    ("truncations", truncations, 0.2),
    ("zeroed pages", zeroed, 0.1),
    ("swapped pages", swapped, 0.1),
    ("appended bytes", appended, 0.1),
    ("stretches missing or doubled", cut_out, 0.1),
)


def sweep(bench: Bench, files: int) -> Iterator[Row]:
    """About `files` damaged files; each must be refused when it is verified or loaded."""
    chance = random.Random(bench.seed)  # noqa: S311
    folder = bench.folder / "damaged"
    folder.mkdir()
    for name, damage, share in DAMAGES:
        row = Row("f", name, "written")
        batch: list[bytes] = []
        for data in damage(bench.new_bytes, int(files * share), chance):
            if data == bench.new_bytes:
                continue
            batch.append(data)
            if len(batch) == BATCH:
                _look(bench, row, batch, folder)
                batch = []
        _look(bench, row, batch, folder)
        yield row


def _look(bench: Bench, row: Row, batch: list[bytes], folder: Path) -> None:
    """One child tries to load them all; when it dies, the next one goes on behind the file that killed it."""
    at = 0
    while at < len(batch):
        receive, send = os.pipe()

        def load(first: int = at, send: int = send) -> None:
            path = folder / "brain.m"
            for data in batch[first:]:
                signal.alarm(CHILD_S)  # anew for each
                path.unlink(missing_ok=True)
                path.write_bytes(data)
                os.write(send, b"r" if refuses(bench.make(), path) else b"l")

        child = fork(load)
        os.close(send)
        with os.fdopen(receive, "rb") as pipe:
            told = pipe.read()
        code = wait(child)
        for number, letter in enumerate(told.decode()):
            row.count("refused" if letter == "r" else "corrupt", f"{row.kind}, no. {row.points}: loaded ({number})")
        at += len(told)
        if at < len(batch):
            row.died += 1
            row.count("corrupt", f"{row.kind}, no. {row.points}: the process ended with {code}")
            at += 1


def refuses(subject: Subject, path: Path) -> bool:
    """Whether a subject recognises the file as damaged, at verify or at load."""
    try:
        if isinstance(subject, Verifies):
            subject.verify(path)
        subject.load(path)
    except MemoryError:
        return False
    except Exception as error:  # the border: a clean refusal is an error of the subject's own, or about values
        return not isinstance(error, AssertionError)
    return False


def hostile(bench: Bench, forger: Forges) -> Iterator[Row]:
    """Files that claim what they do not hold: refused, and at what cost in memory."""
    folder = bench.folder / "hostile"
    folder.mkdir()
    row = Row("f", "hostile headers with valid checksums", "forged")
    most = 0
    for path in forger.hostile_files(_saved(bench), folder):
        receive, send = os.pipe()

        def load(path: Path = path, send: int = send) -> None:
            before = _peak(reset=True)
            subject = bench.make()
            good = refuses(subject, path)
            os.write(send, b"%d %d" % (good, _peak() - before))

        child = fork(load)
        os.close(send)
        with os.fdopen(receive, "rb") as pipe:
            told = pipe.read().split()
        code = wait(child)
        if code or len(told) != 2:
            row.died += 1
            row.count("corrupt", f"hostile file no. {row.points}: the process ended with {code}")
            continue
        most = max(most, int(told[1]))
        row.count("refused" if told[0] == b"1" else "corrupt", f"hostile file no. {row.points} is loaded")
    row.note = f"opening one took at most {most / 2**20:.1f} MiB above what the process had"
    yield row


def _saved(bench: Bench) -> Path:
    bench.reset(bench.new_bytes)
    return bench.path


def _peak(*, reset: bool = False) -> int:
    """Resident memory at its highest since the last reset, in bytes."""
    if reset:
        Path(CLEAR_REFS).write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
