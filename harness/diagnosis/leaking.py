"""From the readings of a leak hunt to a verdict: pure, first match wins. One ledger alone calls too much a leak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from harness.report.leak import Profile, Reading, Trend
from harness.statistics import pair_slopes, robust_slope

WARM_UP = 2  # epochs: imports, caches and tables that are made once
BLOCKS, OBJECTS, MALLOC, RESIDENT = "blocks", "objects", "malloc", "resident"
# By ledger: its field in a reading, and the floor: what an epoch must add more than for it to be a rise. Readings of
# learners that hold nothing differ by a block and by 200 bytes of malloc; resident memory comes in pages and arenas.
LEDGERS = {
    BLOCKS: ("blocks", 1.0),
    OBJECTS: ("objects", 1.0),
    MALLOC: ("malloc_bytes", 1024.0),
    RESIDENT: ("anon_bytes", 65536.0),
}
SETTLING = 1 / 200  # of resident memory: a heap of 47 MB took up to 0.35 % more each epoch until it had settled
RETURNED = 1 / 2  # of a rise in resident memory, that must come back on demand to be called fragmentation
EXPLAINED = 1 / 2  # of a rise in malloc, that one place in Python must have asked for to be called retention
RISES, FLAT, NOISY = "rises", "flat", "noisy"
LEAKING = frozenset({"leak", "retention", "resident_growth"})


@dataclass(frozen=True)
class Judgement:
    """verdict : retention, leak, fragmentation, resident_growth, cannot_tell, flat; returned_share : see LeakReport."""

    verdict: str
    confidence: str
    because: str
    trends: list[Trend]
    returned_share: float | None = None


def judge_readings(readings: Sequence[Reading], lines: int) -> Judgement:
    """The verdict on all readings, in order; lines : of the text that was learnt in each epoch."""
    counted = readings[WARM_UP:]
    trends = {name: trend for name in LEDGERS if (trend := trend_of(name, counted, lines)) is not None}
    returned = returned_share(readings, trends.get(RESIDENT))
    verdict, confidence, because = decide({name: one.says for name, one in trends.items()}, returned)
    if not trends:
        because = f"{len(counted)} epochs after the warm-up are too few"
    return Judgement(verdict, confidence, because, list(trends.values()), returned)


def trend_of(ledger: str, counted: Sequence[Reading], lines: int) -> Trend | None:
    """One ledger over the epochs that count; None where it was not read, or too seldom."""
    field, floor = LEDGERS[ledger]
    read = [(one.epoch, getattr(one, field)) for one in counted if getattr(one, field) is not None]
    epochs, values = [epoch for epoch, _ in read], [value for _, value in read]
    slope = robust_slope(epochs, values)
    if slope is None:
        return None
    if ledger == RESIDENT:
        floor = max(floor, SETTLING * median(values))
    return Trend(
        ledger=ledger,
        per_epoch=slope.value,
        low=slope.low,
        high=slope.high,
        per_line=slope.value / max(lines, 1),
        at_first=slope.at(epochs[0]),
        floor_per_epoch=floor,
        says=_says(slope.low, slope.high, floor, median(pair_slopes(*_second_half(epochs, values)))),
    )


def _second_half(epochs: Sequence[int], values: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    middle = len(epochs) // 2
    return epochs[middle:], values[middle:]


def _says(low: float, high: float, floor: float, lately: float) -> str:
    """A rise is certain, above the floor, and goes on in the second half: a cache that is full by then is none."""
    if low > floor:
        return RISES if lately > floor else FLAT
    return NOISY if low < -floor and high > floor else FLAT


def returned_share(readings: Sequence[Reading], resident: Trend | None) -> float | None:
    """Which part of what resident memory rose by was handed back when asked for; None where it did not, or was not."""
    trimmed = [(one.epoch, one.trimmed_anon_bytes) for one in readings if one.trimmed_anon_bytes is not None]
    if resident is None or resident.says != RISES or len(trimmed) < 2:
        return None
    (first, before), (last, after) = trimmed[0], trimmed[-1]
    return 1 - (after - before) / (last - first) / resident.per_epoch


def decide(says: dict[str, str], returned: float | None) -> tuple[str, str, str]:
    """Verdict, confidence and grounds, by the first rule that matches. says : by ledger; none where it was not read."""
    if BLOCKS not in says:
        return "cannot_tell", "low", "too few readings"
    if says[BLOCKS] == RISES:
        return "retention", "high", "live Python objects that something still refers to"
    if says.get(MALLOC) == RISES:
        return "leak", "high" if says[BLOCKS] == FLAT else "medium", "native memory in use, and no Python object more"
    if says.get(RESIDENT) == RISES:
        if returned is not None and returned >= RETURNED:
            return "fragmentation", "high", "pages that the allocator keeps, and hands back when asked: not a leak"
        return "resident_growth", "low", "pages outside malloc that stay: memory maps, arenas that a few objects hold"
    if noisy := [name for name in (BLOCKS, MALLOC, RESIDENT) if says.get(name) == NOISY]:
        return "cannot_tell", "low", f"{' and '.join(noisy)} went up and down too much: more epochs tell more"
    return "flat", "high" if MALLOC in says else "medium", "no ledger rises"


def with_profile(judgement: Judgement, profile: Profile) -> Judgement:
    """A leak of malloc is retention where it is one Python object that grows: a list, a table, a buffer.

    profile : by tracemalloc. One place in Python then asked for most of the memory, and not for more pieces of it.
    """
    malloc = next((one for one in judgement.trends if one.ledger == MALLOC), None)
    if judgement.verdict != "leak" or malloc is None or not profile.sites:
        return judgement
    site = profile.sites[0]
    if site.bytes_per_epoch < EXPLAINED * malloc.per_epoch or site.blocks_per_epoch >= LEDGERS[BLOCKS][1]:
        return judgement
    because = "no object more, but a Python object that grows: a list, a table, a buffer"
    return replace(judgement, verdict="retention", because=because)
