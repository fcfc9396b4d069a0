"""Relations: what two words have to do with each other in time, read from the rows of their pairs.

A trial is a stretch of a line that holds words. Of b after a, against b where there is no a:

    Delta-P = P(b after a | a) - P(b | not a)       Jenkins and Ward 1965; Cheng and Novick 1990

The two are also contrasted among the stretches that hold a third word (Cheng and Novick's focal sets), so that text
about other things hides nothing and makes nothing up: of what is kept off, and of what a third word screens off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from melvin.contexts import F64
from melvin.generation import Snapshot
from melvin.neighbours import Row, payload_of
from melvin.parse import chunk_salt
from melvin.tables import I64, U32, Counts
from melvin.words import BORDER, HELD, Words, every_word, pack_pair, words_in

DEVIATIONS = 2.0  # of its sampling error, by which a statistic is told from chance: one time in 22 by accident
CHANCE = 2 * NormalDist().cdf(-DEVIATIONS)  # how often that happens
USUALLY = 0.5  # what happens in more than half of all trials is the rule
INDIRECT = 0.5  # what a relation counts that looks back, or that is seen among a third word's stretches only

CAUSES, ENABLES, PREVENTS, PRECEDES, FOLLOWS, NONE = "causes", "enables", "prevents", "precedes", "follows", "none"
KINDS = (CAUSES, ENABLES, PREVENTS, PRECEDES, FOLLOWS, NONE)


@dataclass(frozen=True)
class Relation:
    """What one word has to do with another, with the evidence.

    source, target : a and b
    kind : causes     b nearly always comes after a, more often than without it
           enables    b comes after a only, but not always
           prevents   b comes less often where a is than otherwise
           precedes   a stands before b, which is as likely without it, or owes to a third word, or comes after a no
                      more than much else does
           follows    a stands behind b
           none       nothing of this is more than chance; or a and b are one word
    strength : in [0, 1], comparable: Delta-P; of what prevents, P(b) - P(b | a), of all or within the third word's
        stretches; where only the order is known, the share of the stretches with a or b that it holds for
    before, after : pairs in which b stands before a, and after it
    order : (after - before) / (after + before)
    mean_lag, lag_deviation : words from a to b, negative where b stands before a
    source_trials, target_trials, trials : stretches that hold a, that hold b, and all
    p_with, p_without : P(b after a | a), P(b | not a)
    delta_p, delta_p_error : their difference, and its standard error
    score : the difference in standard errors
    within : the third word among whose stretches b is kept off by a, or as likely without it; empty where none decides
    within_p, within_p_with : P(b | third), P(b | a, third)
    within_delta_p : P(b | a, third) - P(b | third, not a)
    edges : words that come after a;  edges_mean, edges_deviation : of Delta-P among them
    """

    source: str
    target: str
    kind: str
    strength: float
    before: int
    after: int
    order: float
    mean_lag: float
    lag_deviation: float
    source_trials: int
    target_trials: int
    trials: int
    p_with: float
    p_without: float
    delta_p: float
    delta_p_error: float
    score: float
    within: str
    within_p: float
    within_p_with: float
    within_delta_p: float
    edges: int
    edges_mean: float
    edges_deviation: float

    @property
    def count(self) -> int:
        """Pairs of the two words, in either order."""
        return self.before + self.after


def relation(known: Snapshot, a: bytes, b: bytes, port: int) -> Relation:
    """What `a` has to do with `b`: of texts of several words, the last of `a` with the first of `b`.

    A word may follow itself, which its pairs tell; but it comes before itself as often as after, and no stretch without
    it could be held against one with it: it has no relation to itself.

    Work: the rows of the two words, and the number of trials of each word in them.
    """
    salt, separator = chunk_salt(port), known.separator[port]
    source, target = words_in(a, separator, salt)[-1:], words_in(b, separator, salt)[:1]
    pairs = known.evidence.context_edges
    if not source or not target:
        source, target = [(int(BORDER), a)], [(int(BORDER), b)]
    (first, a), (second, b) = source[0], target[0]
    row, to = Row.of(pairs, first), Row.of(pairs, second)
    trials = int(_trials(pairs, np.array([every_word(salt)], np.uint32))[0])
    some = row.after > 0
    edges = contrast(row.before[some], row.after[some], row.trials, _trials(pairs, row.other[some]), trials)
    found = _measured(a, b, row, to, second, edges.difference, trials)
    return found if first == second else _named(found, _Focal.of(pairs, row, to, first, second), known.words)


def _trials(pairs: Counts, word: U32) -> I64:
    """Stretches that hold each word. Shape (n,) -> (n,)."""
    key = pack_pair(word, np.full(word.size, BORDER), HELD, behind=False)
    if not pairs.size:
        return np.zeros(word.size, np.int64)
    at = np.minimum(np.searchsorted(pairs.key, key), pairs.size - 1)
    return np.where(pairs.key[at] == key, pairs.count[at].astype(np.int64), 0)


@dataclass(frozen=True)
class _Contrast:
    """Two shares; their difference, its standard error, and the one in units of the other."""

    p_with: F64
    p_without: F64
    difference: F64
    error: F64
    score: F64

    @classmethod
    def of(cls, hits: I64, trials: I64, hits_without: I64, trials_without: I64) -> _Contrast:
        """`hits` of `trials` where a is, and where it is not.

        Error and score are those of shares with a success and a failure added to each (Agresti and Caffo 2000).
        """
        trials, trials_without = np.maximum(trials, hits), np.maximum(trials_without, hits_without)
        p, q = hits / np.maximum(trials, 1), hits_without / np.maximum(trials_without, 1)
        p_, q_ = (hits + 1) / (trials + 2), (hits_without + 1) / (trials_without + 2)
        error = np.sqrt(p_ * (1 - p_) / (trials + 2) + q_ * (1 - q_) / (trials_without + 2))
        return cls(p, q, p - q, error, (p_ - q_) / error)


def contrast(before: I64, after: I64, source_trials: int, target_trials: I64, trials: int) -> _Contrast:
    """b after a where a is, against b where it is not. Several pairs in one stretch count as one."""
    hits = np.minimum(after, np.minimum(source_trials, target_trials))
    together = np.minimum(before + after, np.minimum(source_trials, target_trials))
    alone = target_trials - together
    return _Contrast.of(hits, np.full_like(hits, source_trials), alone, np.full_like(hits, trials - source_trials))


@dataclass(frozen=True)
class _Focal:
    """Contrasts among the stretches that hold a third word near both a and b: the largest that the pairs allow.

    Pairs do not tell how often all three stood together, but that it was not more often than any two of them.

    third : uint32, shape (n,)   those words by name;  share : float64, shape (n,)   P(b | third)
    off : b with a, against b without
    screen : b after a, against b without
    usual : bool, shape (n,)     the word stands before b, and mostly comes with a
    """

    third: U32
    share: F64
    off: _Contrast
    screen: _Contrast
    usual: NDArray[np.bool_]

    @classmethod
    def of(cls, pairs: Counts, row: Row, to: Row, a: int, b: int) -> _Focal:
        both, mine, its = np.intersect1d(row.other, to.other, assume_unique=True, return_indices=True)
        third = (both != a) & (both != b)
        both, mine, its = both[third], mine[third], its[third]
        trials = _trials(pairs, both)
        with_a = np.minimum(row.before[mine] + row.after[mine], np.minimum(trials, row.trials))
        with_b = np.minimum(to.before[its] + to.after[its], np.minimum(trials, to.trials))
        at = row.find(b)
        before, after = (0, 0) if at is None else (int(row.before[at]), int(row.after[at]))
        most = np.minimum(before + after, np.minimum(with_a, with_b))
        hits = np.minimum(after, most)
        return cls(
            third=both,
            share=with_b / np.maximum(trials, 1),
            off=_Contrast.of(most, with_a, with_b - most, trials - with_a),
            screen=_Contrast.of(hits, with_a, with_b - hits, trials - with_a),
            usual=(to.before[its] > to.after[its]) & (with_a > USUALLY * row.trials),
        )

    def keeping_off(self) -> int | None:
        """The word with which b comes least for a, if that stands out of so many looked at (Bonferroni)."""
        if not self.third.size:
            return None
        least = int(self.off.score.argmin())
        lower = self.off.p_with[least] < self.share[least]
        return least if lower and self.off.score[least] < NormalDist().inv_cdf(CHANCE / 2 / self.third.size) else None

    def screening_off(self, delta_p: float) -> int | None:
        """A word with which b is as likely without a, so that it owes to that word (Reichenbach 1956, §19)."""
        c = self.screen
        like = self.usual & (c.score <= DEVIATIONS) & (c.difference + DEVIATIONS * c.error < delta_p)
        return int(np.where(like, c.difference, np.inf).argmin()) if like.any() else None


def _is_rule(hits: int, trials: int) -> bool:
    """Whether a share lies above USUALLY by more than chance: the lower end of Wilson's interval does (1927)."""
    if not trials:
        return False
    square = DEVIATIONS**2
    p = hits / trials
    centre = p + square / (2 * trials)
    spread = DEVIATIONS * np.sqrt(p * (1 - p) / trials + square / (4 * trials * trials))
    return bool((centre - spread) / (1 + square / trials) > USUALLY)


