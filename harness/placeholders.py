"""Placeholders in argument vectors: names in braces. Standard library only, since workers import it."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def placeholders(argument: str) -> set[str]:
    """Names in braces; braces that hold no plain name (as in JSON) are text."""
    return set(_PLACEHOLDER.findall(argument))


def fill(argv: list[str], **values: str) -> list[str]:
    """The arguments with their placeholders replaced; one argument stays one argument."""
    return [_PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), argument) for argument in argv]
