"""What people read: always stderr, so that stdout stays one JSON document."""

from __future__ import annotations

import os
import sys
from typing import IO, Any, cast

import click
from rich.console import Console

from harness.errors import OutputError

STDERR = 2
PLAIN_WIDTH = 200  # columns of a log file


class Forgiving:
    """A stream for people: where it cannot be written to (its terminal is gone), what is said is lost, no more."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            lead_to_nowhere(self._stream)
        return len(text)

    def flush(self) -> None:
        """What is written is flushed already."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def lead_to_nowhere(stream: IO[str]) -> None:
    """Have a stream take what it still holds, and all that comes, and drop it."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def open_all_streams() -> None:
    """Open standard streams that are closed (`2>&-`), lest a pipe or a file takes their place."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115


def stderr() -> IO[str]:
    return cast(IO[str], Forgiving(sys.stderr))


def human() -> Console:
    """A console on stderr; off a terminal it is plain and wide. Brackets and colons in what it prints are text."""
    width = None if sys.stderr.isatty() else PLAIN_WIDTH
    return Console(file=stderr(), highlight=False, markup=False, emoji=False, width=width)


def put(text: str) -> None:
    """Print a result to standard output.

    Raises
    ------
    OutputError
        where that cannot be done; not when the reader of a pipe went away, which ends the program quietly.
    """
    if sys.stdout is None:
        raise OutputError("cannot write to standard output: it is closed")
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        lead_to_nowhere(sys.stdout)
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error
