"""A drawing of differences: one horizontal bar a row, to the right of zero or to the left of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.svg import BOTTOM, CHARACTER, RIGHT, TOP, WIDTH, Element, Format, Linear, canvas, draw, to_text

ROW_HEIGHT, BAR_HEIGHT = 24, 15
VALUE_CHARACTERS = 11  # room for the number beside a bar
ROOM = 1.08  # beyond the longest bar, as a share of it


@dataclass(frozen=True)
class Difference:
    """One bar. good : whether it speaks for the mechanism; None where it says nothing"""

    name: str
    value: float
    good: bool | None
    tip: str


@dataclass(frozen=True)
class Differences:
    """Bars over one axis with zero on it. whole : the values are whole numbers, so the ticks are too"""

    title: str
    rows: Sequence[Difference]
    x_name: str
    label: Format
    whole: bool = False

    def svg(self) -> str:
        bottom = TOP + len(self.rows) * ROW_HEIGHT
        root = canvas(self.title, bottom + BOTTOM)
        left = 14 + CHARACTER * max(len(row.name) for row in self.rows)
        beside = VALUE_CHARACTERS * CHARACTER
        low, high = min(0.0, *(row.value for row in self.rows)), max(0.0, *(row.value for row in self.rows))
        if low == high:
            high = 1.0
        end = WIDTH - RIGHT - beside
        x = Linear(low * ROOM, high * ROOM, left + (beside if low < 0 else 0), end, self.label)
        free = 0.0  # from here on there is room for a label
        for value, name in x.ticks():
            if self.whole and round(value) != value:
                continue
            at, half = x.at(value), CHARACTER * len(name) / 2
            draw(root, "line", css="grid", x1=at, x2=at, y1=TOP - 4, y2=bottom)
            if at - half >= free:
                draw(root, "text", name, css="label", x=at, y=bottom + 18, text_anchor="middle")
                free = at + half + CHARACTER
        draw(root, "line", css="axis", x1=x.at(0.0), x2=x.at(0.0), y1=TOP - 4, y2=bottom)
        draw(root, "text", self.x_name, css="axis-name", x=(left + end) / 2, y=bottom + 42, text_anchor="middle")
        for number, row in enumerate(self.rows):
            self._row(root, x, row, TOP + number * ROW_HEIGHT, left)
        return to_text(root)

    def _row(self, root: Element, x: Linear, row: Difference, top: float, left: float) -> None:
        css = {True: "heat-good", False: "heat-bad", None: "stage-other"}[row.good]
        middle = top + ROW_HEIGHT / 2
        draw(root, "text", row.name, css="label", x=left - 8, y=middle + 4, text_anchor="end")
        begin, end = sorted((x.at(0.0), x.at(row.value)))
        bar = draw(root, "rect", css=f"{css} bar", x=begin, y=middle - BAR_HEIGHT / 2, width=max(end - begin, 1.0),
                   height=BAR_HEIGHT, rx=2)  # fmt: skip
        draw(bar, "title", row.tip)
        outside, anchor = (end + 6, "start") if row.value >= 0 else (begin - 6, "end")
        draw(root, "text", self.label(row.value), css="label", x=outside, y=middle + 4, text_anchor=anchor)
