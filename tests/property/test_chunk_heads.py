"""What the heads that know chunks add up is how often each byte came, however the text was parsed into symbols."""

from collections import Counter

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from melvin import Brain
from melvin.codes import SYMBOL_BITS
from melvin.contexts import codes_of, probability
from melvin.heads import opinions
from melvin.lines import lines_block
from melvin.weights import BEGINNING, EDGE, FIRST, INSIDE

WORDS = [
    "ok",
    "okay",
    "fail",
    "failed",
    "status=ok",
    "status=fail",
    "200",
    "204",
    "404",
    "ab",
    "abab",
    "é",
    "è",
    "ab" * 11 + "c",
]
texts = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), st.integers(1, 40)), min_size=1, max_size=6
)


def chunks(line):
    """Words with the space behind them; the rest of the line."""
    whole = line.split(b" ")
    return [word + b" " for word in whole[:-1]] + whole[-1:]


def came(lines):
    """How often each code came after two chunks and the beginning of a third."""
    seen = Counter()
    for line in lines:
        *whole, last = chunks(line)
        for number, chunk in enumerate([*whole, last]):
            before = (None, None, *whole[:number])[-2:]
            codes = [byte + 1 for byte in chunk] + ([257] if number == len(whole) else [])
            seen.update((before, chunk[:at], code) for at, code in enumerate(codes))
    return seen


@given(texts)
@settings(max_examples=30)
def test_the_edge_just_taken_knows_how_often_each_byte_came(drawn):
    lines = [" ".join(words).encode() for words, times in drawn for _ in range(times)]
    brain = Brain()
    brain.learn(lines)
    reader, port = brain._ask("text")
    assume(np.flatnonzero(reader.snapshot.separator[port]).tolist() == [ord(" ")])
    seen, block = came(lines), lines_block(sorted({*lines}))
    code = codes_of(block).astype(np.int64)[:, None]
    places = reader._encode(block, port, np.arange(block.data.size))
    _, longest = probability(reader.snapshot.model.byte_view, places.context[:, None], code)
    said = [*opinions(reader.snapshot.model, places, code, longest)]
    (edge,) = [one for one in said if one.head == EDGE]
    expected, position = [], []
    for line in sorted({*lines}):
        *whole, last = chunks(line)
        for number, chunk in enumerate([*whole, last]):
            before = (None, None, *whole[:number])[-2:]
            codes = [byte + 1 for byte in chunk] + ([257] if number == len(whole) else [])
            for at, here in enumerate(codes):
                total = sum(seen[before, chunk[:at], other] for other in range(1, 258))
                expected.append((seen[before, chunk[:at], here], total))
                position.append(FIRST if not number else INSIDE if at else BEGINNING)
    assert edge.position[:, 0].tolist() == position
    assert not any((one.position != INSIDE).any() for one in said if one.head < EDGE)
    assert list(zip(edge.found[:, 0].tolist(), edge.total[:, 0].tolist(), strict=True)) == expected


def test_no_edge_leads_to_a_lines_start():
    brain = Brain()
    brain.learn([b"one two three", b"one"] * 9)
    keys = brain.snapshot.evidence.transformers.key
    assert keys.size
    assert (keys >> np.uint64(SYMBOL_BITS)).all()  # 0 is that nothing stands before, and nothing is read
