"""What clients and trusted proxies say about themselves, redirects, routes and cookies, with a real HAProxy.

Everything is on the loopback device: 192.168.56.N of the spec is 127.56.0.N.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from builder.core.waiting import until
from builder.guests import all_guests
from builder.render import appliance
from builder.spec.model import Cluster
from tests.specs import quickstart

pytestmark = pytest.mark.integration

HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
NETWORK, LOOPBACK = "192.168.56.", "127.56.0."
VIP = f"{LOOPBACK}10"
PROXY, STRANGER = f"{LOOPBACK}77", f"{LOOPBACK}78"
TRUSTED = {"trusted_proxies": [f"{NETWORK}77"]}
ACCEPT = {"proxy_protocol": {"accept": True}}
CLAIMED = "203.0.113.9"
CLAIMS = {
    **{
        f"X-Forwarded-{word}": "claimed" for word in ("For", "Proto", "Host", "Port", "Server", "Prefix", "Ssl", "New")
    },
    "X_Forwarded_For": "claimed",
    "x-forwarded_proto": "claimed",
    "X.Real-IP": "claimed",
    "X-Real-IP": "claimed",
    "True-Client-IP": "claimed",
    "Client-IP": "claimed",
    "Front-End-Https": "on",
    "X-Scheme": "claimed",
    "Forwarded": "for=claimed",
    "FORWARDED": "for=again",
}
PLAIN, SECURE, BEHIND, TUNNEL, TO_HTTPS, FOR_PROXY, COOKIES, SECURE_8443 = range(8080, 8088)
SERVERS = [{"name": f"web{number}", "address": f"{NETWORK}2{number}", "port": 8080} for number in (1, 2)]
SHOPS = [{"name": f"shop{number}", "address": f"{NETWORK}3{number}", "port": 8080} for number in (1, 2)]
CHALLENGE = "/.well-known/acme-challenge"
SERVICES: list[dict[str, Any]] = [
    {"name": "plain", "port": PLAIN, "servers": SERVERS},
    {"name": "behind", "port": BEHIND, "servers": SERVERS, **TRUSTED},
    {"name": "tunnel", "port": TUNNEL, "servers": SERVERS, **TRUSTED, **ACCEPT},
    {
        "name": "to-https",
        "port": TO_HTTPS,
        "redirect": "https",
        "routes": [{"name": "acme", "paths": [CHALLENGE], "servers": SHOPS}],
    },
    {"name": "for-proxy", "port": FOR_PROXY, "redirect": "https", "servers": SERVERS, **TRUSTED},
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


@pytest.fixture(scope="module", autouse=True)
def haproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A running HAProxy with all services, and their servers."""
    path = tmp_path_factory.mktemp("haproxy") / "haproxy.cfg"
    path.write_text(configuration(cluster()))
    with ExitStack() as stack:
        for server in (*SERVERS, *SHOPS):
            serve(stack, server["address"].replace(NETWORK, LOOPBACK))
        process = stack.enter_context(subprocess.Popen([HAPROXY, "-db", "-f", path]))
        stack.callback(process.terminate)
        until(lambda: process.poll() is None and listens(PLAIN), "HAProxy to listen", limit=10)
        yield


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


def test_what_a_client_claims_never_reaches_a_server() -> None:
    answer = ask(PLAIN, headers=CLAIMS)
    assert [(name, value) for name, value in answer.headers if value in CLAIMS.values()] == []
    assert answer.got("x-forwarded-for") == [STRANGER]


def test_a_client_that_is_no_trusted_proxy_is_not_believed() -> None:
    assert ask(BEHIND, headers=CLAIMS).headers == ask(BEHIND).headers


def test_what_a_trusted_proxy_says_passes_and_names_it_as_one_more_hop() -> None:
    said = {"X-Forwarded-For": CLAIMED, "X-Forwarded-Proto": "https", "Forwarded": f"for={CLAIMED}"}
    answer = ask(BEHIND, headers=said, source=PROXY)
    assert answer.got("x-forwarded-for") == [CLAIMED, PROXY]
    assert answer.got("x-forwarded-proto") == ["https"]
    assert answer.got("forwarded") == [f"for={CLAIMED}", f"for={PROXY}"]
    assert ask(BEHIND, source=PROXY).got("forwarded") == []


