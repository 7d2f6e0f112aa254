"""HTTP over TLS, with a handshake for each request."""

from __future__ import annotations

import asyncio
import ssl

from builder.proof.probes.asking import Asker, check_status, complete, request
from builder.proof.probes.plan import Target

PART = 4096


class Tls:
    """One request on a connection of its own: whether it is served, not whether the certificate is trusted."""

    name = "tls"

    def __init__(self, asker: Asker, target: Target, context: ssl.SSLContext) -> None:
        self._asker = asker
        self._target = target
        self._context = context
        self.node = ""

    async def ask(self) -> None:
        """Connect, shake hands, and exchange a request and its answer."""
        connection, self.node = await self._asker.connect(self._target.port)
        with connection:
            reader, writer = await asyncio.open_connection(
                sock=connection, ssl=self._context, server_hostname=self._target.host.strip("[]")
            )
            try:
                writer.write(request(self._target, "close"))
                heard = b""
                while not complete(heard):
                    more = await reader.read(PART)
                    if not more:
                        raise ConnectionResetError
                    heard += more
            finally:
                writer.transport.abort()
        check_status(heard)


def context() -> ssl.SSLContext:
    """Trusts whatever certificate it is shown."""
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made
