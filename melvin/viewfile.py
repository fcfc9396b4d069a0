"""The view in a brain file: what queries read, as sections `view.*`.

All evidence gathered so far folded in, and the byte contexts derived from it. It follows from the rest of the file, and
is there so that a brain that was opened can be asked at once: what one question reads is mapped, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from melvin.categories import Categories
from melvin.container import Array, Container
from melvin.contexts import ORDER, Context, longest_first
from melvin.evidence import TABLES, Evidence
from melvin.generation import Gathering, Snapshot, merge, so_far, with_meaning
from melvin.tables import Counts
from melvin.vectors import Embeddings
from melvin.words import Words

VIEW = "view."
GRAMS_UP_TO = 9  # the version of the file up to which its view holds the 6-grams, too: they are not read
CATEGORIES_UP_TO = 10  # up to which its categories are those that an earlier rule made: they are not read
CONTEXT = {
    "row": ("uint64",),
    "first": ("uint32",),
    "code": ("uint16",),
    "count": ("uint32", "uint64"),
    "total": ("uint32", "uint64"),
    "once": ("uint16",),
    "twice": ("uint16",),
    "discount": ("float64",),
}  # name in Context -> the types that it may have
COUNTS = ("key", "count")
MAPPED = tuple(name for name in TABLES if name != "grams")  # tables that queries read: of 6-grams, the contexts do
WORDS = {"name": "uint32", "port": "uint16", "count": "int64", "size": "uint8", "text": "uint8"}
EMBEDDINGS = {"frame": "uint32", "name": "uint32", "size": "uint8", "dimension": "uint16", "value": "uint16"}
CATEGORIES = {"name": "uint32", "label": "uint32"}


def view_names() -> list[str]:
    """Of all sections."""
    return [
        *(f"{VIEW}{table}.{part}" for table in MAPPED for part in COUNTS),
        *(f"{VIEW}contexts.{length}.{part}" for length in range(ORDER + 1) for part in CONTEXT),
        *(f"{VIEW}words.{part}" for part in WORDS),
        *(f"{VIEW}embedding.{part}" for part in EMBEDDINGS),
        *(f"{VIEW}categories.{part}" for part in CATEGORIES),
    ]


def view_sections(snapshot: Snapshot, gathering: Gathering) -> Iterator[tuple[str, Array]]:
    """The arrays of the view by section: of one table at a time, so that no more has to be held.

    The chunks of the gathering must have been handed over (see `Learner.tally`).
    """
    gathered, words = so_far(snapshot, gathering)
    yield from _parts("words", words, WORDS)
    for name in TABLES:
        table: Counts = getattr(merge(snapshot, gathered, name).evidence, name)
        if name == "grams":
            yield from _contexts(longest_first(table))
        else:
            yield from _parts(name, table, COUNTS)
        if name == "context_edges":
            near = replace(snapshot.evidence, context_edges=table)
            yield from _meaning(with_meaning(replace(snapshot, words=words, evidence=near)))
        del table  # before the next one is made


def sections_of_view(view: Snapshot) -> Iterator[tuple[str, Array]]:
    """The same of a view that was made already: see `absorb`."""
    yield from _parts("words", view.words, WORDS)
    for name in TABLES:
        if name == "grams":
            yield from _contexts(reversed(view.model.contexts))
        else:
            yield from _parts(name, getattr(view.evidence, name), COUNTS)
        if name == "context_edges":
            yield from _meaning(view)


def _parts(section: str, table: object, parts: Iterable[str]) -> Iterator[tuple[str, Array]]:
    for part in parts:
        yield f"{VIEW}{section}.{part}", getattr(table, part)


def _meaning(known: Snapshot) -> Iterator[tuple[str, Array]]:
    yield from _parts("embedding", known.embeddings, EMBEDDINGS)
    yield from _parts("categories", known.categories, CATEGORIES)


def _contexts(longest_first: Iterator[Context]) -> Iterator[tuple[str, Array]]:
    length = ORDER
    for context in longest_first:
        yield from _parts(f"contexts.{length}", context, CONTEXT)
        length -= 1
        del context  # before the next one is made


def read_view(file: Container, version: int, snapshot: Snapshot) -> Snapshot:
    """The snapshot of a file with the view in place of what the last generation left; of 6-grams, their contexts alone.

    Raises
    ------
    DamagedBrainError : a section is missing, or not of its type
    """
    evidence = Evidence(**{name: read_counts(file, VIEW + name) for name in MAPPED}, grams=Counts.empty())
    categories = None
    if is_read(f"{VIEW}categories.", version):
        categories = Categories(
            **{part: file.array(f"{VIEW}categories.{part}", dtype) for part, dtype in CATEGORIES.items()}
        )
    return replace(
        snapshot,
        evidence=evidence,
        words=Words(**{part: file.array(f"{VIEW}words.{part}", dtype) for part, dtype in WORDS.items()}),
        embeddings=Embeddings(
            **{part: file.array(f"{VIEW}embedding.{part}", dtype) for part, dtype in EMBEDDINGS.items()}
        ),
        categorised=categories,
        contexts=tuple(_context(file, version, length) for length in range(ORDER + 1)),
    )


def _context(file: Container, version: int, length: int) -> Context:
    where = f"{VIEW}contexts.{length}."
    return Context(**{part: file.any_of(held_as(where + part, version), types) for part, types in CONTEXT.items()})


def is_read(section: str, version: int) -> bool:
    """Whether a section of the view is read from a file of a version. section : its name, or what it begins with"""
    return version > CATEGORIES_UP_TO or not section.startswith(f"{VIEW}categories.")


def held_as(section: str, version: int) -> str:
    """What a section of the view is called in a file: in version 9 the longest contexts had the counts of 6-grams."""
    moved = section == f"{VIEW}contexts.{ORDER}.count" and version <= GRAMS_UP_TO
    return f"{VIEW}grams.count" if moved else section


def read_counts(file: Container, section: str) -> Counts:
    """A table of a file."""
    return Counts(file.array(f"{section}.key", "uint64"), file.any_of(f"{section}.count", ("uint32", "uint64")))
