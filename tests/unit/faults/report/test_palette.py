"""Every pair of colours that appears together has the contrast that WCAG 2.2 AA requires."""

from __future__ import annotations

import re

import pytest

from builder.faults.report import FOLDER, drawing
from builder.faults.report.comparison import STYLE

SHEETS = {"style.css": (FOLDER / "style.css").read_text(), "comparison": STYLE}


@pytest.mark.parametrize("tone", [0, 1], ids=["light", "dark"])
def test_every_pair_of_colours_has_sufficient_contrast(tone: int) -> None:
    colours = {name: tones[tone] for name, tones in drawing.COLOURS.items()}
    ratios = {pair: drawing.contrast(colours[pair[0]], colours[pair[1]]) - pair[2] for pair in drawing.PAIRS}
    faint = [pair for pair, spare in ratios.items() if spare < 0]
    assert faint == []


def test_the_contrast_ratio_follows_the_standard() -> None:
    assert drawing.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert drawing.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("sheet", SHEETS)
def test_style_sheets_use_only_colours_of_the_palette(sheet: str) -> None:
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", SHEETS[sheet])) - {"node"}
    assert used <= drawing.COLOURS.keys()
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", SHEETS[sheet].replace("url(#hatch)", ""))


def test_every_text_colour_is_in_a_pair() -> None:
    texts = set(re.findall(r"(?<![-\w])color:var\(--([a-z0-9-]+)\)", SHEETS["style.css"]))
    assert texts <= {front for front, _, least in drawing.PAIRS if least == drawing.TEXT}
