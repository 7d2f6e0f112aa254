"""Scenarios: each injects a fault into a pair and then recovers. To add one, add it to a module here."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module

from builder.faults.pairs import Pair
from builder.spec.vrrp import Profile


class Effect(Enum):
    """The expected effect of a fault, in words for people."""

    MOVES = "the VIPs move to the other node"
    STAYS = "the VIPs stay where they are"
    SERVED = "clients are served again, whether or not the VIPs move"
    OUTAGE = "no node serves until the recovery"
    SPLIT_BRAIN = "both nodes hold the VIPs"


class Detection(Enum):
    """How the other node learns of a fault, which determines the formula's bound."""

    PRIORITY_ZERO = "an advertisement of priority 0"
    HAPROXY_EXIT = "HAProxy ends, then as PRIORITY_ZERO; in the classic profile a script checks HAProxy every 2 s"
    HAPROXY_HUNG = "HAProxy does not answer its checks, then as PRIORITY_ZERO"
    SILENCE = "three advertisements are missed"
    OUTRANKED = "an advertisement of a higher priority; the new holder takes the VIPs before the old one releases them"
    NONE = "not at all"


@dataclass(frozen=True)
class Scenario:
    """One fault and its recovery. `inject` and `recover` return when they are complete."""

    name: str
    title: str
    covers: str
    """What the fault represents in production, in one sentence."""
    inject: Callable[[Pair], None]
    recover: Callable[[Pair], None]
    detection: Detection
    effect: Effect = Effect.MOVES
    classic_effect: Effect | None = None
    """The effect in the classic profile, if it differs."""
    is_kill: bool = False
    """Whether the fault kills a daemon, which a service manager restarts."""
    needs_machines: bool = False
    needs_alerts: bool = False
    is_load: bool = False
    """Whether the load of the nodes during the fault is part of the result."""
    hold: float = 0
    """The minimum duration of the fault in seconds; for a split brain it starts when both nodes hold the VIPs."""
    return_detection: Detection = Detection.OUTRANKED
    """How the node that took over learns that the first one has recovered."""

    def effect_in(self, profile: Profile, *, restarted: bool) -> Effect:
        """The expected effect in a profile; `restarted` says whether a service manager restarts killed daemons.

        The classic profile detects a kill after 2 to 4 s. By then systemd has restarted the daemon, so the VIPs may or
        may not move. All that the profile promises is that clients are served again in time.
        """
        if profile.haproxy_is_event:
            return self.effect
        if self.is_kill and restarted:
            return Effect.SERVED
        return self.classic_effect or self.effect

    def why_not(self, pair: Pair) -> str:
        """Why the scenario cannot run on this pair; empty if it can."""
        if self.needs_machines and not pair.has_machines:
            return "requires a virtual machine: run `vipforge proof` in the VM lab"
        if self.needs_alerts and pair.cluster.alerts is None:
            return "the spec has no alerts"
        return ""


@cache
def all_scenarios() -> dict[str, Scenario]:
    """Every scenario by name, ordered by module and by position within it."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    scenarios = [scenario for module in modules for scenario in getattr(module, "SCENARIOS", ())]
    return {scenario.name: scenario for scenario in scenarios}
