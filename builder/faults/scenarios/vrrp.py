"""Scenarios of what passes between the nodes: their link, VRRP, and the planned hand-over."""

from __future__ import annotations

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Effect, Scenario
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
        "link-cut",
        "The master's network cable is unplugged",
        covers="A cable, a switch port or a network card fails.",
        inject=lambda pair: pair.unplug(pair.first),
        recover=lambda pair: pair.plug(pair.first),
        detection=Detection.SILENCE,
    ),
    Scenario(
        "vrrp-blocked",
        "The nodes cannot reach each other",
        covers="A firewall rule or a switch filter drops VRRP: each node believes it is alone (split brain).",
        inject=lambda pair: pair.partition(active=True),
        recover=lambda pair: pair.partition(active=False),
        detection=Detection.NONE,
        effect=Effect.SPLIT_BRAIN,
        hold=1,
    ),
    Scenario(
        "vrrp-blocked-one-way",
        "The backup no longer receives the master's VRRP advertisements",
        covers="A filter drops VRRP in one direction: the master sees a second master, and remains master.",
        inject=lambda pair: pair.mute_vrrp(pair.first, muted=True),
        recover=lambda pair: pair.mute_vrrp(pair.first, muted=False),
        detection=Detection.NONE,
        effect=Effect.SPLIT_BRAIN,
        hold=1,
    ),
    Scenario(
        "hand-over",
        "The VIPs are handed over as planned",
        covers="Maintenance of a node: its successor takes the VIPs before the node releases them.",
        inject=give_away,
        recover=take_back,
        detection=Detection.OUTRANKED,
    ),
)