def _measured(a: bytes, b: bytes, row: Row, to: Row, target: int, edges: F64, trials: int) -> Relation:
    """The evidence, not named yet. edges : Delta-P of the words that come after a"""
    at = row.find(target)
    before, after = (0, 0) if at is None else (int(row.before[at]), int(row.after[at]))
    lags, squares = (0, 0) if at is None else (int(row.lags[1, at] - row.lags[0, at]), int(row.squares[:, at].sum()))
    count = before + after
    mean = lags / count if count else 0.0
    one = contrast(np.array([before]), np.array([after]), row.trials, np.array([to.trials]), trials)
    order = (after - before) / count if count else 0.0
    return Relation(
        source=a.decode("utf-8", "surrogateescape"),
        target=b.decode("utf-8", "surrogateescape"),
        kind=NONE,
        strength=0.0,
        before=before,
        after=after,
        order=order,
        mean_lag=mean,
        lag_deviation=float(np.sqrt(max(squares / count - mean * mean, 0.0))) if count else 0.0,
        source_trials=row.trials,
        target_trials=to.trials,
        trials=trials,
        p_with=float(one.p_with[0]),
        p_without=float(one.p_without[0]),
        delta_p=float(one.difference[0]),
        delta_p_error=float(one.error[0]),
        score=float(one.score[0]),
        within="",
        within_p=0.0,
        within_p_with=0.0,
        within_delta_p=0.0,
        edges=edges.size,
        edges_mean=float(edges.mean()) if edges.size else 0.0,
        edges_deviation=float(edges.std()) if edges.size else 0.0,
    )


