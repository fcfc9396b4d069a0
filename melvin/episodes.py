"""Episodes: frames that happened together. Times flow in, one frame after the other; whether an episode ends flows out.

An episode ends where the gap to the next frame is long. What is long is learnt from the gaps seen: their lengths are
counted by powers of two, and where the counts fall into a valley between two hills, its middle is the border. It is
judged afresh each time as many gaps have come as were seen before. While no valley stands out, gaps tell nothing: then
an episode ends where a port that is part of it is heard again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

Episode = list[tuple[str, bytes]]  # (port, payload), in the order in which they were heard

GAP_BITS = 64  # a gap of n nanoseconds is counted by the bits of n: 0 for none, at most GAP_BITS - 1
MAX_TIME_NS = 1 << 62  # 146 years: the difference of two such times has less than GAP_BITS bits
MAX_FRAMES = 32  # of an episode: pairs grow with the square of it


@dataclass
class Cutter:
    """Cuts a stream of frames into episodes; all of it is saved.

    gaps : how many gaps were seen, by the bits of their nanoseconds
    border : a gap of more bits ends an episode; None while no such border stands out
    last_ns : when the last frame happened; None before the first
    open : frames of the episode that is going on
    """

    gaps: list[int] = field(default_factory=lambda: [0] * GAP_BITS)
    border: int | None = None
    last_ns: int | None = None
    open: Episode = field(default_factory=list)

    def add(self, port: str, time_ns: int, payload: bytes) -> Episode:
        """Take the next frame; return the episode that ends before it, empty where it goes on."""
        ended: Episode = []
        if self._ends(port, time_ns):
            ended, self.open = self.open, []
        self.open.append((port, payload))
        self.last_ns = time_ns
        return ended

    def _ends(self, port: str, time_ns: int) -> bool:
        if self.last_ns is None:
            return False
        gap = time_ns - self.last_ns
        if gap < 0:  # another recording
            return True
        bits = gap.bit_length()
        self.gaps[bits] += 1
        seen = sum(self.gaps)
        if seen & (seen - 1) == 0:
            self.border = border_of(self.gaps)
        if len(self.open) >= MAX_FRAMES:
            return True
        if self.border is None:
            return any(port == heard for heard, _ in self.open)
        return bits > self.border


def border_of(gaps: list[int]) -> int | None:
    """The middle of the valley between the hills of a histogram; None where none stands out.

    How deep a valley is: what its bin lacks to the lower of the highest bins on its two sides. It stands out when that
    is more than the deviation of a difference of two counts, the root of their sum (Poisson). The deepest counts; of
    equally deep ones the widest, of those the first.
    """
    depth = [0] * len(gaps)
    for at in range(1, len(gaps) - 1):
        hill = min(max(gaps[:at]), max(gaps[at + 1 :]))
        if (lacks := hill - gaps[at]) > 0 and lacks * lacks > hill + gaps[at]:
            depth[at] = lacks
    deepest = max(depth)
    if not deepest:
        return None
    runs = groupby(range(len(depth)), depth.__getitem__)
    valleys = [[*run] for here, run in runs if here == deepest]
    widest = max(valleys, key=len)
    return widest[len(widest) // 2]
