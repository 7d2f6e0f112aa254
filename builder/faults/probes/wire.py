"""The link as a client sees it: which node answers, and which node the frames say holds the VIP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

from builder.faults.probes import ipv4, ipv6, packets
from builder.faults.probes.packets import Packets
from builder.faults.probes.record import ProbePlan, Record


def packets_of(vip: str) -> Packets:
    """The packets of the VIP's family."""
    return ipv6 if ":" in vip else ipv4


FRAME = 2048
OLDEST_ANSWERS = 4096

Answer = tuple[int, int]
"""Protocol, and the port of ours or the number of the echo that it answers to."""


class Wire:
    """All ports of the switch that nodes are plugged into."""

    def __init__(self, plan: ProbePlan, record: Record) -> None:
        self._seen: dict[Answer, str] = {}
        self.ports = [Port(name, node, self._seen, plan, record) for name, node in plan.ports.items()]

    def node_of(self, protocol: int, number: int) -> str:
        """The node that answered: by our TCP port, or by the number of our echo. Empty where none was seen."""
        for port in self.ports:
            port.take()
        return self._seen.get((protocol, number), "")

    def ask_holders(self, now: float) -> None:
        """Ask every node whether it holds the VIP."""
        for port in self.ports:
            port.ask_holder(now)
        while len(self._seen) > OLDEST_ANSWERS:
            del self._seen[next(iter(self._seen))]


class Port:
    """One port of the switch."""

    def __init__(self, name: str, node: str, seen: dict[Answer, str], plan: ProbePlan, record: Record) -> None:
        self._node = node
        self._seen = seen
        self._packets = packets_of(plan.vip)
        self._vip = socket.inet_pton(self._packets.FAMILY, plan.vip)
        self._patience = plan.holder_patience
        self._record = record
        self.socket = packets.listen(name, self._packets.WANTED)
        self._probe = self._packets.question(self.socket.getsockname()[4], self._vip)
        self._holds: bool | None = None
        self._unanswered: float | None = None

    def take(self) -> None:
        """Read what has come in: the first packets of answers, replies of a holder, announcements."""
        for frame in self._frames():
            answer = self._packets.read_answer(frame, self._vip)
            heard = self._packets.heard(frame, self._vip)
            if heard is not None:
                self._take(heard)
            elif answer is not None:
                self._seen.pop(answer, None)  # the newest are to be last
                self._seen[answer] = self._node

    def ask_holder(self, now: float) -> None:
        """Ask the node whether it holds the VIP; a node that has been silent for long does not."""
        self.take()
        if self._unanswered is not None and now - self._unanswered > self._patience:
            self._note(self._unanswered, holds=False)
        if self._unanswered is None:
            self._unanswered = now
        with suppress(OSError):  # the cable may be out
            self.socket.send(self._probe)

    def _take(self, heard: packets.Heard) -> None:
        if heard == "announces":
            self._record.garp(monotonic(), self._node)
        else:
            self._unanswered = None
            self._note(monotonic(), holds=True)

    def _note(self, at: float, *, holds: bool) -> None:
        if holds != self._holds:
            self._holds = holds
            self._record.holds(at, self._node, holds=holds)

    def _frames(self) -> Iterator[bytes]:
        while True:
            try:
                yield self.socket.recv(FRAME)
            except BlockingIOError:
                return
            except OSError:  # the cable has just been pulled out: told once
                continue
