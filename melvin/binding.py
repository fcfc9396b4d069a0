"""Binding: frames in, in order; bridges between what happened together out.

Everything depends on the frames and their order alone: not on batches, saves, or what is asked.
"""

from __future__ import annotations

from melvin.bridges import FOLD_BYTES, KEPT_BYTES, KEPT_KEYS, Bridges, Gathered
from melvin.episodes import Cutter, Episode
from melvin.payloads import forget as forget_payloads
from melvin.thinning import forget


class Binding:
    """Cuts frames into episodes and counts what came together in them.

    cutter : where the episode stands that is going on
    known : bridges as of the last fold
    gathered : what was counted since
    """

    def __init__(self, cutter: Cutter | None = None, known: Bridges | None = None, gathered: Gathered | None = None):
        self.cutter = cutter or Cutter()
        self.known = known or Bridges.empty()
        self.gathered = gathered or Gathered()

    def frame(self, port: str, time_ns: int, payload: bytes) -> None:
        """Hear a frame; the episode before it is counted when this one ends it."""
        self.episode(self.cutter.add(port, time_ns, payload))

    def episode(self, episode: Episode) -> None:
        """Count an episode; fold in what is gathered when that has grown large."""
        self.gathered.add(episode)
        if self.gathered.bytes >= FOLD_BYTES:
            both = self.known.with_more(self.gathered.fold())
            self.known = Bridges(forget(both.counts, KEPT_KEYS), forget_payloads(both.payloads, KEPT_BYTES))
            self.gathered = Gathered()

    def bridges(self) -> Bridges:
        """All bridges; the episode that is going on is counted as if it ended now."""
        last = Gathered()
        last.add(self.cutter.open)
        return self.known.with_more(self.gathered.fold()).with_more(last.fold())
