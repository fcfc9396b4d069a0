"""markovify: a Markov chain over words, of order 2; what was learnt is not written."""

import sys
from pathlib import Path

import markovify

with Path(sys.argv[1]).open(encoding="utf-8", errors="replace") as lines:
    markovify.NewlineText(lines, retain_original=False, well_formed=False)
