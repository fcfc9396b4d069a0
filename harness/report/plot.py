"""A plot with the table of its numbers, and the axes that plots share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness import units
from harness.report.models import Rung
from harness.report.svg import (
    Log,
    x_range,
    y_range,
)

ROOM = 1.35  # the share of free space beyond the outermost values of a logarithmic axis


@dataclass(frozen=True)
class Plot:
    """A drawing, what it says in one sentence, and the table of its numbers."""

    title: str
    caption: str
    svg: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def size_axis(sizes: Sequence[float]) -> Log:
    low, high = min(sizes), max(sizes)
    return Log(low / ROOM, high * ROOM, *x_range(), label=lambda value: units.label(round(value)))


def log_axis(values: Sequence[float], label: Callable[[float], str], unit: float = 1.0, base: float = 10.0) -> Log:
    low, high = min(values), max(values)
    if high < low * base:  # at least one power, so that noise does not look like a trend
        middle = (low * high) ** 0.5
        low, high = min(low, middle / base**0.5), max(high, middle * base**0.5)
    return Log(low / ROOM, high * ROOM, *y_range(), label=label, base=base, unit=unit)


def rung_tip(rung: Rung, text: str) -> str:
    return f"{rung.label}: {text}"
