"""The peers that there are: which package each needs, and the script that trains it."""

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
MELVIN = "melvin"


@dataclass(frozen=True)
class Peer:
    """A trainer beside melvin.

    package : what a registry has it as; empty where this Python has all that it needs
    """

    name: str
    script: Path
    package: str = ""

    @classmethod
    def of_script(cls, path: Path) -> "Peer":
        """A trainer of somebody's own, `python FILE CORPUS FOLDER`, that needs nothing installed."""
        return cls(path.stem, path.absolute())

    def command(self, python: Path, corpus: Path, folder: Path) -> list[str]:
        return [str(python), "-I", str(self.script), str(corpus), str(folder)]


PEERS = (
    Peer("rustbpe", SCRIPTS / "rustbpe_bpe.py", "rustbpe"),
    Peer("sentencepiece", SCRIPTS / "sentencepiece_bpe.py", "sentencepiece"),
    Peer("tokenizers", SCRIPTS / "tokenizers_bpe.py", "tokenizers"),
    Peer("gensim", SCRIPTS / "gensim_word2vec.py", "gensim"),
    Peer("markovify", SCRIPTS / "markovify_chain.py", "markovify"),
)


def melvin_command(corpus: Path, folder: Path) -> list[str]:
    """Melvin with everything on, as anybody runs it; its brain is written."""
    return [sys.executable, "-m", MELVIN, "train", "--json", str(folder / "brain.m"), str(corpus)]


def melvin_version() -> str:
    """Of melvin, and of what it computes with."""
    return f"{version(MELVIN)}, numpy {version('numpy')}"
