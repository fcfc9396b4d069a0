"""Merge: two learners as one. All evidence is integer counts, so merging is addition, once both mean the same symbols.

The symbols of the first keep their ids; those that only the second has come after them, in their own order of age. The
second one's tables follow (edges by the ids of their symbols, the rest by names that every brain shares) and are added.
Both learners are absorbed first: what the generation that is going on has gathered counts as it stands, the lines held
back with it. They are not predicted, and the chunks of that generation form no patterns. What is derived is judged
afresh: separators, as at a generation's end, vectors and categories of words, and the border between episodes. The next
generation ends when it would in a learner that was fed as much (see `generation.next_end`).

Evidence adds up the same in any order and grouping, as long as no table is so full that it forgets. Ids do follow the
order, and where two symbols would be as good a parse the older id wins.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from melvin import bridges, edges
from melvin.binding import Binding
from melvin.bridges import Bridges
from melvin.codes import CODE_BITS, CODE_MASK, GROUND, MAX_SYMBOLS
from melvin.contexts import four_grams
from melvin.edges import pack, source_of, target_of
from melvin.episodes import Cutter, border_of
from melvin.errors import InputError
from melvin.evidence import RANKED, ROW_BITS, TABLES, Evidence, Runs, kept
from melvin.feedback import KEPT_FEEDBACK, Feedback
from melvin.generation import Gathering, Snapshot, absorb, next_end, with_meaning
from melvin.learner import Learner
from melvin.payloads import forget as forget_payloads
from melvin.separators import SEPARATE_FROM, learn_separators
from melvin.settings import Settings
from melvin.splits import with_splits
from melvin.symbols import Symbols
from melvin.tables import U32, Counts, fold, sum_by_key
from melvin.thinning import forget
from melvin.weights import Weights
from melvin.words import KEPT_WORDS, added


def merge(a: Learner, b: Learner) -> Learner:
    """A learner that knows what both know. Neither is changed.

    Raises
    ------
    InputError : they differ in their settings or in the order of their ports, or are too large together
    """
    for learner in (a, b):
        learner.tally()
    fed = a.fed + b.fed
    merged = Learner(
        _snapshots(absorb(a.snapshot, a.gathering), absorb(b.snapshot, b.gathering), fed),
        Gathering(Runs(memory=_settings(a.snapshot, b.snapshot).memory)),
        fed=fed,
        lines=a.lines + b.lines,
    )
    merged.binding = _bindings(a.binding, b.binding)
    merged.whole = a.whole and b.whole
    merged.broken = not merged.whole
    return merged


def _snapshots(a: Snapshot, b: Snapshot, fed: int) -> Snapshot:
    settings = _settings(a, b)
    symbols, ids = union(a.symbols, b.symbols)
    bounded = settings.forgetting
    tables, forgotten = {}, {}
    for name in TABLES:
        mine, other = getattr(a.evidence, name), getattr(b.evidence, name)
        if name in RANKED:
            mine = edges.renumber(mine, a.symbols, symbols)
            other = _rekeyed(other, b.symbols, symbols, ids, from_symbols=name == "links")
        whole = fold(mine, other)
        tables[name] = forget(whole, kept(settings.memory)[name] if bounded else None, ROW_BITS.get(name))
        forgotten[name] = a.forgotten[name] + b.forgotten[name] + whole.size - tables[name].size
    evidence = Evidence(**tables)
    separator = a.separator if len(a.separator) >= len(b.separator) else b.separator
    if fed >= SEPARATE_FROM:
        separator = learn_separators(four_grams(evidence.grams), len(separator))
    return with_meaning(
        Snapshot(
            symbols=symbols,
            evidence=evidence,
            separator=separator,
            weights=Weights(*(getattr(a.weights, f.name) + getattr(b.weights, f.name) for f in fields(Weights))),
            generation=max(a.generation, b.generation),
            began_at=fed,
            ends_at=next_end(fed, settings.memory),
            words=added([a.words, b.words], KEPT_WORDS if bounded else None),
            feedback=_feedback(a.feedback, b.feedback, KEPT_FEEDBACK if bounded else None),
            curve=a.curve.fold(b.curve),
            calibration=a.calibration.fold(b.calibration),
            settings=settings,
            forgotten=forgotten,
        )
    )


def _settings(a: Snapshot, b: Snapshot) -> Settings:
    """Those of both, with the larger of two budgets."""
    if a.settings.off != b.settings.off:
        ways = " and ".join(", ".join(one.settings.off) or "nothing" for one in (a, b))
        raise InputError(
            f"the brains were trained with different settings (switched off: {ways}): they cannot be added up"
        )
    return replace(a.settings, memory=max(a.settings.memory, b.settings.memory))


def union(a: Symbols, b: Symbols) -> tuple[Symbols, U32]:
    """The symbols of both: those of `a`, then what only `b` has, in its order; and the id in the union of each of `b`.

    A payload that both have keeps the constituents that it has in `a`; every pair that spells a pattern forms it.

    Returns
    -------
    The union, and uint32 of shape (symbols of b,).

    Raises
    ------
    InputError : the ports come in different orders, or there are too many symbols
    """
    shared = min(len(a.ports), len(b.ports))
    if a.ports[:shared] != b.ports[:shared]:
        orders = " and ".join(", ".join(one.ports) for one in (a, b))
        raise InputError(
            f"the brains heard of their ports in different orders ({orders}), and words are named by the place of "
            "their port: teach both in the same order"
        )
    ids = np.empty(b.size, np.uint32)
    for mine, theirs in zip(a.base, b.base, strict=False):
        ids[theirs : theirs + GROUND] = mine + np.arange(GROUND, dtype=np.uint32)
    merged, since = a, 0
    for name, base in zip(b.ports[shared:], b.base[shared:].tolist(), strict=True):
        merged = _with_patterns(merged, b, since, base, ids).with_port(name, int(b.born[base]))
        ids[base : base + GROUND] = merged.base[-1] + np.arange(GROUND, dtype=np.uint32)
        since = base
    return with_splits(_with_patterns(merged, b, since, b.size, ids)), ids


def _with_patterns(merged: Symbols, b: Symbols, since: int, until: int, ids: U32) -> Symbols:
    """With those patterns of `b`, of ids in [since, until), that are not yet known; fills in `ids`."""
    pattern = since + np.flatnonzero(b.level[since:until] > 0)
    known = merged.with_payload(b.words[:, pattern], b.port[pattern])
    fresh = pattern[known < 0]
    if merged.size + fresh.size >= MAX_SYMBOLS:
        raise InputError(
            f"together the brains have {merged.size + fresh.size:,} symbols, {MAX_SYMBOLS - 1:,} are the most"
        )
    ids[pattern] = known
    ids[fresh] = merged.size + np.arange(fresh.size, dtype=np.uint32)
    return merged.with_others(b, fresh, ids)


def _rekeyed(counts: Counts, symbols: Symbols, merged: Symbols, ids: U32, *, from_symbols: bool) -> Counts:
    """The same evidence about symbols of the union."""
    if not counts.size:
        return counts
    target = merged.ranks.rank[ids[symbols.ranks.by_rank[target_of(counts.key)]]]
    source = source_of(counts.key)
    if from_symbols:
        source = ids[source].astype(np.uint64)
    return sum_by_key(pack(source, target), counts.count)


def _feedback(a: Feedback, b: Feedback, limit: int | None) -> Feedback:
    code = (b.key & CODE_MASK).astype(np.int64)
    return a.add(b.key >> np.uint64(CODE_BITS), code, b.sum, limit)


def _bindings(a: Binding, b: Binding) -> Binding:
    """Both sets of bridges; the episodes that are going on end here."""
    both: Bridges = a.bridges().with_more(b.bridges())
    known = Bridges(forget(both.counts, bridges.KEPT_KEYS), forget_payloads(both.payloads, bridges.KEPT_BYTES))
    gaps = [x + y for x, y in zip(a.cutter.gaps, b.cutter.gaps, strict=True)]
    return Binding(Cutter(gaps, border_of(gaps)), known)
