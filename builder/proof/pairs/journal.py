"""A node's journal, with its times on this host's clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from builder.proof.model import NodeMoment
from builder.proof.pairs.logs import state_of
from builder.spec.instance import ONLY

SCRIPT = r"""
journalctl --boot --output=short-monotonic --no-pager --lines=4000 \
    --unit=keepalived --unit=haproxy --unit=vipforge-watch | grep -v ' haproxy\[.* "[A-Z]* /' | tail -n 400
echo "uptime=$(cut -d' ' -f1 /proc/uptime)"
"""
"""Without HAProxy's line for each request. The time comes last, as the end of the SSH connection is the closer one."""
LINE = re.compile(r"\[ *(?P<at>\d+\.\d+)\] \S+ (?P<text>.*)")
UPTIME = "uptime="


class Entry(NamedTuple):
    """A line of the journal; CLOCK_MONOTONIC of this host, off by about the time that SSH takes to end."""

    at: float
    text: str


def read(told: str, now: float) -> list[Entry]:
    """The lines that SCRIPT told; `now` is when it had told them. Times before a pause of the guest are too late."""
    uptime = next((float(line.removeprefix(UPTIME)) for line in told.splitlines() if line.startswith(UPTIME)), None)
    if uptime is None:
        return []
    found = (LINE.match(line) for line in told.splitlines())
    return [Entry(float(each["at"]) - uptime + now, each["text"]) for each in found if each]


def moments(node: str, entries: Iterable[Entry], instance: str = ONLY) -> list[NodeMoment]:
    """The states of a VRRP instance that begin in it."""
    states = ((entry.at, state_of(entry.text, instance)) for entry in entries)
    return [NodeMoment(at, node, state) for at, state in states if state]


def text(entries: Sequence[Entry], began: float) -> str:
    """The lines with times that count from a trial's start."""
    return "\n".join(f"{entry.at - began:9.3f}  {entry.text}" for entry in entries)
