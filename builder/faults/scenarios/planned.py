"""What an operator does on purpose: clients must not notice."""

from __future__ import annotations

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Scenario
from builder.spec.features import profile_of


def give_away(pair: Pair) -> None:
    """Hand the VIPs over; the classic profile has no other way than to stop keepalived."""
    if profile_of(pair.cluster).haproxy_is_event:
        pair.hand_over(pair.first, "away")
    else:
        pair.end(pair.first, "keepalived")


def take_back(pair: Pair) -> None:
    """Let the first node have them again."""
    if profile_of(pair.cluster).haproxy_is_event:
        pair.hand_over(pair.first, "back")
    else:
        pair.begin(pair.first, "keepalived")


SCENARIOS = (
    Scenario(
        "hand-over",
        "The VIPs are handed over as planned",
        covers="Maintenance of a node: its successor is there before it goes.",
        inject=give_away,
        recover=take_back,
        notice=Detection.OUTRANKED,
    ),
)
