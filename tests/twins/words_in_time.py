"""Words and lags of lines, stretches that hold a word, and Delta-P, with Counters."""

from collections import Counter


def words_of(line):
    """Words between spaces."""
    return [word for word in line.split(b" ") if word]


def stretches(lines, reach):
    """Sets of words that stand together in `reach` words of a line."""
    for line in lines:
        words = words_of(line)
        for first in range(0, len(words), reach):
            yield set(words[first : first + reach])


def lags(lines, reach):
    """{(before, after): Counter of lags}"""
    found = {}
    for line in lines:
        words = words_of(line)
        for at, word in enumerate(words):
            for lag, other in enumerate(words[at + 1 : at + 1 + reach], 1):
                found.setdefault((word, other), Counter())[lag] += 1
    return found


def delta_p(lines, a, b, reach):
    """P(b after a | a), P(b | not a); several pairs in one stretch count as one."""
    sets = list(stretches(lines, reach))
    with_a, with_b = sum(a in one for one in sets), sum(b in one for one in sets)
    pairs = lags(lines, reach)
    after, before = (sum(pairs.get(pair, Counter()).values()) for pair in ((a, b), (b, a)))
    both = min(with_a, with_b)
    hits, together = min(after, both), min(after + before, both)
    others = len(sets) - with_a
    return hits / max(with_a, 1), (with_b - together) / max(others, with_b - together, 1)
