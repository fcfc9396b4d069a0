"""The comparison: peers and melvin trained in turn on one text, each time in a fresh process; medians and ratios.

Costs are CPU seconds first: they mean the same on a machine that others use. In turn, so that what the machine does
meanwhile meets all of them alike.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from scaling_suite.errors import PeerError
from scaling_suite.peers.registry import MELVIN, Peer, melvin_command, melvin_version
from scaling_suite.source import read_blocks

SCHEMA = "scaling_suite.peers/1"
MEASURED = Path(__file__).parent / "measured.py"
MEGABYTE = 1e6
MIB = 1 << 20
VERSION_OF = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"


@dataclass(frozen=True)
class Run:
    """What one training cost. load : runnable processes on the machine when it began, over the last minute"""

    cpu_s: float
    wall_s: float
    peak_rss_bytes: int
    load: float


@dataclass(frozen=True)
class Row:
    """One trainer in the comparison: what its runs cost; or why it has none."""

    name: str
    version: str
    runs: tuple[Run, ...]
    failure: str = ""

    def middle(self, what: str) -> float:
        """The median of its runs."""
        return float(median(getattr(run, what) for run in self.runs))


@dataclass(frozen=True)
class Environment:
    """Where peers are installed: never among what the project needs."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def install(self, package: str) -> str:
        """Have a package; the version of it.

        Raises
        ------
        PeerError : it cannot be installed; the message ends with what the installer said last
        """
        if not self.python.exists():
            venv.create(self.folder, with_pip=True, clear=True)
        found = self._version(package)
        if not found:
            asked = [str(self.python), "-m", "pip", "install", "--quiet", package]
            installed = subprocess.run(asked, capture_output=True, text=True)
            found = self._version(package)
            if not found:
                raise PeerError(f"{package} cannot be installed: {_last_line(installed.stderr)}")
        return found

    def _version(self, package: str) -> str:
        asked = [str(self.python), "-I", "-c", VERSION_OF, package]
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip()


def take_text(corpus: Path, size: int, folder: Path) -> Path:
    """The first whole lines of a corpus that fit into so many bytes, as a file.

    Raises
    ------
    PeerError : not one line fits
    """
    text, taken, rest = folder / "text.txt", 0, b""
    with text.open("wb") as file:
        for block in read_blocks(corpus):
            held = (rest + block)[: size - taken]
            whole = held.rfind(b"\n") + 1
            file.write(held[:whole])
            taken, rest = taken + whole, held[whole:]
            if taken + len(rest) >= size:
                break
    if not taken:
        raise PeerError(f"not one line of {corpus} fits into {size} bytes: name a larger size")
    return text


def compare(
    text: Path, peers: Sequence[Peer], folder: Path, rounds: int, tell: Callable[[str], None] = lambda _: None
) -> list[Row]:
    """Train melvin and the peers in turn, `rounds` times each. tell : called with what is about to be done

    Raises
    ------
    PeerError : melvin itself failed; of a peer that does, the row says so
    """
    environment = Environment(folder / "environment")
    versions, failures = {MELVIN: melvin_version()}, dict[str, str]()
    for peer in peers:
        try:
            tell(f"{peer.name}: prepare")
            versions[peer.name] = environment.install(peer.package) if peer.package else "-"
        except PeerError as error:
            versions[peer.name], failures[peer.name] = "-", str(error)
    runs: dict[str, list[Run]] = {name: [] for name in versions}
    python = {peer.name: environment.python if peer.package else Path(sys.executable) for peer in peers}
    for number in range(rounds):
        for name, command in _commands(text, peers, python, folder):
            if name in failures:
                continue
            tell(f"{name}: train, {number + 1} of {rounds}")
            try:
                runs[name].append(run(name, command, folder))
            except PeerError as error:
                if name == MELVIN:
                    raise
                failures[name] = str(error)
    return [Row(name, versions[name], tuple(runs[name]), failures.get(name, "")) for name in versions]


def _commands(
    text: Path, peers: Sequence[Peer], python: dict[str, Path], folder: Path
) -> Iterable[tuple[str, list[str]]]:
    """Name and command of each trainer; each begins with an empty folder of its own."""
    for name, peer in [(MELVIN, None), *((peer.name, peer) for peer in peers)]:
        mine = folder / name
        shutil.rmtree(mine, ignore_errors=True)
        mine.mkdir()
        yield name, melvin_command(text, mine) if peer is None else peer.command(python[name], text, mine)


def run(name: str, command: list[str], folder: Path) -> Run:
    """Run one training; what it prints goes to a log in the folder.

    Raises
    ------
    PeerError : it did not end well
    """
    load, result, log = os.getloadavg()[0], folder / f"{name}.json", folder / f"{name}.log"
    result.unlink(missing_ok=True)
    with log.open("wb") as file:
        subprocess.run(
            [sys.executable, "-I", "-S", str(MEASURED), str(result), *command], stdout=file, stderr=subprocess.STDOUT
        )
    cost = json.loads(result.read_text()) if result.exists() else {"exit_code": "none"}
    if cost.pop("exit_code") != 0:
        raise PeerError(f"{name} did not end well: {_last_line(log.read_text(errors='replace'))} (see {log})")
    return Run(**cost, load=load)


def document(rows: list[Row], text: Path) -> dict[str, Any]:
    """The comparison for a program."""
    size = text.stat().st_size
    return {
        "schema": SCHEMA,
        "text": {"bytes": size, "sha256": hashlib.sha256(text.read_bytes()).hexdigest()},
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "trainers": [_entry(row, rows[0], size) for row in rows],
    }


def _entry(row: Row, melvin: Row, size: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": row.name, "version": row.version}
    if row.failure:
        return entry | {"failure": row.failure}
    cpu_s = row.middle("cpu_s")
    return entry | {
        "cpu_s": cpu_s,
        "wall_s": row.middle("wall_s"),
        "peak_rss_bytes": int(row.middle("peak_rss_bytes")),
        "megabytes_per_cpu_s": size / MEGABYTE / cpu_s,
        "cpu_s_to_melvin": cpu_s / melvin.middle("cpu_s"),
        "peak_rss_to_melvin": row.middle("peak_rss_bytes") / melvin.middle("peak_rss_bytes"),
        "load": max(run.load for run in row.runs),
        "runs": [vars(run) for run in row.runs],
    }


def markdown(found: dict[str, Any]) -> str:
    """The comparison for a person, as a table."""
    text, machine = found["text"], found["machine"]
    lines = [
        f"{text['bytes']:,} bytes of text (sha256 {text['sha256'][:12]}), {machine['cpus']} CPUs, "
        f"Python {machine['python']}; medians of each trainer's runs, in turn, each in a fresh process.",
        "",
        "| trainer | version | CPU s | wall s | peak MiB | MB a CPU s | CPU s to melvin | peak to melvin | load |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in found["trainers"]:
        if "failure" in one:
            lines.append(f"| {one['name']} | {one['version']} | {one['failure']} | | | | | | |")
            continue
        lines.append(
            f"| {one['name']} | {one['version']} | {one['cpu_s']:.2f} | {one['wall_s']:.2f} "
            f"| {one['peak_rss_bytes'] / MIB:,.0f} | {one['megabytes_per_cpu_s']:.2f} "
            f"| {one['cpu_s_to_melvin']:.2f} | {one['peak_rss_to_melvin']:.2f} | {one['load']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _last_line(said: str) -> str:
    lines = said.strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"
