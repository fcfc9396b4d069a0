"""The frames of an allocation, as a person reads them: places in the code by module path, and what each added."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.stacks import Frame, package_of

SITES = 5  # places that are named
OUTER, INNER = 3, 5  # frames of a stack that are shown: as far as the place itself, and within it
WORTH = 1 / 100  # of what the place that grew most did: less is not named
EPOCH = "harness/tasks/leak.py"  # calls the subject
OF_HARNESS = "harness/tasks/leak"  # how it begins, and the modules of the profilers


@dataclass(frozen=True)
class Growth:
    """What one stack (the innermost frame last) added between two looks."""

    stack: Sequence[Frame]
    bytes: int
    blocks: int


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


def of_subject(grown: Iterable[Growth]) -> list[Growth]:
    """What the subject added, its stacks from the call of the subject on; what a profiler added itself is left out."""
    found = []
    for growth in grown:
        own = [number for number, frame in enumerate(growth.stack) if frame.file.startswith(OF_HARNESS)]
        within = growth.stack[own[-1] + 1 :] if own else growth.stack
        if within and (not own or growth.stack[own[-1]].file == EPOCH):
            found.append(replace(growth, stack=within))
    return found


def sites(grown: Sequence[Growth], package: str, epochs: int) -> list[dict[str, Any]]:
    """The places that grew most, per epoch: those of the subject's package where the stack leads through it."""
    by_place: dict[Frame, list[Growth]] = defaultdict(list)
    for growth in grown:
        by_place[growth.stack[_place(growth.stack, package)]].append(growth)
    ordered = sorted(by_place.items(), key=lambda item: -_bytes(item[1]))[:SITES]
    least = max(0.0, WORTH * _bytes(ordered[0][1])) if ordered else 0.0
    return [_site(place, parts, package, epochs) for place, parts in ordered if _bytes(parts) > least]


def _site(place: Frame, parts: Sequence[Growth], package: str, epochs: int) -> dict[str, Any]:
    stack = max(parts, key=lambda part: part.bytes).stack
    at = _place(stack, package) + 1
    return {
        "where": place.where,
        "function": place.function,
        "bytes_per_epoch": _bytes(parts) / epochs,
        "blocks_per_epoch": sum(part.blocks for part in parts) / epochs,
        "stack": [str(frame) for frame in stack[max(at - OUTER, 0) : at + INNER]],
    }


def _bytes(parts: Sequence[Growth]) -> int:
    return sum(part.bytes for part in parts)


def _place(stack: Sequence[Frame], package: str) -> int:
    """The frame to blame: the innermost of the package, else the innermost of all."""
    own = [number for number, frame in enumerate(stack) if package_of(frame.file) == package]
    return own[-1] if own else len(stack) - 1
