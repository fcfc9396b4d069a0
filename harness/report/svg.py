"""A small drawing board: scales, axes, lines with intervals, stacked bars, as inline SVG.

Colours come from the page's style sheet by class, so that one drawing serves light and dark. Elements are
built as a tree, so that no text can break out of it. Every mark has a tooltip (`title`), which needs no
script.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from xml.etree import ElementTree

Element = ElementTree.Element
Format = Callable[[float], str]

WIDTH, HEIGHT = 640, 330
LEFT, RIGHT, TOP, BOTTOM = 86, 22, 18, 52
LEGEND_HEIGHT = 24
CHARACTER = 6.7  # width of one character of a label, px
MOST_TICKS = 7
BAR_HEIGHT, BAR_GAP = 24, 12


def draw(parent: Element, tag: str, text: str = "", **attributes: float | str) -> Element:
    """Append an element. `css` is the class; other underscores in names become dashes."""
    named = {("class" if key == "css" else key.replace("_", "-")): _plain(value) for key, value in attributes.items()}
    element = ElementTree.SubElement(parent, tag, named)
    if text:
        element.text = text
    return element


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


class Scale(Protocol):
    """From values to pixels along one axis, and where its ticks stand."""

    def at(self, value: float) -> float: ...
    def ticks(self) -> list[tuple[float, str]]: ...
    def minor_ticks(self) -> list[float]: ...


@dataclass(frozen=True)
class Linear:
    """An even scale with round ticks."""

    low: float
    high: float
    start_px: float
    end_px: float
    label: Format

    def at(self, value: float) -> float:
        return self.start_px + (value - self.low) / (self.high - self.low) * (self.end_px - self.start_px)

    def ticks(self) -> list[tuple[float, str]]:
        step = round_step((self.high - self.low) / (MOST_TICKS - 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [(i * step, self.label(i * step)) for i in range(first, last + 1)]

    def minor_ticks(self) -> list[float]:
        return []


@dataclass(frozen=True)
class Log:
    """A scale of equal ratios, with a tick per power of `base` (10 for counts, 4 or 2 for memory)."""

    low: float
    high: float
    start_px: float
    end_px: float
    label: Format
    base: float = 10.0
    unit: float = 1.0

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start_px + share * (self.end_px - self.start_px)

    def ticks(self) -> list[tuple[float, str]]:
        powers = self._powers()
        every = max(1, math.ceil(len(powers) / MOST_TICKS))
        values = [self.unit * self.base**power for power in powers if power % every == 0]
        if len(values) < 2 and self.base == 10.0:
            values = sorted({*values, *(v for v in self.minor_ticks() if _leading(v / self.unit) in (2, 5))})
        return [(value, self.label(value)) for value in values]

    def minor_ticks(self) -> list[float]:
        if self.base != 10.0:
            return []
        candidates = (self.unit * k * 10.0**power for power in range(*self._decades()) for k in range(2, 10))
        return [value for value in candidates if self.low <= value <= self.high]

    def _decades(self) -> tuple[int, int]:
        return math.floor(math.log10(self.low / self.unit)), math.ceil(math.log10(self.high / self.unit)) + 1

    def _powers(self) -> range:
        first = math.ceil(math.log(self.low / self.unit, self.base) - 1e-9)
        last = math.floor(math.log(self.high / self.unit, self.base) + 1e-9)
        return range(first, last + 1)


def _leading(value: float) -> int:
    power = math.floor(math.log10(value) + 1e-9)
    return round(value / 10.0**power)


def round_step(rough: float) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10^n that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next((k * power for k in (1, 2, 2.5, 5) if k * power >= rough * (1 - 1e-9)), 10 * power)


@dataclass(frozen=True)
class Point:
    """One mark: where, what its tooltip says, and its interval along y if it has one."""

    x: float
    y: float
    tip: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """Marks of one kind, joined by a line. css: the class that gives the colour."""

    name: str
    css: str
    points: Sequence[Point]
    joined: bool = True
    dashed: bool = False
    marked: bool = True


@dataclass(frozen=True)
class Rule:
    """A horizontal line with a meaning: a limit, a reference."""

    y: float
    name: str
    css: str = "rule"


@dataclass(frozen=True)
class Chart:
    """Lines over two axes."""

    title: str
    x: Scale
    y: Scale
    x_name: str
    y_name: str
    series: Sequence[Series]
    rules: Sequence[Rule] = field(default_factory=tuple)

    def svg(self) -> str:
        root = canvas(self.title, HEIGHT)
        legend(root, [(series.name, series.css) for series in self.series])
        axes(root, self.x, self.y, self.x_name, self.y_name)
        for rule in self.rules:
            height = self.y.at(rule.y)
            draw(root, "line", css=rule.css, x1=LEFT, x2=WIDTH - RIGHT, y1=height, y2=height)
            draw(
                root,
                "text",
                rule.name,
                css=f"label {rule.css}-name",
                x=WIDTH - RIGHT - 4,
                y=height - 6,
                text_anchor="end",
            )
        for series in self.series:
            self._draw_series(root, series)
        return to_text(root)

    def _draw_series(self, root: Element, series: Series) -> None:
        group = draw(root, "g", css=series.css)
        for point in series.points:
            if point.low is not None and point.high is not None:
                x, low, high = self.x.at(point.x), self.y.at(point.low), self.y.at(point.high)
                draw(group, "line", css="whisker", x1=x, x2=x, y1=low, y2=high)
                for end in (low, high):
                    draw(group, "line", css="whisker", x1=x - 4, x2=x + 4, y1=end, y2=end)
        if series.joined and len(series.points) > 1:
            path = "M" + "L".join(f"{self.x.at(p.x):.1f},{self.y.at(p.y):.1f}" for p in series.points)
            draw(group, "path", css="line dashed" if series.dashed else "line", d=path)
        if series.marked:
            for point in series.points:
                dot = draw(group, "circle", css="dot", cx=self.x.at(point.x), cy=self.y.at(point.y), r=4)
                draw(dot, "title", point.tip)


@dataclass(frozen=True)
class Part:
    """One piece of a bar."""

    name: str
    css: str
    share: float
    tip: str


@dataclass(frozen=True)
class Bars:
    """Horizontal bars that each fill the width, cut into parts."""

    title: str
    rows: Sequence[tuple[str, Sequence[Part]]]
    x_name: str

    def svg(self) -> str:
        known = {part.name: part.css for _, parts in self.rows for part in parts}
        wrapped = legend_rows(list(known.items()))
        top = TOP + len(wrapped) * LEGEND_HEIGHT
        bottom = top + len(self.rows) * (BAR_HEIGHT + BAR_GAP)
        root = canvas(self.title, bottom + BOTTOM - BAR_GAP)
        legend(root, list(known.items()))
        scale = Linear(0.0, 1.0, LEFT, WIDTH - RIGHT, lambda value: f"{value:.0%}")
        for value, label in scale.ticks():
            x = scale.at(value)
            draw(root, "line", css="grid", x1=x, x2=x, y1=top - 4, y2=bottom - BAR_GAP + 4)
            draw(root, "text", label, css="label", x=x, y=bottom - BAR_GAP + 20, text_anchor="middle")
        draw(
            root,
            "text",
            self.x_name,
            css="axis-name",
            x=(LEFT + WIDTH - RIGHT) / 2,
            y=bottom - BAR_GAP + 42,
            text_anchor="middle",
        )
        for number, (name, parts) in enumerate(self.rows):
            y = top + number * (BAR_HEIGHT + BAR_GAP)
            draw(root, "text", name, css="label", x=LEFT - 10, y=y + BAR_HEIGHT / 2 + 4, text_anchor="end")
            begin = 0.0
            for part in parts:
                x = scale.at(begin)
                width = scale.at(begin + part.share) - x
                piece = draw(root, "rect", css=f"{part.css} bar", x=x, y=y, width=width, height=BAR_HEIGHT)
                draw(piece, "title", part.tip)
                begin += part.share
        return to_text(root)


@dataclass(frozen=True)
class HeatCell:
    """One field: column and row, whether it is good, whether it was measured, what stands in it."""

    column: int
    row: int
    good: bool
    measured: bool
    text: str
    tip: str


@dataclass(frozen=True)
class Heat:
    """A map of fields over two axes of names."""

    title: str
    columns: Sequence[str]
    rows: Sequence[str]
    cells: Sequence[HeatCell]
    x_name: str
    y_name: str

    def svg(self) -> str:
        height = BAR_HEIGHT + 8
        bottom = TOP + len(self.rows) * height
        root = canvas(self.title, bottom + BOTTOM)
        left = LEFT + 24
        width = (WIDTH - RIGHT - left) / max(len(self.columns), 1)
        for number, name in enumerate(self.columns):
            x = left + (number + 0.5) * width
            draw(root, "text", name, css="label", x=x, y=bottom + 20, text_anchor="middle")
        for number, name in enumerate(self.rows):
            y = TOP + (number + 0.5) * height + 4
            draw(root, "text", name, css="label", x=left - 8, y=y, text_anchor="end")
        for cell in self.cells:
            x, y = left + cell.column * width, TOP + cell.row * height
            how = "" if cell.measured else " follows"
            group = draw(root, "g", css="heat-good" if cell.good else "heat-bad")
            field = draw(group, "rect", css="heat" + how, x=x, y=y, width=width, height=height, rx=4)
            draw(field, "title", cell.tip)
            if len(cell.text) * CHARACTER < width:
                middle = y + height / 2 + 4
                draw(group, "text", cell.text, css="on-heat" + how, x=x + width / 2, y=middle, text_anchor="middle")
        draw(
            root,
            "text",
            self.x_name,
            css="axis-name",
            x=(left + WIDTH - RIGHT) / 2,
            y=bottom + 42,
            text_anchor="middle",
        )
        middle = (TOP + bottom) / 2
        turned = f"translate(14 {middle:.0f}) rotate(-90)"
        draw(root, "text", self.y_name, css="axis-name", transform=turned, text_anchor="middle")
        return to_text(root)


def canvas(title: str, height: float) -> Element:
    """An empty drawing; its title is what a screen reader says."""
    return Element("svg", {"viewBox": f"0 0 {WIDTH} {height:.0f}", "role": "img", "aria-label": title})


def legend_rows(entries: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Entries of a legend, broken into rows that fit."""
    rows: list[list[tuple[str, str]]] = [[]]
    x = float(LEFT)
    for name, css in entries:
        width = 26 + len(name) * CHARACTER + 14
        if rows[-1] and x + width > WIDTH - RIGHT + 14:
            rows.append([])
            x = float(LEFT)
        rows[-1].append((name, css))
        x += width
    return rows


