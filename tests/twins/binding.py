"""Slow twins of the episode cutter and the bridge counter, written from their description."""

from collections import Counter

from melvin.bridges import ANY, feature_names, payload_name
from melvin.episodes import MAX_FRAMES
from melvin.features import features_of


def border(gaps):
    """Middle of the deepest valley that stands out, the widest of equals, the first of those."""
    depth = {}
    for at in range(1, len(gaps) - 1):
        hill = min(max(gaps[:at]), max(gaps[at + 1 :]))
        lacks = hill - gaps[at]
        depth[at] = lacks if lacks > (hill + gaps[at]) ** 0.5 else 0
    deepest = max(depth.values())
    if not deepest:
        return None
    valleys, last = [], None
    for at in sorted(depth):
        if depth[at] == deepest:
            if last == at - 1:
                valleys[-1].append(at)
            else:
                valleys.append([at])
            last = at
    widest = max(len(valley) for valley in valleys)
    first = next(valley for valley in valleys if len(valley) == widest)
    return first[len(first) // 2]


def cut(frames):
    """[(port, time_ns, payload)] -> episodes, the last one may still go on."""
    episodes, gaps, limit = [], [0] * 64, None
    last = None
    for port, time, payload in frames:
        if last is None or time < last:
            new = True
        else:
            bits = len(bin(time - last)) - 2 if time > last else 0
            gaps[bits] += 1
            if sum(gaps) in {2**n for n in range(40)}:
                limit = border(gaps)
            full = len(episodes[-1]) == MAX_FRAMES
            again = port in {p for p, _ in episodes[-1]}
            new = full or (again if limit is None else bits > limit)
        if new:
            episodes.append([])
        episodes[-1].append((port, payload))
        last = time
    return episodes


def bridges(episodes):
    """{(feature name, payload name): episodes}, and {payload name: episodes}."""
    counts, heard = Counter(), Counter()
    for episode in episodes:
        frames = set(episode)
        seen = set()
        for p, x in frames:
            for q, y in frames:
                if p != q:
                    for name in feature_names(features_of(p, x).every, q).tolist():
                        seen |= {(name, ANY), (name, payload_name(q, y))}
        counts.update(seen)
        if seen:
            heard.update({payload_name(port, payload) for port, payload in frames})
    return counts, heard
