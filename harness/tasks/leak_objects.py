"""Who holds objects that stay: allocations by stack (tracemalloc), types that there are more of, who refers to them."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from harness.stacks import Frame, shown_paths
from harness.tasks.frames import Growth, function_at, of_subject, sites

STACK = 25  # frames of each allocation
KINDS = 5  # types that are named
NEWEST = 5  # objects of a type whose holders are looked for
STEPS = 6  # from an object outwards to a module
PASSING = ("frame", "generator", "list_iterator", "cell")  # refer to an object only while we look at it


def profile_objects(epoch: Callable[[], None], epochs: int, package: str) -> dict[str, Any]:
    """Compare the end of one epoch with that of another, `epochs` later. Both are traced, as all in between.

    tracemalloc sees what Python and numpy allocate, not what a C library does.
    """
    tracemalloc.start(STACK)
    _snapshot(), _kinds()  # what looking needs is there before it counts
    epoch()
    before, kinds_before = _snapshot(), _kinds()
    for _ in range(epochs):
        epoch()
    more = [(kind, number) for kind, number in (_kinds() - kinds_before).most_common(KINDS) if number >= epochs]
    held_by = holders(more[0][0]) if more else []
    after = _snapshot()
    tracemalloc.stop()
    grown = of_subject(_grown(before, after))
    return {
        "bytes_per_epoch": sum(growth.bytes for growth in grown) / epochs,
        "sites": sites(grown, package, epochs),
        "kinds": [
            {"name": _name_of(kind), "per_epoch": number / epochs, "held_by": [] if rank else held_by}
            for rank, (kind, number) in enumerate(more)
        ],
    }


def _snapshot() -> tracemalloc.Snapshot:
    gc.collect()
    return tracemalloc.take_snapshot()


def _grown(before: tracemalloc.Snapshot, after: tracemalloc.Snapshot) -> Iterator[Growth]:
    shown = shown_paths()
    for change in after.compare_to(before, "traceback"):
        if change.size_diff or change.count_diff:
            stack = [
                Frame(function_at(frame.filename, frame.lineno), shown(frame.filename), frame.lineno)
                for frame in change.traceback
            ]
            yield Growth(stack, change.size_diff, change.count_diff)


def _kinds() -> Counter[type]:
    """How many objects of each type the garbage collector follows."""
    return Counter(map(type, gc.get_objects()))


def _name_of(kind: type) -> str:
    name = type.__getattribute__(kind, "__qualname__")
    module = type.__getattribute__(kind, "__module__")
    return str(name) if module == "builtins" else f"{module}.{name}"


def holders(kind: type) -> list[str]:
    """What refers to the newest objects of a type, what refers to that, …, to a name in a module where it leads there.

    The way that most of them show. Only types and names of modules are looked at: no code of the subject runs.
    """
    gc.collect()
    names = _global_names()
    newest = [one for one in gc.get_objects() if type(one) is kind][-NEWEST:]
    ways = Counter(tuple(_way_out(one, names, id(newest))) for one in newest)
    return list(ways.most_common(1)[0][0]) if ways else []


def _way_out(held: Any, names: dict[int, str], ours: int) -> list[str]:
    """From an object outwards. ours : the list that it was found with"""
    chain: list[str] = []
    seen = {ours}
    while held is not None and len(chain) < STEPS:
        seen.add(id(held))
        referrers = [one for one in gc.get_referrers(held) if id(one) not in seen and type(one).__name__ not in PASSING]
        seen.add(id(referrers))
        held = min(referrers, key=lambda one: id(one) not in names, default=None)
        if id(held) in names:
            return [*chain, names[id(held)]]
        if held is not None:
            chain.append(_name_of(type(held)))
    return chain


def _global_names() -> dict[int, str]:
    """Every object that a module has a name for, and every module's names themselves, by identity."""
    names: dict[int, str] = {}
    for module_name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType):
            own: dict[str, Any] = object.__getattribute__(module, "__dict__")  # a lazy module is not to load now
            names[id(own)] = f"the names of {module_name}"
            for name, value in list(own.items()):
                names.setdefault(id(value), f"{module_name}.{name}")
    names.pop(id(None), None)
    return names
