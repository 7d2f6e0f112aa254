"""The probes' plan and records, as files between the campaign and the probing process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

PLAN, READY, STOP, ENDED, RECORD = "plan.json", "ready", "stop", "ended", "record.jsonl"
"""Files in the program's folder: its orders, that it asks by now, that it is to end, that it has, and what it saw."""


@dataclass(frozen=True)
class Target:
    """One service on the VIP."""

    port: int
    path: str
    host: str


@dataclass(frozen=True)
class ProbePlan:
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


def write_probe_plan(plan: ProbePlan, folder: Path) -> None:
    """Put the plan where the program reads it."""
    (folder / PLAN).write_text(json.dumps(asdict(plan)))


def read_probe_plan(folder: Path) -> ProbePlan:
    """The plan that `write` put there."""
    data: dict[str, Any] = json.loads((folder / PLAN).read_text())
    targets = {name: Target(**data[name]) if data[name] else None for name in ("http", "tls")}
    return ProbePlan(**{**data, **targets})


class Record:
    """Writes lines to a file; they reach it when `flush` is called. Times are CLOCK_MONOTONIC, in seconds."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def sample(self, at: float, probe: str, node: str, answered: float, fault: str) -> None:
        """A question that was sent `at`, and its end at `answered`; `fault` is empty where it went well."""
        self._write("sample", round(at, 6), probe, not fault, node, round(answered - at, 6), fault)

    def holds(self, at: float, node: str, *, holds: bool) -> None:
        """A node begins to hold the VIP, or has ceased to."""
        self._write("holds", round(at, 6), node, holds)

    def garp(self, at: float, node: str) -> None:
        """A gratuitous ARP, or an unsolicited neighbour advertisement, for the VIP came from a node."""
        self._write("garp", round(at, 6), node)

    def line(self, at: float, node: str, text: str) -> None:
        """A line that a node's daemon wrote to its log."""
        self._write("line", round(at, 6), node, text)

    def stall(self, due: float, at: float) -> None:
        """We were to ask at `due`, and were not run before `at`."""
        self._write("stall", round(due, 6), round(at, 6))

    def flush(self) -> None:
        """Make everything readable for others."""
        self._file.flush()

    def _write(self, *words: object) -> None:
        self._file.write(json.dumps(words) + "\n")


class Tail:
    """One growing file of one node, from its present end on; it need not be there yet."""

    def __init__(self, path: Path, node: str, record: Record) -> None:
        self._path = path
        self._node = node
        self._record = record
        self._file: BinaryIO | None = path.open("rb") if path.exists() else None
        if self._file:
            self._file.seek(0, 2)
        self._begun = b""

    def take(self) -> None:
        """Note the lines that are new."""
        if self._file is None and self._path.exists():
            self._file = self._path.open("rb")
        if self._file is None:
            return
        *lines, self._begun = (self._begun + self._file.read()).split(b"\n")
        for line in lines:
            self._record.line(monotonic(), self._node, line.decode(errors="replace"))
