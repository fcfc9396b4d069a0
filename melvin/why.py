"""Why: what a prediction rests on.

Each head corrects what the heads before it said (see `heads`), so the probability of a byte is a sum with one part for
each of them: its own share of the evidence times its weight, as far as the heads after it let that pass. A prediction's
reasons are these parts, on average over its bytes, each with the row that the head read where it mattered most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melvin.attention import LAGS, NOTHING, at_lag, names
from melvin.chunks import Window, chunk_starts
from melvin.codes import CODE_BITS, END_CODE, NONE
from melvin.contexts import F64, ORDER, Context, probability
from melvin.generation import Snapshot
from melvin.heads import opinions
from melvin.lines import Block
from melvin.model import Model
from melvin.parse import chunk_salt
from melvin.places import Places
from melvin.tables import I64
from melvin.weights import ANYTHING, ATTENDED, EDGE, KIN_ATTENDED, OF_CHUNK, SUFFIX, SYMBOL, Opinion, Weights

BYTE_CONTEXT = "byte context"
KINDS = {
    ANYTHING: "anything",
    SUFFIX: "suffix",
    SYMBOL: "symbol",
    EDGE: "edge transformer",
    ATTENDED: "attention",
}
CATEGORY = "category"  # heads that ask for words of the same kind
SHOWN = 1 / 200  # reasons with a smaller share are summed up in the text: they would be shown as 0 %
BACK = 2  # chunks before the coming one that the edge just taken joins


@dataclass(frozen=True)
class Reason:
    """One head's part in a prediction.

    head : which head
    share : of the prediction
    context : the bytes that its row is about, right before what comes; empty for anything at all
    starts : what comes is the line's first
    attended : the chunk attended to besides, and `lag`, how many chunks before the coming one it stands; or empty and 0
    target : the bytes that its evidence is for: a part of the continuation, from where the row's symbols begin
    ends : and the line's end behind it
    found, total : evidence for the target, and all in the row for what begins as it does, but for its last byte
    """

    head: str
    share: float
    context: bytes
    starts: bool
    attended: bytes
    lag: int
    target: bytes
    ends: bool
    found: int
    total: int

    @property
    def text(self) -> str:
        """After what, what, and how often."""
        nowhere = "at the line's start" if self.starts else "whatever comes before"
        after = f"after {_shown(self.context)}" if self.context else nowhere
        if self.attended and self.context:
            after += f" with {_shown(self.attended)} {self.lag} chunks back"
        elif self.attended:
            after = f"{self.lag} chunks after {_shown(self.attended)}"
        return f"{after}: {_target(self.target, self.ends)} {self.found:,} of {self.total:,}"


@dataclass(frozen=True)
class Why:
    """What a prediction rests on.

    query, continuation : what was asked, and what is explained;  ends : the line's end behind it is, too
    probability : of the continuation
    feedback : the factor that feedback put on it; 1 where nothing was said of it
    reasons : the strongest first; their shares add up to 1, unless there is nothing to explain
    """

    query: bytes
    continuation: bytes
    ends: bool
    probability: float
    feedback: float
    reasons: tuple[Reason, ...]

    @property
    def text(self) -> str:
        """For a person."""
        what = _target(self.continuation, self.ends)
        rows = [f"{what} after {_shown(self.query)}: probability {self.probability:.3f}"]
        rows += [f"  {r.share:4.0%}  {r.head:<16} {r.text}" for r in self.reasons if r.share >= SHOWN]
        rest = sum(r.share for r in self.reasons if r.share < SHOWN)
        rows += [f"  {rest:4.0%}  others"] if rest >= SHOWN else []
        rows += [f"  feedback made it {self.feedback:.2f} times as likely"] if self.feedback != 1 else []
        return "\n".join(rows)


def _target(data: bytes, ends: bool) -> str:
    return " and ".join([_shown(data)] * bool(data or not ends) + ["the line's end"] * ends)


def _shown(data: bytes) -> str:
    return repr(data.decode("utf-8", "replace"))


@dataclass(frozen=True)
class _Part:
    """What one head put into each of n predictions. probability : float64, shape (n,); found, total : int64, (n,)"""

    head: int
    probability: F64
    found: I64
    total: I64

    @classmethod
    def none(cls, head: int, size: int) -> _Part:
        return cls(head, np.zeros(size), *np.zeros((2, size), np.int64))


def explain(
    known: Snapshot, block: Block, port: int, at: I64, places: Places, code: I64, predicted: F64
) -> tuple[Reason, ...]:
    """The parts of P(code) at each place of one line.

    at : int64, shape (n,)   places in the block, one after the other;  code : int64, shape (n,)   what comes there
    predicted : float64, shape (n,)   P(code), by `heads.predict`
    """
    if not at.size:
        return ()
    base, longest = probability(known.model.byte_view, places.context[:, None], code[:, None])
    asked = list(opinions(known.model, places, code[:, None], longest))
    passed = np.ones(at.size)
    parts: list[_Part] = []
    for opinion in reversed(asked):
        own, rest = _own_and_rest(known.weights, opinion)
        part = _Part.none(opinion.head, at.size)
        part.probability[opinion.at] = own * passed[opinion.at]
        part.found[opinion.at], part.total[opinion.at] = opinion.found[:, 0], opinion.total[:, 0]
        parts.append(part)
        passed[opinion.at] *= rest
    line = _Line.of(known, block, port, at, places)
    found = [_reason(line, part, part.probability / predicted) for part in parts]
    found.append(_byte_reason(line, known.model, base[:, 0] * passed / predicted, longest[:, 0], code))
    return tuple(sorted((reason for reason in found if reason.share > 0), key=lambda reason: -reason.share))


def _own_and_rest(weights: Weights, opinion: Opinion) -> tuple[F64, F64]:
    """What a head adds by itself, and how much of what the heads before it said it lets pass. Shapes (n,)

    w f + (1 - w) P, where f may itself refer to P: of a symbol already complete, what comes next is for those before.
    """
    weight, nothing = weights.of(opinion), np.zeros(opinion.total.shape)
    own = opinion.share(nothing)
    rest = weight * (opinion.share(nothing + 1) - own) + 1 - weight
    return (weight * own)[:, 0], rest[:, 0]


@dataclass(frozen=True)
class _Line:
    """The line that is explained. start : int64, shape (chunks,);  at : int64, shape (n,)   see `explain`"""

    model: Model
    data: bytes
    start: I64
    salt: int
    at: I64
    places: Places

    @classmethod
    def of(cls, known: Snapshot, block: Block, port: int, at: I64, places: Places) -> _Line:
        start = chunk_starts(block, known.separator[port])[:-1]
        return cls(known.model, block.data[:-1].tobytes(), start, chunk_salt(port), at, places)

    def chunk(self, place: int, back: int) -> int:
        """Where the chunk `back` before that of a place begins; the line's start where there is none."""
        index = int(np.searchsorted(self.start, place, side="right")) - 1 - back
        return int(self.start[index]) if index >= 0 else 0

    def read(self, begin: int, end: int) -> bytes:
        """The bytes between two places."""
        return self.data[begin:end]

    def attended(self, place: int, index: int, head: int) -> tuple[bytes, int]:
        """The chunk that a head attends to, and how many chunks before the coming one it stands."""
        wanted = self.places.attended[head - ATTENDED, index]
        if wanted == NOTHING:
            return b"", 0
        last = int(np.searchsorted(self.start, place, side="right")) - 1
        ends = np.append(self.start, len(self.data))
        window = Window(np.frombuffer(self.data, np.uint8))
        for lag in range(1, LAGS + 1):
            chunk = last - 1 - lag
            if chunk < 0:
                break
            begin, end = ends[chunk : chunk + 1], ends[chunk + 1 : chunk + 2]
            name = names(window.hash(begin, end - begin, self.salt))
            if at_lag(name, np.array([lag], np.uint8))[0] == wanted:
                return self.data[int(begin[0]) : int(end[0])], lag + 1
        return b"", 0


