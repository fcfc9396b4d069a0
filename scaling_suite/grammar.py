"""The syntax of generated text, as data: word lists, phrases, clauses, and how often each is used.

A clause is a sequence of parts; a part has variants; a variant is a sequence of slots. A slot names a
register of its clause (who acts, what is done, to whom, …) with an ending, or is a word written in lower
case. '+' in front of a slot leaves out the space before it. A number in front of a line is its weight.
"""

from dataclasses import dataclass

# One value per clause each. The first letter says whose: s(ubject), o(bject), p(lace), q (a second place).
REGISTERS = [
    "lead",
    "trail",
    "sd",
    "sa",
    "sn",
    "od",
    "oa",
    "on",
    "pd",
    "pa",
    "pn",
    "pp",
    "qd",
    "qn",
    "qp",
    "verb",
    "adverb",
    "aux",
    "pronoun",
    "name",
    "surname",
    "number",
    "year",
    "rare",
]

LITERAL_REGISTERS = frozenset("lead trail sd od pd qd pp qp aux pronoun".split())  # noqa: SIM905
NUMBER_REGISTERS = frozenset({"number", "year"})
NAME_REGISTERS = frozenset({"name", "surname"})
WORD_REGISTERS = frozenset(REGISTERS) - LITERAL_REGISTERS - NUMBER_REGISTERS - {"rare"}

# Slot names -> (register, ending)
SLOTS = {
    **{name: (name, "") for name in REGISTERS},
    "sns": ("sn", "s"),
    "ons": ("on", "s"),
    "pns": ("pn", "s"),
    "qns": ("qn", "s"),
    "pn's": ("pn", "'s"),
    "ved": ("verb", "ed"),
    "ves": ("verb", "s"),
    "ving": ("verb", "ing"),
    "ver": ("verb", "er"),
    "ley": ("adverb", "ly"),
    "saness": ("sa", "ness"),
    "name's": ("name", "'s"),
}

PARTS = {
    "lead": "1 lead",
    "trail": "1 trail",
    "S": """
        10 sd sn
        6 sd sa sn
        4 sns
        3 sa sns
        7 pronoun
        5 name
        3 name surname
        3 sd sn of qd qn
        1 sd saness of qd sn
        1 name +, sd sa sn +,
        1 name's sn
        1 sd ver
    """,
    "O": """
        10 od on
        7 od oa on
        4 ons
        3 oa ons
        2 name
        3 od on of qd qn
        2 ons and qns
        1 od on and od qn
        1 number ons
        1 od on ( +rare +)
        1 od on of name
        1 " +on +"
        1 name's on
    """,
    "P": """
        6
        9 pp pd pn
        5 pp pd pa pn
        3 pp pns
        2 pp name
        2 in year
        2 pp pd pn qp qd qn
        2 ley
        1 from pd pn to qd qn
        1 +, ving qd qn
    """,
    "B": """
        6 sa
        5 a oa on
        3 not sa
        3 ley sa
        2 one of the ons
        2 the on of qd qn
        2 more sa than pd pn
        1 as sa as pd pn
        1 known as " +rare +"
    """,
    "be": """
        8 is
        7 was
        5 are
        5 were
        2 has been
        2 can be
        1 will be
        1 would be
    """,
    "X": "1 aux",
    "V": "1 verb",
    "Ved": "1 ved",
    "Ves": "1 ves",
    "Ving": "1 ving",
    "to": "1 to",
    "by": "1 by",
    "there": "1 there",
    "that": "1 that",
    "who": "2 , who\n3 who\n2 which",
    "comma": "1 +,",
    "list": "3 ons +, pns and qns\n1 ons +, pns +, qns +, and sns",
    "title": "5 sa sns\n4 sn\n3 name surname\n2 on and pn\n2 sn of name\n1 rare",
}

CLAUSES = """
    9 lead S Ved O P trail
    6 lead S Ves O P trail
    4 lead S Ved P trail
    5 lead S be B P trail
    4 lead S X V O P trail
    3 lead S be Ved by O trail
    3 lead S be Ved P trail
    2 lead there be O P trail
    2 lead S Ved that S Ves O trail
    2 lead S Ved to V O P trail
    2 lead S be Ving O P trail
    2 lead S who Ved O be B trail
    1 lead P comma S Ved O trail
    1 lead S Ves list trail
"""
TITLE = ("title", "trail")

