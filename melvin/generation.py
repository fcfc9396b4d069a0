"""Generations: what a brain knows (a snapshot), what it is gathering, and how the one becomes part of the other.

Within a generation the snapshot is frozen and evidence only accumulates, so blocks commute. When the bytes fed have
doubled, or are four times as many (see `next_end`), the brain consolidates: evidence is closed and folded in, strong
edges become patterns, separators are judged afresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin import edges, lexicon, patterns
from melvin.attention import MOST_SEEN, foci
from melvin.budget import DEFAULT_MEMORY, within
from melvin.calibration import Calibration, places_to_try, sample_places
from melvin.categories import Categories, categorise
from melvin.codes import BYTES, CODES, END
from melvin.contexts import Context, codes_of, derive_with_four_grams
from melvin.counting import Carry, Familiarity, Reading, count, read
from melvin.curve import Curve, code_length
from melvin.edges import counted, pack, target_of
from melvin.embedding import embed
from melvin.encode import encode_lines, tail
from melvin.evidence import ROW_BITS, TABLES, Evidence, Runs, kept
from melvin.feedback import Feedback
from melvin.hashing import mix
from melvin.heads import fit, predict
from melvin.kinship import Kinship
from melvin.lexicon import Lexicon
from melvin.lines import Block, lines_block
from melvin.model import Model
from melvin.parse import Parser, chunk_salt
from melvin.places import Places
from melvin.separators import SEPARATE_FROM, default_separators, learn_separators
from melvin.settings import EVERYTHING, Settings
from melvin.symbols import Symbols
from melvin.tables import I64, U32, Counts, fold
from melvin.thinning import forget
from melvin.vectors import Embeddings
from melvin.weights import Weights
from melvin.words import KEPT_WORDS, PAIR_BYTES, Words, added, reach

FIRST_GENERATION = 32  # bytes: a generation ends when so many were fed,
GROWTH = 2  # from then on each time there are so many times as many;
GROWTH_LARGE = 4  # so many times where there is room for what it sees: it begins with LARGE bytes fed,
LARGE = 1 << 20
MOST_GROWN = 1 << 25  # and fewer than these, in DEFAULT_MEMORY or more of it

FIT_ALL = 1 << 14  # bytes held back that are all predicted, and weights fitted to. Of more, one in so many: what that
FIT_EVERY = 2  # costs, and saves, is told in docs/learner.md
FIT_EVERY_LARGE = 3  # the same, where weights are well known: in generations of LARGE bytes


def next_end(fed: int, memory: int) -> int:
    """Bytes fed at which the generation ends that begins when so many were."""
    has_room = memory >= DEFAULT_MEMORY and LARGE <= fed < within(memory, MOST_GROWN)
    return max(fed * (GROWTH_LARGE if has_room else GROWTH), FIRST_GENERATION)


def fitted_places(held_back: int, fresh: int) -> I64:
    """Places, of so many bytes held back in a generation, that are predicted, and weights fitted to. int64, ascending

    Chosen by a hash: at a fixed distance they would miss the line ends of records, which come at one, too.
    """
    if held_back <= FIT_ALL:
        return np.arange(held_back)
    hashed = mix(np.arange(1, held_back + 1, dtype=np.uint64))
    return np.flatnonzero(hashed % np.uint64(FIT_EVERY if fresh < LARGE else FIT_EVERY_LARGE) == 0)


@dataclass(frozen=True)
class Snapshot:
    """What predictions read. Nothing in it is ever changed in place.

    symbols : the nodes
    evidence : what was seen, and how often
    separator : bool, shape (ports, 256)   the bytes before which a chunk begins
    weights : how far each head is trusted
    words : those that can be named
    feedback : what was said of answers
    embeddings : their vectors;  categorised : which of them belong together, where that is at hand (see `viewfile`)
    curve : what lines cost that were predicted before they were learnt;  calibration : how far predictions are right
    settings : which mechanisms are on, and how much memory there is
    forgotten : entries dropped from each table, for want of memory
    contexts : the byte contexts of the evidence, where they are at hand (see `viewfile`); in place of the 6-grams
    generation : how many have ended;  began_at, ends_at : bytes fed at which this one began, and ends
    """

    symbols: Symbols
    evidence: Evidence
    separator: NDArray[np.bool_]
    weights: Weights
    generation: int
    began_at: int
    ends_at: int
    words: Words = field(default_factory=Words.empty)
    feedback: Feedback = field(default_factory=Feedback.empty)
    embeddings: Embeddings = field(default_factory=Embeddings.empty)
    categorised: Categories | None = None
    curve: Curve = field(default_factory=Curve.empty)
    calibration: Calibration = field(default_factory=Calibration.empty)
    settings: Settings = EVERYTHING
    forgotten: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    contexts: tuple[Context, ...] | None = None

    @classmethod
    def empty(cls, settings: Settings = EVERYTHING) -> Snapshot:
        separator = np.zeros((0, BYTES), np.bool_)
        return cls(
            Symbols.empty(), Evidence.empty(), separator, Weights.none(), 0, 0, FIRST_GENERATION, settings=settings
        )

    @property
    def fresh(self) -> int:
        """Bytes of the generation that is going on."""
        return self.ends_at - self.began_at

    @cached_property
    def model(self) -> Model:
        """What the heads read."""
        return Model(self.symbols, self.evidence, self.settings, self.kinship, self.contexts)

    @cached_property
    def kinship(self) -> Kinship:
        """Which words may stand for which."""
        return Kinship(self.words, self.embeddings)

    @cached_property
    def categories(self) -> Categories:
        """Which words belong together. In most generations nobody asks: it is worked out when somebody does."""
        if self.categorised is not None:
            return self.categorised
        on = self.settings.embeddings and self.settings.categories
        return categorise(self.embeddings, self.words) if on else Categories.empty()

    @cached_property
    def familiarity(self) -> Familiarity:
        return familiarity(
            self.symbols,
            self.evidence.links,
            foci(self.fresh),
            pairs_one_in=self.fresh // PAIR_BYTES,
            reach=reach(self.fresh),
            settings=self.settings,
        )

    def parser(self) -> Parser:
        """One that has read nothing yet."""
        return Parser(self.symbols, self.familiarity.frequency, self.settings.memory)

    def with_port(self, name: str, born: int) -> Snapshot:
        if name in self.symbols.ports:
            return self
        grown = self.symbols.with_port(name, born)
        return replace(
            self,
            symbols=grown,
            evidence=self.evidence.renumber(self.symbols, grown),
            separator=np.vstack((self.separator, default_separators())),
        )


@dataclass
class Gathering:
    """Evidence of the generation that is going on.

    runs : evidence as it was counted
    lexicon : distinct chunks and how often each was read
    sample : lines (port, bytes) held back, to be predicted when the generation ends, and learnt then
    """

    runs: Runs = field(default_factory=Runs)
    lexicon: Lexicon = field(default_factory=Lexicon.empty)
    sample: list[tuple[int, bytes]] = field(default_factory=list)

    def renumber(self, before: Symbols, after: Symbols) -> None:
        """Follow a change of ranks (a port was added)."""
        self.runs = Runs(self.runs.fold().renumber(before, after), self.runs.halvings, self.runs.memory)


def familiarity(
    symbols: Symbols, links: Counts, attended: int, *, pairs_one_in: int, reach: int, settings: Settings
) -> Familiarity:
    """How often each symbol was seen, and what else counting needs to know."""
    seen = np.zeros(symbols.size, np.int64)
    for end in symbols.base + np.uint32(END):  # what came after anything in its port
        row = slice(*np.searchsorted(links.key, pack(np.array([end, end + 1]), np.zeros(2, np.uint32))))
        seen[symbols.ranks.by_rank.take(target_of(links.key[row]))] = links.count[row]
    return Familiarity(_with_young(symbols, links, seen), attended, pairs_one_in, reach, settings)


def _with_young(symbols: Symbols, links: Counts, seen: I64) -> U32:
    """A pattern that was only just formed has not been seen as such: its edge was, so often at the most."""
    young = np.flatnonzero((seen == 0) & (symbols.level > 0))
    seen[young] = counted(links, pack(symbols.left[young], symbols.ranks.rank[symbols.right[young]]))
    return np.minimum(seen, MOST_SEEN).astype(np.uint32)


def times_seen(symbols: Symbols, links: Counts, symbol: int) -> int:
    """How often one symbol was seen."""
    anything = int(symbols.base[symbols.port[symbol]]) + END
    seen = edges.counted_one(links, anything, int(symbols.ranks.rank[symbol]))
    if not seen and symbols.level[symbol]:
        seen = edges.counted_one(links, int(symbols.left[symbol]), int(symbols.ranks.rank[symbols.right[symbol]]))
    return min(seen, MOST_SEEN)


def absorb(snapshot: Snapshot, gathering: Gathering) -> Snapshot:
    """The snapshot with all evidence gathered so far folded in, its symbols as they were: what a query reads.

    The chunks of the gathering must have been handed over (see `Learner.tally`).
    """
    gathered, words = so_far(snapshot, gathering)
    for name in TABLES:
        snapshot = merge(snapshot, gathered, name)
    return with_meaning(replace(snapshot, words=words))


def so_far(snapshot: Snapshot, gathering: Gathering) -> tuple[Gathering, Words]:
    """What was gathered, with the lines that are held back; and all words that are known now."""
    runs = Runs(gathering.runs.fold(), gathering.runs.halvings, snapshot.settings.memory)
    parser = snapshot.parser()
    for port, block, carry, reading in _read_held_back(snapshot, gathering, parser):
        halvings = runs.halvings
        keys, _ = count(snapshot.symbols, snapshot.familiarity, block, port, carry, reading, halvings)
        runs.add(keys, halvings)
    return Gathering(runs), with_words(
        snapshot, lexicon.fold(gathering.lexicon, parser.lexicon(), snapshot.settings.memory)
    )


def symbols_so_far(known: Snapshot, gathering: Gathering, fed: int) -> Symbols:
    """The symbols as they would be if the generation ended now, and nothing were held back of what was read.

    The chunks of the gathering must have been handed over (see `Learner.tally`).
    """
    parser = known.parser()
    _read_held_back(known, gathering, parser)
    chunks = lexicon.fold(gathering.lexicon, parser.lexicon(), known.settings.memory)
    return _with_patterns(known, chunks, fed) if chunks.key.size else known.symbols


def _read_held_back(known: Snapshot, gathering: Gathering, parser: Parser) -> list[tuple[int, Block, Carry, Reading]]:
    """Parse the lines held back, and count their chunks as read: by port, with what stands before them."""
    lines = [(port, block, Carry.opening(known.symbols, port)) for port, block in sampled(gathering)]
    return [
        (port, block, carry, read(parser, known.familiarity, known.separator[port], block, port, carry, tally=True))
        for port, block, carry in lines
    ]


def with_words(known: Snapshot, read: Lexicon) -> Words:
    """The words known, and those of a lexicon."""
    salts = [chunk_salt(port) for port in range(len(known.symbols.ports))]
    fresh = (Words.of(known.symbols, part, known.separator, salts) for part in read.parts())
    return added([known.words, *fresh], KEPT_WORDS if known.settings.forgetting else None)


def with_meaning(known: Snapshot) -> Snapshot:
    """What follows from the pairs of words: vectors, and categories once they are asked for."""
    if not known.settings.embeddings:
        return known
    return replace(known, embeddings=embed(known.evidence.context_edges), categorised=None)


def merge(snapshot: Snapshot, gathering: Gathering, name: str) -> Snapshot:
    """Fold in what was gathered for one table; the gathering hands it over and no longer holds it."""
    counted = [gathering.runs.take(name)]
    if name == "links":
        counted.append(edges.after_anything(snapshot.symbols, *counted))
    limit = kept(snapshot.settings.memory)[name] if snapshot.settings.forgetting else None
    whole = fold(getattr(snapshot.evidence, name), *counted)
    table = forget(whole, limit, ROW_BITS.get(name))
    forgotten = {**snapshot.forgotten, name: snapshot.forgotten[name] + whole.size - table.size}
    return replace(snapshot, evidence=replace(snapshot.evidence, **{name: table}), forgotten=forgotten)


def settle(known: Snapshot, gathering: Gathering, fed: int) -> Snapshot:
    """End a generation whose evidence is folded in: predict what was held back, judge separators, form patterns."""
    known = with_meaning(replace(known, words=with_words(known, gathering.lexicon)))
    known, four_grams = _checked(known, gathering, fed)
    separator = known.separator
    if fed >= SEPARATE_FROM:
        separator = learn_separators(four_grams, len(separator))
    grown = _with_patterns(known, gathering.lexicon, fed)
    return replace(
        known,
        symbols=grown,
        evidence=known.evidence.renumber(known.symbols, grown),
        separator=separator,
        generation=known.generation + 1,
        began_at=fed,
        ends_at=next_end(fed, known.settings.memory),
    )


def _with_patterns(known: Snapshot, chunks: Lexicon, fed: int) -> Symbols:
    """The symbols, and the patterns that a generation's chunks have earned."""
    if not known.settings.patterns:
        return known.symbols
    growth = known.fresh / known.began_at if known.began_at else 1.0
    return patterns.form(known.symbols, chunks, fed, known.settings.memory, growth)