def test_https_is_said_unless_a_trusted_proxy_knows_better() -> None:
    assert ask(SECURE_8443, headers={"X-Forwarded-Proto": "http"}).got("x-forwarded-proto") == ["https"]


def test_only_a_trusted_proxy_says_by_the_proxy_protocol_who_its_client_is() -> None:
    line = f"PROXY TCP4 {CLAIMED} {VIP} 4711 {TUNNEL}\r\n".encode()
    said = ask(TUNNEL, headers=CLAIMS, source=PROXY, before=line)
    assert (said.status, said.got("x-forwarded-for"), said.got("x-real-ip")) == (200, [CLAIMED], [])
    assert ask(TUNNEL).got("x-forwarded-for") == [STRANGER]
    assert ask(TUNNEL, before=line).status == 400


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.example.com", "www.example.com"),
        (f"www.example.com:{TO_HTTPS}", "www.example.com"),
        ("www.example.com:", "www.example.com"),
        ("WWW.example.com.:80", "WWW.example.com."),
        (f"[2001:db8::1]:{TO_HTTPS}", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("", VIP),
    ],
)
def test_a_redirect_leads_to_the_port_of_the_https_service(host: str, name: str) -> None:
    answer = ask(TO_HTTPS, "/a?b=c%20d", {"Host": host})
    assert (answer.status, answer.location) == (301, f"https://{name}:{SECURE_8443}/a?b=c%20d")


def test_routes_work_beside_a_redirect() -> None:
    assert ask(TO_HTTPS, f"{CHALLENGE}/token").server.startswith(f"{LOOPBACK}3")
    assert ask(TO_HTTPS, f"{CHALLENGE}s").status == 301


@pytest.mark.parametrize(
    "said", [{"X-Forwarded-Proto": "https"}, {"Forwarded": "for=a;proto=https"}, {"Forwarded": 'PROTO="https"'}]
)
def test_what_a_trusted_proxy_received_over_https_is_not_redirected(said: dict[str, str]) -> None:
    assert ask(FOR_PROXY, headers=said, source=PROXY).status == 200
    assert ask(FOR_PROXY, headers=said).status == 301
    assert ask(FOR_PROXY, headers={"X-Forwarded-Proto": "http"}, source=PROXY).status == 301


@pytest.mark.parametrize(
    "host", ["shop.example.com", "SHOP.example.com:8080", "shop.example.com.", "shop.example.com.:1"]
)
def test_a_route_matches_its_host_however_the_client_writes_it(host: str) -> None:
    assert ask(COOKIES, headers={"Host": host}).server.startswith(f"{LOOPBACK}3")


@pytest.mark.parametrize(
    "host", ["shopXexample.com", "my.shop.example.com", "shop.example.com.evil.com", "x:shop.example.com"]
)
def test_a_route_matches_no_other_host(host: str) -> None:
    assert ask(COOKIES, headers={"Host": host}).server.startswith(f"{LOOPBACK}2")


def test_a_client_keeps_a_server_of_each_set_while_it_goes_back_and_forth() -> None:
    jar: dict[str, str] = {}
    seen: dict[str, set[str]] = {}
    for path in ("/", "/shop/", "/same/") * 4:
        answer = ask(COOKIES, path, {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())})
        name, _, value = answer.cookie.partition("=")
        jar |= {name: value} if name else {}
        seen.setdefault(path, set()).add(answer.server)
    assert {path: len(servers) for path, servers in seen.items()} == {"/": 1, "/shop/": 1, "/same/": 1}
    assert seen["/"] == seen["/same/"]
    assert set(jar) == {"SERVERID", "SERVERID-cookies-shop"}
    back = ask(COOKIES, "/", {"Host": "shop.example.com", "Cookie": "; ".join("=".join(each) for each in jar.items())})
    assert {back.server} == seen["/shop/"]
