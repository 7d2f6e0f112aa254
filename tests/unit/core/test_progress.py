"""Progress lines: on stderr, and without control characters unless stderr is a terminal."""

from __future__ import annotations

import pytest

from builder.core import progress


def test_steps_are_plain_lines_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.step("outer"), progress.step("inner"):
        progress.say("word")
        progress.warn("mind")
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "\x1b" not in shown.err
    lines = shown.err.splitlines()
    assert lines[:4] == ["· outer", "  · inner", "    word", "    ! mind"]
    assert lines[4].startswith("    inner: done in ")
    assert lines[5].startswith("  outer: done in ")


def test_a_failed_step_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no"), progress.step("work"):
        raise ValueError("no")
    assert "work: failed after" in capfd.readouterr().err


def test_timings_are_in_the_order_in_which_steps_ended() -> None:
    with progress.step("a"), progress.step("b"):
        pass
    assert [(done.name, done.depth) for done in progress.timings()[-2:]] == [("b", 1), ("a", 0)]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.123, "0.12 s"), (12.34, "12.3 s"), (59.94, "59.9 s"), (245, "4 min 05 s")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert progress.duration(seconds) == shown


def test_each_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that print at the same time never share a line."""
    written: list[str] = []
    monkeypatch.setattr(progress.sys.stderr, "write", written.append)
    with progress.step("work"):
        progress.say("word")
    assert all(text.endswith("\n") and text.count("\n") == 1 for text in written)
    assert len(written) == 3
