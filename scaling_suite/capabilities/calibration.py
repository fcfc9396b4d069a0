"""Calibration: when the brain says 80 percent, is the likeliest byte right in 80 of 100 places?

Lines of a text are held out by what they say and never learnt. At places of them, chosen by chance, the brain tells how
likely its likeliest next byte is; at some, also how likely all of its answer is. Both are compared with how often they
are right, by bins of equal width.

Expected calibration error: the mean over places of |share that was right - mean confidence| of their bin (Guo et al.
2017, section 3).
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from scaling_suite.errors import SourceError
from scaling_suite.heldout import WINDOW_BYTES, HeldOut, choose_heldout
from scaling_suite.source import line_pieces, read_blocks

TRAIN_BYTES = 10_000_000
PLACES = 4000  # where the next byte is asked for
ANSWERS = 500  # of them where an answer is asked for too
BINS = 10
DEFAULT_SEED = 7


@dataclass(frozen=True)
class Bin:
    """Places whose confidence lies in one range. confidence : their mean;  right : the share that was"""

    places: int
    confidence: float
    right: float


@dataclass(frozen=True)
class Reliability:
    """How confident and how right. error : expected calibration error;  bins : from low to high, empty ones too"""

    places: int
    accuracy: float
    error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Result:
    """Reliability of the next byte and of the whole answer: as the model says it (raw), and calibrated."""

    train_bytes: int
    held_out_lines: int
    byte_raw: Reliability
    byte_calibrated: Reliability
    answer_raw: Reliability
    answer_calibrated: Reliability

    @property
    def curves(self) -> dict[str, Reliability]:
        """By what is shown."""
        return {
            "byte, raw": self.byte_raw,
            "byte, calibrated": self.byte_calibrated,
            "answer, raw": self.answer_raw,
            "answer, calibrated": self.answer_calibrated,
        }


def reliability(said: Sequence[tuple[float, bool]]) -> Reliability:
    """Of (confidence, whether it was right), one a place."""
    bins = []
    for at in range(BINS):
        inside = [one for one in said if min(int(one[0] * BINS), BINS - 1) == at]
        n = max(len(inside), 1)
        bins.append(Bin(len(inside), sum(p for p, _ in inside) / n, sum(right for _, right in inside) / n))
    total = max(len(said), 1)
    error = sum(one.places * abs(one.right - one.confidence) for one in bins) / total
    return Reliability(len(said), sum(right for _, right in said) / total, error, tuple(bins))


def held_out(corpus: Path, seed: int) -> HeldOut:
    """The lines that are never learnt."""
    return choose_heldout(_lines(corpus, WINDOW_BYTES), seed)


def _lines(corpus: Path, most: int | None = None) -> Iterator[bytes]:
    """Lines of a source that are whole; at most so many bytes of it."""
    read, parts = 0, list[bytes]()
    for piece, ends in line_pieces(read_blocks(corpus)):
        parts.append(piece)
        read += len(piece) + ends
        if ends:
            yield b"".join(parts).removesuffix(b"\r")
            parts.clear()
        if most is not None and read >= most:
            return


def training(corpus: Path, left_out: HeldOut, size: int) -> Iterator[bytes]:
    """So many bytes of the corpus's lines, none of them held out."""
    learnt = 0
    for line in _lines(corpus):
        if learnt >= size:
            return
        if line and not left_out.holds(line):
            learnt += len(line) + 1
            yield line


def draw_places(lines: Sequence[bytes], count: int, seed: int) -> list[tuple[bytes, bytes]]:
    """(text before, text behind) at so many places, no place twice; line ends are asked for too."""
    ends = [*accumulate(len(line) + 1 for line in lines)]
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    chosen = sorted(draw.sample(range(ends[-1]), min(count, ends[-1])))
    found, line = [], 0
    for place in chosen:
        while ends[line] <= place:
            line += 1
        at = place - (ends[line] - len(lines[line]) - 1)
        found.append((lines[line][:at], lines[line][at:]))
    draw.shuffle(found)
    return found


