"""The README's figure, which compares configurations."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from builder.faults.model import ScenarioResult, Spread
from builder.faults.report import comparison
from tests import proofs

SVG = "{http://www.w3.org/2000/svg}"
OURS, THEIRS = "vipforge <standard>", "the article's"


def slow() -> ScenarioResult:
    trials = [proofs.trial("haproxy-killed", number, [("http", 1.0, 2.9)]) for number in (1, 2)]
    return proofs.result("haproxy-killed", "HAProxy is killed on the master", trials)


def pair() -> dict[str, list[ScenarioResult]]:
    return {THEIRS: [slow(), proofs.endless()], OURS: [proofs.killed(), proofs.unnoticed()]}


def drawn(results: dict[str, list[ScenarioResult]]) -> ET.Element:
    return ET.fromstring(comparison.comparison(results))


def texts(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def test_each_scenario_shows_the_numbers_of_each_configuration() -> None:
    said = texts(drawn(pair()))
    at = said.index("HAProxy is killed on the master")
    assert said[at + 1 : at + 3] == ["median 1.91 s, worst 1.91 s", "median 30 ms, worst 40 ms"]
    assert {THEIRS, OURS, "no wait"} <= set(said)


def test_an_outage_that_lasts_until_the_recovery_is_marked() -> None:
    assert "4.01 s: until the fault was removed" in texts(drawn(pair()))


def test_bars_are_to_scale_and_fit() -> None:
    root = drawn(pair())
    bars = [each.get("d", "") for each in root.findall(f"{SVG}g/{SVG}path")]
    widths = [float(bar.split("h")[1].split("v")[0]) for bar in bars]
    assert max(widths) == comparison.PLOT
    assert widths[1] < widths[0] / 50


def test_the_figure_is_described_and_self_contained() -> None:
    root = drawn(pair())
    assert root.findtext(f"{SVG}title") == "How long clients wait for an answer"
    assert "HAProxy is killed on the master, the article's: median 1.91 s" in (root.findtext(f"{SVG}desc") or "")
    assert "prefers-color-scheme:dark" in (root.findtext(f"{SVG}style") or "")


def test_without_any_outage_there_is_still_a_figure() -> None:
    assert texts(drawn({OURS: [proofs.unnoticed()]})).count("no wait") == 1


def test_the_figure_is_written(tmp_path: Path) -> None:
    comparison.write_comparison(pair(), tmp_path / "docs" / "failover.svg")
    assert ET.parse(tmp_path / "docs" / "failover.svg").getroot().tag == f"{SVG}svg"


def test_a_single_trial_has_a_single_number() -> None:
    (trial, *_) = slow().trials
    one = proofs.result("x", "x", [trial], outage_s=Spread(1.9, 1.9, 1.9))
    assert "1.90 s" in texts(drawn({OURS: [one]}))


def test_a_median_of_zero_is_put_into_words() -> None:
    seldom = proofs.result(
        "hand-over",
        "Handed over",
        [proofs.trial("hand-over", n, [("http", 1.0, 1.0 + n / 50)][: n // 3]) for n in (1, 2, 3)],
    )
    assert "no wait in most trials, worst 70 ms" in texts(drawn({OURS: [seldom]}))
