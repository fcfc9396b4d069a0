"""Sizes in bytes, as people write them: '10MB' is 10,000,000 and '10MiB' is 10,485,760."""

import re
from fractions import Fraction

from scaling_suite.errors import SizeError

UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
SPELLING = {"KIB": "KiB", "MIB": "MiB", "GIB": "GiB", "TIB": "TiB"}
MAX_SIZE_BYTES = 2**63 - 1  # what a file offset can hold
MAX_DIGITS = 4  # "1.024KB" is still read at a glance
DECIMAL_UNITS = ("B", "KB", "MB", "GB", "TB")
_SIZE = re.compile(r"\s*([0-9]{1,19}(?:\.[0-9]{1,9})?)\s*([A-Za-z]{0,3})\s*", re.ASCII)


def parse_size(text: str) -> int:
    """Bytes meant by `text`: a number with B, KB … TB (powers of 1000) or KiB … TiB (of 1024), or alone.

    Raises SizeError when `text` is not such a size, or is less than one byte.
    """
    match = _SIZE.fullmatch(text)
    unit = match[2].upper() or "B" if match else ""
    if match is None or unit not in UNITS:
        raise SizeError(f"{_shown(text)} is not a size: write a number and a unit, such as 10MB or 512MiB")
    size = int(Fraction(match[1]) * UNITS[unit])
    if not 1 <= size <= MAX_SIZE_BYTES:
        raise SizeError(f"{_shown(text)} is not a usable size: it must be at least 1 byte and less than 2^63")
    return size


def format_size(size_bytes: int) -> str:
    """The shortest exact way to write `size_bytes` ('10MB', '512MiB'), else three digits ('880KB').

    `parse_size(format_size(n))` is within 0.5 % of n.
    """
    exact = [text for unit in UNITS if (text := _exactly(size_bytes, unit))]
    if exact:
        return min(exact, key=len)
    for unit in DECIMAL_UNITS:
        value = size_bytes / UNITS[unit]
        if value < 999.5:  # three digits are enough
            return f"{value:.3g}{unit}"
    return f"{value:.0f}{DECIMAL_UNITS[-1]}"


def _exactly(size_bytes: int, unit: str) -> str:
    """`size_bytes` in this unit, when that takes at most MAX_DIGITS digits."""
    value = Fraction(size_bytes, UNITS[unit])
    written = f"{float(value):.{MAX_DIGITS}g}"
    exact = value >= 1 and "e" not in written and Fraction(written) == value
    return f"{written}{SPELLING.get(unit, unit)}" if exact else ""


def _shown(text: str, at_most: int = 40) -> str:
    return repr(text if len(text) <= at_most else text[:at_most] + "…")
