"""Symbols, parsing and edges with lists, dicts and Counters."""

import itertools
from collections import Counter


def payload(symbol, left, right, ground):
    """Bytes of a symbol: its own, or its constituents' in a row. `ground(symbol)` gives a ground symbol's bytes."""
    if symbol not in left:
        return ground(symbol)
    return payload(left[symbol], left, right, ground) + payload(right[symbol], left, right, ground)


def compete(chunk, forms):
    """One chunk's symbols after all rounds of local competition. forms : {(left, right): pattern}."""
    chunk = list(chunk)
    while True:
        offers = [forms.get(pair, float("inf")) for pair in itertools.pairwise(chunk)]
        wins = set()
        run = 0
        for i, offer in enumerate(offers):
            before = offers[i - 1] if i else float("inf")
            after = offers[i + 1] if i + 1 < len(offers) else float("inf")
            run = run + 1 if offer == before else 0
            if offer == float("inf"):
                continue
            if (offer < before or (offer == before and run % 2 == 0)) and offer <= after:
                wins.add(i)
        if not wins:
            return chunk
        merged, i = [], 0
        while i < len(chunk):
            if i in wins:
                merged.append(offers[i])
                i += 2
            else:
                merged.append(chunk[i])
                i += 1
        chunk = merged


def transitions(stream, end):
    """Adjacent pairs; nothing follows the end of a line."""
    return [(a, b) for a, b in itertools.pairwise(stream) if a != end]


def with_anything(raw, end_of):
    """Edges {(source, target): count}, and those from the END of each target's port."""
    more = Counter(raw)
    for (_, target), count in raw.items():
        more[end_of(target), target] += count
    return more


def thin(lexicon, most, most_symbols):
    """A lexicon {key: (count, symbols)} that holds no more chunks and symbols: the hash's range is halved till then."""
    halvings = 0
    while len(lexicon) > most or sum(len(symbols) for _, symbols in lexicon.values()) > most_symbols:
        halvings += 1
        lexicon = {key: entry for key, entry in lexicon.items() if key < 2 ** (64 - halvings) - 1}
    return lexicon, halvings
