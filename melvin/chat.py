"""Chat: a line in, a reply out. A line that begins with a slash is a command; any other is asked. Nothing is learnt."""

from __future__ import annotations

from collections.abc import Callable

from melvin.answers import Answer
from melvin.brain import Brain
from melvin.lines import to_bytes


def readable(text: bytes) -> str:
    """Bytes as a person reads them."""
    return text.decode("utf-8", "replace")


def told(answer: Answer) -> str:
    """An answer in two lines: what, and how sure."""
    known = "I don't know" if answer.abstained else readable(answer.query + answer.payload)
    sure = f"probability {answer.probability:.3f}, entropy {answer.entropy:.2f} bits, {answer.choices:.1f} choices"
    return f"{known}\n{sure}"


class Chat:
    """One conversation with a brain."""

    def __init__(self, brain: Brain, port: str) -> None:
        self._brain, self._port = brain, port
        self._last: Answer | None = None
        self._commands: dict[str, tuple[str, Callable[[str], str | None]]] = {
            "/focus": ("TEXT: what the questions that follow are about; without TEXT, nothing", self._set_focus),
            "/why": ("what the last answer rests on", self._why),
            "/similar": ("TEXT: words that stand where it stands", self._similar),
            "/after": ("TEXT: words that come after it", self._after),
            "/help": ("this list", self._help),
            "/quit": ("the end", lambda _: None),
        }

        self._focus = b""

    @property
    def commands(self) -> list[str]:
        return [*self._commands]

    def reply(self, line: str) -> str | None:
        """What there is to say to a line; None for the end."""
        if not line:
            return ""
        if not line.startswith("/"):
            self._last = self._brain.query(to_bytes(line), focus=self._focus, port=self._port)
            return told(self._last)
        name, _, rest = line.strip().partition(" ")
        if name not in self._commands:
            return f"there is no command {name}: /help lists them"
        return self._commands[name][1](rest.strip())

    def _set_focus(self, text: str) -> str:
        self._focus = to_bytes(text)
        return f"focus: {text}" if text else "no focus"

    def _why(self, _: str) -> str:
        return self._last.why().text if self._last else "nothing was asked yet"

    def _similar(self, text: str) -> str:
        found = self._brain.similar(to_bytes(text), port=self._port) if text else []
        return "\n".join(f"{word.text}  {word.similarity:.3f}" for word in found) or "no word is like it"

    def _after(self, text: str) -> str:
        found = self._brain.after(to_bytes(text), port=self._port) if text else []
        return "\n".join(f"{word.text}  {word.count:,}" for word in found) or "no word comes after it"

    def _help(self, _: str) -> str:
        return "\n".join(f"{name:<9} {what}" for name, (what, _) in self._commands.items())
