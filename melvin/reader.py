"""Reader: how likely what comes next is, from one snapshot. Text flows in, probabilities flow out.

Encode the text to places, let the heads predict, scale by what was said of answers. Asking reads; it never changes the
brain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melvin.codes import BYTES, CODES
from melvin.contexts import codes_of
from melvin.encode import encode_lines, tail
from melvin.feedback import contexts_of, edge_of
from melvin.generation import Snapshot
from melvin.heads import predict
from melvin.lines import Block, lines_block
from melvin.parse import Parser, chunk_salt
from melvin.places import Places
from melvin.spread import Spreads
from melvin.tables import I64, U64, slices
from melvin.thesaurus import Thesaurus
from melvin.trace import Trace
from melvin.why import Why, explain

F64 = NDArray[np.float64]

BATCH_PLACES = 1 << 13  # places scored at a time: their work arrays stay in cache
FEW = 1 << 8  # places that are asked one at a time: more of them are cheaper all at once
EVERY = 1 << 8  # places at a time for which all codes are predicted


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


def every_code(places: int) -> I64:
    """All codes, at each place. -> int64, shape (places, 257)"""
    return np.broadcast_to(np.arange(1, CODES + 1), (places, CODES))


def _spelt(text: bytes, continuation: bytes, ends: bool) -> tuple[Block, I64, I64]:
    """A text that goes on so, as a line: the block, the places at which it does, and the codes there: (n, 1)."""
    block = lines_block([text + continuation])
    at = len(text) + np.arange(len(continuation) + ends)
    return block, at, codes_of(block)[at].astype(np.int64)[:, None]


class Reader:
    """Predicts from one snapshot.

    snapshot : what is known
    feedback : what was said of answers; that of the snapshot, until more is said
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._singles: dict[int, tuple[Trace, Spreads]] = {}
        self.feedback = snapshot.feedback

    @cached_property
    def _parser(self) -> Parser:
        return self.snapshot.parser()

    def thesaurus(self, port: int) -> Thesaurus:
        """Answers about the words of a port."""
        known = self.snapshot
        return Thesaurus(known.kinship, known.categories, port, chunk_salt(port), known.separator[port])

    def distribution(self, texts: list[bytes], port: int) -> F64:
        """P(next code) after each text. -> float64, shape (texts, 257)"""
        return np.array([self._after(text, port) for text in texts])

    def _after(self, text: bytes, port: int) -> F64:
        """P(next code) after a text. -> float64, shape (257,)"""
        trace, spreads = self._single(port)
        spot = trace.spot(text)
        if spot is None:
            block = lines_block([self.tail(text, port)])
            beyond: F64 = self.predict(block, port, block.piece_end[block.closed] - 1, every_code(1))[0]
            return beyond
        result, context = spreads.of(spot), edge_of(spot.before, spot.here, port)
        if self.feedback.known(context)[0]:
            result = self.feedback.scaled(context, result[None])[0]
        return result

    def _single(self, port: int) -> tuple[Trace, Spreads]:
        """What answers for one place at a time."""
        if port not in self._singles:
            known = self.snapshot
            self._singles[port] = Trace(known, port), Spreads(known.model, known.weights, port)
        return self._singles[port]

    def tail(self, text: bytes, port: int) -> bytes:
        """The end of a text, with all that what comes next is told by."""
        return tail(text, self.snapshot.separator[port])

    def spread(self, text: bytes, port: int) -> Distribution:
        """What may come after a text."""
        probability = self.distribution([text], port)[0]
        confidence = self.snapshot.calibration.confidence(port, probability.max(keepdims=True))
        return Distribution(probability, float(confidence[0]))

    def correction(self, text: bytes, continuation: bytes, port: int, *, ends: bool = False) -> float:
        """What P(the text goes on with these bytes) is multiplied by, when each byte's is calibrated."""
        p = self._bytewise(text, continuation, port, ends)
        return float((self.snapshot.calibration.confidence(port, p) / p).prod())

    def _bytewise(self, text: bytes, continuation: bytes, port: int, ends: bool) -> F64:
        """P of each byte of a continuation. ends : and of the line's end behind it"""
        if len(continuation) <= FEW:
            codes = [*continuation, *([BYTES] if ends else [])]
            return np.array([self._after(text + continuation[:at], port)[code] for at, code in enumerate(codes)])
        block, at, code = _spelt(text, continuation, ends)
        return self.predict(block, port, at, code)[:, 0]

    def line_bits(self, block: Block, port: int) -> float:
        """Bits that the lines of a block cost, their ends included."""
        at = np.arange(block.data.size)
        code = codes_of(block).astype(np.int64)
        return float(-np.log2(self.predict(block, port, at, code[:, None])).sum())

    def probability(self, text: bytes, continuation: bytes, port: int) -> float:
        """P(the text goes on with these bytes)."""
        if not continuation:
            return 1.0
        return float(self._bytewise(text, continuation, port, ends=False).prod())

    def predict(self, block: Block, port: int, at: I64, code: I64) -> F64:
        """P(code) at places of a block, with what was said of answers.

        at : int64, shape (n,);  code : int64, shape (n, m), each one more than that before -> float64, shape (n, m)
        """
        found = [self._few(block, port, at[some], code[some]) for some in slices(at.size, BATCH_PLACES)]
        return np.concatenate([np.empty((0, code.shape[1])), *found])

    def _few(self, block: Block, port: int, at: I64, code: I64) -> F64:
        """The same of no more places than stay in cache."""
        model, weights = self.snapshot.model, self.snapshot.weights
        places = self._encode(block, port, at)
        result = predict(model, weights, places, code)
        context = contexts_of(places, port)
        known = np.flatnonzero(self.feedback.known(context))
        for some in slices(known.size, EVERY):
            told = known[some]
            every = predict(model, weights, self._encode(block, port, at[told]), every_code(told.size))
            result[told] = np.take_along_axis(self.feedback.scaled(context[told], every), code[told] - 1, axis=1)
        return result

    def _encode(self, block: Block, port: int, at: I64) -> Places:
        known = self.snapshot
        return encode_lines(self._parser, block, known.separator[port], port, known.familiarity, at)

    def used(self, text: bytes, continuation: bytes, port: int, *, ends: bool = False) -> tuple[U64, I64, F64]:
        """The edges that a text goes on by: contexts, codes, and probabilities without feedback. Each of shape (n,)"""
        block, at, code = _spelt(text, continuation, ends)
        places = self._encode(block, port, at)
        heard = predict(self.snapshot.model, self.snapshot.weights, places, code)
        return contexts_of(places, port), code[:, 0], heard[:, 0]

    def why(self, text: bytes, continuation: bytes, port: int, *, ends: bool = False) -> Why:
        """What P(the text goes on with these bytes) rests on. ends : and with the line's end behind them"""
        block, at, code = _spelt(text, continuation, ends)
        places = self._encode(block, port, at)
        heard = predict(self.snapshot.model, self.snapshot.weights, places, code)[:, 0]
        reasons = explain(self.snapshot, block, port, at, places, code[:, 0], heard)
        before = float(heard.prod())
        after = float(self.predict(block, port, at, code).prod())
        return Why(text, continuation, ends, after, after / before if after != before else 1.0, reasons)
