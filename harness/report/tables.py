"""One table of words and numbers, for a terminal and for Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from harness.report.markdown import text


def terminal_table(title: str, heads: Sequence[str], numbers: slice) -> Table:
    """A table without rows. numbers : the columns that stand at the right"""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    right = range(len(heads))[numbers]
    for place, name in enumerate(heads):
        table.add_column(name, justify="right" if place in right else "left", no_wrap=True)
    return table


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: slice) -> list[str]:
    """The lines of a table. numbers : the columns that stand at the right"""
    right = range(len(heads))[numbers]
    rule = "|" + "".join("---:|" if place in right else "---|" for place in range(len(heads)))
    return [_row(heads), rule, *(_row([text(cell) for cell in row]) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
