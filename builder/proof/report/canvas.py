"""What a timeline is drawn on: lanes below one another over one time axis.

Shapes are in a plot that is stretched to the page's width; text is not, so it stays readable on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from builder.proof.report import svg
from builder.proof.report.axis import WIDTH, Axis

HEAD, LABEL, BAND, GAP, FOOT = 42, 18, 18, 10, 22
"""Pixels: the marks above, a lane's name, the lane, what is between two lanes, the axis."""
LETTER = 8
NARROW = 320
"""A band's word is written where it fits on a page as narrow as this, in pixels."""
LATE = 0.6
"""From this share of the width on, a mark's word stands left of it."""
EDGE = 0.06
"""So near to an end of the axis, a number stands beside its place instead of around it."""


class Canvas:
    """A figure in the making."""

    def __init__(self, axis: Axis, marks: Sequence[float]) -> None:
        self.axis = axis
        self.top: float = HEAD if any(axis.shows(at, at) for at in marks) else 0
        """The upper edge of the lane that is drawn in, in pixels."""
        self._end = self.top
        self._plot = svg.element("svg", class_="plot", width="100%", preserveAspectRatio="none")
        self._words = svg.element("g")

    def lane(self, name: str, note: str = "", note_class: str = "quiet") -> None:
        """Begin the next lane."""
        label = self._end + LABEL - 5
        self._word("0", label, name, "name")
        if note:
            self._word("100%", label, note, note_class, "end")
        self.top = self._end + LABEL
        self._end = self.top + BAND + GAP

    def bar(self, start: float, end: float, look: str, *, top: float = 0, height: float = BAND) -> None:
        """A bar in this lane from one moment to another, where the window shows it."""
        if self.axis.shows(start, end):
            left, right = self.axis.place(start), self.axis.place(end)
            self.path(look, svg.box(left, self.top + top, right - left, height))

    def caption(self, start: float, end: float, text: str, look: str) -> None:
        """A word in a bar of this lane, if there is room for it."""
        left, right = self.axis.place(start), self.axis.place(end)
        if (right - left) / WIDTH * NARROW > len(text) * LETTER:
            self._word(_share((left + right) / 2), self.top + BAND - 5, text, f"in {look}", "middle")

    def path(self, look: str, shape: str) -> None:
        """Any shape in the plot; places are 0 to WIDTH across, pixels down."""
        if shape:
            svg.add(self._plot, "path", class_=look, d=shape)

    def mark(self, at: float, row: int, text: str, look: str) -> None:
        """A moment across all lanes, with its word above them."""
        if not self.axis.shows(at, at):
            return
        place = self.axis.place(at)
        late = place > LATE * WIDTH
        base = 14 + row * 16
        self.path(look, svg.tick(place, base - 10, self._end - base + 10))
        word = svg.add(self._words, "text", text, x=_share(place), y=base, dx=-5 if late else 5, class_="mark")
        word.set("text-anchor", "end" if late else "start")

    def scale(self) -> None:
        """The axis below all lanes, with its numbers."""
        self.path("axis", f"M0 {self._end:g}h{WIDTH:g}")
        for place, number in self.axis.ticks():
            share = place / WIDTH
            anchor = "start" if share < EDGE else "end" if share > 1 - EDGE else "middle"
            self.path("axis", svg.tick(place, self._end, 5))
            self._word(_share(place), self._end + FOOT - 4, number, "quiet", anchor)

    def whole(self, ident: str, title: str, description: str) -> str:
        """The figure as inline SVG, with its text for those who do not see it."""
        height = self._end + FOOT
        root = svg.element("svg", class_="timeline", role="img", width="100%", height=height)
        root.set("aria-labelledby", f"{ident}-title")
        root.set("aria-describedby", f"{ident}-desc")
        svg.add(root, "title", title, id=f"{ident}-title")
        svg.add(root, "desc", description, id=f"{ident}-desc")
        self._plot.set("viewBox", f"0 0 {WIDTH:g} {height:g}")
        self._plot.set("height", f"{height:g}")
        root.extend([self._plot, self._words])
        return svg.text_of(root)

    def _word(self, x: str, y: float, text: str, look: str, anchor: str = "start") -> ET.Element:
        return svg.add(self._words, "text", text, x=x, y=y, class_=look, text_anchor=anchor)


def _share(place: float) -> str:
    return f"{place / WIDTH * 100:.4g}%"
