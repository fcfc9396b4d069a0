"""A corpus of any size: prose of invented words whose vocabulary and patterns keep growing as real text's do.

A block of lines is a function of (seed, block number). Its lines have topics; its clauses have registers
(who acts, what is done, to whom, …), each a word preferred by another: the subject by the topic, the
verb by the subject, the object by the verb. A preference is the hash of (word, role, choice), and the
choice is drawn with a heavy tail: so context tells much about the next word, there is always more to
learn, and no list is kept.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scaling_suite import grammar
from scaling_suite.errors import WorkloadError
from scaling_suite.lexicon import Lexicon, build_lexicon
from scaling_suite.spelling import MAX_SYLLABLES, Pieces, spell
from scaling_suite.words import GOLDEN, LOOKUP_BITS, Words, draw_rank, look_up, lookup, mix, octave_masses

LINES_PER_BLOCK = 4096  # about 700 KB: large enough to be fast, small enough to forget

# Shares by number, from 1: a median line of prose is one sentence, a mean one twice that.
SENTENCES_IN_LINE = lookup([62, 15, 8, 5, 3, 2, 1, 1, 1, 1, 0, 1])
CLAUSES_IN_SENTENCE = lookup([60, 30, 10])
LINES_IN_SECTION = 8  # on average; a section has one topic and begins with a title

WORDS = lookup(octave_masses([3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 9], 7, 10, 31))
TOPICS = lookup(octave_masses([2] * 10, 3, 4, 31))
CHOICES = lookup(octave_masses([30, 18, 14, 11, 9, 7], 3, 4, 31))
RARE = lookup(octave_masses([1] * 14, 7, 8, 31))
NUMBERS = lookup([8, 8, 8, 8, 7, 6, 5, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1])  # below 2^18

NOUN, VERB, ADJECTIVE, NAME = (np.uint64(n) for n in range(4))  # the low bits of a lexeme
CLASS_BITS = np.uint64(2)
ROLE_BITS = 48  # beyond any lexeme, so that no (word, role) meets another
# The columns of a slot's pieces; a row is written from left to right.
SPACE, OPENING, STEM, ENDING, CLOSING, COLUMNS = (
    0,
    1,
    2,
    2 + MAX_SYLLABLES,
    3 + MAX_SYLLABLES,
    4 + MAX_SYLLABLES,
)
WRAPPED_PERCENT = 4  # of words: in quotes, in brackets, hyphenated
SHOUTED_PERCENT = 1  # of words, and
SHOUTED_TITLES_PERCENT = 25


class Stream:
    """Independent 64-bit words in any number, from one key."""

    def __init__(self, *keys: int) -> None:
        self.key = np.zeros(1, np.uint64)
        for key in keys:
            self.key = mix(self.key + GOLDEN + np.uint64(key & 0xFFFF_FFFF_FFFF_FFFF))

    def draw(self, count: int) -> Words:
        self.key = mix(self.key + GOLDEN)
        return mix(self.key + GOLDEN * np.arange(count, dtype=np.uint64))

    def share(self, count: int, percent: int) -> NDArray[np.bool_]:
        """Which of `count` events happen when each has this many chances in a hundred."""
        return self.draw(count) % np.uint64(100) < np.uint64(percent)

    def pick(self, table: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
        """Draw from a lookup table of 2^LOOKUP_BITS."""
        return look_up(table, self.draw(count)).astype(np.int64)


@dataclass(frozen=True)
class Clauses:
    """The clauses of a block, in order.

    first_in_line, last_in_line, first, last : bool, shape (n,)     first and last are of the sentence
    title : bool                                                    the whole line is a title
    topic, entity : uint64                                          of the clause's line
    """

    first_in_line: NDArray[np.bool_]
    last_in_line: NDArray[np.bool_]
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]
    title: NDArray[np.bool_]
    topic: Words
    entity: Words


def generate(seed: int) -> Iterator[bytes]:
    """The text of this seed, without end, in blocks of whole lines; memory stays constant."""
    lexicon = build_lexicon()
    for number in itertools.count():
        yield generate_block(seed, number, lexicon)


def write_corpus(path: Path, size_bytes: int, seed: int) -> int:
    """Write the lines of this seed's text that fit in `size_bytes`; the bytes written.

    Raises WorkloadError when the file cannot be written.
    """
    written = 0
    try:
        with path.open("wb") as file:
            for block in generate(seed):
                end = len(block) if written + len(block) <= size_bytes else size_bytes - written
                written += file.write(block[: block.rfind(b"\n", 0, end) + 1])
                if end < len(block):
                    return written
    except OSError as error:
        raise WorkloadError(f"{path} cannot be written ({error.strerror or error}): give another file") from error
    return written


def generate_block(seed: int, number: int, lexicon: Lexicon) -> bytes:
    """Block `number` of the text of this seed."""
    stream = Stream(seed, number)
    clauses = plan_clauses(stream)
    registers = fill_registers(stream, clauses, lexicon)
    return render(stream, clauses, registers, lexicon)


def plan_clauses(stream: Stream) -> Clauses:
    """How many sentences each line has and how many clauses each sentence, and what the lines are about."""
    starts_section = stream.draw(LINES_PER_BLOCK) % np.uint64(LINES_IN_SECTION) == 0
    starts_section[0] = True
    topics = draw_rank(TOPICS, stream.draw(int(starts_section.sum())))
    topic = topics[np.cumsum(starts_section) - 1]
    entity = prefer(stream, topic, 1, NOUN)
    sentences = np.where(starts_section, 1, 1 + stream.pick(SENTENCES_IN_LINE, LINES_PER_BLOCK))
    line = np.repeat(np.arange(LINES_PER_BLOCK), sentences)
    counts = np.where(starts_section[line], 1, 1 + stream.pick(CLAUSES_IN_SENTENCE, line.size))
    sentence = np.repeat(np.arange(line.size), counts)
    of_line = line[sentence]
    first = np.diff(sentence, prepend=-1) != 0
    first_in_line = np.diff(of_line, prepend=-1) != 0
    return Clauses(
        first_in_line=first_in_line,
        last_in_line=np.append(first_in_line[1:], True),
        first=first,
        last=np.append(first[1:], True),
        title=starts_section[of_line],
        topic=topic[of_line],
        entity=entity[of_line],
    )


def prefer(stream: Stream, by: Words, role: int, word_class: np.uint64) -> Words:
    """For each word (or topic) one of the lexemes of a class that it prefers in a role."""
    return draw_rank(WORDS, preference(stream, by, role)) << CLASS_BITS | word_class


def preference(stream: Stream, by: Words, role: int) -> Words:
    """The hash of (word, role, choice): a few choices are frequent, and there is no last one."""
    choice = draw_rank(CHOICES, stream.draw(by.size))
    return mix(mix(by + np.uint64(role << ROLE_BITS)) + choice)


def fill_registers(stream: Stream, clauses: Clauses, lexicon: Lexicon) -> dict[str, Words]:
    """A value for each register of each clause: a lexeme, the number of a literal, or a number."""
    topic, count = clauses.topic, clauses.topic.size

    def mixture(percent: int, usual: Words, other: Words) -> Words:
        return np.where(stream.share(count, percent), usual, other)

    def literal(table: str, hashed: Words) -> Words:
        return look_up(lexicon.tables[table], hashed).astype(np.uint64)

    subject = mixture(45, clauses.entity, prefer(stream, topic, 2, NOUN))
    verb = mixture(75, prefer(stream, subject, 3, VERB), prefer(stream, topic, 4, VERB))
    thing = mixture(65, prefer(stream, verb, 5, NOUN), prefer(stream, topic, 6, NOUN))
    place_by = literal("prepositions", preference(stream, verb, 7))
    place = mixture(65, prefer(stream, mix(verb) + place_by, 8, NOUN), prefer(stream, topic, 9, NOUN))
    second = mixture(75, prefer(stream, place, 10, NOUN), prefer(stream, topic, 11, NOUN))
    name = prefer(stream, topic, 12, NAME)
    inner = literal("connectors", stream.draw(count))
    return {
        "lead": np.where(clauses.first, literal("openers", stream.draw(count)), inner),
        "trail": literal("ends", stream.draw(count)),
        "sn": subject,
        "verb": verb,
        "on": thing,
        "pp": place_by,
        "pn": place,
        "qp": literal("prepositions", preference(stream, place, 13)),
        "qn": second,
        "sa": prefer(stream, subject, 14, ADJECTIVE),
        "oa": prefer(stream, thing, 14, ADJECTIVE),
        "pa": prefer(stream, place, 14, ADJECTIVE),
        "adverb": prefer(stream, verb, 15, ADJECTIVE),
        "sd": literal("determiners", preference(stream, subject, 16)),
        "od": literal("determiners", preference(stream, thing, 16)),
        "pd": literal("determiners", preference(stream, place, 16)),
        "qd": literal("determiners", preference(stream, second, 16)),
        "aux": literal("auxiliaries", preference(stream, verb, 17)),
        "pronoun": literal("pronouns", preference(stream, topic, 18)),
        "name": name,
        "surname": prefer(stream, name, 19, NAME),
        "number": draw_rank(NUMBERS, stream.draw(count)),
        "year": np.uint64(2030) - draw_rank(NUMBERS, stream.draw(count)) % np.uint64(1000),
        "rare": mix(draw_rank(RARE, stream.draw(count))),
    }


def render(stream: Stream, clauses: Clauses, registers: dict[str, Words], lexicon: Lexicon) -> bytes:
    """Expand clauses to parts, parts to slots, slots to pieces, and pieces to bytes."""
    form = np.where(clauses.title, 0, 1 + stream.pick(lexicon.tables["clauses"], clauses.title.size))
    clause_of_part, entry = expand(lexicon.form_start[form], lexicon.form_length[form])
    part = lexicon.form_parts[entry]
    variant = lexicon.variants[part, stream.draw(part.size) >> np.uint64(64 - LOOKUP_BITS)]
    part_of_slot, slot = expand(lexicon.variant_start[variant], lexicon.variant_length[variant])
    clause = clause_of_part[part_of_slot]

    pieces = np.zeros((slot.size, COLUMNS), np.int32)
    pieces[:, SPACE] = np.where(lexicon.slot_glued[slot], 0, lexicon.pool.first["space"])
    pieces[:, STEM] = lexicon.slot_literal[slot]
    pieces[:, ENDING] = lexicon.slot_ending[slot]
    register = lexicon.slot_register[slot]
    order = np.argsort(register, kind="stable")
    border = np.searchsorted(register[order], np.arange(len(grammar.REGISTERS) + 1))
    for name, begin, end in zip(grammar.REGISTERS, border[:-1], border[1:], strict=True):
        rows = order[begin:end]
        values = registers[name][clause[rows]]
        if name in grammar.LITERAL_REGISTERS:
            literal = values.astype(np.int64)
            pieces[rows, STEM] = lexicon.literal_piece[literal]
            pieces[rows, SPACE] = np.where(lexicon.literal_glued[literal], 0, pieces[rows, SPACE])
        elif name in grammar.NUMBER_REGISTERS:
            pieces[rows, STEM : STEM + 3] = number_pieces(values, lexicon, grouped=name == "number")
        elif name == "rare":
            pieces[rows, STEM:ENDING] = rare_pieces(values, lexicon)
        else:
            pieces[rows, STEM:ENDING] = spell(values, lexicon.pool)
            if name in grammar.NAME_REGISTERS:
                pieces[rows, STEM] += lexicon.pool.size
    loud_title = clauses.title & stream.share(clauses.title.size, SHOUTED_TITLES_PERCENT)
    decorate(stream, pieces, lexicon, lexicon.is_word[register], loud_title[clause])

    first_slot = np.flatnonzero(np.diff(clause, prepend=-1))
    last_slot = np.append(first_slot[1:], slot.size) - 1
    spoken = first_slot + (pieces[first_slot, STEM] == 0)  # behind a lead of no words
    capital = spoken[clauses.first]
    pieces[capital, STEM] = raise_case(pieces[capital, STEM], 1, lexicon)
    pieces[spoken[clauses.first_in_line], SPACE] = 0
    pieces[last_slot[~clauses.last | clauses.title], STEM] = 0
    pieces[last_slot[clauses.last_in_line], CLOSING] = lexicon.pool.first["line"]
    return join(pieces, lexicon)


def decorate(
    stream: Stream,
    pieces: Pieces,
    lexicon: Lexicon,
    is_word: NDArray[np.bool_],
    in_loud_title: NDArray[np.bool_],
) -> None:
    """Put some words in quotes, brackets or capitals, or tie them to the next, in place."""
    words = np.flatnonzero(is_word)
    wrapped = words[stream.share(words.size, WRAPPED_PERCENT)]
    wrap = stream.pick(lexicon.tables["wraps"], wrapped.size)
    pieces[wrapped, OPENING], pieces[wrapped, CLOSING] = (
        lexicon.wrap_opening[wrap],
        lexicon.wrap_closing[wrap],
    )
    tied = wrapped[lexicon.wrap_tied[wrap]] + 1  # never beyond the end: a clause ends with its trail
    pieces[tied, SPACE] = 0
    loud = (stream.share(is_word.size, SHOUTED_PERCENT) & is_word) | in_loud_title
    rows = np.flatnonzero(loud)
    pieces[rows, STEM : ENDING + 1] = raise_case(pieces[rows, STEM : ENDING + 1], 2, lexicon)


def raise_case(pieces: Pieces, case: int, lexicon: Lexicon) -> Pieces:
    """The same pieces with a capital (1) or in capitals (2)."""
    size = np.int32(lexicon.pool.size)
    return np.where(pieces == 0, np.int32(0), pieces % size + size * np.int32(case)).astype(np.int32)


def expand(start: NDArray[np.int64], length: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(owner, entry) for every entry of every owner.

    for owner, (s, n) in enumerate(zip(start, length)): yield from ((owner, s + i) for i in range(n))
    """
    ends = np.cumsum(length)
    owner = np.repeat(np.arange(length.size), length)
    return owner, np.arange(owner.size) + (start - ends + length)[owner]


