"""The ladder: climb from rung to rung, stop at the first break, narrow down the size at which it breaks.

Pure control over one function that tries a size; what trying means (processes, limits, retries) is
`attempts`. The answer is an outer bound under the given limits: a size that passed, and a larger one that did
not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from harness.statistics import geometric_middle

NARROW_ENOUGH = 1.1  # ratio of broken to passed size at which the search stops


class Outcome(Protocol):
    """What came of trying a size."""

    @property
    def passed(self) -> bool: ...


Tried = TypeVar("Tried", bound=Outcome)


@dataclass(frozen=True)
class Climb(Generic[Tried]):
    """What happened on the way up.

    rungs : the sizes tried, smallest first, with what came of each; only the last can be broken
    narrowing : the sizes tried between the last rung that passed and the first that broke
    """

    rungs: list[tuple[int, Tried]]
    narrowing: list[tuple[int, Tried]]

    @property
    def largest_passed(self) -> int | None:
        """Below the smallest that broke: a size that passed once and broke once has not passed."""
        broken = self.smallest_broken
        passed = [size for size, tried in self.rungs + self.narrowing if tried.passed]
        return max((size for size in passed if broken is None or size < broken[0]), default=None)

    @property
    def smallest_broken(self) -> tuple[int, Tried] | None:
        broken = [(size, tried) for size, tried in self.rungs + self.narrowing if not tried.passed]
        return min(broken, key=lambda pair: pair[0], default=None)


@dataclass(frozen=True)
class Repeats:
    """How sure the two edges are: tries of the largest size that passed, and of the smallest that broke."""

    passed_tries: int
    broken_tries: int
    broken_times: int


def repeat_edges(
    climbed: Climb[Tried], try_size: Callable[[int], Tried], tries: int, announce: Callable[[Tried], None]
) -> Repeats | None:
    """Try both edges again, up to `tries` times in all. A size that passed and now breaks is the new upper edge.

    None when nothing broke.
    """
    found = climbed.smallest_broken
    if found is None:
        return None
    size = found[0]
    times = 1
    for _ in range(tries - 1):
        tried = try_size(size)
        announce(tried)
        times += not tried.passed
    broken_tries = tries
    while (passed := climbed.largest_passed) is not None:
        for number in range(2, tries + 1):
            tried = try_size(passed)
            announce(tried)
            if not tried.passed:
                climbed.narrowing.append((passed, tried))
                broken_tries, times = number, 1
                break
        else:
            return Repeats(tries, broken_tries, times)
    return Repeats(0, broken_tries, times)


def climb(
    sizes: Iterable[int],
    try_size: Callable[[int], Tried],
    *,
    narrow_with: Callable[[int], Tried],
    runs: int,
    climbed: Climb[Tried],
    announce: Callable[[Tried], None],
) -> None:
    """Try sizes in order up to the first that breaks, then bisect with at most `runs` further tries.

    `climbed` (empty at first) is filled as it goes, so that an exception on the way leaves what was found;
    what was tried is recorded before it is announced.
    """
    for size in sizes:
        tried = try_size(size)
        climbed.rungs.append((size, tried))
        announce(tried)
        if not tried.passed:
            if len(climbed.rungs) > 1:
                narrow(climbed.rungs[-2][0], size, narrow_with, runs, climbed.narrowing, announce)
            return


def narrow(
    passed: int,
    broken: int,
    try_size: Callable[[int], Tried],
    runs: int,
    tries: list[tuple[int, Tried]],
    announce: Callable[[Tried], None],
) -> tuple[int, int]:
    """Bisect between a size that passed and one that broke; what was tried is appended to `tries`."""
    for _ in range(runs):
        if broken <= passed * NARROW_ENOUGH:
            break
        size = geometric_middle(passed, broken)
        tried = try_size(size)
        tries.append((size, tried))
        announce(tried)
        if tried.passed:
            passed = size
        else:
            broken = size
    return passed, broken
