"""Draw SVG: the palette, shapes, and the canvas of a timeline. Text is cleaned of control characters."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from xml.etree import ElementTree as ET

from builder.core.markup import clean
from builder.faults.report.lanes import WIDTH, Axis

TEXT, SHAPE = 4.5, 3.0
"""The minimum contrast of text, and of shapes that carry meaning."""

COLOURS = MappingProxyType(
    {
        "page": ("#ffffff", "#13171c"),
        "panel": ("#f4f6f8", "#1c2229"),
        "ink": ("#1c2530", "#e9eef3"),
        "muted": ("#4f5b68", "#a8b4c0"),
        "line": ("#d5dce3", "#38424d"),
        "good": ("#1b6a38", "#84d8a0"),
        "good-soft": ("#e5f4ea", "#17301f"),
        "bad": ("#b3261e", "#ff9c92"),
        "bad-soft": ("#fde9e7", "#44191a"),
        "node-0": ("#2559a8", "#86b4ff"),
        "node-1": ("#8f5300", "#ffbd66"),
        "node-2": ("#6a3d9a", "#caa8ff"),
        "node-3": ("#0c6666", "#70d5d5"),
        "on-node": ("#ffffff", "#11161d"),
    }
)
"""Maps names to their colours on a light and on a dark screen."""

NODES = 4
"""How many nodes have a colour of their own; a fifth node shares the first's colour, but its name is shown."""

_PAPER = ("page", "panel")
_STRONG = ("good", "bad", *(f"node-{number}" for number in range(NODES)))
PAIRS: tuple[tuple[str, str, float], ...] = (
    *((text, paper, TEXT) for text in ("ink", "muted", "good", "bad") for paper in _PAPER),
    *((shape, paper, SHAPE) for shape in _STRONG for paper in _PAPER),
    *((shape, "bad-soft", SHAPE) for shape in _STRONG),
    ("good", "good-soft", TEXT),
    ("ink", "good-soft", TEXT),
    ("bad", "bad-soft", TEXT),
    ("ink", "bad-soft", TEXT),
    *(("on-node", f"node-{number}", TEXT) for number in range(NODES)),
)
"""Foreground, background and minimum contrast of every pair of colours in the report."""
Attribute = str | float
HEAD, LABEL, BAND, GAP, FOOT = 42, 18, 18, 10, 22
"""Heights in pixels: the marks above the lanes, a lane's name, the lane, the gap between two lanes, the axis."""
LETTER = 8
NARROW = 320
"""A bar has a caption if it fits on a page of this width, in pixels."""
LATE = 0.6
"""From this share of the width on, a mark's label is to the left of it."""
EDGE = 0.06
"""Within this share of an end of the axis, a number is aligned with its tick instead of centred on it."""


def css(root: str = ":root") -> str:
    """The colours as CSS variables; printed pages are light."""
    light, dark = ("".join(f"--{name}:{each[tone]};" for name, each in COLOURS.items()) for tone in (0, 1))
    return (
        f"{root}{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{{root}{{{dark}}}}}\n"
    )


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours in `#rrggbb` (WCAG 2.2, "contrast ratio"): 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB


def element(tag: str, text: str = "", **attributes: Attribute) -> ET.Element:
    """Create an element; `text_anchor` becomes `text-anchor`, `class_` becomes `class`."""
    new = ET.Element(tag, {_name(key): _value(value) for key, value in attributes.items()})
    new.text = clean(text) or None
    return new


def append(parent: ET.Element, tag: str, text: str = "", **attributes: Attribute) -> ET.Element:
    """Create an element and append it to another one."""
    new = element(tag, text, **attributes)
    parent.append(new)
    return new


def box(start: float, top: float, width: float, height: float) -> str:
    """A rectangle, as part of a path."""
    return f"M{_value(start)} {_value(top)}h{_value(width)}v{_value(height)}h{_value(-width)}z"


