"""Priming: which payloads of one port a payload of another brings to mind.

Each field of the payload tells, by a chain of ever narrower features, how likely a target is; every feature backs off
to the broader one by the share of its evidence that was new when it came (Witten and Bell 1991, method C). The chains
that look at one field are pooled (the mean of their log odds: they see the same bytes), and fields are added up as
naive Bayes does: each brings its pointwise mutual information with the target. Then the targets compete for the places
that an episode has. What came with the whole payload backs off to that.

Best is what the payload makes likelier by most: P(target | payload) - P(target), the contingency of Jenkins and Ward
(1965); so what comes with everything is not primed by anything.

Work: the rows of the payload's features, and CANDIDATES targets; no table is scanned.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melvin.bridges import ANY, Bridges, feature_names
from melvin.features import Features, features_of
from melvin.tables import I64, U64, Counts

F64 = NDArray[np.float64]

CANDIDATES = 1 << 10  # targets that are weighed: those of the narrowest features first, the strongest of each first
BISECTIONS = 60  # each halves what is left of the error: to a float's precision
REST = np.uint64(ANY)  # stands for all payloads that are not weighed: no row names it
HALF = 0.5  # an observation of either outcome before the first: the estimator of Krichevsky and Trofimov (1981)


class Primed(NamedTuple):
    """A payload that is primed.

    probability : that it is part of an episode which has what was asked for
    baseline : that it is part of any episode of the two ports
    """

    payload: bytes
    probability: float
    baseline: float


class Row:
    """What came with a feature: how many episodes, which targets, and how much of it was new when it came."""

    def __init__(self, episodes: int, targets: Counts) -> None:
        self.episodes, self.targets = episodes, targets
        self.escape = targets.size / (targets.total() + targets.size) if targets.size else 1.0

    def share(self, target: U64) -> F64:
        """In what share of the feature's episodes each target was. Shape (n,) -> (n,)."""
        place = np.minimum(np.searchsorted(self.targets.key, target), self.targets.size - 1)
        count = np.where(self.targets.key[place] == target, self.targets.count[place], 0)
        return np.asarray(count / self.episodes)

    def refine(self, broader: F64, target: U64) -> F64:
        """P(target | this feature), from that of a broader one. Shape (n,) -> (n,)."""
        if not self.targets.size:
            return broader
        return (1 - self.escape) * self.share(target) + self.escape * broader

    def strongest(self, limit: int) -> U64:
        """Names of the targets, those that came most often first. Shape (up to limit,)."""
        order = np.argsort(-self.targets.count.astype(np.int64), kind="stable")
        return self.targets.key[order[:limit]]


def primed(known: Bridges, payload: bytes, port: str, on: str, n: int) -> list[Primed]:
    """The n payloads of the port `on` that a payload of `port` primes most, best first."""
    features = features_of(port, payload)
    rows = {
        feature: Row(*known.row(name))
        for feature, name in zip(features.every.tolist(), feature_names(features.every, on).tolist(), strict=True)
    }
    root = rows[features.root]
    if not root.targets.size:  # nothing came with this port, or what did was forgotten
        return []
    target = _candidates(features, rows)
    place = np.minimum(np.searchsorted(known.payloads.key, target), max(known.payloads.key.size - 1, 0))
    kept = known.payloads.key[place] == target if known.payloads.key.size else np.zeros(target.size, np.bool_)
    target, place = target[kept], place[kept]
    if not target.size:
        return []
    baseline = (root.share(target) * root.episodes + HALF) / (root.episodes + 2 * HALF)
    probability = _weigh(features, rows, baseline, target)
    return _best(known, place, probability, baseline, n)


def _candidates(features: Features, rows: dict[int, Row]) -> U64:
    """Targets worth weighing, ascending; none when no feature of the payload was ever heard."""
    found: dict[int, None] = {}
    narrow = sorted((row.targets.size, feature) for feature, row in rows.items() if feature != features.root)
    for _, feature in narrow:
        if len(found) >= CANDIDATES:
            break
        found |= dict.fromkeys(rows[feature].strongest(CANDIDATES).tolist())
    return np.array(sorted([*found][:CANDIDATES]), np.uint64)


def _weigh(features: Features, rows: dict[int, Row], baseline: F64, target: U64) -> F64:
    """P(target | payload). Shape (n,) -> (n,)."""
    root = rows[features.root]
    places = root.targets.total() / root.episodes
    rest = max(places - float(baseline.sum()), HALF / (root.episodes + 2 * HALF))
    target, base = np.append(target, REST), np.append(baseline, min(rest, 1 - HALF / (root.episodes + 2 * HALF)))
    odds = _log_odds(base)
    total = odds.copy()
    for chains in features.fields:
        for chain in chains:
            likely = base
            for feature in chain:
                likely = rows[feature].refine(likely, target)
            total += (_log_odds(likely) - odds) / len(chains)
    return rows[features.whole].refine(_share_out(total[:-1], float(total[-1]), places), target[:-1])


def _share_out(log_odds: F64, rest: float, places: float) -> F64:
    """Let targets compete for the places that an episode has on average. Shape (n,) -> (n,).

    All log odds are moved by one step, so that the probabilities, and what all other payloads take, add up to that. The
    others may be many: they take places as their odds say.
    """
    low = math.log(places / (log_odds.size + 1)) - max(float(log_odds.max()), rest)
    high = math.log(places) - rest
    for _ in range(BISECTIONS):
        step = (low + high) / 2
        taken = _probability(log_odds + step).sum() + math.exp(rest + step)
        low, high = (low, step) if taken > places else (step, high)
    return _probability(log_odds + low)


def _probability(log_odds: F64) -> F64:
    return np.asarray(np.exp(-np.logaddexp(0, -log_odds)))


def _log_odds(p: F64) -> F64:
    return np.asarray(np.log(p) - np.log1p(-p))


def _best(known: Bridges, place: I64, probability: F64, baseline: F64, n: int) -> list[Primed]:
    order = np.lexsort((place, -probability, baseline - probability))
    return [
        Primed(known.payloads.payload(int(place[at])), float(probability[at]), float(baseline[at])) for at in order[:n]
    ]
