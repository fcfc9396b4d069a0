"""Numbers as every view shows them. What was not measured is a dash, never a zero."""

from __future__ import annotations

from collections.abc import Callable

from harness.durations import format_duration
from scaling_suite.sizes import format_size

NOT_MEASURED = "–"
MIB = 1024**2
LABEL_LENGTH = 6
LABEL_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "KB"), (1, "B"))


def duration(seconds: float | None) -> str:
    return NOT_MEASURED if seconds is None else format_duration(seconds)


def memory(size: float | None) -> str:
    """Memory in MiB or GiB: what limits are given in."""
    if size is None:
        return NOT_MEASURED
    return f"{size / MIB / 1024:.2f} GiB" if size >= 1024 * MIB else f"{size / MIB:,.1f} MiB"


def size(bytes_: float | None) -> str:
    """A size on disk, three digits, powers of 1000."""
    if bytes_ is None:
        return NOT_MEASURED
    value = float(bytes_)
    units = iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    while abs(value) >= 999.5 and unit != "GB":
        value, unit = value / 1000, next(units)
    return f"{value:.3g} {unit}" if abs(value) < 999.5 else f"{value:,.0f} {unit}"


def label(bytes_: int) -> str:
    """A rung's name: the exact size where that is short, else three digits."""
    exact = format_size(bytes_)
    if len(exact) <= LABEL_LENGTH:
        return exact
    unit, name = next((unit, name) for unit, name in LABEL_UNITS if bytes_ >= unit)
    return f"{bytes_ / unit:.3g}{name}"


def count(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:,.0f}"


def decimal(value: float | None, digits: int = 2) -> str:
    return NOT_MEASURED if value is None else f"{value:,.{digits}f}"


def share(part: int, whole: int) -> str:
    return NOT_MEASURED if not whole else f"{part / whole:.0%}"


def signed(show: Callable[[float], str]) -> Callable[[float], str]:
    """A way to show how much more, or less, something is."""

    def shown(value: float) -> str:
        text = show(abs(value))
        return f"±{text}" if text == show(0.0) else f"+{text}" if value > 0 else f"−{text}"

    return shown


def slope(value: float, low: float, high: float) -> str:
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def memory_tick(value: float) -> str:
    """Memory on an axis: as short as it can be."""
    for unit, name in ((MIB * 1024, "GiB"), (MIB, "MiB"), (1024, "KiB")):
        if value >= unit * 0.9999:
            return f"{value / unit:g} {name}"
    return f"{value:g} B"


def long_duration(seconds: float) -> str:
    """A projected time: days and years where hours are too many to grasp."""
    days = seconds / 86_400
    if days >= 730:
        return f"{days / 365.25:,.3g} years"
    return f"{days:,.3g} days" if days >= 2 else format_duration(seconds)


def plural(count: int, one: str, many: str = "") -> str:
    """`1 case`, `2,000 cases`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
