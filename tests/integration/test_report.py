"""report.html in headless Chromium without a network."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core.waiting import until
from builder.faults.report import comparison, write_report
from tests import proofs
from tests.chromium import Page, chromium
from tests.clients import AXE

pytestmark = pytest.mark.integration

WIDTHS = (360, 768, 1280)
A4_WIDTH = 688
LEAST_CONTRAST = 4.5

CONTRASTS = """(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const clear = colour => colour === 'none' || numbers(colour)[3] === 0;
  const linear = part => part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;
  const shares = [0.2126, 0.7152, 0.0722];
  const light = colour => shares.reduce((sum, share, at) => sum + share * linear(numbers(colour)[at]), 0);
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return clear(colour) ? behind(element.parentElement) : colour;
  };
  document.querySelectorAll('details').forEach(each => each.open = true);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element);
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    const drawn = element instanceof SVGElement;
    found.push([ratio(drawn ? style.fill : style.color, drawn ? style.stroke : behind(element)), element.outerHTML]);
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report and a comparison."""
    made = tmp_path_factory.mktemp("report")
    write_report(proofs.proof(), made)
    comparison.write_comparison({"theirs": [proofs.endless()], "ours": [proofs.killed()]}, made / "both.svg")
    return made


@pytest.fixture(scope="module")
def page(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The report, opened."""
    with chromium(tmp_path_factory.mktemp("chromium") / "profile") as browser:
        browser.open(folder / "report.html")
        yield browser


def test_the_page_opens_without_a_network_and_without_errors(page: Page, folder: Path) -> None:
    assert page.value("document.title") == "Failed: proof of web, profile standard"
    assert page.value("document.querySelectorAll('figure svg.timeline').length") == 6
    asked = [url for url in page.requests() if not url.startswith("data:")]
    assert asked == [(folder / "report.html").as_uri()]
    assert page.complaints() == []


def test_axe_finds_nothing(page: Page) -> None:
    """The accessibility checker that auditors use, in the page as readers see it."""
    page.value(f"{AXE.read_text()}; 0")
    page.value("axe.run().then(result => { window.axeResult = result; }); 0")
    until(lambda: page.value("'axeResult' in window"), "axe to end", limit=60)
    violations = page.value("axeResult.violations.map(each => `${each.id}: ${each.nodes.map(node => node.html)}`)")
    assert violations == []
    assert page.value("axeResult.passes.length") > 10


@pytest.mark.parametrize("width", WIDTHS)
def test_no_element_is_wider_than_the_window(page: Page, width: int) -> None:
    page.size(width)
    assert page.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    outside = """[...document.querySelectorAll('body *')].filter(each => {
      const place = each.getBoundingClientRect();
      return place.width && (place.right > innerWidth + 1 || place.left < -1);
    }).map(each => each.outerHTML.slice(0, 99))"""
    assert page.value(outside) == []


def test_on_a_phone_the_name_of_a_scenario_spans_the_whole_line(page: Page) -> None:
    page.size(360)
    wide = """[...document.querySelectorAll('.results tbody tr')].map(row =>
      row.querySelector('th').getBoundingClientRect().width / row.querySelector('td').getBoundingClientRect().width)"""
    assert min(page.value(wide)) == 1


def test_on_a_phone_the_results_are_still_a_table_to_a_screen_reader(page: Page) -> None:
    """The cells are stacked there, and a browser may take what is no longer laid out as a table for no table."""
    page.size(360)
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    roles = Counter(each["role"]["value"] for each in nodes if not each["ignored"])
    scenarios = len(proofs.proof().scenarios)
    assert (roles["table"], roles["rowheader"], roles["columnheader"]) == (1, scenarios, 8)
    assert roles["cell"] == 7 * scenarios


@pytest.mark.parametrize("width", WIDTHS)
def test_the_words_of_a_figure_do_not_overlap(page: Page, width: int) -> None:
    page.size(width)
    script = """[...document.querySelectorAll('svg.timeline')].flatMap(figure => {
      const words = [...figure.querySelectorAll('text')].map(each => [each.textContent, each.getBoundingClientRect()]);
      return words.flatMap(([one, a], at) => words.slice(at + 1)
        .filter(([_, b]) => a.left < b.right && b.left < a.right)
        .filter(([_, b]) => a.top + 3 < b.bottom - 3 && b.top + 3 < a.bottom - 3)
        .map(([other]) => [one, other]));
    })"""
    assert page.value(script) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_rendered_and_readable(page: Page, width: int, *, dark: bool) -> None:
    page.size(width)
    page.dark(on=dark)
    found = page.value(CONTRASTS)
    assert len(found) > 150
    assert [text for ratio, text in found if ratio < LEAST_CONTRAST] == []
    assert shades(page.screenshot()) > 50


def test_the_page_can_be_printed(page: Page) -> None:
    printed = page.pdf()
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 1


def test_on_paper_the_results_are_a_table(page: Page) -> None:
    """A4 without margins is as wide as a small tablet, on whose screen the cells are stacked."""
    page.ask("Emulation.setEmulatedMedia", media="print")
    page.size(A4_WIDTH)
    try:
        row = "getComputedStyle(document.querySelector('.results tbody tr')).display"
        assert page.value(row) == "table-row"
        assert page.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    finally:
        page.dark(on=False)


def test_the_comparison_is_an_image(folder: Path, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as browser:
        browser.open(folder / "both.svg")
        browser.size(800, 600)
        assert browser.complaints() == []
        assert shades(browser.screenshot()) > 50


def shades(png: bytes) -> int:
    """The number of different bytes in a picture; a blank one has a handful."""
    data, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    return len(set(zlib.decompress(data)))
