"""Query: text in, what comes next out. Asking reads; it never changes the brain.

Encode the text to places, let the heads predict, decode: the best chunk is found by a beam of bytes and taken, and so
on until the end of the line, a state that was there before, or uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin.chunks import MAX_CHUNK
from melvin.codes import BYTES, CODES
from melvin.contexts import codes_of, context_after
from melvin.encode import encode_lines, tail
from melvin.errors import InputError
from melvin.feedback import contexts_of, edge_of
from melvin.focus import Focus, begun_of, width
from melvin.generation import Snapshot
from melvin.heads import Places, predict
from melvin.lines import Block, lines_block
from melvin.parse import Parser, chunk_salt
from melvin.spread import Spreads
from melvin.tables import U64
from melvin.thesaurus import Thesaurus
from melvin.trace import Trace
from melvin.why import Why, explain

F64 = NDArray[np.float64]

BEAM = 8  # continuations kept at a time
NEGLIGIBLE = 1e-3  # a continuation so much less likely than the best is given up
TIED = 2 / 3  # ways on that are so likely, against the likeliest, are told apart by the words of the line
CONTENDERS = 3  # continuations that a focus chooses from, at the least, beside those it brings in
MAX_ANSWER = 1 << 12  # bytes of the longest answer
SEEN_BYTES = 32  # an answer that comes back to a state with so many bytes alike goes round in circles
GUESS = 0.5  # a chunk that costs more than one bit a byte is a guess: the answer stops before it
BATCH_PLACES = 1 << 13  # places scored at a time: their work arrays stay in cache
FEW = 1 << 8  # places that are asked one at a time: more of them are cheaper all at once
UNINFORMED = 0.5  # of the entropy without context: what stands out, in a brain that has no history yet


def entropy_of(probability: F64) -> float:
    """Of a distribution, in bits."""
    p = probability[probability > 0]
    return float(-(p * np.log2(p)).sum())


@dataclass(frozen=True)
class Distribution:
    """What may come next.

    probability : float64, shape (257,)   of each byte, and at index 256 of the line's end; sums to 1
    confidence : how often the likeliest is right that is as likely, by what the brain's history says
    """

    probability: F64
    confidence: float

    @property
    def entropy(self) -> float:
        """In bits."""
        return entropy_of(self.probability)

    @property
    def choices(self) -> float:
        """Effective number of choices, 2 ** entropy."""
        return float(2.0**self.entropy)


@dataclass(frozen=True)
class Candidate:
    """One way to go on: the rest of the chunk, how likely it is, and whether the line ends with it."""

    payload: bytes
    probability: float
    ends: bool

    @property
    def text(self) -> str:
        return self.payload.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Answer:
    """How the brain goes on from a query.

    payload : the continuation, up to the line's end or to where the brain no longer knows
    probability : of all of it
    entropy : bits, of the byte that comes next; choices: how many ways on that is as open as
    abstained : the brain does not know; the payload is then a guess
    ends : the line ends with it
    focus_width : effective number of focus words attended to, where they told most; 0 where none told anything
    candidates : the likeliest next chunks, best first; of some that are nearly alike, the one that goes with the line
    reader : which gave the answer, and can say why
    """

    query: bytes
    payload: bytes
    probability: float
    entropy: float
    abstained: bool
    candidates: tuple[Candidate, ...]
    ends: bool = False
    focus_width: float = 0.0
    port: str = "text"
    reader: Reader | None = field(default=None, compare=False, repr=False)

    def why(self) -> Why:
        """What the answer's first chunk rests on: which heads carried it, with the evidence.

        The probability that is explained is the one without a focus.

        Raises
        ------
        InputError : the answer was not given by a brain
        """
        if self.reader is None:
            raise InputError("this answer was not given by a brain: ask one, and take its answer")
        first, port = self.candidates[0], self.reader.snapshot.symbols.ports.index(self.port)
        return self.reader.why(self.query, first.payload, port, ends=first.ends)

    @property
    def confidence(self) -> float:
        """The probability as the brain's history says: that of each byte calibrated, see `calibration`."""
        if self.reader is None:
            return self.probability
        port = self.reader.snapshot.symbols.ports.index(self.port)
        scale = self.reader.correction(self.query, self.payload, port, ends=self.ends)
        return min(1.0, self.probability * scale)

    @property
    def text(self) -> str:
        return self.payload.decode("utf-8", "surrogateescape")

    @property
    def choices(self) -> float:
        """Effective number of bytes that may come next, 2 ** entropy."""
        return float(2.0**self.entropy)


