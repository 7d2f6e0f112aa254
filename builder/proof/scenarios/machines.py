"""A node's machine ends, restarts or stands still."""

from __future__ import annotations

from builder.proof.scenarios.scenario import Effect, Notice, Scenario

SCENARIOS = (
    Scenario(
        "node-off",
        "The master loses its power",
        covers="The host dies, or the machine is ended.",
        inject=lambda pair: pair.machine(pair.first).cut_power(),
        recover=lambda pair: pair.machine(pair.first).power_on(),
        notice=Notice.SILENCE,
        needs_machines=True,
    ),
    Scenario(
        "node-paused",
        "The master stands still and goes on",
        covers="A hypervisor stuns it for a snapshot or a migration; it comes back and thinks that it is the master.",
        inject=lambda pair: pair.machine(pair.first).pause(),
        recover=lambda pair: pair.machine(pair.first).resume(),
        notice=Notice.SILENCE,
        needs_machines=True,
        hold=5,
    ),
    Scenario(
        "master-reset",
        "The master is restarted",
        covers="A kernel panic, a watchdog, the reset button.",
        inject=lambda pair: pair.machine(pair.first).reset(),
        recover=lambda _: None,
        notice=Notice.SILENCE,
        needs_machines=True,
    ),
    Scenario(
        "backup-reset",
        "The backup is restarted",
        covers="The node that holds nothing restarts: clients must not notice.",
        inject=lambda pair: pair.machine(pair.second).reset(),
        recover=lambda _: None,
        notice=Notice.NEVER,
        effect=Effect.STAYS,
        needs_machines=True,
        hold=10,
    ),
)
