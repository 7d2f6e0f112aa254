"""The report's small parts: cleaned text, formatted numbers, the axis."""

from __future__ import annotations

import pytest

from builder.core.markup import clean
from builder.faults.report.lanes import WIDTH, Axis
from builder.faults.report.story import FIRST, LAST, counted, enumerated, logs, seconds, timestamp
from tests import proofs


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "\N{EN DASH}"),
        (0, "none"),
        (0.0004, "0.4 ms"),
        (0.00996, "10 ms"),
        (0.0274, "27 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (3.058, "3.06 s"),
        (52.44, "52.4 s"),
    ],
)
def test_seconds(value: float | None, said: str) -> None:
    assert seconds(value) == said


@pytest.mark.parametrize("iso", ["2026-11-23T19:40:12+00:00", "2026-11-23T19:40:12Z", "2026-11-23T21:40:12+02:00"])
def test_a_timestamp(iso: str) -> None:
    assert timestamp(iso) == "2026-11-23 19:40:12 UTC"


def test_numbers_and_lists() -> None:
    assert [counted(1, "trial"), counted(12_000, "trial")] == ["1 trial", "12\u202f000 trials"]
    assert [enumerated(()), enumerated(("a",)), enumerated(("a", "b", "c"))] == ["", "a", "a, b and c"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07rest", "rest"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("a\r\x00\x08\x7f\x9bb", "ab"),
        ("\u202etxt.exe\u2066", "txt.exe"),
        ("half \ud800 and none \ufffe", "half  and none "),
        ("Grüße ✓", "Grüße ✓"),
    ],
)
def test_clean(text: str, left: str) -> None:
    assert clean(text) == left


def test_a_long_log_keeps_its_beginning_and_its_end() -> None:
    lines = [f"line {number}" for number in range(1_000)]
    (log,) = logs(proofs.trial("x", logs={"lb1": "\n".join(lines), "lb2": " \n"}))
    shown = log.text.split("\n")
    assert (shown[0], shown[FIRST], shown[-1]) == (
        "line 0",
        "… 850 lines omitted; the complete log is in proof.json …",
        "line 999",
    )
    assert len(shown) == FIRST + LAST + 1


def test_a_log_that_fits_is_complete() -> None:
    text = "\n".join("x" * 80 for _ in range(FIRST + LAST))
    assert logs(proofs.trial("x", logs={"lb1": text}))[0].text == text


@pytest.mark.parametrize(("start", "end"), [(0, 5), (0.98, 1.07), (0, 83), (0.999, 1.003), (0, 600)])
def test_an_axis_has_a_few_round_numbers(start: float, end: float) -> None:
    ticks = Axis(start, end, 1).ticks()
    assert 2 <= len(ticks) <= 6
    assert "0 s" in [number for _, number in ticks]
    assert all(0 <= place <= WIDTH for place, _ in ticks)
