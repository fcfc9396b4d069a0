"""The grammar, compiled: the tables that the generator looks everything up in. Built once."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from scaling_suite import grammar
from scaling_suite.spelling import MAX_SYLLABLES, Pool, build_pool
from scaling_suite.words import lookup


@dataclass(frozen=True)
class Lexicon:
    """What `generator` needs to write; a literal is a word or phrase of the grammar, 0 the empty one.

    pool : Pool                          all pieces
    tables : dict of uint8, (65536,)     lookup tables by name; those of words give literals
    literal_piece, literal_glued         a literal's piece, and whether no space goes before it
    form_start, form_length, form_parts  clauses as sequences of parts; form 0 is a title
    variants : uint8, (parts, 65536)     a lookup table of variants for each part
    variant_start, variant_length        a variant's slots
    slot_register, slot_literal          a slot's register or -1, and its piece when it has none
    slot_ending, slot_glued              the piece after it, and whether no space goes before it
    rare_first, rare_size                (patterns, MAX_SYLLABLES): first piece and size of inventories
    wrap_opening, wrap_closing           the pieces around a word
    wrap_tied                            whether no space goes before the next word
    is_word : bool                       whether a register (or -1) holds a word of the open classes
    comma : int                          the piece ','
    """

    pool: Pool
    tables: dict[str, NDArray[np.uint8]]
    literal_piece: NDArray[np.int32]
    literal_glued: NDArray[np.bool_]
    form_start: NDArray[np.int64]
    form_length: NDArray[np.int64]
    form_parts: NDArray[np.int64]
    variants: NDArray[np.uint8]
    variant_start: NDArray[np.int64]
    variant_length: NDArray[np.int64]
    slot_register: NDArray[np.int8]
    slot_literal: NDArray[np.int32]
    slot_ending: NDArray[np.int32]
    slot_glued: NDArray[np.bool_]
    rare_first: NDArray[np.int32]
    rare_size: NDArray[np.int32]
    wrap_opening: NDArray[np.int32]
    wrap_closing: NDArray[np.int32]
    wrap_tied: NDArray[np.bool_]
    is_word: NDArray[np.bool_]
    comma: int


@cache
def build_lexicon() -> Lexicon:
    """Compile the grammar."""
    parts = {name: grammar.choices(text) for name, text in grammar.PARTS.items()}
    forms = [grammar.Choice(1, grammar.TITLE), *grammar.choices(grammar.CLAUSES)]
    tables = {name: grammar.choices(text) for name, text in grammar.WORD_TABLES.items()}
    phrases = {name: [" ".join(choice.words) for choice in table] for name, table in tables.items()}
    literals = list(dict.fromkeys(["", *(phrase for table in phrases.values() for phrase in table)]))
    slots = [word for variants in parts.values() for variant in variants for word in variant.words]
    written = {slot.removeprefix("+") for slot in slots if slot.removeprefix("+") not in grammar.SLOTS}
    endings = {ending for _, ending in grammar.SLOTS.values()}
    strings = sorted(
        {_join(phrase) for phrase in literals}
        | written
        | endings
        | {mark for _, *marks in grammar.WRAPS for mark in marks}
    )
    pool = build_pool(strings)
    piece = {string: pool.first["literal"] + number for number, string in enumerate(strings)} | {"": 0}

    register = {name: number for number, name in enumerate(grammar.REGISTERS)}
    bare = [slot.removeprefix("+") for slot in slots]
    named = [grammar.SLOTS.get(slot, ("", "")) for slot in bare]
    lengths = [len(variant.words) for variants in parts.values() for variant in variants]
    form_parts = [list(parts).index(part) for form in forms for part in form.words]
    form_length = np.array([len(form.words) for form in forms])
    variant_tables, number = [], 0
    for variants in parts.values():
        variant_tables.append(lookup([variant.weight for variant in variants]) + np.uint8(number))
        number += len(variants)
    rare_first, rare_size = _rare_patterns(pool)
    return Lexicon(
        pool=pool,
        tables={
            **{
                name: np.array([literals.index(phrase) for phrase in phrases[name]], np.uint8)[
                    lookup([choice.weight for choice in table])
                ]
                for name, table in tables.items()
            },
            "clauses": lookup([form.weight for form in forms[1:]]),
            "wraps": lookup([weight for weight, _, _ in grammar.WRAPS]),
            "rare": lookup([weight for weight, _ in grammar.RARE_PATTERNS]),
        },
        literal_piece=np.array([piece[_join(phrase)] for phrase in literals], np.int32),
        literal_glued=np.array([phrase == "" or phrase.startswith("+") for phrase in literals]),
        form_start=np.cumsum(form_length) - form_length,
        form_length=form_length,
        form_parts=np.array(form_parts),
        variants=np.stack(variant_tables),
        variant_start=np.cumsum(lengths) - np.array(lengths),
        variant_length=np.array(lengths),
        slot_register=np.array([register.get(name, -1) for name, _ in named], np.int8),
        slot_literal=np.array([0 if slot in grammar.SLOTS else piece[slot] for slot in bare], np.int32),
        slot_ending=np.array([piece[ending] for _, ending in named], np.int32),
        slot_glued=np.array([slot.startswith("+") for slot in slots]),
        rare_first=rare_first,
        rare_size=rare_size,
        wrap_opening=np.array([piece[opening] for _, opening, _ in grammar.WRAPS], np.int32),
        wrap_closing=np.array([piece[closing] for _, _, closing in grammar.WRAPS], np.int32),
        wrap_tied=np.array([opening == "" for _, opening, _ in grammar.WRAPS]),
        is_word=np.array([name in grammar.WORD_REGISTERS for name in grammar.REGISTERS] + [False]),
        comma=piece[","],
    )


def _join(phrase: str) -> str:
    """'on the other hand +,' -> 'on the other hand,'"""
    return phrase.replace(" +", "").removeprefix("+")


def _rare_patterns(pool: Pool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    first = np.zeros((len(grammar.RARE_PATTERNS), MAX_SYLLABLES), np.int32)
    size = np.ones_like(first)
    for row, (_, inventories) in enumerate(grammar.RARE_PATTERNS):
        for column, (name, offset, count) in enumerate(inventories):
            first[row, column] = pool.first[name] + offset
            size[row, column] = count
    return first, size
