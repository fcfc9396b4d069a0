"""Melvin: a byte-level graph that learns from lines of text."""

import sys

from melvin import cpu, heap, signals

cpu.prefer_fast_sort()
heap.map_large_arrays()
if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv) :][:1] in (["melvin"], ["-mmelvin"]):
    signals.end_at_ctrl_c()  # while `python -m melvin` is loaded, not by another module: see `__main__`

from melvin.answers import Answer, Candidate
from melvin.brain import Brain, Progress
from melvin.brainfile import verify
from melvin.contents import Pattern, Stats
from melvin.errors import MelvinError
from melvin.frames import Frame
from melvin.neighbours import Near
from melvin.priming import Primed
from melvin.reader import Distribution
from melvin.relations import Relation
from melvin.settings import Settings
from melvin.why import Reason, Why

__all__ = [
    "Answer",
    "Brain",
    "Candidate",
    "Distribution",
    "Frame",
    "MelvinError",
    "Near",
    "Pattern",
    "Primed",
    "Progress",
    "Reason",
    "Relation",
    "Settings",
    "Stats",
    "Why",
    "verify",
]