def _named(r: Relation, focal: _Focal, words: Words) -> Relation:
    """With the kind that the evidence speaks for, and its strength."""

    def named(kind: str, third: int | None = None, contrast: _Contrast | None = None) -> Relation:
        found = replace(r, kind=kind)
        if third is not None and contrast is not None:
            found = replace(
                found,
                within=(payload_of(words, int(focal.third[third])) or b"?").decode("utf-8", "surrogateescape"),
                within_delta_p=float(contrast.difference[third]),
                within_p=float(focal.share[third]),
                within_p_with=float(contrast.p_with[third]),
            )
        return replace(found, strength=_strength(found))

    if not r.source_trials or not r.target_trials:
        return named(NONE)
    steady = _is_steady(r)
    ahead = steady and r.after > r.before
    if r.score < -DEVIATIONS and r.p_without > _together(r) / r.source_trials:
        return named(PREVENTS)
    if not ahead:
        third = focal.keeping_off()
        if third is not None:
            return named(PREVENTS, third, focal.off)
        return named(FOLLOWS if steady else NONE)
    if r.score <= DEVIATIONS:
        return named(PRECEDES)
    third = focal.screening_off(r.delta_p)
    if third is not None:
        return named(PRECEDES, third, focal.screen)
    if _is_rule(min(r.after, r.source_trials), r.source_trials):
        return named(CAUSES)
    if _is_rule(min(r.after, r.target_trials), r.target_trials):
        return named(ENABLES)
    return named(CAUSES if r.delta_p > r.edges_mean + r.edges_deviation else PRECEDES)


def _is_steady(r: Relation) -> bool:
    """Whether one order, less what it may owe to chance, outnumbers its exceptions."""
    less, more = sorted((r.before, r.after))
    return bool(more - less - DEVIATIONS * np.sqrt(r.count) > less)


def _together(r: Relation) -> int:
    """Stretches that hold both."""
    return min(r.count, r.source_trials, r.target_trials)


def _strength(r: Relation) -> float:
    if r.kind == NONE:
        return 0.0
    if r.kind in (CAUSES, ENABLES):
        return r.delta_p
    if r.kind == PREVENTS:
        if r.within:
            return INDIRECT * (r.within_p - r.within_p_with)
        return r.target_trials / r.trials - _together(r) / r.source_trials
    either = r.source_trials + r.target_trials - _together(r)
    share = abs(r.order) * _together(r) / either
    return share if r.kind == PRECEDES else INDIRECT * share
