"""What several ports carried together, as sections of the brain file: `episodes.*`, `bridges.*`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from melvin.binding import Binding
from melvin.bridges import Bridges, Gathered
from melvin.container import Array, Container
from melvin.episodes import Cutter
from melvin.payloads import Payloads
from melvin.runs import RunStack
from melvin.soundness import MAX_TOTAL, bridges_hold, cutter_holds
from melvin.viewfile import read_counts

GATHERING = "gathering."
_PAYLOADS = {"key": "uint64", "count": "int64", "size": "int64", "pool": "uint8"}


class Contradiction(ValueError):
    """A section that does not fit the others: its name."""


def arrays_of(binding: Binding, ports: Sequence[str]) -> dict[str, Array]:
    """The arrays of a binding by section; ports are written as their index."""
    cutter = binding.cutter
    arrays: dict[str, Array] = {
        "episodes.gaps": np.array(cutter.gaps, np.int64),
        "episodes.open.port": np.array([ports.index(port) for port, _ in cutter.open], np.uint16),
        "episodes.open.size": np.array([len(payload) for _, payload in cutter.open], np.int64),
        "episodes.open.data": np.frombuffer(b"".join(payload for _, payload in cutter.open), np.uint8),
    }
    for where, bridges in (("", binding.known), (GATHERING, binding.gathered.fold())):
        arrays |= {f"{where}bridges.{part}": getattr(bridges.counts, part) for part in ("key", "count")}
        arrays |= {f"{where}bridges.payloads.{part}": getattr(bridges.payloads, part) for part in _PAYLOADS}
    return arrays


def state_of(binding: Binding) -> dict[str, int | None]:
    """The few numbers beside the arrays."""
    cutter = binding.cutter
    return {"border": cutter.border, "last_ns": cutter.last_ns, "gathered_bytes": binding.gathered.bytes}


def read_binding(file: Container, state: Any, ports: Sequence[str]) -> Binding:
    """The binding of a brain file.

    Raises
    ------
    DamagedBrainError : a section is missing or of another type
    Contradiction : names the section that cannot be
    """
    if not isinstance(state, Mapping) or set(state) != set(state_of(Binding())):
        raise Contradiction("state")
    if not all(value is None or type(value) is int for value in state.values()):
        raise Contradiction("state")
    port, size = file.array("episodes.open.port", "uint16"), file.array("episodes.open.size", "int64")
    data, gaps = file.array("episodes.open.data", "uint8").tobytes(), file.array("episodes.gaps", "int64")
    if not cutter_holds(gaps, port, size, len(data), state["border"], state["last_ns"], len(ports)):
        raise Contradiction("episodes")
    end = np.cumsum(size)
    frames = [(ports[p], data[e - n : e]) for p, n, e in zip(port, size, end, strict=True)]
    known, gathered = (_read_bridges(file, where) for where in ("", GATHERING))
    if state["gathered_bytes"] is None or not 0 <= state["gathered_bytes"] < MAX_TOTAL:
        raise Contradiction("state")
    return Binding(
        Cutter(gaps.tolist(), state["border"], state["last_ns"], frames),
        known,
        Gathered(RunStack(gathered.counts), gathered.payloads.items(), state["gathered_bytes"]),
    )


def _read_bridges(file: Container, where: str) -> Bridges:
    section = f"{where}bridges"
    counts = read_counts(file, section)
    payloads = Payloads(**{part: file.array(f"{section}.payloads.{part}", dtype) for part, dtype in _PAYLOADS.items()})
    if not bridges_hold(counts, payloads):
        raise Contradiction(section)
    return Bridges(counts, payloads)
