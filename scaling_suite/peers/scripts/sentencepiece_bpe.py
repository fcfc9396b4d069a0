"""SentencePiece: byte-pair encoding, 32,000 pieces, all lines of the text."""

import os
import sys

import sentencepiece

sentencepiece.SentencePieceTrainer.train(
    input=sys.argv[1],
    model_prefix=os.path.join(sys.argv[2], "sentencepiece"),  # noqa: PTH118 - a string is what it takes
    model_type="bpe",
    vocab_size=32_000,
    hard_vocab_limit=False,
    num_threads=os.cpu_count() or 1,
    minloglevel=1,
)