def legend(root: Element, entries: Sequence[tuple[str, str]]) -> None:
    """Names and colours above the drawing."""
    for row, content in enumerate(legend_rows(entries)):
        x, y = float(LEFT), 14 + row * LEGEND_HEIGHT
        for name, css in content:
            swatch = draw(root, "g", css=css)
            draw(swatch, "rect", css="swatch", x=x, y=y - 9, width=18, height=10, rx=2)
            draw(root, "text", name, css="label", x=x + 26, y=y)
            x += 26 + len(name) * CHARACTER + 14


def axes(root: Element, x: Scale, y: Scale, x_name: str, y_name: str) -> None:
    """Grid, ticks and names of both axes."""
    top, bottom = TOP + LEGEND_HEIGHT, HEIGHT - BOTTOM
    for value in y.minor_ticks():
        draw(root, "line", css="grid faint", x1=LEFT, x2=WIDTH - RIGHT, y1=y.at(value), y2=y.at(value))
    for value, label in y.ticks():
        draw(root, "line", css="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y.at(value), y2=y.at(value))
        draw(root, "text", label, css="label", x=LEFT - 8, y=y.at(value) + 4, text_anchor="end")
    for value, label in x.ticks():
        draw(root, "line", css="grid", x1=x.at(value), x2=x.at(value), y1=top, y2=bottom)
        draw(root, "text", label, css="label", x=x.at(value), y=bottom + 18, text_anchor="middle")
    draw(root, "line", css="axis", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom)
    draw(
        root,
        "text",
        x_name,
        css="axis-name",
        x=(LEFT + WIDTH - RIGHT) / 2,
        y=HEIGHT - 10,
        text_anchor="middle",
    )
    middle = (top + bottom) / 2
    draw(
        root,
        "text",
        y_name,
        css="axis-name",
        transform=f"translate(14 {middle:.0f}) rotate(-90)",
        text_anchor="middle",
    )


def x_range() -> tuple[float, float]:
    """Pixels of the x axis."""
    return float(LEFT), float(WIDTH - RIGHT)


def y_range() -> tuple[float, float]:
    """Pixels of the y axis, from its lower end up."""
    return float(HEIGHT - BOTTOM), float(TOP + LEGEND_HEIGHT)


def to_text(root: Element) -> str:
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
