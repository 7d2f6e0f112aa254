"""Waiting until a VIP answers: the end of every deployment."""

from __future__ import annotations

import socket
import time

from builder.errors import TimedOut
from builder.progress import step
from builder.spec.model import Cluster
from builder.spec.places import place

TRY_SECONDS = 2.0
PAUSE_SECONDS = 1.0


def await_vips(cluster: Cluster, seconds: float) -> None:
    """Wait until each service takes a connection on each VIP; raises TimedOut and names those that do not."""
    silent = [(str(vip), service.port) for service in cluster.services for vip in service.vips or cluster.vrrp.vips]
    end = time.monotonic() + seconds
    with step("waiting for the VIPs"):
        while silent := [door for door in silent if not _opens(door)]:
            if time.monotonic() > end:
                shown = ", ".join(place(address, port) for address, port in silent)
                raise TimedOut(
                    f"after {seconds:g} s nothing answers on {shown}",
                    hint="is the VIP reachable from here? The nodes' consoles say what they wait for",
                )
            time.sleep(PAUSE_SECONDS)


def _opens(door: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(door, timeout=TRY_SECONDS):
            return True
    except OSError:
        return False
