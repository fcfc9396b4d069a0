"""Symbols by payload, and what forms them, held to loops over lists."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import all_codes, any_line, constituents, forms, payloads, some_symbols, two_ports
from hypothesis import given
from hypothesis import strategies as st

from melvin import splits
from melvin.codes import BYTES, END_CODE, GROUND, START, WORD_CODES, word_shift
from melvin.hashing import ABSENT
from melvin.soundness import symbols_hold
from melvin.splits import parts, with_splits
from melvin.symbols import PORTS_AT_ONCE, Symbols

PAIRS = ("pair_left", "pair_right", "pair_symbol")


@given(some_symbols)
def test_a_patterns_payload_is_its_constituents_payloads_in_a_row(symbols):
    assert [symbols.payload(i) for i in range(symbols.size)] == payloads(symbols)


@given(some_symbols)
def test_levels_lengths_and_order_of_birth_follow_from_the_constituents(symbols):
    left, right = constituents(symbols)
    text = payloads(symbols)
    for pattern in left:
        a, b = left[pattern], right[pattern]
        assert max(a, b) < pattern
        assert symbols.level[pattern] == 1 + max(symbols.level[a], symbols.level[b])
        assert symbols.length[pattern] == len(text[pattern])
        assert symbols.port[a] == symbols.port[b] == symbols.port[pattern]


@given(some_symbols)
def test_a_payload_has_one_symbol_in_a_port_however_it_is_split(symbols):
    text = payloads(symbols)
    patterns = [(int(symbols.port[i]), text[i]) for i in constituents(symbols)[0]]
    assert len(set(patterns)) == len(patterns)
    for (a, b), pattern in forms(symbols).items():
        assert text[a] + text[b] == text[pattern]
        assert symbols.port[a] == symbols.port[pattern]


@given(some_symbols)
def test_the_pattern_of_a_pair_is_found_and_of_another_pair_is_not(symbols):
    known = forms(symbols)
    pairs = [*known, *((b, a) for a, b in known), (0, 0), (symbols.size - 1, symbols.size - 1)]
    left, right = (np.array([pair[side] for pair in pairs], np.uint32) for side in (0, 1))
    expected = [known.get(pair, int(ABSENT)) for pair in pairs]
    assert symbols.pattern_of(left, right).tolist() == expected
    assert [symbols.pattern_of_one(pair) for pair in pairs] == expected


@pytest.mark.parametrize("column", ["words", "length", "port", "level", "left", "right", *PAIRS])
@given(symbols=some_symbols, data=st.data())
def test_symbols_hold_until_anything_in_them_is_another(column, symbols, data):
    assert symbols_hold(symbols)
    held = getattr(symbols, column)
    if held.size:
        changed = held.copy()
        row = changed[data.draw(st.integers(0, len(held) - 1))] if held.ndim > 1 else changed
        at = -1 - data.draw(st.integers(0, 9) | st.integers(0, row.size - 1)) % row.size  # the last ones are patterns
        largest = symbols.size if column in ("left", "right", *PAIRS) else int(np.iinfo(held.dtype).max)
        row[at] = (int(row[at]) + data.draw(st.integers(1, largest))) % (largest + 1)
        assert not symbols_hold(replace(symbols, **{column: changed}))


@given(two_ports, st.integers(0, 9))
def test_no_pair_is_known_twice_or_holds_a_border_or_is_of_two_ports(symbols, which):
    if not symbols.pair_left.size:
        return
    pair = [int(getattr(symbols, name)[which % symbols.pair_left.size]) for name in PAIRS]
    left, right, pattern = pair
    start = int(symbols.base[symbols.port[pattern]]) + START
    text = payloads(symbols)
    others = [i for i in range(symbols.size) if text[i] == text[right] and symbols.port[i] != symbols.port[right]]
    for more in (
        pair,
        (start, pattern, pattern),
        (pattern, start, pattern),
        *((left, other, pattern) for other in others),
    ):
        columns = {name: np.append(getattr(symbols, name), np.uint32(n)) for name, n in zip(PAIRS, more, strict=True)}
        assert not symbols_hold(replace(symbols, **columns))


@given(some_symbols)
def test_symbols_are_spelt_as_their_payloads_in_a_row(symbols):
    backwards = np.arange(symbols.size, dtype=np.uint32)[::-1]
    codes = all_codes(symbols)
    spelt = [0 if code == END_CODE else code - 1 for i in backwards.tolist() for code in codes[i]]
    assert symbols.spelt(backwards).tolist() == spelt
    assert symbols.spelt(backwards[:0]).tolist() == []


@given(some_symbols)
def test_every_pair_that_spells_a_pattern_forms_it(symbols):
    closed = with_splits(symbols)
    named = {(int(symbols.port[i]), text): i for i, text in enumerate(all_codes(symbols)) if text}
    wanted = {}
    for (port, text), i in named.items():
        for at in range(1, len(text)):
            left, right = named.get((port, text[:at])), named.get((port, text[at:]))
            if left is not None and right is not None:
                wanted[left, right] = i
    assert forms(closed) == wanted
    assert forms(symbols).items() <= wanted.items()
    order = [(int(symbols.length[a]), c) for (a, _), c in forms(closed).items()]
    assert order == sorted(order)  # the shortest left part first, patterns by age
    assert closed.pair_left.size == len(wanted)
    assert closed.pattern_of(closed.pair_left, closed.pair_right).tolist() == closed.pair_symbol.tolist()


@given(some_symbols)
def test_splits_are_the_same_however_few_are_looked_up_at_a_time(symbols):
    expected = with_splits(symbols.apart())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "RESTS", 3)
        assert forms(with_splits(symbols.apart())) == forms(expected)


def words_of(payloads):
    """Payloads, given as codes, in as many words as the longest of them takes."""
    words = np.zeros((-(-max(map(len, payloads)) // WORD_CODES), len(payloads)), np.uint64)
    for place, codes in enumerate(payloads):
        for depth, code in enumerate(codes):
            words[depth // WORD_CODES, place] |= np.uint64(code << word_shift(depth))
    return words


@given(some_symbols, st.lists(any_line))
def test_a_payload_of_any_depth_is_known_or_not(symbols, others):
    named = {(int(symbols.port[i]), codes): i for i, codes in enumerate(all_codes(symbols)) if codes}
    asked = [(0, tuple(byte + 1 for byte in other)) for other in others if other]
    asked += [(port, codes) for port, codes in list(named)[-9:]]
    asked += [(port, codes[:WORD_CODES]) for port, codes in named if len(codes) > WORD_CODES]
    asked += [(port, (*codes, 99)) for port, codes in named if len(codes) % WORD_CODES == 0]
    expected = [named.get(one, -1) for one in asked]

    def known(symbols, some):
        return symbols.with_payload(
            words_of([codes for _, codes in some]), np.array([port for port, _ in some], np.uint16)
        ).tolist()

    assert known(symbols, asked) == expected
    with pytest.MonkeyPatch.context() as patch:  # where hashes are alike, no payload is taken for another one
        patch.setattr("melvin.symbols.payload_hash", lambda words, _: words[0])
        alike = replace(symbols)
        assert all(known(alike, [one]) in ([-1], [other]) for one, other in zip(asked, expected, strict=True))


@given(two_ports)
def test_the_parts_of_a_pattern_are_those_of_all_its_splits(symbols):
    formed = forms(symbols)

    def named(i):
        below = {part for pair, whole in formed.items() if whole == i for part in pair}
        return below.union(*(named(part) for part in below))

    for i in [*constituents(symbols)[0]][-3:]:
        assert set(parts(symbols, i).tolist()) == named(i)


def test_the_longest_payload_keeps_every_byte():
    symbols = Symbols.empty().with_port("text", 0)
    last, text = ord("x"), b"x"
    for byte in bytes(range(65, 65 + 62)):
        symbols = symbols.with_patterns(np.array([last], np.uint32), np.array([byte], np.uint32), 0)
        last, text = symbols.size - 1, text + bytes([byte])
    assert symbols.payload(last) == text
    assert len(text) == 63
    assert symbols.ranks.find(text, 0) == last
    assert symbols.ranks.find(text[:-1] + b"\0", 0) is None


@given(two_ports)
def test_pairs_of_bytes_form_what_the_pairs_of_their_symbols_form(symbols):
    byte, after = (part.astype(np.uint32) for part in np.divmod(np.arange(BYTES * BYTES), BYTES))
    for port in range(len(symbols.ports)):
        base = symbols.base[port]
        assert (symbols.byte_pairs[port] == symbols.pattern_of(byte + base, after + base)).all()


def test_pairs_of_bytes_are_at_hand_for_few_ports():
    symbols = Symbols.empty()
    for number in range(3 * PORTS_AT_ONCE):
        symbols = symbols.with_port(str(number), 0)
    for port in range(len(symbols.ports)):
        assert (symbols.byte_pairs[port] == ABSENT).all()
        assert len(symbols.byte_pairs) <= PORTS_AT_ONCE


def test_ground_symbols_come_first_in_each_port():
    symbols = Symbols.empty().with_port("text", 0).with_port("can", 7)
    assert symbols.base.tolist() == [0, GROUND]
    assert symbols.payload(GROUND + 65) == b"A"
    assert symbols.ranks.find(b"A", 1) == GROUND + 65