def number_pieces(values: Words, lexicon: Lexicon, grouped: bool) -> Pieces:
    """Numbers below a million: '7', '1,234' when grouped, else '1234'."""
    high, low = np.divmod(values.astype(np.int32), np.int32(1000))
    number, padded = lexicon.pool.first["number"], lexicon.pool.first["padded"]
    comma = lexicon.comma if grouped else 0
    small = high == 0
    columns = (
        np.where(small, low, high) + number,
        np.where(small, 0, comma),
        np.where(small, 0, low + padded),
    )
    return np.stack(columns, axis=1).astype(np.int32)


def rare_pieces(values: Words, lexicon: Lexicon) -> Pieces:
    """Acronyms, codes, foreign words: each value picks a pattern of inventories and a piece from each."""
    pattern = look_up(lexicon.tables["rare"], values)
    digits = mix(values[:, None] + GOLDEN * np.arange(1, MAX_SYLLABLES + 1, dtype=np.uint64))
    sizes = lexicon.rare_size[pattern]
    picked = (digits >> np.uint64(32)) * sizes.astype(np.uint64) >> np.uint64(32)
    return (lexicon.rare_first[pattern] + picked.astype(np.int32)).astype(np.int32)


def join(pieces: Pieces, lexicon: Lexicon) -> bytes:
    """The bytes of all pieces, row by row: the sum of steps that are one inside a piece and jump between."""
    flat = pieces.ravel()
    flat = np.compress(flat != 0, flat)  # four times faster than a mask
    start, length = lexicon.pool.start.take(flat), lexicon.pool.length.take(flat)
    begins = np.cumsum(length) - length
    step = np.ones(int(begins[-1] + length[-1]), np.int32)
    step[0] = start[0]
    step[begins[1:]] = start[1:] - start[:-1] - length[:-1] + 1
    return lexicon.pool.data.take(np.cumsum(step, dtype=np.int32)).tobytes()