def measure(
    brain: Any,
    corpus: Path,
    train_bytes: int = TRAIN_BYTES,
    places: int = PLACES,
    answers: int = ANSWERS,
    seed: int = DEFAULT_SEED,
) -> Result:
    """Teach a fresh brain, and compare what it says of lines that it never learnt with what they say.

    Raises
    ------
    SourceError : the corpus cannot be read, or is too small to hold lines out
    """
    left_out = held_out(corpus, seed)
    if not left_out.lines:
        raise SourceError(f"{corpus} is too small to hold lines out: name a longer text")
    brain.learn(training(corpus, left_out, train_bytes))
    asked = draw_places(left_out.lines, places, seed)
    byte_raw, byte_calibrated = list[tuple[float, bool]](), list[tuple[float, bool]]()
    for before, behind in asked:
        spread = brain.distribution(before)
        top = int(spread.probability.argmax())
        right = top == (behind[0] if behind else 256)
        byte_raw.append((float(spread.probability[top]), right))
        byte_calibrated.append((spread.confidence, right))
    answer_raw, answer_calibrated = list[tuple[float, bool]](), list[tuple[float, bool]]()
    for before, behind in asked[:answers]:
        answer = brain.query(before)
        right = behind == answer.payload if answer.ends else behind.startswith(answer.payload)
        answer_raw.append((answer.probability, right))
        answer_calibrated.append((answer.confidence, right))
    said = (byte_raw, byte_calibrated, answer_raw, answer_calibrated)
    return Result(brain.stats().bytes, len(left_out.lines), *map(reliability, said))


# ---------------------------------------------------------------- the plot

SIDE, EDGE, GAP = 240, 40, 60  # pixels: of a panel, around it, between two
INK, GRID, FILL = "#222", "#bbb", "#4a7ab5"
LEAST_SHOWN = 5  # places: the share of fewer is mostly chance


def as_svg(result: Result) -> str:
    """A reliability plot of each curve, side by side: mean confidence to the right, share that was right upwards."""
    panels = [_panel(name, curve, EDGE + n * (SIDE + GAP)) for n, (name, curve) in enumerate(result.curves.items())]
    width, height = 2 * EDGE + len(panels) * (SIDE + GAP) - GAP, SIDE + 2 * EDGE + 16
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return "\n".join([f'{head} font-family="sans-serif" font-size="12" fill="{INK}">', *panels, "</svg>\n"])


def _panel(name: str, curve: Reliability, left: float) -> str:
    def x(value: float) -> float:
        return left + SIDE * value

    def y(value: float) -> float:
        return EDGE + SIDE * (1 - value)

    most = max((one.places for one in curve.bins), default=1)
    parts = [
        f'<text x="{left}" y="{EDGE - 12}">{name}: ECE {curve.error:.3f}, {curve.places:,} places</text>',
        f'<rect x="{left}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="none" stroke="{GRID}"/>',
        f'<path d="M{x(0)},{y(0)} L{x(1)},{y(1)}" stroke="{GRID}" stroke-dasharray="4"/>',
    ]
    for at, one in enumerate(curve.bins):  # how many places are behind each bin
        height = SIDE / 4 * one.places / max(most, 1)
        corner = f'x="{x(at / BINS):.1f}" y="{y(0) - height:.1f}"'
        parts.append(f'<rect {corner} width="{SIDE / BINS:.1f}" height="{height:.1f}" fill="{GRID}" opacity="0.5"/>')
    shown = [one for one in curve.bins if one.places >= LEAST_SHOWN]
    line = " ".join(f"{x(one.confidence):.1f},{y(one.right):.1f}" for one in shown)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{FILL}" stroke-width="2"/>')
    parts += [f'<circle cx="{x(o.confidence):.1f}" cy="{y(o.right):.1f}" r="3" fill="{FILL}"/>' for o in shown]
    for tick in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{x(tick):.1f}" y="{y(0) + 16:.1f}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{x(0.5):.1f}" y="{y(0) + 32:.1f}" text-anchor="middle">mean confidence</text>')
    return "\n".join(parts)
