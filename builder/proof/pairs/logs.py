"""What programs say of themselves: keepalived its state, in the words of all its releases, and each its version."""

from __future__ import annotations

import re

from builder.proof.model import VrrpState
from builder.spec.instance import ONLY

ENTERING = re.compile(r"\(([^()]+)\) Entering (MASTER|BACKUP|FAULT) STATE")
STATES: dict[str, VrrpState] = {"MASTER": "MASTER", "BACKUP": "BACKUP", "FAULT": "FAULT"}
"""keepalived's words for the states."""
VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
STOPPED = re.compile(r": Stopping$|Stopped Keepalived|Stopping Keepalived|keepalived\.service: Main process exited")
"""The first is said as it gives the VIPs away; a second passes before it has stopped."""


def state_of(line: str, instance: str = ONLY) -> VrrpState | None:
    """The state of a VRRP instance that begins with a line of the log; None for a line about something else."""
    found = ENTERING.search(line)
    if found:
        return STATES[found[2]] if found[1] == instance else None
    return "off" if STOPPED.search(line) else None


def last_state(text: str, instance: str = ONLY) -> VrrpState:
    """The state of a VRRP instance at the end of a log."""
    states = [state for line in text.splitlines() if (state := state_of(line, instance))]
    return states[-1] if states else "off"


def first_version(text: str) -> str:
    """The first thing in a program's own words that looks like a version."""
    found = VERSION.search(text)
    return found[0] if found else "unknown"
