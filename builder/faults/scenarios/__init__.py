"""Scenarios: each injects a fault into a pair and recovers. Adding one is adding it to a file here."""

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
    """What a fault must do, in words for people."""

    MOVES = "the VIPs move to the other node"
    STAYS = "the VIPs stay where they are"
    SERVED = "clients are served again, whether the VIPs move or stay"
    GONE = "nobody serves until the recovery"
    SPLIT = "both nodes hold the VIPs"


class Detection(Enum):
    """How the other node learns of a fault, which decides the formula's bound."""

    TOLD = "an advertisement of priority 0"
    HAPROXY = "the end of HAProxy, then as TOLD; in the classic profile a script that asks every 2 s"
    HUNG = "questions that HAProxy leaves unanswered, then as TOLD"
    SILENCE = "three advertisements that do not come"
    OUTRANKED = "an advertisement of a higher priority: the new holder is there before the old one goes"
    NEVER = "not at all"


@dataclass(frozen=True)
class Scenario:
    """One fault and its recovery. `inject` and `recover` return when they have been done."""

    name: str
    title: str
    covers: str
    """What it stands for, a sentence."""
    inject: Callable[[Pair], None]
    recover: Callable[[Pair], None]
    notice: Detection
    effect: Effect = Effect.MOVES
    classic_effect: Effect | None = None
    """What it does in the classic profile, where that is something else."""
    is_kill: bool = False
    """Whether a daemon is killed, which a service manager starts again."""
    needs_machines: bool = False
    needs_alerts: bool = False
    is_load: bool = False
    """Whether how busy the nodes are meanwhile is part of the result."""
    hold: float = 0
    """Seconds that the fault lasts at least; a split brain's are counted from when both hold the VIPs."""
    back_by: Detection = Detection.OUTRANKED
    """How the node that has taken over learns that the first one is well again."""

    def effect_in(self, profile: Profile, *, restarted: bool) -> Effect:
        """What the fault must do in a profile; `restarted`: a service manager starts again what was killed.

        The classic profile learns of a kill after 2 to 4 s, and systemd has started the daemon again by then. So it is
        chance whether the VIPs move, and all that the profile promises is that clients are served again in time.
        """
        if profile.haproxy_is_event:
            return self.effect
        if self.is_kill and restarted:
            return Effect.SERVED
        return self.classic_effect or self.effect

    def why_not(self, pair: Pair) -> str:
        """Why it cannot be run on a pair; empty where it can."""
        if self.needs_machines and not pair.has_machines:
            return "it needs a machine: `vipforge proof` runs it in the VM lab"
        if self.needs_alerts and pair.cluster.alerts is None:
            return "the spec has no alerts"
        return ""


@cache
def all_scenarios() -> dict[str, Scenario]:
    """Every scenario by its name, in the order of the modules and within them."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    found = [scenario for module in modules for scenario in getattr(module, "SCENARIOS", ())]
    return {scenario.name: scenario for scenario in found}
