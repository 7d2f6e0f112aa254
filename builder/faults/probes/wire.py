"""The frames on the switch ports: which node sent an answer, and which node holds the VIP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

from builder.faults.probes import ipv4, ipv6, packets
from builder.faults.probes.packets import Packets
from builder.faults.probes.record import ProbePlan, Record

FRAME = 2048
MOST_ANSWERS = 4096
Answer = tuple[int, int]
"""The protocol, and our port or the sequence number of our echo request."""


def packets_of(vip: str) -> Packets:
    """The packets module for the VIP's address family."""
    return ipv6 if ":" in vip else ipv4


class Wire:
    """All switch ports to which nodes are connected."""

    def __init__(self, plan: ProbePlan, record: Record) -> None:
        self._answers: dict[Answer, str] = {}
        self.ports = [Port(name, node, self._answers, plan, record) for name, node in plan.ports.items()]

    def node_of(self, protocol: int, number: int) -> str:
        """The node that answered a request, given our TCP port or the number of our echo; empty if unknown."""
        for port in self.ports:
            port.receive()
        return self._answers.get((protocol, number), "")

    def query_holders(self, now: float) -> None:
        """Ask every node whether it holds the VIP."""
        for port in self.ports:
            port.query_holder(now)
        while len(self._answers) > MOST_ANSWERS:
            del self._answers[next(iter(self._answers))]


class Port:
    """One switch port and the node behind it."""

    def __init__(self, name: str, node: str, answers: dict[Answer, str], plan: ProbePlan, record: Record) -> None:
        self._node = node
        self._answers = answers
        self._packets = packets_of(plan.vip)
        self._vip = socket.inet_pton(self._packets.FAMILY, plan.vip)
        self._patience = plan.holder_patience
        self._record = record
        self.socket = packets.listen(name, self._packets.FRAME_FILTER)
        self._query = self._packets.holder_query(self.socket.getsockname()[4], self._vip)
        self._holds: bool | None = None
        self._unanswered: float | None = None
        """When the oldest unanswered query was sent."""

    def receive(self) -> None:
        """Process the received frames: first packets of answers, replies of a holder, and announcements."""
        for frame in self._frames():
            answer = self._packets.read_answer(frame, self._vip)
            claim = self._packets.read_claim(frame, self._vip)
            if claim is not None:
                self._process(claim)
            elif answer is not None:
                self._answers.pop(answer, None)  # keeps the newest answers last
                self._answers[answer] = self._node

    def query_holder(self, now: float) -> None:
        """Ask the node whether it holds the VIP; after a long silence it does not."""
        self.receive()
        if self._unanswered is not None and now - self._unanswered > self._patience:
            self._record_holding(self._unanswered, holds=False)
        if self._unanswered is None:
            self._unanswered = now
        with suppress(OSError):  # the cable may be unplugged
            self.socket.send(self._query)

    def _process(self, claim: packets.HolderClaim) -> None:
        if claim == "announces":
            self._record.garp(monotonic(), self._node)
        else:
            self._unanswered = None
            self._record_holding(monotonic(), holds=True)

    def _record_holding(self, at: float, *, holds: bool) -> None:
        if holds != self._holds:
            self._holds = holds
            self._record.holds(at, self._node, holds=holds)

    def _frames(self) -> Iterator[bytes]:
        while True:
            try:
                yield self.socket.recv(FRAME)
            except BlockingIOError:
                return
            except OSError:  # the cable has just been unplugged, which is reported once
                continue
