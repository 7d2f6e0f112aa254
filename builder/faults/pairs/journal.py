"""VRRP states and daemon restarts, read from a node's journal or log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from builder.faults.model import StateChange, VrrpState
from builder.spec.vrrp import ONLY

ENTERING = re.compile(r"\(([^()]+)\) Entering (MASTER|BACKUP|FAULT) STATE")
STATES: dict[str, VrrpState] = {"MASTER": "MASTER", "BACKUP": "BACKUP", "FAULT": "FAULT"}
"""Maps keepalived's names of the states."""
VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
STOPPED = re.compile(r": Stopping$|Stopped Keepalived|Stopping Keepalived|keepalived\.service: Main process exited")
"""keepalived logs `Stopping` as it releases the VIPs; it takes another second until it has stopped."""
SCRIPT = r"""
journalctl --boot --output=short-monotonic --no-pager --lines=4000 \
    --unit=keepalived --unit=haproxy --unit=vipforge-watch | grep -v ' haproxy\[.* "[A-Z]* /' | tail -n 400
echo "uptime=$(cut -d' ' -f1 /proc/uptime)"
"""
"""Without HAProxy's access log. The uptime comes last, because it is matched with the end of the SSH connection."""
LINE = re.compile(r"\[ *(?P<at>\d+\.\d+)\] \S+ (?P<text>.*)")
UPTIME = "uptime="


def state_of(line: str, instance: str = ONLY) -> VrrpState | None:
    """The state that a VRRP instance enters according to a log line; None if the line is about something else."""
    match = ENTERING.search(line)
    if match:
        return STATES[match[2]] if match[1] == instance else None
    return "off" if STOPPED.search(line) else None


def last_state(text: str, instance: str = ONLY) -> VrrpState:
    """The state of a VRRP instance at the end of a log."""
    states = [state for line in text.splitlines() if (state := state_of(line, instance))]
    return states[-1] if states else "off"


def first_version(text: str) -> str:
    """The first version number in a program's output."""
    match = VERSION.search(text)
    return match[0] if match else "unknown"


class JournalEntry(NamedTuple):
    """A line of the journal; its time is this host's CLOCK_MONOTONIC, accurate to the time that SSH takes to end."""

    at: float
    text: str


def read_journal(output: str, now: float) -> list[JournalEntry]:
    """Parse the output of SCRIPT, which ended at `now`. Times before a pause of the guest are too late."""
    lines = output.splitlines()
    uptime = next((float(line.removeprefix(UPTIME)) for line in lines if line.startswith(UPTIME)), None)
    if uptime is None:
        return []
    matches = map(LINE.match, lines)
    return [JournalEntry(float(match["at"]) - uptime + now, match["text"]) for match in matches if match]


def state_changes(node: str, entries: Iterable[JournalEntry], instance: str = ONLY) -> list[StateChange]:
    """The state changes of a VRRP instance in a node's journal."""
    states = ((entry.at, state_of(entry.text, instance)) for entry in entries)
    return [StateChange(at, node, state) for at, state in states if state]


def journal_text(entries: Sequence[JournalEntry], began: float) -> str:
    """The lines with their times since the start of a trial."""
    return "\n".join(f"{entry.at - began:9.3f}  {entry.text}" for entry in entries)
