"""Teaching: what a brain would best be asked about next."""

from __future__ import annotations

import numpy as np

from melvin.reader import Reader, entropy_of
from melvin.words import Words

LOOKED_AT = 64  # words whose next byte is predicted to find those that a brain is least sure of
SPACE = b" "


def frequent(words: Words, port: int, count: int) -> list[int]:
    """Places in the table of the words that were read most often on a port, most often first."""
    mine = np.flatnonzero(words.port == port)
    return [int(at) for at in mine[np.argsort(-words.count[mine], kind="stable")[:count]]]


def unsure(reader: Reader, port: int, count: int) -> list[bytes]:
    """Beginnings that a brain is least sure how to go on from: by how often they come, times the entropy behind."""
    words = reader.snapshot.words
    at = frequent(words, port, LOOKED_AT)
    if not at:
        return []
    texts = [words.payload(word) for word in at]
    goes_on = reader.distribution(texts, port)[:, ord(SPACE)]
    texts = [text + SPACE for text in texts]
    entropy = np.array([entropy_of(spread) for spread in reader.distribution(texts, port)])
    worth = words.count[at] * goes_on * entropy
    return [texts[place] for place in np.argsort(-worth, kind="stable")[:count]]
