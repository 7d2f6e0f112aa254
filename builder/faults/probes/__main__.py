"""The probing process: it runs all probes of a plan at a fixed pace and watches the VIP's holder."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic

from builder.faults.probes import record as plans
from builder.faults.probes.clients import GreetingProbe, HttpProbe, KeptProbe, Probe, Prober, TcpProbe, TlsProbe
from builder.faults.probes.record import ProbePlan, Record, Tail
from builder.faults.probes.wire import Wire, packets_of
from builder.nodes.service_check import unverified_context

SEQUENCE_NUMBERS = 1 << 16
PACKET_SIZE = 2048
FLUSH_SECONDS = 0.05
LATE_SECONDS = 0.01
"""A tick that is late by more than this, and by more than one interval, is a stall."""


class Pinger:
    """Sends all pings over one socket."""

    def __init__(self, vip: str) -> None:
        self._vip = vip
        self._packets = packets_of(vip)
        self._socket = self._packets.pings()
        self._socket.setblocking(False)
        self._identifier = os.getpid() % SEQUENCE_NUMBERS
        self._number = 0
        self._awaited: dict[int, asyncio.Future[None]] = {}
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._receive)

    async def ping(self) -> int:
        """Send one ping and wait for its reply; returns its number."""
        number = self._number
        self._number = (number + 1) % SEQUENCE_NUMBERS
        self._socket.sendto(self._packets.echo(self._identifier, number), (self._vip, 0))
        self._awaited[number] = asyncio.get_running_loop().create_future()
        try:
            await self._awaited[number]
        finally:
            del self._awaited[number]
        return number

    def _receive(self) -> None:
        while True:
            try:
                packet = self._socket.recv(PACKET_SIZE)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error, such as "host unreachable"; the ping itself times out
                continue
            number = self._packets.read_echo(packet, self._identifier)
            if number in self._awaited and not self._awaited[number].done():
                self._awaited[number].set_result(None)


class PingProbe:
    """Sends one ping, which the kernel of the VIP's holder answers."""

    name = "ping"

    def __init__(self, prober: Prober, pinger: Pinger) -> None:
        self._prober = prober
        self._pinger = pinger
        self.node = ""

    async def probe(self) -> None:
        """Send the ping and wait for its reply."""
        number = await self._pinger.ping()
        self.node = self._prober.wire.node_of(packets_of(self._prober.plan.vip).PING, number)


class ProbeRunner:
    """Runs all probes of one plan."""

    def __init__(self, plan: ProbePlan, record: Record) -> None:
        self._plan = plan
        self._record = record
        self._wire = Wire(plan, record)
        self._prober = Prober(plan, self._wire, record)
        self._pinger = Pinger(plan.vip)
        self._tails = [Tail(Path(path), node, record) for node, paths in plan.logs.items() for path in paths]
        self._context = unverified_context()
        self._kept = KeptProbe(self._prober, plan.http) if plan.http else None
        self._kept_is_free = True
        self._pending: set[asyncio.Task[None]] = set()

    async def run(self, folder: Path) -> None:
        """Send requests until the stop file exists, then wait for those in progress."""
        for port in self._wire.ports:
            asyncio.get_running_loop().add_reader(port.socket.fileno(), port.receive)
        loops = {
            asyncio.create_task(every_interval(self._plan.rate, self._send_requests, self._record.stall)),
            asyncio.create_task(every_interval(self._plan.holder_rate, self._observe)),
        }
        (folder / plans.READY).touch()
        while not (folder / plans.STOP).exists():
            ended, _ = await asyncio.wait(loops, timeout=FLUSH_SECONDS)
            for failed in ended:
                failed.result()  # raises the exception that ended the task
            self._record.flush()
        for each in loops:
            each.cancel()
        await asyncio.gather(*self._pending)
        self._record.flush()

    def _send_requests(self, _: float) -> None:
        for probe in self._new_probes():
            self._start(probe)
        if self._kept and self._kept_is_free:
            self._kept_is_free = False
            self._start(self._kept).add_done_callback(self._free_kept)

    def _observe(self, now: float) -> None:
        self._wire.query_holders(now)
        for tail in self._tails:
            tail.read()

    def _new_probes(self) -> Iterable[Probe]:
        yield PingProbe(self._prober, self._pinger)
        yield TcpProbe(self._prober)
        if self._plan.http:
            yield HttpProbe(self._prober, self._plan.http)
        if self._plan.tls:
            yield TlsProbe(self._prober, self._plan.tls, self._context)
        if self._plan.greeting:
            yield GreetingProbe(self._prober, self._plan.greeting)

    def _start(self, probe: Probe) -> asyncio.Task[None]:
        task = asyncio.create_task(self._prober.run(probe))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return task

    def _free_kept(self, _: asyncio.Task[None]) -> None:
        self._kept_is_free = True


async def every_interval(
    seconds: float, act: Callable[[float], None], on_stall: Callable[[float, float], None] | None = None
) -> None:
    """Call `act` at a fixed interval, forever. After a stall, call `on_stall` and skip the missed calls."""
    due = monotonic()
    while True:
        await asyncio.sleep(due - monotonic())
        now = monotonic()
        if now - due > max(seconds, LATE_SECONDS):
            if on_stall:
                on_stall(due, now)
            due = now
        act(now)
        due += seconds


async def _run(folder: Path) -> None:
    await ProbeRunner(plans.read_probe_plan(folder), Record(folder / plans.RECORD)).run(folder)


def main(folder: Path) -> None:
    """Run the plan in a folder."""
    try:
        asyncio.run(_run(folder))
    finally:
        (folder / plans.ENDED).touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
