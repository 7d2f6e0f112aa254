"""Seconds and counts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

UNIT = 0.9995
"""What would be rounded up to 1000 ms is said in seconds."""
NOTHING = "\N{EN DASH}"


def seconds(value: float | None) -> str:
    """A time: `27 ms`, `3.06 s`, `none` for 0, a dash where there is none to tell."""
    if value is None:
        return NOTHING
    if value <= 0:
        return "none"
    if value < UNIT:
        return f"{value * 1000:.0f} ms" if value >= 0.00995 else f"{value * 1000:.1f} ms"  # noqa: PLR2004 - two digits
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"  # noqa: PLR2004 - three digits


def moment(iso: str) -> str:
    """`2026-11-23 19:40:12 UTC` of an ISO 8601 time."""
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def count(value: int) -> str:
    """A number with its thousands apart."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def some(number: int, one: str, many: str = "") -> str:
    """`1 trial`, `3 trials`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listed(words: tuple[str, ...]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