WORD_TABLES = {
    "determiners": """
        24 the
        9 a
        3 his
        3 this
        2 their
        2 an
        2 its
        2 some
        2 that
        1 any
        1 each
        1 our
        1 her
        1 every
        1 no
        1 these
    """,
    "prepositions": """
        9 in
        6 of
        5 to
        4 on
        4 for
        3 with
        3 by
        3 from
        3 at
        2 into
        2 under
        1 between
        1 through
        1 after
        1 before
        1 against
        1 over
        1 about
        1 without
        1 among
        1 during
        1 near
        1 upon
        1 along
        1 across
        1 toward
    """,
    "auxiliaries": """
        4 can
        4 will
        3 would
        3 may
        2 must
        2 could
        2 should
        1 did not
        1 does not
        1 cannot
        1 might
        1 never
    """,
    "pronouns": """
        8 he
        8 it
        5 they
        4 she
        4 we
        3 I
        3 you
        1 who
        1 this
        1 one
        1 which
    """,
    "openers": """
        60
        2 however +,
        1 in fact +,
        1 for example +,
        1 at first +,
        2 then
        1 later +,
        1 today +,
        1 thus +,
        1 in addition +,
        1 on the other hand +,
        1 according to some +,
        2 when
        1 but
        2 and
        1 now
    """,
    "connectors": """
        8 +, and
        4 +, but
        4 and
        3 +;
        2 because
        3 when
        2 +, while
        2 +, which means that
        2 if
        1 +, although
        1 so that
        1 +, or
        1 +:
        1 where
        1 +, as
        1 +, since
        1 --
        1 until
    """,
    "ends": """
        90 +.
        4 +?
        3 +!
        1 +...
        2 +."
        2 +.)
    """,
}

# What is put around a word: weight, before, after. With nothing before, it is tied to the next word.
WRAPS = (
    (8, '"', '"'),
    (6, "(", ")"),
    (14, "", "-"),
    (4, "'", "'"),
    (3, "[", "]"),
    (2, "_", "_"),
    (2, "", "/"),
    (2, "", "--"),
    (2, "", "'"),
    (1, "*", "*"),
    (1, "“", "”"),
    (1, "", "."),
    (1, "<", ">"),
    (1, "{", "}"),
    (1, "", ":"),
    (1, "", ","),
    (1, "", "*"),
    (1, "=", "="),
    (1, "", "_"),
    (1, "#", ";"),
    (1, "$", "%"),
    (1, "`", "`"),
    (1, "~", "!"),
    (1, "", "&"),
    (1, "|", "|"),
    (1, "@", "?"),
    (1, "", "+"),
)

# Pieces of words that are not prose: weight, then (inventory, first, how many) for each piece.
CAPITALS, DIGITS, ANY = ("ascii", 32, 26), ("ascii", 15, 10), ("ascii", 0, 94)
RARE_PATTERNS = (
    (4, (CAPITALS, CAPITALS, CAPITALS)),
    (2, (CAPITALS, CAPITALS)),
    (2, (CAPITALS, ("number", 0, 1000))),
    (2, (("number", 0, 100), ("ascii", 13, 1), ("number", 0, 100))),
    (8, (ANY, ANY, ANY, ANY)),
    (2, (("initial", 0, 128), ("accented", 0, 32), ("medial", 0, 128))),
    (1, (("script0", 0, 24), ("script0", 0, 24), ("script0", 0, 24), ("script0", 0, 24))),
    (1, (("script1", 0, 31), ("script1", 0, 31), ("script1", 0, 31), ("script1", 0, 31))),
    (1, (("script2", 0, 22), ("number", 0, 1000))),
    (2, (("ideograph", 0, 4096), ("ideograph", 0, 4096))),
)


@dataclass(frozen=True)
class Choice:
    """A weighted alternative: its words, in order."""

    weight: int
    words: tuple[str, ...]


def choices(text: str) -> list[Choice]:
    """The weighted alternatives of a table above, one a line."""
    rows = (line.split() for line in text.strip().splitlines())
    return [Choice(int(row[0]), tuple(row[1:])) for row in rows]
