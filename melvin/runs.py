"""Runs: keys as they come, kept as few sorted tables, which thin themselves where there is no room for them all."""

from __future__ import annotations

import numpy as np

from melvin.tables import FOLD_KEYS, U64, Counts, count_keys, fold, slices
from melvin.thinning import MOST_HALVINGS, chosen, thinned

MOST_RUNS = 8  # of like size that are kept: folded at once they cost half of what they would two by two
SORTED_KEYS = 1 << 21  # keys counted by one sort: 16 MiB of them
BUFFER_GROWTH = 16  # times as long a buffer gets that is too short: no more of it takes memory than was written


class RunStack:
    """Collects keys as they come; keeps few sorted runs.

    When there are too many, the last ones are folded at once: as far back as a run is no longer than twice all behind
    it, so every key is folded O(log n) times. With a limit the stack thins itself (see `thinning`).

    Parameters
    ----------
    run : a table to begin with
    limit : distinct keys kept at the most; None for all
    halvings : how often the table is thinned, at the least
    row_bits : of keys that are chosen by rows; see `thinning.are_kept`
    at_once : keys counted by one sort
    """

    def __init__(
        self,
        run: Counts | None = None,
        limit: int | None = None,
        halvings: int = 0,
        row_bits: int | None = None,
        at_once: int = SORTED_KEYS,
    ) -> None:
        self._runs: list[Counts] = [run] if run is not None and run.size else []
        self._buffer: U64 = np.empty(0, np.uint64)  # as long as it needs to be, and then used again and again
        self._buffered = 0
        self._limit = limit
        self.halvings = halvings
        self._row_bits = row_bits
        self._at_once = at_once

    def add(self, key: U64, halvings: int = 0) -> None:
        """Count keys; they are copied. halvings : those by which the keys were chosen already"""
        for part in slices(key.size, min(FOLD_KEYS, self._at_once)):
            if self._buffered + part.stop - part.start > self._at_once:
                self._flush()  # before keys are chosen: the table may be thinned
            some = chosen(key[part], self.halvings, self._row_bits) if self.halvings > halvings else key[part]
            end = self._buffered + some.size
            if end > self._buffer.size:
                longer = np.empty(min(BUFFER_GROWTH * end, self._at_once), np.uint64)
                longer[: self._buffered] = self._buffer[: self._buffered]
                self._buffer = longer
            self._buffer[self._buffered : end] = some
            self._buffered = end

    def _flush(self) -> None:
        if self._buffered:
            run = count_keys(self._buffer[: self._buffered])
            self._buffered = 0
            self.add_run(run)

    def add_run(self, run: Counts) -> None:
        """Add a table of its own."""
        self._runs.append(run)
        if len(self._runs) > MOST_RUNS:
            at, size = len(self._runs) - 1, run.size
            while at and 2 * size >= self._runs[at - 1].size:
                at -= 1
                size += self._runs[at].size
            self._runs[at:] = [fold(*self._runs[at:])]
        if self._limit is not None and 2 * sum(r.size for r in self._runs) > 3 * self._limit:
            self._fold_runs()

    def _fold_runs(self) -> None:
        if len(self._runs) > 1:
            self._runs = [fold(*self._runs)]
        most = self._limit
        while most is not None and self._runs and self._runs[0].size > most and self.halvings < MOST_HALVINGS:
            self._runs[0] = thinned(self._runs[0], self.halvings + 1, self._row_bits)
            self.halvings += 1

    def fold(self) -> Counts:
        """Everything added so far, or what is kept of it, as one table; adding may go on."""
        self._flush()
        self._buffer = np.empty(0, np.uint64)
        self._fold_runs()
        return self._runs[0] if self._runs else Counts.empty()
