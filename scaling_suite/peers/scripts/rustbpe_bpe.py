"""rustbpe: byte-pair encoding, 32,000 tokens."""

import sys
from pathlib import Path

import rustbpe

with Path(sys.argv[1]).open(encoding="utf-8", errors="replace") as lines:
    rustbpe.Tokenizer().train_from_iterator(lines, vocab_size=32_000)
