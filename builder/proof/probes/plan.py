"""What the probes are to do, as the proof hands it to their program, and what they write, line by line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PLAN, READY, STOP, ENDED, RECORD = "plan.json", "ready", "stop", "ended", "record.jsonl"
"""Files in the program's folder: its orders, that it asks by now, that it is to end, that it has, and what it saw."""


@dataclass(frozen=True)
class Target:
    """One service on the VIP."""

    port: int
    path: str
    host: str


@dataclass(frozen=True)
class Plan:
    """Times are in seconds."""

    vip: str
    ports: dict[str, str]
    """Port of the switch to the name of the node behind it: how an answer's node is told."""
    http: Target | None
    """The first HTTP service, if there is one."""
    tls: Target | None
    """The first HTTPS service, if there is one."""
    tcp: int
    """The port that is connected to."""
    greeting: int | None
    """The port of a TCP service whose servers speak first, if there is one."""
    rate: float
    """Between two questions of one probe."""
    timeout: float
    """After which a question is lost. TCP sends a lost SYN again after 1 s: a client that waits has felt it."""
    holder_rate: float
    holder_patience: float
    """A node that has not answered who has the VIP for this long does not hold it."""
    logs: dict[str, list[str]]
    """Node to the files that grow with what its daemons say."""


def write(plan: Plan, folder: Path) -> None:
    """Put the plan where the program reads it."""
    (folder / PLAN).write_text(json.dumps(asdict(plan)))


def read(folder: Path) -> Plan:
    """The plan that `write` put there."""
    data: dict[str, Any] = json.loads((folder / PLAN).read_text())
    targets = {name: Target(**data[name]) if data[name] else None for name in ("http", "tls")}
    return Plan(**{**data, **targets})
