"""VRRP states and daemon restarts, read from a node's journal or log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from builder.faults.model import NodeMoment, VrrpState
from builder.spec.vrrp import ONLY

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


SCRIPT = r"""
journalctl --boot --output=short-monotonic --no-pager --lines=4000 \
    --unit=keepalived --unit=haproxy --unit=vipforge-watch | grep -v ' haproxy\[.* "[A-Z]* /' | tail -n 400
echo "uptime=$(cut -d' ' -f1 /proc/uptime)"
"""
"""Without HAProxy's line for each request. The time comes last, as the end of the SSH connection is the closer one."""
LINE = re.compile(r"\[ *(?P<at>\d+\.\d+)\] \S+ (?P<text>.*)")
UPTIME = "uptime="


class JournalEntry(NamedTuple):
    """A line of the journal; CLOCK_MONOTONIC of this host, off by about the time that SSH takes to end."""

    at: float
    text: str


def read_journal(told: str, now: float) -> list[JournalEntry]:
    """The lines that SCRIPT told; `now` is when it had told them. Times before a pause of the guest are too late."""
    uptime = next((float(line.removeprefix(UPTIME)) for line in told.splitlines() if line.startswith(UPTIME)), None)
    if uptime is None:
        return []
    found = (LINE.match(line) for line in told.splitlines())
    return [JournalEntry(float(each["at"]) - uptime + now, each["text"]) for each in found if each]


def moments(node: str, entries: Iterable[JournalEntry], instance: str = ONLY) -> list[NodeMoment]:
    """The states of a VRRP instance that begin in it."""
    states = ((entry.at, state_of(entry.text, instance)) for entry in entries)
    return [NodeMoment(at, node, state) for at, state in states if state]


def journal_text(entries: Sequence[JournalEntry], began: float) -> str:
    """The lines with times that count from a trial's start."""
    return "\n".join(f"{entry.at - began:9.3f}  {entry.text}" for entry in entries)
