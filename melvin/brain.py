"""The brain: what a program holds. Lines go in by `learn`, answers come out by `query`; `save` and `open` keep it.

brain = Brain()
brain.learn(["hello world"] * 5)
brain.query("hel").text        # 'lo world'
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path

from melvin import answers, brainfile, composition, contents, frames, lines, neighbours, priming, relations
from melvin.answers import Answer
from melvin.brainfile import Opened
from melvin.bridges import Bridges
from melvin.budget import parse_memory
from melvin.composition import Composed
from melvin.contents import Pattern, Stats
from melvin.counting import Carry
from melvin.curve import Point
from melvin.errors import InputError
from melvin.evidence import Runs
from melvin.feedback import KEPT_FEEDBACK, shares
from melvin.frames import Frame
from melvin.generation import Gathering, Snapshot, absorb
from melvin.learner import Learner
from melvin.lines import Block, to_bytes
from melvin.merge import merge
from melvin.neighbours import Near
from melvin.place import Place
from melvin.priming import Primed
from melvin.reader import BATCH_PLACES, Distribution, Reader
from melvin.relations import Relation
from melvin.resume import Resume
from melvin.sampling import sample
from melvin.settings import EVERYTHING, Settings
from melvin.symbols import Symbols
from melvin.teaching import frequent, unsure
from melvin.thesaurus import SHOWN, Category, Similar, Thesaurus
from melvin.why import Why

PRIMED = 10  # payloads that `primed` names unless more are asked for
NEIGHBOURS = 5  # words that `before` and `after` name unless more are asked for
TEXT = "text"  # the port that lines go to unless another is named
UNSURE = 16  # beginnings that a brain names when it is asked what it is unsure of
NAMED = 8  # ports, at the most, of those that there are, where one is not
LINE_BYTES = 256  # of a line made up, at the most, unless another length is named


@dataclass(frozen=True)
class Progress:
    """How far learning has come, told once a block."""

    bytes: int
    lines: int
    symbols: int
    edges: int
    generation: int
    bits_per_byte: float | None  # of the lines last held back, before they were learnt


def _no_stage(_: str) -> None:
    pass


def _number(n: int) -> int:
    """How many are asked for.

    Raises
    ------
    InputError : it is no whole number, or below 0
    """
    if not isinstance(n, Integral) or n < 0:
        raise InputError(f"{reprlib.repr(n)} cannot be asked for: name a whole number from 0 on")
    return n


class Brain:
    """A byte-level graph that learns from lines.

    Parameters
    ----------
    settings : which mechanisms are on, and how much memory it may take, for as long as the brain lives
    memory : in place of that of the settings, as `512MiB` or in bytes

    Raises
    ------
    InputError : a size of memory that is none, or too small
    """

    def __init__(self, settings: Settings = EVERYTHING, *, memory: str | int | None = None) -> None:
        if memory is not None:
            settings = replace(settings, memory=parse_memory(str(memory)))
        runs = Runs(memory=settings.memory)
        # A brain is what it learns with, or the file that it was opened from, or both while nothing else was learnt.
        self._file: Opened | None = None
        self._loaded: Learner | None = Learner(Snapshot.empty(settings), Gathering(runs), fed=0, lines=0)
        self._reader: Reader | None = None
        self._bridges: Bridges | None = None
        self._symbols: Symbols | None = None

    # ---------------------------------------------------------------- learning

    def learn(self, rows: Iterable[bytes | str], *, port: str = TEXT) -> None:
        """Learn lines, in order.

        Raises
        ------
        InputError : a line is neither text nor bytes, or the port cannot have this name; of the lines before it some
            may be learnt
        """
        self._learn(lines.blocks(lines.from_lines(rows)), port, _no_stage, None)

    def learn_file(
        self,
        path: str | Path,
        *,
        port: str = TEXT,
        on_stage: Callable[[str], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Learn the lines of a file.

        Parameters
        ----------
        on_stage : called with "read", "parse", "count" or "consolidate" whenever that stage begins
        on_progress : called once a block

        Raises
        ------
        InputError : the file cannot be read
        """
        try:
            with Path(path).open("rb") as file:
                self.learn_stream(file, port=port, on_stage=on_stage, on_progress=on_progress)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error

    def learn_stream(
        self,
        stream: lines.Readable,
        *,
        port: str = TEXT,
        on_stage: Callable[[str], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        place: Place | None = None,
    ) -> None:
        """Learn the lines of an open binary stream, to its end; otherwise as `learn_file`.

        place : where in its input the stream begins; moves with what is learnt
        """
        stage = on_stage or _no_stage
        self._learn(lines.blocks(lines.from_file(stream, stage), place), port, stage, on_progress, place)
        if place is not None:
            place.learnt(None)

    def learn_frames(self, rows: Iterable[Frame]) -> None:
        """Learn frames of any ports, in the order in which they happened.

        Each payload is learnt as one line of its port, whatever bytes it holds (an empty one is skipped). Frames
        between which no long gap lies are an episode: what happens together on two ports is bridged, see `primed`. A
        time before that of the last frame begins another recording.

        Raises
        ------
        InputError : a frame, payload, port or timestamp that is none, or too many ports; the frames before it are
            learnt
        """
        with self._changing() as learner:
            frames.learn_frames(learner, rows)

    def learn_episode(self, rows: Iterable[tuple[str, bytes | str]]) -> None:
        """Learn (port, payload) frames that happened together, an episode of its own; otherwise as `learn_frames`."""
        with self._changing() as learner:
            frames.learn_episode(learner, rows)

    def _learn(
        self,
        blocks: Iterable[Block],
        port: str,
        enter_stage: Callable[[str], None],
        on_progress: Callable[[Progress], None] | None,
        place: Place | None = None,
    ) -> None:
        carry = None if place is None else place.carry
        for block in blocks:
            with self._changing() as learner:
                index = learner.port(port)
                carry = learner.learn(
                    block, index, carry or Carry.opening(learner.snapshot.symbols, index), enter_stage
                )
            if place is not None:
                place.learnt(carry)
            if on_progress:
                on_progress(self._progress())

    @contextmanager
    def _changing(self) -> Iterator[Learner]:
        """Who learns; what was made to be asked before or meanwhile is let go."""
        learner = self._learner
        self._file, self._loaded = None, learner
        self._reader = self._bridges = self._symbols = None
        try:
            yield learner
        finally:
            self._reader = self._bridges = self._symbols = None

    def _progress(self) -> Progress:
        learner, curve = self._learner, self.learning_curve()
        return Progress(
            learner.fed,
            learner.lines,
            learner.snapshot.symbols.size,
            learner.snapshot.evidence.links.size,
            learner.snapshot.generation,
            curve[-1].bits_per_byte if curve else None,
        )

    def feedback(self, answer: Answer, reward: float) -> None:
        """Say how good an answer was: what led to it gains or loses, and nothing else changes.

        Parameters
        ----------
        answer : of this brain, or of one that learnt the same
        reward : from 0 (wrong) to 1 (right). 0.5 says nothing; 1 - r takes back what r said, to the bit, while nothing
            was learnt in between

        Raises
        ------
        InputError : it is no answer, the reward is not in [0, 1], or the brain has no such port
        """
        if not isinstance(answer, Answer):
            raise InputError(f"{reprlib.repr(answer)} is no answer: give what query returned")
        reader, port = self._ask(answer.port)
        context, code, probability = reader.used(answer.query, answer.payload, port, ends=answer.ends)
        known = self._learner.snapshot
        limit = KEPT_FEEDBACK if known.settings.forgetting else None
        said = known.feedback.add(context, code, shares(probability, reward), limit)
        self._learner.snapshot = replace(known, feedback=said)
        self._file = None
        reader.feedback = said

    def merge(self, other: Brain) -> Brain:
        """A brain that has learnt what both have; neither of them is changed. See `merge`.

        Raises
        ------
        InputError : they differ in their settings or in the order of their ports, or are too large together
        """
        brain = Brain()
        brain._loaded = merge(self._learner, other._learner)
        return brain

    # ---------------------------------------------------------------- keeping

    def save(self, path: str | Path) -> None:
        """Write everything learnt, atomically and durably.

        Raises
        ------
        SaveError : it could not be written; what was at the path before is untouched
        """
        brainfile.save(Path(path), self._learner, self._reader.snapshot if self._reader else None)

    @classmethod
    def open(cls, path: str | Path) -> Brain:
        """Open a brain. What it holds is checked and read when it is first needed; a small file is checked whole.

        Raises
        ------
        BrainFileError : a leaf that says what is wrong with the file; it is never read as an empty brain
        """
        brain = cls()
        brain._file, brain._loaded = Opened(Path(path)), None
        return brain

    @property
    def _learner(self) -> Learner:
        """Who learns: read from the file when it is first needed, which may find that its tables do not fit."""
        if self._loaded is None:
            assert self._file is not None
            self._loaded = self._file.learner()
        return self._loaded

    @property
    def settings(self) -> Settings:
        """Which mechanisms are on."""
        return self._learner.snapshot.settings

    @property
    def lines(self) -> int:
        """Lines learnt in all."""
        return self._learner.lines

    @property
    def resume(self) -> Resume | None:
        """Where in its input a training stopped; None when it reached the end, or anything was learnt since."""
        return self._learner.resume

    @resume.setter
    def resume(self, record: Resume | None) -> None:
        self._learner.resume = record

    # ---------------------------------------------------------------- asking

    @property
    def snapshot(self) -> Snapshot:
        """Everything learnt so far, as queries see it."""
        if self._file is not None:
            return self._file.view()
        self._learner.tally()
        known = self._learner.snapshot
        return replace(absorb(known, self._learner.gathering), forgotten=known.forgotten)

    def _index(self, port: str) -> int:
        known = self._learner.snapshot.symbols.ports if self._file is None else self._file.ports
        if port not in known:
            some = f"{', '.join(known[:NAMED])}{f' and {len(known) - NAMED} more' if len(known) > NAMED else ''}"
            has = f"it has heard of {some}" if known else "it has learnt nothing yet"
            raise InputError(f"the brain has no port {port!r}: {has}")
        return known.index(port)

    def _ask(self, port: str) -> tuple[Reader, int]:
        index = self._index(port)
        if self._reader is None:
            self._reader = Reader(self.snapshot)
        return self._reader, index

    def query(self, text: bytes | str, *, focus: bytes | str = b"", port: str = TEXT) -> Answer:
        """How the brain goes on from a text. focus : words that say what is asked for; they re-weight what may come"""
        reader, index = self._ask(port)
        return answers.answer(reader, to_bytes(text), index, to_bytes(focus))

    def distribution(self, text: bytes | str, *, port: str = TEXT) -> Distribution:
        """What comes next: every byte, and the line's end."""
        reader, index = self._ask(port)
        return reader.spread(to_bytes(text), index)

    def probability(self, text: bytes | str, continuation: bytes | str, *, port: str = TEXT) -> float:
        """P(the text goes on with exactly these bytes next)."""
        reader, index = self._ask(port)
        return reader.probability(to_bytes(text), to_bytes(continuation), index)

    def primed(self, text: bytes | str, port: str = TEXT, *, on: str, n: int = PRIMED) -> list[Primed]:
        """The payloads of the port `on` that a payload of `port` brings to mind, at most n, best first.

        Best is what it makes likelier by most: the probability of an episode that has it, less that of any episode.
        Empty when nothing like the payload was ever part of an episode with that port.
        """
        self._index(port)
        self._index(on)
        return priming.primed(self._bound(), to_bytes(text), port, on, _number(n))

    def _bound(self) -> Bridges:
        if self._bridges is None:
            self._bridges = self._learner.binding.bridges()
        return self._bridges

    def why(self, text: bytes | str, continuation: bytes | str | None = None, *, port: str = TEXT) -> Why:
        """What the probability of a continuation rests on; without one, of what the answer begins with."""
        if continuation is None:
            return self.query(text, port=port).why()
        reader, index = self._ask(port)
        return reader.why(to_bytes(text), to_bytes(continuation), index)

    def relation(self, a: bytes | str, b: bytes | str, *, port: str = TEXT) -> Relation:
        """What a has to do with b in time: causes, enables, prevents, precedes, follows or none, with the evidence.

        Of texts of several words, the last one of `a` with the first one of `b`; of a word with itself, none.
        """
        reader, index = self._ask(port)
        return relations.relation(reader.snapshot, to_bytes(a), to_bytes(b), index)

    def before(self, text: bytes | str, n: int = NEIGHBOURS, *, port: str = TEXT) -> list[Near]:
        """The words that come before a text, the nearest and strongest first."""
        reader, index = self._ask(port)
        return neighbours.near(reader.snapshot, to_bytes(text), index, _number(n), behind=True)

    def after(self, text: bytes | str, n: int = NEIGHBOURS, *, port: str = TEXT) -> list[Near]:
        """The words that come after a text, the nearest and strongest first."""
        reader, index = self._ask(port)
        return neighbours.near(reader.snapshot, to_bytes(text), index, _number(n), behind=False)

    def generate(
        self,
        prefix: bytes | str = b"",
        *,
        length: int = LINE_BYTES,
        seed: int = 0,
        temperature: float = 1.0,
        port: str = TEXT,
    ) -> bytes:
        """How a prefix may go on: drawn by chance, byte by byte, to the line's end or for `length` bytes.

        Parameters
        ----------
        seed : the same one draws the same bytes
        temperature : 1 draws as the brain expects, less favours what is likely, 0 takes the likeliest byte each time

        Raises
        ------
        InputError : a length, seed or temperature that is none
        """
        reader, index = self._ask(port)
        return sample(reader, to_bytes(prefix), index, length, seed, temperature)

    def recall(self, prefix: bytes | str, *, port: str = TEXT) -> bytes:
        """The line that begins with a prefix: the prefix and how the brain goes on from it."""
        return to_bytes(prefix) + self.query(prefix, port=port).payload

    def score(self, rows: Iterable[bytes | str], *, port: str = TEXT) -> float:
        """Bits per byte that the lines cost, a code length: every line's end is a byte of it (its line feed).

        Raises
        ------
        InputError : there is no line to score
        """
        reader, index = self._ask(port)
        bits, size = 0.0, 0
        for block in lines.blocks(lines.from_lines(rows)):
            rest = block
            while rest.piece_start.size:
                whole = int((rest.piece_end <= BATCH_PLACES).sum())
                part, rest = rest.split(max(whole, 1))
                bits += reader.line_bits(part, index)
                size += part.data.size
        if not size:
            raise InputError("there is no line to score")
        return bits / size

    # ---------------------------------------------------------------- words

    def _words(self, port: str) -> Thesaurus:
        reader, index = self._ask(port)
        return reader.thesaurus(index)

    def similar(self, text: bytes | str, n: int = SHOWN, *, port: str = TEXT) -> list[Similar]:
        """The words that stand in the same frames as a word (or as several together), at most n, the nearest first."""
        return list(self._words(port).similar(to_bytes(text), _number(n)))

    def category(self, text: bytes | str, *, port: str = TEXT) -> Category | None:
        """The category of a word, of a text's last one; None where it has none."""
        return self._words(port).category(to_bytes(text))

    def members(self, category: Category, *, port: str = TEXT) -> list[str]:
        """The words of a category, those read most first."""
        if not isinstance(category, Category):
            raise InputError(
                f"{reprlib.repr(category)} is no category: give what category returned, where it found one"
            )
        return self._words(port).members(category.label)

    def compose(self, a: bytes | str, b: bytes | str, *, port: str = TEXT) -> Composed:
        """The word nearest to a + b."""
        return composition.compose(self._words(port), to_bytes(a), to_bytes(b))

    def remove(self, a: bytes | str, b: bytes | str, *, port: str = TEXT) -> Composed:
        """The word nearest to a - b."""
        return composition.remove(self._words(port), to_bytes(a), to_bytes(b))

    def substitute(self, s: bytes | str, a: bytes | str, b: bytes | str, *, port: str = TEXT) -> Composed:
        """The word nearest to s - a + b: s with b in place of a."""
        return composition.substitute(self._words(port), to_bytes(s), to_bytes(a), to_bytes(b))

    def analogy(self, a: bytes | str, b: bytes | str, c: bytes | str, *, port: str = TEXT) -> Composed:
        """a is to b as c is to what?"""
        return composition.analogy(self._words(port), to_bytes(a), to_bytes(b), to_bytes(c))

    # ---------------------------------------------------------------- looking inside

    def unsure(self, n: int = UNSURE, *, port: str = TEXT) -> list[bytes]:
        """Beginnings that the brain is least sure how to go on from, and that come often: what best to teach it."""
        reader, index = self._ask(port)
        return unsure(reader, index, _number(n))

    def frequent_words(self, n: int, *, port: str = TEXT) -> list[bytes]:
        """The words that were read most often."""
        reader, index = self._ask(port)
        words = reader.snapshot.words
        return [words.payload(at) for at in frequent(words, index, _number(n))]

    def learning_curve(self) -> list[Point]:
        """What lines cost that were predicted before they were learnt, by bytes fed: one point a generation."""
        return self._learner.snapshot.curve.points

    def stats(self) -> Stats:
        """What the brain holds."""
        return contents.stats(self._learner, self._bound().counts.size)

    def patterns(self, *, port: str = TEXT, newest: int | None = None) -> list[Pattern]:
        """The patterns of a port that predictions read, oldest first. newest : no more than so many of the newest;
        None: all

        Raises
        ------
        InputError : the brain has no such port
        """
        most = None if newest is None else _number(newest)
        return contents.patterns(self._learner.snapshot.symbols, self._index(port), most)

    def pattern(self, payload: bytes | str, *, port: str = TEXT) -> Pattern | None:
        """The pattern with exactly this payload; None where what was learnt makes none.

        In a brain that was fed no more than 4 MiB also one that predictions read only once the generation has ended:
        it is born when it is asked for.
        """
        return contents.pattern(self._formed(), to_bytes(payload), port)

    def constituents(self, payload: bytes | str, *, port: str = TEXT) -> set[bytes]:
        """Payloads of what a pattern is built of, by any of its splits, at any depth; empty where there is no such.
        See `pattern`.
        """
        return contents.constituents(self._formed(), to_bytes(payload), port)

    def _formed(self) -> Symbols:
        """The symbols, with the patterns earned so far."""
        if self._symbols is None:
            self._symbols = self._learner.symbols_so_far()
        return self._symbols
