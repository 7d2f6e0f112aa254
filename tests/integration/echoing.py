"""Services of every kind of proxy and redirect on the loopback device, before servers that echo what they get.

192.168.56.N of the spec is 127.56.0.N.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from builder.guests import all_guests
from builder.render import appliance
from builder.spec.model import Cluster
from tests.specs import quickstart

HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
NETWORK, LOOPBACK = "192.168.56.", "127.56.0."
VIP = f"{LOOPBACK}10"
PROXY, STRANGER = f"{LOOPBACK}77", f"{LOOPBACK}78"
TRUSTED = {"trusted_proxies": [f"{NETWORK}77"]}
CHAIN = [*TRUSTED["trusted_proxies"], "198.51.100.0/24", "203.0.113.7", "2001:db8::/64", "2002:c000:207::/64", "::1"]
ACCEPT = {"proxy_protocol": {"accept": True}}
PLAIN, SECURE, BEHIND, TUNNEL, TO_HTTPS, FOR_PROXY, COOKIES, NO_SERVERS, SECURE_8443 = range(8080, 8089)
SERVERS = [{"name": f"web{number}", "address": f"{NETWORK}2{number}", "port": 8080} for number in (1, 2)]
SHOPS = [{"name": f"shop{number}", "address": f"{NETWORK}3{number}", "port": 8080} for number in (1, 2)]
CHALLENGE = "/.well-known/acme-challenge"
SERVICES: list[dict[str, Any]] = [
    {"name": "plain", "port": PLAIN, "servers": SERVERS},
    {"name": "behind", "port": BEHIND, "servers": SERVERS, **TRUSTED},
    {"name": "tunnel", "port": TUNNEL, "servers": SERVERS, **ACCEPT, "trusted_proxies": CHAIN},
    {
        "name": "to-https",
        "port": TO_HTTPS,
        "redirect": "https",
        "routes": [{"name": "acme", "paths": [CHALLENGE], "servers": SHOPS}],
    },
    {"name": "for-proxy", "port": FOR_PROXY, "redirect": "https", "servers": SERVERS, **TRUSTED},
    {"name": "no-servers", "port": NO_SERVERS, "redirect": "https", **TRUSTED},
    {
        "name": "cookies",
        "port": COOKIES,
        "affinity": {"by": "cookie"},
        "servers": SERVERS,
        "routes": [
            {"name": "shop", "paths": ["/shop"], "servers": SHOPS},
            {"name": "named", "hosts": ["shop.example.com"], "servers": SHOPS[::-1]},
            {"name": "same", "paths": ["/same"]},
        ],
    },
    {"name": "secure", "port": SECURE_8443, "mode": "https", "certificates": ["www"], "servers": SERVERS},
]


def cluster() -> Cluster:
    certificate = {"name": "www", "chain": "www.pem", "key": "www.key"}
    return quickstart(services=SERVICES, tls={"certificates": [certificate]})


def configuration(cluster: Cluster, release: str = "2.6") -> str:
    """Return haproxy.cfg without what needs root or a certificate."""
    facts = replace(all_guests()["debian12"], haproxy_version=release)
    text = appliance(cluster, facts, facts.default_keepalived)["/etc/haproxy/haproxy.cfg"].content
    text = text[text.index("\ndefaults") :].replace("    log global\n", "")
    return re.sub(r" ssl crt \S+( alpn \S+)?", "", text.replace(NETWORK, LOOPBACK))


class Echo(BaseHTTPRequestHandler):
    """Answers with the address that was asked and the headers that came."""

    def do_GET(self) -> None:
        body = json.dumps([str(self.server.server_address[0]), self.headers.items()]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def serve(stack: ExitStack, address: str) -> None:
    server = stack.enter_context(ThreadingHTTPServer((address, 8080), Echo))
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    stack.callback(server.shutdown)


def listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((VIP, port)) == 0


class Answer:
    """An answer: its status, its headers, the server's address, and the headers that the server got."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        body = response.read()
        self.status, self.location = response.status, response.headers["Location"]
        self.cookie = (response.headers["Set-Cookie"] or "").partition(";")[0]
        self.server, self.headers = json.loads(body) if body.startswith(b"[") else ("", [])

    def got(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


def ask(
    port: int, path: str = "/", headers: Mapping[str, str] = {}, source: str = STRANGER, before: bytes = b""
) -> Answer:
    connection = http.client.HTTPConnection(VIP, port, timeout=10, source_address=(source, 0))
    connection.connect()
    connection.sock.sendall(before)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    return Answer(connection.getresponse())


def proxied(source: str) -> bytes:
    """The line of the PROXY protocol for a client with that address."""
    family, target = ("TCP6", "2001:db8::10") if ":" in source else ("TCP4", VIP)
    return f"PROXY {family} {source} {target} 4711 {TUNNEL}\r\n".encode()
