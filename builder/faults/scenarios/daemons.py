"""Scenarios that break a daemon (HAProxy or keepalived) or the servers behind it."""

from __future__ import annotations

import time

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Effect, Scenario

FLAPS = 3
FLAP_SECONDS = 0.3


def start_haproxy(pair: Pair) -> None:
    """Start HAProxy on every node where it is not running."""
    for name in pair.names:
        pair.start(name, "haproxy")


def stop_all_haproxys(pair: Pair) -> None:
    """Stop HAProxy on every node. It is not killed, because a service manager would restart it."""
    for name in pair.names:
        pair.stop(name, "haproxy")


def flap(pair: Pair) -> None:
    """Kill and start HAProxy several times, then kill it once more."""
    for _ in range(FLAPS):
        pair.signal(pair.first, "haproxy", "KILL")
        time.sleep(FLAP_SECONDS)
        pair.start(pair.first, "haproxy")
        time.sleep(FLAP_SECONDS)
    pair.signal(pair.first, "haproxy", "KILL")


def start_keepalived(pair: Pair) -> None:
    """Start keepalived on every node where it is not running."""
    for name in pair.names:
        pair.start(name, "keepalived")


SCENARIOS = (
    Scenario(
        "haproxy-stopped",
        "HAProxy is stopped on the master",
        covers="An operator or an update stops the service.",
        inject=lambda pair: pair.stop(pair.first, "haproxy"),
        recover=start_haproxy,
        detection=Detection.HAPROXY_EXIT,
    ),
    Scenario(
        "haproxy-killed",
        "HAProxy is killed on the master",
        covers="HAProxy crashes, or the kernel kills it because memory is exhausted.",
        inject=lambda pair: pair.signal(pair.first, "haproxy", "KILL"),
        recover=start_haproxy,
        detection=Detection.HAPROXY_EXIT,
        is_kill=True,
    ),
    Scenario(
        "haproxy-hung",
        "HAProxy hangs on the master",
        covers="HAProxy runs and its ports accept connections, but it does not answer.",
        inject=lambda pair: pair.signal(pair.first, "haproxy", "STOP"),
        recover=lambda pair: pair.signal(pair.first, "haproxy", "CONT"),
        detection=Detection.HAPROXY_HUNG,
        classic_effect=Effect.OUTAGE,
        hold=5,
    ),
    Scenario(
        "haproxy-flaps",
        "HAProxy crashes repeatedly on the master",
        covers="A service manager restarts HAProxy, and it ends again immediately.",
        inject=flap,
        recover=start_haproxy,
        detection=Detection.NONE,
        is_kill=True,
    ),
    Scenario(
        "haproxy-all-down",
        "HAProxy is stopped on every node",
        covers="A fault that affects all nodes: none can serve, and the pair must recover by itself.",
        inject=stop_all_haproxys,
        recover=start_haproxy,
        detection=Detection.NONE,
        effect=Effect.OUTAGE,
        hold=3,
        return_detection=Detection.SILENCE,
    ),
    Scenario(
        "servers-down",
        "All servers behind the cluster fail",
        covers="The fault is outside the pair: moving the VIPs would not help, so they must not move.",
        inject=lambda pair: pair.set_servers(healthy=False),
        recover=lambda pair: pair.set_servers(healthy=True),
        detection=Detection.NONE,
        effect=Effect.OUTAGE,
        hold=3,
    ),
    Scenario(
        "keepalived-stopped",
        "keepalived is stopped on the master",
        covers="An operator or an update stops keepalived, which announces this with priority 0.",
        inject=lambda pair: pair.stop(pair.first, "keepalived"),
        recover=start_keepalived,
        detection=Detection.PRIORITY_ZERO,
    ),
    Scenario(
        "keepalived-killed",
        "keepalived is killed on the master",
        covers="keepalived crashes without sending priority 0, and its VIPs could stay behind (keepalived#2361).",
        inject=lambda pair: pair.signal(pair.first, "keepalived", "KILL"),
        recover=start_keepalived,
        detection=Detection.SILENCE,
        is_kill=True,
    ),
    Scenario(
        "backup-stopped",
        "keepalived is stopped on the backup",
        covers="The node that holds no VIP leaves and returns: clients must not notice.",
        inject=lambda pair: pair.stop(pair.second, "keepalived"),
        recover=start_keepalived,
        detection=Detection.NONE,
        effect=Effect.STAYS,
        hold=2,
    ),
)
