"""The network between the nodes breaks, wholly or for VRRP alone."""

from __future__ import annotations

from builder.proof.scenarios.scenario import Effect, Notice, Scenario

SCENARIOS = (
    Scenario(
        "link-cut",
        "The master's cable is pulled out",
        covers="A cable, a switch port, a host's card.",
        inject=lambda pair: pair.cut(pair.first),
        recover=lambda pair: pair.plug(pair.first),
        notice=Notice.SILENCE,
    ),
    Scenario(
        "vrrp-blocked",
        "Nothing passes between the nodes, both ways",
        covers="A firewall rule or a switch filter that drops VRRP: each node thinks itself alone (split brain).",
        inject=lambda pair: pair.part(parted=True),
        recover=lambda pair: pair.part(parted=False),
        notice=Notice.NEVER,
        effect=Effect.SPLIT,
        hold=1,
    ),
    Scenario(
        "vrrp-blocked-one-way",
        "The backup no longer hears the master",
        covers="A filter that drops VRRP in one direction: the master hears a second one, and stays.",
        inject=lambda pair: pair.deafen(pair.first, deaf=True),
        recover=lambda pair: pair.deafen(pair.first, deaf=False),
        notice=Notice.NEVER,
        effect=Effect.SPLIT,
        hold=1,
    ),
)
