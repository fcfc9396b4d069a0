"""What the property tests draw: sets of symbols, lines, evidence."""

from dataclasses import fields

import numpy as np
from hypothesis import strategies as st
from twins import evidence as twin

from melvin.chunks import Window, chunk_starts
from melvin.codes import END, END_CODE, MAX_PAYLOAD, START
from melvin.hashing import ABSENT
from melvin.symbols import Symbols
from melvin.tables import Counts

SMALL_ALPHABET = b"ab "  # few bytes: the same payload is split in many ways, runs of one byte are common

small_bytes = st.binary(max_size=40).map(lambda data: bytes(SMALL_ALPHABET[b % 3] for b in data))
any_line = st.one_of(small_bytes, st.binary(max_size=40))
keys = st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1))
key_lists = st.lists(keys, max_size=60)


def u64(values):
    return np.array(values, np.uint64)


def table(counter):
    """A dict of counts as a table."""
    order = sorted(counter)
    return Counts.of(u64(order), np.array([counter[key] for key in order], np.int64))


def as_dict(counts):
    return dict(zip(counts.key.tolist(), counts.count.tolist(), strict=True))


class Drawn(Symbols):
    """A set of symbols that a failing example shows by its patterns."""

    def __repr__(self):
        patterns = np.flatnonzero(self.level > 0).tolist()
        return f"<symbols {[(int(self.port[i]), i, self.payload(i)) for i in patterns]}>"


@st.composite
def symbol_sets(draw, ports=("text",), alphabet=SMALL_ALPHABET, rounds=6, deep=False):
    """Ground symbols of the ports, and patterns of patterns over a small alphabet."""
    symbols = Symbols.empty()
    for name in ports:
        symbols = symbols.with_port(name, 0)
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    usable = [[int(base) + byte for byte in alphabet] for base in symbols.base]
    for born in range(1, 1 + draw(st.integers(0, rounds))):
        wanted = {}
        for _ in range(int(random.integers(1, 8))):
            port = int(random.integers(len(ports)))
            pool = usable[port]
            low = len(pool) // 2 if deep else 0  # of the younger half: payloads grow long
            left, right = (pool[int(random.integers(low, len(pool)))] for _ in range(2))
            if int(symbols.length[left]) + int(symbols.length[right]) <= MAX_PAYLOAD:
                wanted[left, right] = None
        left, right = (np.array([pair[side] for pair in wanted], np.uint32) for side in (0, 1))
        fresh = symbols.pattern_of(left, right) == ABSENT
        size = symbols.size
        symbols = symbols.with_patterns(left[fresh], right[fresh], born)
        for new in range(size, symbols.size):
            usable[int(symbols.port[new])].append(new)
    return Drawn(**{field.name: getattr(symbols, field.name) for field in fields(symbols)})


two_ports = symbol_sets(ports=("text", "can"))
some_symbols = st.one_of(two_ports, symbol_sets(deep=True, rounds=9))


def constituents(symbols):
    """{pattern: left}, {pattern: right}"""
    inner = np.flatnonzero(symbols.level > 0).tolist()
    return ({i: int(symbols.left[i]) for i in inner}, {i: int(symbols.right[i]) for i in inner})


def ground_bytes(symbols):
    """A function: the bytes of a ground symbol."""

    def of(symbol):
        byte = symbol - int(symbols.base[symbols.port[symbol]])
        return b"" if byte in (START, END) else bytes([byte])

    return of


def forms(symbols):
    """{(left, right): pattern}"""
    columns = (symbols.pair_left, symbols.pair_right, symbols.pair_symbol)
    return {(a, b): c for a, b, c in zip(*(column.tolist() for column in columns), strict=True)}


def parsed(parser, separator, block, port, *, tally=False):
    """A block cut into chunks, and those parsed."""
    start = chunk_starts(block, separator)
    terminator = np.zeros(block.data.size, np.bool_)
    terminator[block.piece_end[block.closed] - 1] = True
    length = np.diff(start, append=block.data.size)
    return parser.parse(Window(block.data), start, length, port, terminator[start], tally)


def parse_block(parser, separator, block, port, *, tally=False):
    """The symbols of a block."""
    return parsed(parser, separator, block, port, tally=tally).stream().tolist()


def payloads(symbols):
    """The bytes of each symbol, by its constituents."""
    left, right = constituents(symbols)
    ground = ground_bytes(symbols)
    return [twin.payload(i, left, right, ground) for i in range(symbols.size)]


def all_codes(symbols):
    """Each symbol's payload as codes; the end of a line is one."""
    codes = [tuple(byte + 1 for byte in payload) for payload in payloads(symbols)]
    for base in symbols.base.tolist():
        codes[base + END] = (END_CODE,)
    return codes
