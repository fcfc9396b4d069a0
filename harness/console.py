"""What people read: always stderr, so that stdout stays one JSON document."""

from __future__ import annotations

import sys

from rich.console import Console

PLAIN_WIDTH = 160  # columns of a log file


def human() -> Console:
    """A console on stderr; off a terminal it is plain and wide. Brackets and colons in what it prints are text."""
    width = None if sys.stderr.isatty() else PLAIN_WIDTH
    return Console(stderr=True, highlight=False, markup=False, emoji=False, width=width)
