"""The frames of an allocation, as a person reads them: places in the code by module path, grouped by who is to blame."""

from __future__ import annotations

import ast
import functools
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SITES = 5  # places that are named
OUTER, INNER = 3, 5  # frames of a stack that are shown: as far as the place itself, and within it
OF_HARNESS = "harness/tasks/leak"  # frames outside of the subject start with it
FAR = 2  # last parts that are shown of a path that no import leads to


@dataclass(frozen=True)
class Frame:
    """One line of a stack. path : as it is imported, `package/module.py`"""

    path: str
    line: int
    function: str

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path

    def __str__(self) -> str:
        return f"{self.where} in {self.function}" if self.function else self.where


@dataclass(frozen=True)
class Growth:
    """What one stack (the innermost frame last) added between two looks."""

    stack: Sequence[Frame]
    bytes: int
    blocks: int


def shown_path(file: str) -> str:
    """A file as the interpreter found it: relative to where modules are imported from; far away, its last parts."""
    path = Path(file)
    above = [entry for entry in sys.path if entry and path.is_relative_to(entry)]
    if above:
        return str(path.relative_to(max(above, key=len)))
    return str(Path(*path.parts[-FAR:])) if path.is_absolute() else file


@functools.cache
def function_at(file: str, line: int) -> str:
    """The innermost function around a line, with the classes around it; empty where its source cannot be read."""
    found: list[str] = []
    node: ast.AST | None = _tree(file)
    while node is not None:
        inner = [
            child
            for child in ast.walk(node)
            if child is not node
            and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and child.lineno <= line <= (child.end_lineno or child.lineno)
        ]
        node = min(inner, key=lambda child: child.lineno, default=None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
    return ".".join(found)


@functools.cache
def _tree(file: str) -> ast.Module | None:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def sites(grown: Iterable[Growth], package: str, epochs: int) -> list[dict[str, Any]]:
    """The places that grew most, per epoch: those of the subject's package where the stack leads through it.

    What the harness itself allocated is left out.
    """
    by_place: dict[Frame, list[Growth]] = defaultdict(list)
    for growth in grown:
        if stack := _of_subject(growth.stack):
            by_place[stack[_place(stack, package)]].append(Growth(stack, growth.bytes, growth.blocks))
    found = []
    for place, parts in by_place.items():
        stack = max(parts, key=lambda part: part.bytes).stack
        at = _place(stack, package) + 1
        found.append(
            {
                "where": place.where,
                "function": place.function,
                "bytes_per_epoch": sum(part.bytes for part in parts) / epochs,
                "blocks_per_epoch": sum(part.blocks for part in parts) / epochs,
                "stack": [str(frame) for frame in stack[max(at - OUTER, 0) : at + INNER]],
            }
        )
    found = [site for site in found if site["bytes_per_epoch"] > 0]
    return sorted(found, key=lambda site: -site["bytes_per_epoch"])[:SITES]


def _place(stack: Sequence[Frame], package: str) -> int:
    """The frame to blame: the innermost of the package, else the innermost of all."""
    own = [number for number, frame in enumerate(stack) if frame.path.partition("/")[0].removesuffix(".py") == package]
    return own[-1] if own else len(stack) - 1


def _of_subject(stack: Sequence[Frame]) -> Sequence[Frame]:
    """The frames within the innermost one of the harness."""
    outer = [number for number, frame in enumerate(stack) if frame.path.startswith(OF_HARNESS)]
    return stack[outer[-1] + 1 :] if outer else stack
