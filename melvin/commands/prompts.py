"""Prompts: lines from a person at a terminal, with history and completion where that is installed; or from a pipe."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from melvin.commands.shared import say
from melvin.training import standard_input

READ_BYTES = 1 << 12


class Prompt:
    """Asks for lines. words : offered as completions, where lines can be edited; none: lines are read as they come"""

    def __init__(self, words: Sequence[str] = ()) -> None:
        at_terminal = standard_input().isatty() and sys.stdout is not None and sys.stdout.isatty()
        self._read = (words and at_terminal and _edited(words)) or _Plain(at_terminal)

    def ask(self, text: str) -> str | None:
        """The next line without its line feed; None at the end of the input."""
        try:
            return self._read(text)
        except EOFError:
            return None


class _Plain:
    """Reads standard input line by line. A signal is heard at any moment, also just before the wait begins."""

    def __init__(self, at_terminal: bool) -> None:
        self._at_terminal = at_terminal
        self._held = b""
        self._input = sys.stdin.fileno()
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def __call__(self, text: str) -> str:
        if self._at_terminal:
            say(text, nl=False)
        while b"\n" not in self._held:
            ready, _, _ = select.select([self._input, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(READ_BYTES)
            if self._input not in ready:
                continue
            more = os.read(self._input, READ_BYTES)
            if not more and not self._held:
                raise EOFError
            self._held += more or b"\n"
        line, _, self._held = self._held.partition(b"\n")
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")


def _edited(words: Sequence[str]) -> Callable[[str], str] | None:
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
    except ImportError:  # the extra `chat` is not installed
        return None
    completer = WordCompleter([*words], WORD=True)
    return PromptSession[str](completer=completer, complete_while_typing=False).prompt