def _reason(line: _Line, part: _Part, share: F64) -> Reason:
    index = int(share.argmax())  # the byte for which it mattered most
    place, head = int(line.at[index]), part.head
    symbols, places = line.model.symbols, line.places
    begin, attended, lag = place, b"", 0
    if head >= OF_CHUNK:
        begin -= int(places.chunk.depth[index])
    kind = head % OF_CHUNK if head < EDGE else min(head, ATTENDED)
    if kind == ANYTHING:
        context = b""
    elif kind < EDGE:
        source = int((places.chunk if head >= OF_CHUNK else places.behind).source[index])
        symbol = int(symbols.right[source]) if kind == SUFFIX and symbols.right[source] != NONE else source
        context = line.read(max(begin - int(symbols.length[symbol]), 0), begin)
    else:
        attends = ATTENDED <= head < KIN_ATTENDED
        if attends:
            attended, lag = line.attended(place, index, head)
        context = line.read(line.chunk(place, 1 if attends else BACK), begin)
    return Reason(
        head=CATEGORY if head >= KIN_ATTENDED else KINDS[kind],
        share=float(share.mean()),
        context=context,
        starts=begin == 0 and kind != ANYTHING,
        attended=attended,
        lag=lag,
        target=line.read(begin, place + 1),
        ends=place == len(line.data),
        found=int(part.found[index]),
        total=int(part.total[index]),
    )


def _byte_reason(line: _Line, model: Model, share: F64, longest: I64, code: I64) -> Reason:
    """The part of the byte contexts, with the row of the longest that was seen before."""
    index = int(share.argmax())  # the byte for which it mattered most
    place, length = int(line.at[index]), int(longest[index])
    found, total = (0, 0)
    if model.byte_view:
        found, total = _seen(model.byte_view[length], line.places.context[index], length, int(code[index]))
    return Reason(
        head=BYTE_CONTEXT,
        share=float(share.mean()),
        context=line.read(max(place - length, 0), place),
        starts=place == 0 and length > 0,
        attended=b"",
        lag=0,
        target=line.read(place, place + 1),
        ends=int(code[index]) == END_CODE,
        found=found,
        total=total,
    )


def _seen(context: Context, key: np.uint64, length: int, code: int) -> tuple[int, int]:
    """How often a context was followed by a code, of how often in all."""
    port = key >> np.uint64(CODE_BITS * ORDER)
    wanted = key & np.uint64((1 << (CODE_BITS * length)) - 1) | port << np.uint64(CODE_BITS * ORDER)
    row = int(np.searchsorted(context.row, wanted))
    if row >= context.row.size or context.row[row] != wanted:
        return 0, 0
    entries = slice(int(context.first[row]), int(context.first[row + 1]))
    here = context.code[entries] == code
    return int(context.count[entries][here].sum()), int(context.total[row])
