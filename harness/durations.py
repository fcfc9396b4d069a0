"""Durations, as people write them: 90s, 10min, 1.5h."""

from __future__ import annotations

import re

UNITS_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(ms|s|min|h)?\s*", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds meant by `text`; a number alone is seconds. ValueError for anything else, and for 0."""
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * UNITS_S[match[2] or "s"] if match else 0.0
    if seconds <= 0:
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, such as 90s, 10min or 1.5h")
    return seconds


def format_duration(seconds: float) -> str:
    """Three digits that a person reads at a glance: 850 µs, 1.24 s, 12.5 min."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    if seconds < 6000:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h"
