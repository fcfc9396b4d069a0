"""A flame graph, from the top down: one bar a function, as wide as what was spent in it and in all it called. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.report.svg import CHARACTER, Element, Format, draw, legend, to_text
from harness.stacks import Node

WIDTH = 1180
TOP, ROW_HEIGHT = 30, 19
NARROWEST = 0.0015  # of the whole: what took less is not drawn
MOST_ROWS = 26
MARGIN = 4  # on either side of a name


@dataclass(frozen=True)
class Flame:
    """The bars of a tree. css : the class of a file's bars;  legend : names of these classes"""

    title: str
    root: Node
    show: Format
    css: Callable[[str], str]
    legend: list[tuple[str, str]]

    def svg(self) -> str:
        height = TOP + ROW_HEIGHT * min(_depth(self.root), MOST_ROWS) + MARGIN
        drawing = Element("svg", {"viewBox": f"0 0 {WIDTH} {height}", "role": "img", "aria-label": self.title})
        legend(drawing, self.legend)
        if self.root.total > 0:
            self._bars(drawing, self.root, 0.0, 0)
        return to_text(drawing)

    def _bars(self, drawing: Element, node: Node, left: float, row: int) -> None:
        share = node.total / self.root.total
        if share < NARROWEST or row >= MOST_ROWS:
            return
        width, top = share * WIDTH, TOP + row * ROW_HEIGHT
        bar = draw(drawing, "rect", css=f"bar {self.css(node.file) if node.file else 'stage-other'}", x=left, y=top,
                   width=width, height=ROW_HEIGHT - 1, rx=2)  # fmt: skip
        where = f" ({node.file})" if node.file else ""
        draw(
            bar, "title", f"{node.function}{where}: {self.show(node.total)}, {share:.1%}; itself {self.show(node.own)}"
        )
        fits = int((width - 2 * MARGIN) / CHARACTER)
        if fits >= min(4, len(node.function)):
            name = node.function if len(node.function) <= fits else node.function[: fits - 1] + "…"
            draw(drawing, "text", name, css="on-heat", x=left + MARGIN, y=top + ROW_HEIGHT - 6)
        for called in sorted(node.calls.values(), key=lambda one: (-one.total, one.file, one.function)):
            self._bars(drawing, called, left, row + 1)
            left += called.total / self.root.total * WIDTH


def _depth(root: Node) -> int:
    """Rows of it that are drawn."""

    def of(node: Node, row: int) -> int:
        wide = [called for called in node.calls.values() if called.total / root.total >= NARROWEST]
        return max((of(called, row + 1) for called in wide), default=row) if row < MOST_ROWS else row

    return of(root, 1) if root.total > 0 else 1
