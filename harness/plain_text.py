"""What a subject says, made harmless: it may be bytes that are no text, or commands to a terminal."""

from __future__ import annotations

import re

SHOWN = 1000  # characters of a sentence
# Control characters but tab and line feed, halves of surrogate pairs, and what is no character at all.
NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def plain_text(said: str) -> str:
    """The same text with everything that is not to be shown written out, as in `\\x1b`.

    The result can be encoded as UTF-8, stand in XML, and be printed to a terminal.
    """
    return NOT_TEXT.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), said)


def one_line(said: str, most: int = SHOWN) -> str:
    """The same on one line, of so many characters at the most: all of it is elsewhere."""
    line = plain_text(" ".join(filter(None, map(str.strip, said.splitlines()))))
    return line if len(line) <= most else line[:most] + "…"
