"""Pings: ICMP echo requests with numbers, and the replies that match them."""

from __future__ import annotations

import asyncio
import os

from builder.proof.probes import family
from builder.proof.probes.asking import Asker

NUMBERS = 1 << 16
PACKET = 2048


class Pinger:
    """One socket for all pings."""

    def __init__(self, vip: str) -> None:
        self._vip = vip
        self._packets = family.of(vip)
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
        self.node = self._asker.wire.node_of(family.of(self._asker.plan.vip).PING, number)
