"""report.html: what it says, and that nothing in it can do harm."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from builder.faults.report import html
from tests import proofs
from tests.golden import assert_golden
from tests.unit.faults.report.reading import Reader


def test_the_whole_text_of_the_page() -> None:
    assert_golden("report.txt", Reader(html(proofs.proof())).text)


def test_the_verdict_comes_first() -> None:
    lines = Reader(html(proofs.proof())).lines
    heading = next(number for number, line in enumerate(lines) if line.startswith("h1:"))
    assert lines[heading : heading + 2] == ["h1: Failed", "p: 1 of 4 scenarios failed."]
    assert "h1: Passed" in Reader(html(proofs.proof(proofs.killed()))).lines


def test_a_proof_without_any_scenario_proves_nothing() -> None:
    page = html(replace(proofs.proof(), scenarios=()))
    assert "h1: Nothing was proved" in Reader(page).lines
    assert "passed</span>" not in page


def test_a_scenario_without_a_trial_has_no_figure() -> None:
    empty = replace(
        proofs.unnoticed(), trials=(), passed=False, reason="the pair was not healthy before the first trial"
    )
    page = Reader(html(proofs.proof(empty)))
    assert "p: the pair was not healthy before the first trial" in page.lines
    assert page.all("figure") == []


def test_text_from_elsewhere_is_escaped_and_cleaned() -> None:
    bad = "<script>alert(1)</script>"
    trial = proofs.trial("haproxy-killed", logs={f"lb1{bad}": f"\x1b[31m{bad}\x1b[0m\x07 \u202eevil"})
    states = tuple(replace(moment, node=f"{bad}&\x00\"'") for moment in trial.states)
    result = proofs.result("haproxy-killed", bad, [replace(trial, states=states)], passed=False, reason=bad)
    page = html(replace(proofs.proof(result), cluster=bad, versions={bad: bad}, digests={bad: bad}))
    assert "<script" not in page
    assert Counter(page) & Counter("\x00\x07\x1b\u202e") == Counter()
    assert Reader(page).text.count(bad) > 8


def test_invalid_characters_do_not_break_the_page() -> None:
    trial = proofs.trial("haproxy-killed", logs={"lb1": "broken \udcff bytes"})
    page = html(proofs.proof(proofs.result("haproxy-killed", "killed", [trial])))
    assert "broken  bytes" in page.encode().decode()


def test_the_page_is_self_contained() -> None:
    page = html(proofs.proof())
    assert set(re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')]*)""", page)) - {"data:,"} == {
        "#hatch",
        *(f"#scenario-{number}" for number in range(1, 5)),
    }
    assert not {"script", "img", "iframe", "object"} & {tag for tag, _ in Reader(page).elements}


def test_the_page_is_accessible_to_people_who_cannot_see_it() -> None:
    page = Reader(html(proofs.proof()))
    assert page.all("html") == [{"lang": "en"}]
    assert all(each.get("scope") in {"col", "row"} for each in page.all("th"))
    ids = [each["id"] for _, each in page.elements if "id" in each]
    assert len(ids) == len(set(ids))
    drawn = [each for each in page.all("svg") if each.get("role") == "img"]
    assert len(drawn) == len(page.all("figure")) > 4
    assert all(each["aria-labelledby"] in ids and each["aria-describedby"] in ids for each in drawn)
    assert {each["aria-labelledby"] for each in page.all("section") if "aria-labelledby" in each} <= set(ids)


def test_no_role_repeats_what_an_element_is_anyway() -> None:
    """The rules no-redundant-role and prefer-native-element of html-validate; the Nu checker has the first, too."""
    assert {(tag, each["role"]) for tag, each in Reader(html(proofs.proof())).elements if "role" in each} == {
        ("svg", "img")
    }


def test_every_landmark_has_a_name_of_its_own() -> None:
    """html-validate's rule unique-landmark: logs of the same node in two scenarios are two landmarks."""
    page = Reader(html(proofs.proof()))
    names = [each.get("aria-labelledby") or each.get("aria-label") for each in page.all("section")]
    assert sum("log of lb1" in str(name) for name in names) > 1
    assert None not in names
    assert len(names) == len(set(names))


def test_results_are_shown_in_words_as_well_as_in_colour() -> None:
    page = html(proofs.proof())
    marks = re.findall(r'<span class="mark (\w+)"><span aria-hidden="true">(.)</span> (\w+)</span>', page)
    assert set(marks) == {("good", "✓", "passed"), ("bad", "✗", "failed")}
    assert len(marks) == 8


def test_thousands_of_answers_make_a_small_file() -> None:
    asked = tuple(
        sample._replace(ok=number % 3 > 0, error="" if number % 3 else "timeout")
        for number, sample in enumerate(proofs.samples(25.0, [], (1.02, 3.01), rate=0.005))
    )
    assert len(asked) == 20_000
    trial = proofs.trial("haproxy-flaps", samples=asked, ended_at=25.0, logs={"lb1": "a line of the log\n" * 50_000})
    one = html(proofs.proof(proofs.result("haproxy-flaps", "HAProxy crashes repeatedly", [trial])))
    none = html(proofs.proof(proofs.unnoticed()))
    assert 20 * (len(one) - len(none)) < 1_500_000


def test_the_worst_trial_is_shown_and_numbered() -> None:
    assert "span: · trial 2 of 3, the worst" in Reader(html(proofs.proof(proofs.killed()))).lines


def test_a_failure_is_reported_once() -> None:
    failure = "trial 1: the nodes did not both hold the VIPs within 3 s"
    excess = "outage of 3.210 s exceeds the limit of 0.05 s"
    for reason in (excess, f"{excess}; {failure}"):
        section = html(proofs.proof(replace(proofs.failed(), reason=reason))).split("How to read the figures")[1]
        assert section.count(failure) == 1


def test_the_conditions_of_the_measurement_are_reported() -> None:
    whole = Reader(html(proofs.proof())).text
    assert "Each probe sent a request every 10 ms; shorter outages may go unnoticed." in whole
    assert "emulated" not in whole
    slow = Reader(html(replace(proofs.proof(), how="vm", rate_s=0.2, room_s=4.0))).text
    assert "Each probe sent a request every 200 ms" in slow
    assert "The guests were emulated, so 4 s were added to the default limits." in slow


def test_the_load_is_reported() -> None:
    loaded = proofs.result("cpu-load", "Busy", [proofs.trial("cpu-load", busy={proofs.FIRST: 0.974})])
    page = html(proofs.proof(loaded))
    assert f"processor load of {proofs.FIRST}</dt><dd>97 %</dd>" in page
