"""Bridges: which features of a port's payloads came with which payloads of another port, in how many episodes.

Episodes flow in; sorted keys with counts flow out (see `tables`). A key is (feature 31 bits, payload 32 bits); the
feature's name holds both ports. Payload ANY counts the episodes in which the feature came with the other port at all,
so a row says by itself how likely each payload is once the feature is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from melvin import payloads as payload_tables
from melvin.episodes import Episode
from melvin.features import features_of, payload_hash, port_hash
from melvin.hashing import mix
from melvin.payloads import Payloads
from melvin.runs import RunStack
from melvin.tables import U64, Counts, fold

PAYLOAD_BITS = 32  # of a key, its lowest; those above name the feature, and the highest stays 0
FEATURE_SHIFT = np.uint64(33)  # a 64-bit hash becomes a name of 31 bits
ANY = 0  # no payload's name
MAX_PRIMED_BYTES = 1 << 12  # of a payload that can be primed: 20 ms of stereo sound are 3,528 bytes
KEY_BYTES = 8
FOLD_BYTES = 1 << 24  # of keys and payloads that are gathered before they are folded in, and the weakest forgotten
KEPT_KEYS = 1 << 21  # of the bridges that a brain keeps, and
KEPT_BYTES = 1 << 24  # of its payloads


def feature_names(feature: U64, onto: str) -> U64:
    """Names of features as they bear on a port. Shape (n,) -> (n,), each below 2 ** 31."""
    return mix(feature ^ np.uint64(port_hash(onto))) >> FEATURE_SHIFT


def payload_name(port: str, payload: bytes) -> int:
    """Name of a payload, never ANY."""
    return max(payload_hash(port, payload) >> PAYLOAD_BITS, ANY + 1)


def keys_of(episode: Iterable[tuple[str, bytes]]) -> U64:
    """Keys of an episode's bridges, each once.

    for every two ports p, q of the episode:
        for every feature of a payload of p: count (feature, ANY) and (feature, t) for every payload t of q
    """
    heard: dict[str, dict[bytes, None]] = {}
    for port, payload in episode:
        heard.setdefault(port, {})[payload] = None
    feature = {port: np.unique(np.concatenate([features_of(port, x).every for x in heard[port]])) for port in heard}
    target = {port: np.array([ANY, *sorted({payload_name(port, x) for x in heard[port]})], np.uint64) for port in heard}
    keys = [
        (np.unique(feature_names(feature[p], q))[:, None] << np.uint64(PAYLOAD_BITS) | target[q]).reshape(-1)
        for p in heard
        for q in heard
        if p != q
    ]
    return np.concatenate(keys) if keys else np.empty(0, np.uint64)


@dataclass(frozen=True)
class Bridges:
    """What came together, and how often.

    counts : (feature, payload) -> episodes
    payloads : what can be primed
    """

    counts: Counts
    payloads: Payloads

    @classmethod
    def empty(cls) -> Bridges:
        return cls(Counts.empty(), Payloads.empty())

    def with_more(self, more: Bridges) -> Bridges:
        """Two sets of bridges added up."""
        return Bridges(fold(self.counts, more.counts), payload_tables.fold(self.payloads, more.payloads))

    def row(self, feature: int) -> tuple[int, Counts]:
        """A feature's row: in how many episodes it came with the other port; that port's payloads in them."""
        base = np.uint64(feature << PAYLOAD_BITS)
        low, high = np.searchsorted(self.counts.key, np.array([base, base + np.uint64(1 << PAYLOAD_BITS)]))
        key, count = self.counts.key[low:high] - base, self.counts.count[low:high]
        return (int(count[0]), Counts(key[1:], count[1:])) if key.size else (0, Counts.empty())


@dataclass
class Gathered:
    """What was counted since the last fold.

    bytes : that it took; when they are FOLD_BYTES it is folded in. Depends on the episodes alone, not on how they came
    """

    runs: RunStack = field(default_factory=RunStack)
    payloads: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    bytes: int = 0

    def add(self, episode: Episode) -> None:
        keys = keys_of(episode)
        if not keys.size:
            return
        self.bytes += KEY_BYTES * keys.size
        self.runs.add(keys)
        for port, payload in dict.fromkeys(episode):
            if len(payload) <= MAX_PRIMED_BYTES:
                name = payload_name(port, payload)
                count, known = self.payloads.get(name, (0, payload))
                self.payloads[name] = (count + 1, known)
                self.bytes += len(payload)

    def fold(self) -> Bridges:
        return Bridges(self.runs.fold(), Payloads.of(self.payloads))
