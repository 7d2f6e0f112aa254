"""Scenarios that break a daemon: HAProxy or keepalived."""

from __future__ import annotations

import time

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Effect, Scenario

FLAPS = 3
FLAP_SECONDS = 0.3


def start_haproxy(pair: Pair) -> None:
    """Start HAProxy on every node where it does not run."""
    for name in pair.names:
        pair.begin(name, "haproxy")


def stop_all(pair: Pair) -> None:
    """Stop HAProxy on every node; killed, a service manager would start it again."""
    for name in pair.names:
        pair.end(name, "haproxy")


def flap(pair: Pair) -> None:
    """Let HAProxy end and come back several times, and end at last."""
    for _ in range(FLAPS):
        pair.signal(pair.first, "haproxy", "KILL")
        time.sleep(FLAP_SECONDS)
        pair.begin(pair.first, "haproxy")
        time.sleep(FLAP_SECONDS)
    pair.signal(pair.first, "haproxy", "KILL")


def start_keepalived(pair: Pair) -> None:
    """Start keepalived on every node where it does not run."""
    for name in pair.names:
        pair.begin(name, "keepalived")


SCENARIOS = (
    Scenario(
        "haproxy-stopped",
        "HAProxy is stopped on the master",
        covers="An operator or an update stops the service.",
        inject=lambda pair: pair.end(pair.first, "haproxy"),
        recover=start_haproxy,
        notice=Detection.HAPROXY,
    ),
    Scenario(
        "haproxy-killed",
        "HAProxy is killed on the master",
        covers="HAProxy crashes, or the kernel ends it for want of memory.",
        inject=lambda pair: pair.signal(pair.first, "haproxy", "KILL"),
        recover=start_haproxy,
        notice=Detection.HAPROXY,
        is_kill=True,
    ),
    Scenario(
        "haproxy-hung",
        "HAProxy hangs on the master",
        covers="HAProxy runs and its ports accept, but it answers nothing.",
        inject=lambda pair: pair.signal(pair.first, "haproxy", "STOP"),
        recover=lambda pair: pair.signal(pair.first, "haproxy", "CONT"),
        notice=Detection.HUNG,
        classic_effect=Effect.GONE,
        hold=5,
    ),
    Scenario(
        "haproxy-flaps",
        "HAProxy ends again and again on the master",
        covers="A service manager starts it, and it ends at once.",
        inject=flap,
        recover=start_haproxy,
        notice=Detection.NEVER,
        is_kill=True,
    ),
    Scenario(
        "haproxy-all-down",
        "HAProxy is stopped on every node",
        covers="A fault that all nodes share; nothing can serve, and the pair must come back by itself.",
        inject=stop_all,
        recover=start_haproxy,
        notice=Detection.NEVER,
        effect=Effect.GONE,
        hold=3,
        back_by=Detection.SILENCE,
    ),
    Scenario(
        "servers-down",
        "All servers behind the cluster fail",
        covers="The fault is not the pair's: moving the VIPs would not help, and they must not move.",
        inject=lambda pair: pair.servers(well=False),
        recover=lambda pair: pair.servers(well=True),
        notice=Detection.NEVER,
        effect=Effect.GONE,
        hold=3,
    ),
    Scenario(
        "keepalived-stopped",
        "keepalived is stopped on the master",
        covers="An operator or an update stops it; it takes leave.",
        inject=lambda pair: pair.end(pair.first, "keepalived"),
        recover=start_keepalived,
        notice=Detection.TOLD,
    ),
    Scenario(
        "keepalived-killed",
        "keepalived is killed on the master",
        covers="It crashes and takes no leave; its VIPs would stay behind (keepalived#2361).",
        inject=lambda pair: pair.signal(pair.first, "keepalived", "KILL"),
        recover=start_keepalived,
        notice=Detection.SILENCE,
        is_kill=True,
    ),
    Scenario(
        "backup-stopped",
        "keepalived is stopped on the backup",
        covers="The node that holds nothing goes and comes back: clients must not notice.",
        inject=lambda pair: pair.end(pair.second, "keepalived"),
        recover=start_keepalived,
        notice=Detection.NEVER,
        effect=Effect.STAYS,
        hold=2,
    ),
)
