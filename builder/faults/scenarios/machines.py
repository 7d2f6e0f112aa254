"""Scenarios that break a machine, its CPU time or its network."""

from __future__ import annotations

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Effect, Scenario

SECONDS = 8


def burden_all(pair: Pair) -> None:
    """Use up the processors of every node."""
    for name in pair.names:
        pair.burden(name, SECONDS)


SCENARIOS = (
    Scenario(
        "node-off",
        "The master loses its power",
        covers="The host dies, or the machine is ended.",
        inject=lambda pair: pair.machine(pair.first).cut_power(),
        recover=lambda pair: pair.machine(pair.first).power_on(),
        notice=Detection.SILENCE,
        needs_machines=True,
    ),
    Scenario(
        "node-paused",
        "The master stands still and goes on",
        covers="A hypervisor stuns it for a snapshot or a migration; it comes back and thinks that it is the master.",
        inject=lambda pair: pair.machine(pair.first).pause(),
        recover=lambda pair: pair.machine(pair.first).resume(),
        notice=Detection.SILENCE,
        needs_machines=True,
        hold=5,
    ),
    Scenario(
        "master-reset",
        "The master is restarted",
        covers="A kernel panic, a watchdog, the reset button.",
        inject=lambda pair: pair.machine(pair.first).reset(),
        recover=lambda _: None,
        notice=Detection.SILENCE,
        needs_machines=True,
    ),
    Scenario(
        "backup-reset",
        "The backup is restarted",
        covers="The node that holds nothing restarts: clients must not notice.",
        inject=lambda pair: pair.machine(pair.second).reset(),
        recover=lambda _: None,
        notice=Detection.NEVER,
        effect=Effect.STAYS,
        needs_machines=True,
        hold=10,
    ),
    Scenario(
        "cpu-load",
        "All processors of both nodes are busy",
        covers="A node that is slow is not dead: the VIPs must stay.",
        inject=burden_all,
        recover=lambda _: None,
        notice=Detection.NEVER,
        effect=Effect.STAYS,
        is_load=True,
        hold=SECONDS,
    ),
    Scenario(
        "link-cut",
        "The master's cable is pulled out",
        covers="A cable, a switch port, a host's card.",
        inject=lambda pair: pair.cut(pair.first),
        recover=lambda pair: pair.plug(pair.first),
        notice=Detection.SILENCE,
    ),
    Scenario(
        "vrrp-blocked",
        "Nothing passes between the nodes, both ways",
        covers="A firewall rule or a switch filter that drops VRRP: each node thinks itself alone (split brain).",
        inject=lambda pair: pair.part(parted=True),
        recover=lambda pair: pair.part(parted=False),
        notice=Detection.NEVER,
        effect=Effect.SPLIT,
        hold=1,
    ),
    Scenario(
        "vrrp-blocked-one-way",
        "The backup no longer hears the master",
        covers="A filter that drops VRRP in one direction: the master hears a second one, and stays.",
        inject=lambda pair: pair.deafen(pair.first, deaf=True),
        recover=lambda pair: pair.deafen(pair.first, deaf=False),
        notice=Detection.NEVER,
        effect=Effect.SPLIT,
        hold=1,
    ),
)
