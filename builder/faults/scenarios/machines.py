"""Scenarios that load, pause, reset or power off machines."""

from __future__ import annotations

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Effect, Scenario

LOAD_SECONDS = 8


def load_all_cpus(pair: Pair) -> None:
    """Keep all processors of every node busy."""
    for name in pair.names:
        pair.load_cpu(name, LOAD_SECONDS)


SCENARIOS = (
    Scenario(
        "cpu-load",
        "All processors of both nodes are busy",
        covers="A slow node is not a dead node: the VIPs must stay.",
        inject=load_all_cpus,
        recover=lambda _: None,
        detection=Detection.NONE,
        effect=Effect.STAYS,
        is_load=True,
        hold=LOAD_SECONDS,
    ),
    Scenario(
        "node-off",
        "The master loses power",
        covers="The host fails, or the virtual machine is killed.",
        inject=lambda pair: pair.machine(pair.first).cut_power(),
        recover=lambda pair: pair.machine(pair.first).power_on(),
        detection=Detection.SILENCE,
        needs_machines=True,
    ),
    Scenario(
        "node-paused",
        "The master is paused and resumed",
        covers="A hypervisor stuns the node for a snapshot or a migration; it resumes and believes it is the master.",
        inject=lambda pair: pair.machine(pair.first).pause(),
        recover=lambda pair: pair.machine(pair.first).resume(),
        detection=Detection.SILENCE,
        needs_machines=True,
        hold=5,
    ),
    Scenario(
        "master-reset",
        "The master is restarted",
        covers="A kernel panic, a watchdog, the reset button.",
        inject=lambda pair: pair.machine(pair.first).reset(),
        recover=lambda _: None,
        detection=Detection.SILENCE,
        needs_machines=True,
    ),
    Scenario(
        "backup-reset",
        "The backup is restarted",
        covers="The node that holds no VIP restarts: clients must not notice.",
        inject=lambda pair: pair.machine(pair.second).reset(),
        recover=lambda _: None,
        detection=Detection.NONE,
        effect=Effect.STAYS,
        needs_machines=True,
        hold=10,
    ),
)