def sampled(gathering: Gathering) -> Iterator[tuple[int, Block]]:
    """The lines held back, by port, in order of their bytes: the order in which they came does not matter."""
    for port in sorted({port for port, _ in gathering.sample}):
        yield port, lines_block(sorted(line for at, line in gathering.sample if at == port))


def _checked(known: Snapshot, gathering: Gathering, fed: int) -> tuple[Snapshot, Counts]:
    """Predict some bytes of the lines held back, note how well that went, and fit the heads' weights to the outcome.

    Returns the 4-grams, too (see `contexts.derive_with_four_grams`).
    """
    weights, calibration, size, cost = known.weights, known.calibration, 0, 0
    parser, lines = known.parser(), dict(sampled(gathering))
    count = places_to_try(known.fresh)
    few = {port: _few(known, block, port, parser, count) for port, block in lines.items()} if count else {}
    many = {port: _many(known, block, port, parser) for port, block in lines.items()}
    asked = [places.context for places, _ in (*few.values(), *many.values())]
    asked_once = np.unique(np.concatenate([np.empty(0, np.uint64), *asked]))
    contexts, four_grams = derive_with_four_grams(known.evidence.grams, asked_once)
    model = Model(known.symbols, known.evidence, known.settings, known.kinship, contexts, once=True)
    for port, (places, code) in many.items():
        if count:
            calibration = calibration.fold(_tried(model, weights, port, *few[port]))
        predicted, weights = fit(model, weights, places, code)
        size, cost = size + code.size, cost + code_length(predicted)
    curve = known.curve.fold(Curve.at(fed, size, cost))
    return replace(known, weights=weights, curve=curve, calibration=calibration), four_grams


def _many(known: Snapshot, block: Block, port: int, parser: Parser) -> tuple[Places, I64]:
    """The places of lines at which what comes is predicted, and weights fitted to it; and the codes that came."""
    at = fitted_places(block.data.size, known.fresh)
    places = encode_lines(parser, block, known.separator[port], port, known.familiarity, at)
    return places, codes_of(block)[at].astype(np.int64)


def _few(known: Snapshot, block: Block, port: int, parser: Parser, count: int) -> tuple[Places, I64]:
    """At most so many places of lines at which all that may come next is predicted; and the codes that came."""
    texts, came = sample_places(block, count)
    separator = known.separator[port]
    ends = lines_block([tail(text, separator) for text in texts])
    return encode_lines(parser, ends, separator, port, known.familiarity, ends.piece_end[ends.closed] - 1), came


def _tried(model: Model, weights: Weights, port: int, places: Places, came: I64) -> Calibration:
    """What predicting all that may come next tells."""
    every = np.broadcast_to(np.arange(1, CODES + 1), (came.size, CODES))
    return Calibration.of(port, predict(model, weights, places, every), came)
