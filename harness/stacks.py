"""Weighted stacks: what a sampling profiler saw, or who allocated; made into functions, lines and a tree."""

from __future__ import annotations

import functools
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from types import ModuleType
from typing import NamedTuple


class Frame(NamedTuple):
    """One call on a stack. file : as it is imported, `package/module.py`;  line : 0 where it is not known"""

    function: str
    file: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.where} in {self.function}" if self.function else self.where


FAR = 2  # last parts that are shown of a path that no import leads to
Stack = tuple[Frame, ...]  # the outermost call first


@dataclass
class Node:
    """A function as it was called from others. own : what was spent in it, total : in it and in all that it called"""

    function: str
    file: str
    own: float = 0.0
    total: float = 0.0
    calls: dict[tuple[str, str], Node] = field(default_factory=dict)


def merged(stacks: Iterable[tuple[Stack, float]]) -> dict[Stack, float]:
    """Equal stacks added up, the heaviest first."""
    total: dict[Stack, float] = defaultdict(float)
    for stack, weight in stacks:
        total[stack] += weight
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def below(stack: Sequence[Frame], file: str) -> Stack:
    """What was called, at the end, from a file; all of it where that is not on the stack."""
    last = max((at for at, frame in enumerate(stack) if frame.file.endswith(file)), default=-1)
    return tuple(stack[last + 1 :])


def within(stacks: dict[Stack, float], package: str) -> dict[Stack, float]:
    """What libraries took for a package is its own: each stack up to its last frame there, whole where it has none."""

    def cut(stack: Stack) -> Stack:
        last = max((at for at, frame in enumerate(stack) if package_of(frame.file) == package), default=len(stack) - 1)
        return stack[: last + 1]

    return merged((cut(stack), weight) for stack, weight in stacks.items())


def package_of(file: str) -> str:
    """The package, or the module, that a shortened path begins with."""
    return PurePath(file).parts[0].removesuffix(".py") if file else ""


def import_roots() -> tuple[str, ...]:
    """Folders that modules are imported from, the longest first: those of `sys.path`, and those that packages lie in.

    A package that is installed editable may be found by a hook: then its folder is not on `sys.path`.
    """
    found = {entry for entry in sys.path if PurePath(entry).is_absolute()}
    for name, module in list(sys.modules.items()):
        if "." not in name and isinstance(module, ModuleType):
            own = object.__getattribute__(module, "__dict__")  # a lazy module is not to load now
            places = [PurePath(place) for place in own.get("__path__") or () if isinstance(place, str)]
            found |= {str(place.parent) for place in places if place.is_absolute() and place.name == name}
    return tuple(sorted(found, key=lambda root: (-len(root), root)))


def shown_path(file: str, roots: Iterable[str] | None = None) -> str:
    """A file as the interpreter found it: relative to where modules are imported from; far away, its last parts.

    roots : as from `import_roots`, which is asked where they are not given
    """
    path = PurePath(file)
    if not path.is_absolute():
        return file
    for root in import_roots() if roots is None else roots:
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(PurePath(*path.parts[-FAR:]))


def shown_paths() -> Callable[[str], str]:
    """`shown_path` for many files: modules that are imported now are looked at once."""
    roots = import_roots()
    return functools.cache(lambda file: shown_path(file, roots))


def by_function(stacks: dict[Stack, float]) -> list[tuple[Frame, float, float]]:
    """Of each function: where it spent most, its own weight, and that of all stacks it is on; the largest own first.

    A function that calls itself counts once a stack.
    """
    own: dict[tuple[str, str], dict[int, float]] = defaultdict(lambda: defaultdict(float))
    total: dict[tuple[str, str], float] = defaultdict(float)
    for stack, weight in stacks.items():
        for called in {(frame.function, frame.file) for frame in stack}:
            total[called] += weight
        for frame in stack:
            own[frame.function, frame.file][frame.line] += 0.0
        if stack:
            own[stack[-1].function, stack[-1].file][stack[-1].line] += weight
    found = [
        (Frame(*called, max(lines, key=lambda line: (lines[line], -line))), sum(lines.values()), total[called])
        for called, lines in own.items()
    ]
    return sorted(found, key=lambda item: (-item[1], -item[2], item[0]))


def by_line(stacks: dict[Stack, float]) -> list[tuple[Frame, float]]:
    """What was spent on each line of code itself, the heaviest first."""
    own: dict[Frame, float] = defaultdict(float)
    for stack, weight in stacks.items():
        if stack:
            own[stack[-1]] += weight
    return sorted(own.items(), key=lambda item: (-item[1], item[0]))


def tree(stacks: dict[Stack, float], name: str) -> Node:
    """Who called whom, and what was spent there."""
    root = Node(name, "")
    for stack, weight in stacks.items():
        node = root
        node.total += weight
        for frame in stack:
            node = node.calls.setdefault((frame.function, frame.file), Node(frame.function, frame.file))
            node.total += weight
        node.own += weight
    return root
