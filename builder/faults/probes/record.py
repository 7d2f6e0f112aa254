"""The plan and the record of the probes: the files through which a trial and the probing process communicate."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

PLAN, READY, STOP, ENDED, RECORD = "plan.json", "ready", "stop", "ended", "record.jsonl"
"""Files in the folder of the probes: their plan, the signals that they are running, must stop and have stopped, and
their record."""


@dataclass(frozen=True)
class Target:
    """One service on the VIP."""

    port: int
    path: str
    host: str


@dataclass(frozen=True)
class ProbePlan:
    """What to probe, and how fast. Times are in seconds."""

    vip: str
    ports: dict[str, str]
    """Maps switch ports to node names, to identify the node that sent an answer."""
    http: Target | None
    """The first HTTP service, if any."""
    tls: Target | None
    """The first HTTPS service, if any."""
    tcp: int
    """The port to which the TCP probe connects."""
    greeting: int | None
    """The port of a TCP service whose servers speak first, if any."""
    rate: float
    """The time between two requests of a probe."""
    timeout: float
    """When a request counts as lost. TCP repeats a lost SYN after 1 s; a client that waits that long has noticed."""
    holder_rate: float
    """The time between two queries for the holder."""
    holder_patience: float
    """A node that has not answered the queries for this long does not hold the VIP."""
    logs: dict[str, list[str]]
    """Maps nodes to their daemons' log files, which are followed."""


def write_probe_plan(plan: ProbePlan, folder: Path) -> None:
    """Write the plan to the folder of the probes."""
    (folder / PLAN).write_text(json.dumps(asdict(plan)))


def read_probe_plan(folder: Path) -> ProbePlan:
    """Read the plan that `write_probe_plan` wrote."""
    data: dict[str, Any] = json.loads((folder / PLAN).read_text())
    targets = {name: Target(**data[name]) if data[name] else None for name in ("http", "tls")}
    return ProbePlan(**{**data, **targets})


class Record:
    """Writes one JSON row per event; `flush` makes them visible. Times are CLOCK_MONOTONIC, in seconds."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def sample(self, at: float, probe: str, node: str, ended: float, error: str) -> None:
        """Record a request that was sent `at` and `ended`; `error` is empty if the answer was good."""
        self._write("sample", round(at, 6), probe, not error, node, round(ended - at, 6), error)

    def holds(self, at: float, node: str, *, holds: bool) -> None:
        """Record that a node starts or stops holding the VIP."""
        self._write("holds", round(at, 6), node, holds)

    def garp(self, at: float, node: str) -> None:
        """Record a gratuitous ARP, or an unsolicited neighbor advertisement, for the VIP from a node."""
        self._write("garp", round(at, 6), node)

    def line(self, at: float, node: str, text: str) -> None:
        """Record a line of a daemon's log."""
        self._write("line", round(at, 6), node, text)

    def stall(self, due: float, at: float) -> None:
        """Record that this process should have sent requests at `due`, but did not run until `at`."""
        self._write("stall", round(due, 6), round(at, 6))

    def flush(self) -> None:
        """Make all rows visible to other processes."""
        self._file.flush()

    def _write(self, *values: object) -> None:
        self._file.write(json.dumps(values) + "\n")


class Tail:
    """Follows one log file of a node from its current end on; the file need not exist yet."""

    def __init__(self, path: Path, node: str, record: Record) -> None:
        self._path = path
        self._node = node
        self._record = record
        self._file: BinaryIO | None = path.open("rb") if path.exists() else None
        if self._file:
            self._file.seek(0, 2)
        self._partial = b""

    def read(self) -> None:
        """Record the new lines."""
        if self._file is None and self._path.exists():
            self._file = self._path.open("rb")
        if self._file is None:
            return
        *lines, self._partial = (self._partial + self._file.read()).split(b"\n")
        for line in lines:
            self._record.line(monotonic(), self._node, line.decode(errors="replace"))
