"""Pairs of near words, embeddings and label propagation with dicts and loops."""

import math
from collections import Counter, defaultdict


def pairs(pieces, opens, closes, border, near):
    """Counter of (word, other, lag, behind). pieces : lists of words"""
    found = Counter()
    for words, begins, ends in zip(pieces, opens, closes, strict=True):
        for i, word in enumerate(words):
            for lag in range(1, near + 1):
                if i + lag < len(words):
                    found[word, words[i + lag], lag, False] += 1
                    found[words[i + lag], word, lag, True] += 1
        if words and begins:
            found[words[0], border, 1, True] += 1
        if words and ends:
            found[words[-1], border, 1, False] += 1
    return found


def vectors(counted, border, lags, frame_words, active, one):
    """{word: {(other, behind, lag): value}} from a Counter of pairs."""
    near = {key: count for key, count in counted.items() if key[2] <= lags}
    seen = Counter()
    for (word, _, _, _), count in near.items():
        seen[word] += count
    frames = {border, *sorted(seen, key=lambda w: (-seen[w], w))[: frame_words - 1]}
    near = {key: count for key, count in near.items() if key[1] in frames}
    by_word, by_frame = Counter(), Counter()
    for (word, other, lag, behind), count in near.items():
        by_word[word] += count
        by_frame[other, behind, lag] += count
    total = sum(by_word.values())
    rows = defaultdict(list)
    for (word, other, lag, behind), count in near.items():
        frame = (other, behind, lag)
        gain = count * math.log2(count * total / (by_word[word] * by_frame[frame]))
        value = round(one * math.log2(1 + max(gain, 0)))
        if value > 0:
            rows[word].append((frame, value))
    return {word: dict(sorted(row, key=lambda e: (-e[1], e[0]))[:active]) for word, row in rows.items()}


def cosine(a, b):
    dot = sum(value * b.get(frame, 0) for frame, value in a.items())
    return dot / math.sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values()))


def propagate(size, edges, rounds):
    """edges : {(one, other): whole weight}, each given both ways."""
    label = list(range(size))
    for _ in range(rounds):
        offers = [Counter({label[i]: 0}) for i in range(size)]
        for (one, other), weight in edges.items():
            offers[one][label[other]] += weight
        for i in range(size):
            offers[i][label[i]] += max((w for (one, _), w in edges.items() if one == i), default=0)
        moved = [min(offer, key=lambda name, offer=offer: (-offer[name], name)) for offer in offers]
        if moved == label:
            break
        label = moved
    return label
