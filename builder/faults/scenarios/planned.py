"""Planned operations: clients must not notice them."""

from __future__ import annotations

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Scenario
from builder.spec.keepalived_features import profile_of


def give_away(pair: Pair) -> None:
    """Hand the VIPs over. In the classic profile the only way is to stop keepalived."""
    if profile_of(pair.cluster).haproxy_is_event:
        pair.hand_over(pair.first, "away")
    else:
        pair.stop(pair.first, "keepalived")


def take_back(pair: Pair) -> None:
    """Return the VIPs to the first node."""
    if profile_of(pair.cluster).haproxy_is_event:
        pair.hand_over(pair.first, "back")
    else:
        pair.start(pair.first, "keepalived")


SCENARIOS = (
    Scenario(
        "hand-over",
        "The VIPs are handed over as planned",
        covers="Maintenance of a node: its successor takes the VIPs before the node releases them.",
        inject=give_away,
        recover=take_back,
        detection=Detection.OUTRANKED,
    ),
)