def _every_code(places: int) -> NDArray[np.int64]:
    return np.broadcast_to(np.arange(1, CODES + 1), (places, CODES))


def _most_told(bits: F64) -> float:
    return float(bits.sum())


def _likeliest(candidate: Candidate) -> float:
    return -candidate.probability


class Reader:
    """Answers from one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._singles: dict[int, tuple[Trace, Spreads]] = {}
        self.feedback = snapshot.feedback

    @cached_property
    def _parser(self) -> Parser:
        return self._snapshot.parser()

    @property
    def snapshot(self) -> Snapshot:
        """What the answers come from."""
        return self._snapshot

    def thesaurus(self, port: int) -> Thesaurus:
        """Answers about the words of a port."""
        known = self._snapshot
        return Thesaurus(known.kinship, known.categories, port, chunk_salt(port), known.separator[port])

    def distribution(self, texts: list[bytes], port: int) -> F64:
        """P(next code) after each text. -> float64, shape (texts, 257)"""
        return np.array([self._after(text, port) for text in texts])

    def _after(self, text: bytes, port: int) -> F64:
        """P(next code) after a text. -> float64, shape (257,)"""
        trace, spreads = self._single(port)
        spot = trace.spot(text)
        if spot is None:
            block = lines_block([self._tail(text, port)])
            beyond: F64 = self._predict(block, port, block.piece_end[block.closed] - 1, _every_code(1))[0]
            return beyond
        result, context = spreads.of(spot), edge_of(spot.before, spot.here, port)
        if self.feedback.known(context)[0]:
            result = self.feedback.scaled(context, result[None])[0]
        return result

    def _single(self, port: int) -> tuple[Trace, Spreads]:
        """What answers for one place at a time."""
        if port not in self._singles:
            known = self._snapshot
            self._singles[port] = Trace(known, port), Spreads(known.model, known.weights, port)
        return self._singles[port]

    def _tail(self, text: bytes, port: int) -> bytes:
        return tail(text, self._snapshot.separator[port])

    def spread(self, text: bytes, port: int) -> Distribution:
        """What may come after a text."""
        probability = self.distribution([text], port)[0]
        confidence = self._snapshot.calibration.confidence(port, probability.max(keepdims=True))
        return Distribution(probability, float(confidence[0]))

    def correction(self, text: bytes, continuation: bytes, port: int, *, ends: bool = False) -> float:
        """What P(the text goes on with these bytes) is multiplied by, when each byte's is calibrated."""
        p = self._bytewise(text, continuation, port, ends)
        return float((self._snapshot.calibration.confidence(port, p) / p).prod())

    def _bytewise(self, text: bytes, continuation: bytes, port: int, ends: bool) -> F64:
        """P of each byte of a continuation. ends : and of the line's end behind it"""
        if len(continuation) <= FEW:
            codes = [*continuation, *([BYTES] if ends else [])]
            return np.array([self._after(text + continuation[:at], port)[code] for at, code in enumerate(codes)])
        block = lines_block([text + continuation])
        at = len(text) + np.arange(len(continuation) + ends)
        return self._predict(block, port, at, codes_of(block)[at].astype(np.int64)[:, None])[:, 0]

    def line_bits(self, block: Block, port: int) -> float:
        """Bits that the lines of a block cost, their ends included."""
        at = np.arange(block.data.size)
        code = codes_of(block).astype(np.int64)
        return float(-np.log2(self._predict(block, port, at, code[:, None])).sum())

    def probability(self, text: bytes, continuation: bytes, port: int) -> float:
        """P(the text goes on with these bytes)."""
        if not continuation:
            return 1.0
        return float(self._bytewise(text, continuation, port, ends=False).prod())

    def _predict(self, block: Block, port: int, at: NDArray[np.int64], code: NDArray[np.int64]) -> F64:
        snapshot = self._snapshot
        places = self._encode(block, port, at)
        model, weights = snapshot.model, snapshot.weights
        result = predict(model, weights, places, code)
        context = contexts_of(places.boundaries[0], port)
        told = np.flatnonzero(self.feedback.known(context))
        if told.size:
            every = predict(model, weights, self._encode(block, port, at[told]), _every_code(told.size))
            result[told] = np.take_along_axis(self.feedback.scaled(context[told], every), code[told] - 1, axis=1)
        return result

    def _encode(self, block: Block, port: int, at: NDArray[np.int64]) -> Places:
        known = self._snapshot
        return encode_lines(self._parser, block, known.separator[port], port, known.familiarity, at)

    def used(self, answer: Answer, port: int) -> tuple[U64, NDArray[np.int64], F64]:
        """The edges that an answer used: contexts, codes, and probabilities without feedback. Each of shape (n,)"""
        block = lines_block([answer.query + answer.payload])
        at = len(answer.query) + np.arange(len(answer.payload) + answer.ends)
        code, places = codes_of(block)[at].astype(np.int64), self._encode(block, port, at)
        probability = predict(self._snapshot.model, self._snapshot.weights, places, code[:, None])[:, 0]
        return contexts_of(places.boundaries[0], port), code, probability

    def why(self, text: bytes, continuation: bytes, port: int, *, ends: bool = False) -> Why:
        """What P(the text goes on with these bytes) rests on. ends : and with the line's end behind them"""
        block = lines_block([text + continuation])
        at = len(text) + np.arange(len(continuation) + ends)
        code, places = codes_of(block)[at].astype(np.int64), self._encode(block, port, at)
        heard = predict(self._snapshot.model, self._snapshot.weights, places, code[:, None])[:, 0]
        reasons = explain(self._snapshot, block, port, at, places, code, heard)
        before = float(heard.prod())
        after = float(self._predict(block, port, at, code[:, None]).prod())
        return Why(text, continuation, ends, after, after / before if after != before else 1.0, reasons)

    # ---------------------------------------------------------------- decoding

    def chunk_candidates(
        self, text: bytes, port: int, count: int = BEAM, least: float = NEGLIGIBLE
    ) -> tuple[Candidate, ...]:
        """The likeliest ways to the end of the next chunk, or of the line, best first.

        count : of them, 1 to BEAM;  least : what is less likely than so much of the best may be missing
        """
        separator = self._snapshot.separator[port]
        live, done = [Candidate(b"", 1.0, False)], list[Candidate]()
        while live:
            spread = self.distribution([text + c.payload for c in live], port)
            longer: list[Candidate] = []
            for candidate, p in zip(live, spread, strict=True):
                done.append(replace(candidate, probability=candidate.probability * float(p[BYTES]), ends=True))
                for byte in np.argsort(-p[:BYTES], kind="stable")[:BEAM]:
                    further = Candidate(
                        candidate.payload + bytes([byte]), candidate.probability * float(p[byte]), ends=False
                    )
                    whole = separator[byte] or len(further.payload) >= MAX_CHUNK
                    (done if whole else longer).append(further)
            longer.sort(key=_likeliest)
            done = sorted(done, key=_likeliest)[:count]
            # What is less likely than all the whole chunks that were found can only become less so.
            wanted = done[-1].probability if len(done) == count else 0.0
            live = [c for c in longer[:BEAM] if c.probability > max(wanted, done[0].probability * least)]
        return tuple(done)

    def _by_line(self, text: bytes, port: int, ways: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """The ways on, best first: of those that are nearly as likely as the likeliest, what goes with the line.

        Attention mixes what each chunk leads one to expect: a way that all of them do is hardly likelier than one that
        some do. Of a few such ways the line's words choose as those of a focus would.
        """
        tied = [way for way in ways if way.probability >= TIED * ways[0].probability]
        if len(tied) < 2:
            return ways
        line = self._tail(text, port)
        begun = begun_of(line, self._snapshot.separator[port])
        focus = Focus(self._snapshot, line[: len(line) - len(begun)], port)
        probability = np.array([way.probability for way in tied])
        scaled, _ = focus.scaled(begun, [way.payload for way in tied], probability / probability.sum())
        best = tied[int(scaled.argmax())]
        return (best, *(way for way in ways if way is not best))

    def focused(self, text: bytes, port: int, focus: Focus, count: int) -> tuple[tuple[Candidate, ...], F64]:
        """The likeliest ways on, re-weighted by a focus; and how many bits each of its words told."""
        begun = begun_of(text, self._snapshot.separator[port])
        ways = {(c.payload, c.ends): c for c in self.chunk_candidates(text, port, count)}
        for c in self._completed(text, focus.associated(begun), port):
            ways.setdefault((c.payload, c.ends), c)
        probability = np.array([c.probability for c in ways.values()])
        scaled, bits = focus.scaled(begun, [c.payload for c in ways.values()], probability)
        found = [replace(c, probability=float(p)) for c, p in zip(ways.values(), scaled, strict=True)]
        return tuple(sorted(found, key=_likeliest)[:BEAM]), bits

    def _completed(self, text: bytes, rests: list[bytes], port: int) -> list[Candidate]:
        """Given rests of a chunk with the likeliest byte that ends it, or the line's end."""
        if not rests:
            return []
        tail = self._tail(text, port)
        block = lines_block([tail + rest for rest in rests])
        size = np.array([len(rest) for rest in rests])
        first = np.cumsum(size) - size
        end = np.cumsum(len(tail) + size + 1) - 1
        at = np.repeat(end - size - first, size) + np.arange(int(size.sum()))
        each = self._predict(block, port, at, codes_of(block)[at].astype(np.int64)[:, None])[:, 0]
        whole = np.multiply.reduceat(each, first)
        last = self._predict(block, port, end, _every_code(len(rests)))
        last *= np.append(self._snapshot.separator[port], True)
        found = []
        for rest, p, spread in zip(rests, whole, last, strict=True):
            byte = int(spread.argmax())
            chunk = rest if byte == BYTES else rest + bytes([byte])
            found.append(Candidate(chunk, float(p * spread[byte]), ends=byte == BYTES))
        return found

    def answer(self, text: bytes, port: int, focus: bytes = b"") -> Answer:
        """How the brain goes on from a text; focus : what the question is about"""
        about = Focus(self._snapshot, focus, port) if focus else None
        told: list[F64] = []

        def ways_on(payload: bytes, count: int) -> tuple[Candidate, ...]:
            if about is None:
                least = NEGLIGIBLE if count > 1 else TIED
                return self._by_line(text + payload, port, self.chunk_candidates(text + payload, port, least=least))
            found, bits = self.focused(text + payload, port, about, max(count, CONTENDERS))
            told.append(bits)
            return found

        first = self.spread(text, port)
        candidates = ways_on(b"", BEAM)
        payload, probability, ends = b"", 1.0, False
        seen: set[bytes] = set()
        best = candidates[0]
        while True:
            payload += best.payload
            probability *= best.probability
            ends = best.ends
            state = (text + payload)[-SEEN_BYTES:]
            if ends or state in seen or len(payload) >= MAX_ANSWER:
                break
            seen.add(state)
            best = ways_on(payload, 1)[0]
            if best.probability < GUESS ** max(len(best.payload), 1):
                break
        return Answer(
            query=text,
            payload=payload,
            probability=probability,
            entropy=first.entropy,
            abstained=self._abstains(text, port, first),
            candidates=candidates,
            ends=ends,
            focus_width=width(max(told, key=_most_told)) if told else 0.0,
            port=self._snapshot.symbols.ports[port],
            reader=self,
        )

    def _abstains(self, text: bytes, port: int, spread: Distribution) -> bool:
        longest = self._snapshot.model.contexts[-1].row
        if not longest.size:
            return True
        context = np.uint64(context_after(text, port))
        known = longest[min(int(np.searchsorted(longest, context)), longest.size - 1)] == context
        return not known and spread.entropy > self._open(port)

    def _open(self, port: int) -> float:
        """Entropy in bits that stands out: by a deviation against the brain's own history, where it has one."""
        usual = self._snapshot.calibration.usual_entropy(port)
        return sum(usual) if usual else UNINFORMED * self._entropy_without_context

    @cached_property
    def _entropy_without_context(self) -> float:
        shortest = self._snapshot.model.contexts[0]
        p = shortest.count / shortest.count.sum()
        return float(-(p * np.log2(p)).sum())
