"""Answers: text in, how it goes on out.

The best chunk is found by a beam of bytes and taken, and so on until the end of the line, a state that was there
before, or uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from melvin.chunks import MAX_CHUNK
from melvin.codes import BYTES
from melvin.contexts import codes_of, context_after
from melvin.errors import InputError
from melvin.focus import Focus, begun_of, width
from melvin.generation import Snapshot
from melvin.lines import lines_block
from melvin.reader import F64, Distribution, Reader, entropy_of, every_code
from melvin.why import Why

BEAM = 8  # continuations kept at a time
NEGLIGIBLE = 1e-3  # a continuation so much less likely than the best is given up
TIED = 2 / 3  # ways on that are so likely, against the likeliest, are told apart by the words of the line
CONTENDERS = 3  # continuations that a focus chooses from, at the least, beside those it brings in
MAX_ANSWER = 1 << 12  # bytes of the longest answer
SEEN_BYTES = 32  # an answer that comes back to a state with so many bytes alike goes round in circles
GUESS = 0.5  # a chunk that costs more than one bit a byte is a guess: the answer stops before it
UNINFORMED = 0.5  # of the entropy without context: what stands out, in a brain that has no history yet


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


def answer(reader: Reader, text: bytes, port: int, focus: bytes = b"") -> Answer:
    """How a text goes on. focus : what the question is about"""
    about = Focus(reader.snapshot, focus, port) if focus else None
    told: list[F64] = []

    def ways_on(payload: bytes, count: int) -> tuple[Candidate, ...]:
        if about is None:
            ways = _chunks(reader, text + payload, port, least=NEGLIGIBLE if count > 1 else TIED)
            return _by_line(reader, text + payload, port, ways)
        found, bits = _by_focus(reader, text + payload, port, about, max(count, CONTENDERS))
        told.append(bits)
        return found

    first = reader.spread(text, port)
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
        abstained=_abstains(reader.snapshot, text, port, first),
        candidates=candidates,
        ends=ends,
        focus_width=width(max(told, key=np.sum)) if told else 0.0,
        port=reader.snapshot.symbols.ports[port],
        reader=reader,
    )


def _chunks(
    reader: Reader, text: bytes, port: int, count: int = BEAM, least: float = NEGLIGIBLE
) -> tuple[Candidate, ...]:
    """The likeliest ways to the end of the next chunk, or of the line, best first.

    count : of them, 1 to BEAM;  least : what is less likely than so much of the best may be missing
    """
    separator = reader.snapshot.separator[port]
    live, done = [Candidate(b"", 1.0, False)], list[Candidate]()
    while live:
        spread = reader.distribution([text + c.payload for c in live], port)
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


def _by_line(reader: Reader, text: bytes, port: int, ways: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """The ways on, best first: of those that are nearly as likely as the likeliest, what goes with the line.

    Attention mixes what each chunk leads one to expect: a way that all of them do is hardly likelier than one that
    some do. Of a few such ways the line's words choose as those of a focus would.
    """
    tied = [way for way in ways if way.probability >= TIED * ways[0].probability]
    if len(tied) < 2:
        return ways
    line = reader.tail(text, port)
    begun = begun_of(line, reader.snapshot.separator[port])
    focus = Focus(reader.snapshot, line[: len(line) - len(begun)], port)
    probability = np.array([way.probability for way in tied])
    scaled, _ = focus.scaled(begun, [way.payload for way in tied], probability / probability.sum())
    best = tied[int(scaled.argmax())]
    return (best, *(way for way in ways if way is not best))


def _by_focus(reader: Reader, text: bytes, port: int, focus: Focus, count: int) -> tuple[tuple[Candidate, ...], F64]:
    """The likeliest ways on, re-weighted by a focus; and how many bits each of its words told."""
    begun = begun_of(text, reader.snapshot.separator[port])
    ways = {(c.payload, c.ends): c for c in _chunks(reader, text, port, count)}
    for c in _completed(reader, text, focus.associated(begun), port):
        ways.setdefault((c.payload, c.ends), c)
    probability = np.array([c.probability for c in ways.values()])
    scaled, bits = focus.scaled(begun, [c.payload for c in ways.values()], probability)
    found = [replace(c, probability=float(p)) for c, p in zip(ways.values(), scaled, strict=True)]
    return tuple(sorted(found, key=_likeliest)[:BEAM]), bits


def _completed(reader: Reader, text: bytes, rests: list[bytes], port: int) -> list[Candidate]:
    """Given rests of a chunk with the likeliest byte that ends it, or the line's end."""
    if not rests:
        return []
    tail = reader.tail(text, port)
    block = lines_block([tail + rest for rest in rests])
    size = np.array([len(rest) for rest in rests])
    first = np.cumsum(size) - size
    end = np.cumsum(len(tail) + size + 1) - 1
    at = np.repeat(end - size - first, size) + np.arange(int(size.sum()))
    each = reader.predict(block, port, at, codes_of(block)[at].astype(np.int64)[:, None])[:, 0]
    whole = np.multiply.reduceat(each, first)
    last = reader.predict(block, port, end, every_code(len(rests)))
    last *= np.append(reader.snapshot.separator[port], True)
    found = []
    for rest, p, spread in zip(rests, whole, last, strict=True):
        byte = int(spread.argmax())
        chunk = rest if byte == BYTES else rest + bytes([byte])
        found.append(Candidate(chunk, float(p * spread[byte]), ends=byte == BYTES))
    return found


def _likeliest(candidate: Candidate) -> float:
    return -candidate.probability


def _abstains(known: Snapshot, text: bytes, port: int, spread: Distribution) -> bool:
    """What comes before is new, and what comes next is open."""
    shortest, *_, longest = known.model.contexts
    if not longest.row.size:
        return True
    context = np.uint64(context_after(text, port))
    held = longest.row[min(int(np.searchsorted(longest.row, context)), longest.row.size - 1)]
    usual = known.calibration.usual_entropy(port)
    # What stands out does so by a deviation against the brain's own history, where it has one.
    open_ = sum(usual) if usual else UNINFORMED * entropy_of(shortest.count / shortest.count.sum())
    return bool(held != context) and spread.entropy > open_
