"""Hugging Face tokenizers: byte-level byte-pair encoding, 32,000 tokens."""

import sys
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

tokenizer = Tokenizer(BPE())
tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
tokenizer.train(
    [sys.argv[1]], BpeTrainer(vocab_size=32_000, show_progress=False, initial_alphabet=ByteLevel.alphabet())
)
tokenizer.save(str(Path(sys.argv[2]) / "tokenizer.json"))