def tick(at: float, top: float, height: float) -> str:
    """A vertical stroke, as part of a path."""
    return f"M{_value(at)} {_value(top)}v{_value(height)}"


def text_of(root: ET.Element) -> str:
    """Serialize an element."""
    return ET.tostring(root, encoding="unicode")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: Attribute) -> str:
    return clean(value) if isinstance(value, str) else f"{round(value, 1):g}"


class Canvas:
    """Draws a figure lane by lane."""

    def __init__(self, axis: Axis, marks: Sequence[float]) -> None:
        self.axis = axis
        self.top: float = HEAD if any(axis.shows(at, at) for at in marks) else 0
        """The upper edge of the current lane, in pixels."""
        self._end = self.top
        self._plot = element("svg", class_="plot", width="100%", preserveAspectRatio="none")
        self._words = element("g")

    def lane(self, name: str, note: str = "", note_class: str = "quiet") -> None:
        """Start the next lane."""
        label = self._end + LABEL - 5
        self._word("0", label, name, "name")
        if note:
            self._word("100%", label, note, note_class, "end")
        self.top = self._end + LABEL
        self._end = self.top + BAND + GAP

    def bar(self, start: float, end: float, look: str, *, top: float = 0, height: float = BAND) -> None:
        """Draw a bar in the current lane between two times, if it is visible."""
        if self.axis.shows(start, end):
            left, right = self.axis.place(start), self.axis.place(end)
            self.path(look, box(left, self.top + top, right - left, height))

    def caption(self, start: float, end: float, text: str, look: str) -> None:
        """Write a word into a bar of the current lane, if it fits."""
        left, right = self.axis.place(start), self.axis.place(end)
        if (right - left) / WIDTH * NARROW > len(text) * LETTER:
            self._word(_share((left + right) / 2), self.top + BAND - 5, text, f"in {look}", "middle")

    def path(self, look: str, shape: str) -> None:
        """Draw any shape; x coordinates are 0 to WIDTH, y coordinates are pixels."""
        if shape:
            append(self._plot, "path", class_=look, d=shape)

    def mark(self, at: float, row: int, text: str, look: str) -> None:
        """Mark a time across all lanes, with a label above them."""
        if not self.axis.shows(at, at):
            return
        place = self.axis.place(at)
        late = place > LATE * WIDTH
        base = 14 + row * 16
        self.path(look, tick(place, base - 10, self._end - base + 10))
        word = append(self._words, "text", text, x=_share(place), y=base, dx=-5 if late else 5, class_="mark")
        word.set("text-anchor", "end" if late else "start")

    def scale(self) -> None:
        """Draw the axis with its numbers below all lanes."""
        self.path("axis", f"M0 {self._end:g}h{WIDTH:g}")
        for place, number in self.axis.ticks():
            share = place / WIDTH
            anchor = "start" if share < EDGE else "end" if share > 1 - EDGE else "middle"
            self.path("axis", tick(place, self._end, 5))
            self._word(_share(place), self._end + FOOT - 4, number, "quiet", anchor)

    def svg(self, ident: str, title: str, description: str) -> str:
        """The figure as inline SVG, with a text alternative for people who cannot see it."""
        height = self._end + FOOT
        root = element("svg", class_="timeline", role="img", width="100%", height=height)
        root.set("aria-labelledby", f"{ident}-title")
        root.set("aria-describedby", f"{ident}-desc")
        append(root, "title", title, id=f"{ident}-title")
        append(root, "desc", description, id=f"{ident}-desc")
        self._plot.set("viewBox", f"0 0 {WIDTH:g} {height:g}")
        self._plot.set("height", f"{height:g}")
        root.extend([self._plot, self._words])
        return text_of(root)

    def _word(self, x: str, y: float, text: str, look: str, anchor: str = "start") -> ET.Element:
        return append(self._words, "text", text, x=x, y=y, class_=look, text_anchor=anchor)


def _share(place: float) -> str:
    return f"{place / WIDTH * 100:.4g}%"
