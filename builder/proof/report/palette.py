"""The report's colours, light and dark, and which of them are seen upon which (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

from types import MappingProxyType

TEXT, SHAPE = 4.5, 3.0
"""The least contrast of text, and of shapes that mean something."""

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
"""Name to its colour on a light and on a dark screen."""

NODES = 4
"""Nodes have a colour each; a fifth has the first's again, and its name."""

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
"""Foreground, background, least contrast: every pair that the report shows."""


def css(root: str = ":root") -> str:
    """The colours as CSS variables; a page that is printed is light."""
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
