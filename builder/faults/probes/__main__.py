"""The probing process: one client for each target and a ping, all at their own pace."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic

from builder.faults.probes import asking
from builder.faults.probes import record as plans
from builder.faults.probes.asking import Ask, Asker, Connect, Greeting, Http, Kept, TlsProbe
from builder.faults.probes.record import ProbePlan, Record, Tail
from builder.faults.probes.wire import Wire, packets_of

NUMBERS = 1 << 16
PACKET = 2048


class Pinger:
    """One socket for all pings."""

    def __init__(self, vip: str) -> None:
        self._vip = vip
        self._packets = packets_of(vip)
        self._socket = self._packets.pings()
        self._socket.setblocking(False)
        self._identifier = os.getpid() % NUMBERS
        self._number = 0
        self._awaited: dict[int, asyncio.Future[None]] = {}
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._receive)

    async def ping(self) -> int:
        """Send one ping and wait for its reply; returns its number."""
        number = self._number
        self._number = (number + 1) % NUMBERS
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
                packet = self._socket.recv(PACKET)
            except BlockingIOError:
                return
            except OSError:  # that nobody is there was told; the ping itself will run out of time
                continue
            number = self._packets.read_echo(packet, self._identifier)
            if number in self._awaited and not self._awaited[number].done():
                self._awaited[number].set_result(None)


class Ping:
    """One ping: it is answered by the kernel of whoever holds the VIP."""

    name = "ping"

    def __init__(self, asker: Asker, pinger: Pinger) -> None:
        self._asker = asker
        self._pinger = pinger
        self.node = ""

    async def ask(self) -> None:
        """Send it and wait for its reply."""
        number = await self._pinger.ping()
        self.node = self._asker.wire.node_of(packets_of(self._asker.plan.vip).PING, number)


FLUSH_SECONDS = 0.05
LATE_SECONDS = 0.01
"""A beat that is this much late, and later than the next one was due, is a stall."""


class Probes:
    """All probes of one plan."""

    def __init__(self, plan: ProbePlan, record: Record) -> None:
        self._plan = plan
        self._record = record
        self._wire = Wire(plan, record)
        self._asker = Asker(plan, self._wire, record)
        self._pinger = Pinger(plan.vip)
        self._tails = [Tail(Path(path), node, record) for node, paths in plan.logs.items() for path in paths]
        self._context = asking.context()
        self._kept = Kept(self._asker, plan.http) if plan.http else None
        self._kept_is_free = True
        self._asked: set[asyncio.Task[None]] = set()

    async def run(self, folder: Path) -> None:
        """Ask until we are told to stop, then wait for what is still under way."""
        for port in self._wire.ports:
            asyncio.get_running_loop().add_reader(port.socket.fileno(), port.take)
        beats = {
            asyncio.create_task(beat(self._plan.rate, self._ask, self._record.stall)),
            asyncio.create_task(beat(self._plan.holder_rate, self._look)),
        }
        (folder / plans.READY).touch()
        while not (folder / plans.STOP).exists():
            ended, _ = await asyncio.wait(beats, timeout=FLUSH_SECONDS)
            for broken in ended:
                broken.result()  # raises what broke it
            self._record.flush()
        for each in beats:
            each.cancel()
        await asyncio.gather(*self._asked)
        self._record.flush()

    def _ask(self, _: float) -> None:
        for question in self._questions():
            self._begin(question)
        if self._kept and self._kept_is_free:
            self._kept_is_free = False
            self._begin(self._kept).add_done_callback(self._free_kept)

    def _look(self, now: float) -> None:
        self._wire.ask_holders(now)
        for tail in self._tails:
            tail.take()

    def _questions(self) -> Iterable[Ask]:
        yield Ping(self._asker, self._pinger)
        yield Connect(self._asker)
        if self._plan.http:
            yield Http(self._asker, self._plan.http)
        if self._plan.tls:
            yield TlsProbe(self._asker, self._plan.tls, self._context)
        if self._plan.greeting:
            yield Greeting(self._asker, self._plan.greeting)

    def _begin(self, question: Ask) -> asyncio.Task[None]:
        task = asyncio.create_task(self._asker.ask(question))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return task

    def _free_kept(self, _: asyncio.Task[None]) -> None:
        self._kept_is_free = True


async def beat(every: float, act: Callable[[float], None], late: Callable[[float, float], None] | None = None) -> None:
    """Act at every beat, for ever. A beat that comes late is told to `late`, and the ones it missed are left out."""
    due = monotonic()
    while True:
        await asyncio.sleep(due - monotonic())
        now = monotonic()
        if now - due > max(every, LATE_SECONDS):
            if late:
                late(due, now)
            due = now
        act(now)
        due += every


async def _run(folder: Path) -> None:
    await Probes(plans.read_probe_plan(folder), Record(folder / plans.RECORD)).run(folder)


def main(folder: Path) -> None:
    """Run the plan of `folder`."""
    try:
        asyncio.run(_run(folder))
    finally:
        (folder / plans.ENDED).touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
