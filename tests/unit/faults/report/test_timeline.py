"""The figure of a trial, as SVG."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from builder.faults.model import Trial
from builder.faults.report.timeline import figure, windows, worst_trial
from tests import proofs


def drawn(trial: Trial, window: int = 0) -> ET.Element:
    return ET.fromstring(figure(trial, windows(trial)[window], "it"))


def texts(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter("text")]


def looks(root: ET.Element) -> set[str]:
    return {each.get("class", "") for each in root.iter("path")}


def killed() -> Trial:
    trial = worst_trial(proofs.killed())
    assert trial
    return trial


def test_nodes_vips_and_probes_have_named_lanes() -> None:
    names = [each.text for each in drawn(killed()).iter("text") if each.get("class") == "name"]
    assert names[:4] == [proofs.FIRST, proofs.SECOND, f"holder of {proofs.VIP}", "gratuitous ARP"]
    assert names[4:] == ["http", "kept", "tcp", "ping"]


def test_an_outage_is_shaded_and_described_beside_its_lane() -> None:
    root = drawn(killed())
    assert {"outage", "answer failed"} <= looks(root)
    assert "no answer for 40 ms · 3 lost" in texts(root)
    assert texts(root).count("no outage") == 1


def test_without_an_outage_there_is_nothing_red() -> None:
    (trial,) = proofs.unnoticed().trials
    root = drawn(trial)
    assert not {"outage", "answer failed"} & looks(root)
    assert texts(root).count("no outage") == 4


def test_an_outage_that_never_ends_reaches_the_right_edge() -> None:
    (trial,) = proofs.endless().trials
    root = drawn(trial)
    assert texts(root).count("no answer for 4.01 s · not over") == 2
    assert "recovery" not in texts(root)
    shade = next(each for each in root.iter("path") if each.get("class") == "outage")
    assert shade.get("d", "").startswith("M198.1 ")
    assert "h801.9v" in shade.get("d", "")


def test_several_outages_are_counted() -> None:
    (trial,) = proofs.failed().trials
    assert "2 outages, longest 3.21 s" in texts(drawn(trial))


def test_stalls_of_the_probe_are_hatched() -> None:
    (trial,) = proofs.failed().trials
    assert "stall" in looks(drawn(trial))


def test_two_holders_share_the_bar_and_without_a_holder_it_is_empty() -> None:
    root = drawn(killed(), 0)
    assert {"held node-0", "held node-1", "nobody"} <= looks(root)


def test_the_figure_has_a_text_alternative() -> None:
    root = drawn(killed(), 1)
    assert root.findtext("title") == "Close-up: the fault, trial 2 of haproxy-killed"
    description = root.findtext("desc") or ""
    assert f"0.019: {proofs.SECOND} is MASTER." in description
    assert (
        "http gets no good answer for 40 ms, until the next good answer: 3 requests lost, 2 of them reset."
        in description
    )
    assert "recovery" not in description


def test_a_short_outage_has_a_close_up_and_a_long_one_has_none() -> None:
    assert [window.title for window in windows(killed())] == ["The whole trial", "Close-up: the fault"]
    (long,) = proofs.failed().trials
    assert [window.title for window in windows(long)] == ["The whole trial", "Close-up: the recovery"]
    (none,) = proofs.unnoticed().trials
    assert len(windows(none)) == 1


def test_an_outage_long_after_its_cause_is_shown_without_the_cause() -> None:
    trial = proofs.trial("x", 1, [("kept", 4.0, 4.02)])
    axis = windows(trial)[1].axis
    assert 3.9 < axis.start < 4.0
    assert 4.02 < axis.end < 4.1
