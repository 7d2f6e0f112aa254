"""The suite's client against a local server: what it sends first, and which certificate it sees."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from builder.spec.service import ProxyProtocol, Service
from builder.verify.suite import answers
from tests.certificates import issue, write_pair

HERE = IPv4Address("127.0.0.1")
HOST = "www.example.com"


class Answer(BaseRequestHandler):
    """Answers 204, and keeps what it received."""

    def handle(self) -> None:
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            more = self.request.recv(4096)
            if not more:  # a client that only wanted to see the certificate
                return
            received += more
        self.server.received = received
        self.request.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


class Server(TCPServer):
    received = b""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server((str(HERE), 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def service(server: Server) -> Callable[..., Service]:
    return lambda **keys: Service(name="web", port=server.server_address[1], **keys)


def test_a_request_is_sent_and_its_status_read(server: Server, service: Callable[..., Service]) -> None:
    assert answers.status(HERE, service(), "/up") == 204
    assert server.received.startswith(b"GET /up HTTP/1.1\r\n")


def test_a_service_that_accepts_the_proxy_protocol_gets_its_header_first(
    server: Server, service: Callable[..., Service]
) -> None:
    assert answers.status(HERE, service(proxy_protocol=ProxyProtocol(accept=True)), "/") == 204
    assert server.received.startswith(b"PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n")


@pytest.mark.parametrize(("proxies", "first"), [(["127.0.0.0/8"], b"PROXY"), (["192.0.2.7"], b"GET /")])
def test_with_trusted_proxies_only_they_send_the_proxy_protocol(
    server: Server, service: Callable[..., Service], proxies: list[str], first: bytes
) -> None:
    keys = {"proxy_protocol": ProxyProtocol(accept=True), "trusted_proxies": proxies}
    assert answers.status(HERE, service(**keys), "/") == 204
    assert server.received.startswith(first)


def test_the_presented_certificate_is_read(server: Server, service: Callable[..., Service], tmp_path: Path) -> None:
    write_pair(tmp_path, "www", issue("www", (HOST,)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "www.pem", tmp_path / "www.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    own = x509.load_pem_x509_certificate((tmp_path / "www.pem").read_bytes()).public_bytes(Encoding.DER)
    assert answers.certificate(HERE, service(mode="https"), HOST) == own
    assert answers.certificate(HERE, service(mode="https"), None) == own
    assert answers.status(HERE, service(mode="https"), "/") == 204
