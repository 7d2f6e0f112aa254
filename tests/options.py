"""A cluster that uses every option of services, so that each HAProxy release can check all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from builder.spec.model import Cluster
from builder.spec.service import CheckKind
from tests import examples
from tests.specs import quickstart

FIRST_PORT = 5000
HOST = "www.example.com"
SERVERS = [
    {"name": "a", "address": "192.168.56.21", "port": 8080, "weight": 10},
    {"name": "b", "address": "192.168.56.22", "port": 8080, "weight": 0},
    {"name": "c", "address": "192.168.56.23", "port": 8080, "backup": True},
]
MORE_CERTIFICATES = [f"certificate{number}" for number in range(33)]
"""More than HAProxy accepts on one line, which is 64 words."""
WORDS = ("if", "unless", "or", "and", "not", "true", "false", "http", "localhost", "meth_get", "web")
"""Names that have a meaning in HAProxy's conditions."""
ROUTES = [
    {"name": "all", "paths": ["/"], "timeout": 900, "no_delay": True},
    {"name": "shop", "paths": ["/shop", "/a%b"], "hosts": [HOST], "affinity": {"by": "source", "minutes": 5}},
    {"name": "host", "hosts": [HOST], "check": {"body": "200 OK"}, "servers": SERVERS[:1]},
]
WEB: list[dict[str, Any]] = [
    *({"balance": way} for way in ("roundrobin", "leastconn", "source")),
    {"limits": {"connections": 100, "per_server": 7, "rate": 50}},
    {"proxy_protocol": {"accept": True, "send": "v1"}},
    {"proxy_protocol": {"send": "v2"}},
    {"affinity": {"by": "cookie"}},
    {"affinity": {"by": "source"}},
    {"trusted_proxies": ["192.0.2.0/24", "2001:db8::/32"]},
    {"trusted_proxies": ["192.0.2.7"], "proxy_protocol": {"accept": True}},
    {"root": "/owa/?a=b#c", "timeout": 300, "maintenance": "Back <soon>, até já."},
    {"check": {"path": "/up?a=b", "host": HOST, "status": 204, "every": 9, "fall": 1, "rise": 1}},
    {"check": {"body": "well # 100%"}},
    {"check": {"kind": "tcp"}},
    {"check": {"status": [200, "300-399"], "headers": {"X-Health": '50% "a" %[src] \\ #'}, "port": 8008}},
    {"check": {"status": [200, 401], "body": "(.*) [well]"}, "close_sessions": {"server_down": True}},
    {"reencrypt": {}, "check": {"host": HOST, "port": 8443, "tls": True}},
    {"log": "errors"},
    {"ntlm": True},
    {"name": "statistics"},
    {"reencrypt": {}},
    {"reencrypt": {"name": HOST}},
    {"reencrypt": {"authority": "ca.pem", "name": HOST}},
    {"routes": ROUTES},
    {"routes": [{"name": name, "paths": [f"/{name}"], "hosts": [HOST]} for name in WORDS]},
]
SECURE: list[dict[str, Any]] = [
    {"hsts": 600, "trusted_proxies": ["192.0.2.7"]},
    {"certificates": ["www", *MORE_CERTIFICATES]},
    {"proxy_protocol": {"accept": True}},
]
TCP: list[dict[str, Any]] = [
    *({"check": {"kind": kind}} for kind in get_args(CheckKind)),
    *({"check": {"kind": kind, "tls": True, "host": HOST}} for kind in get_args(CheckKind) if "sql" not in kind),
    {"check": {"kind": "redis", "primary_only": True, "port": 6380}},
    {"check": {"kind": "mysql", "user": "look"}, "close_sessions": {"primary_returns": True}},
    {"close_sessions": {"server_down": False}},
    {"proxy_protocol": {"accept": True, "send": "v2"}, "affinity": {"by": "source"}, "timeout": 7200},
    {"reencrypt": {"authority": "ca.pem", "name": HOST}, "check": {"kind": "imap"}},
    {"balance": "source", "limits": {"connections": 1}},
]


def every_option(folder: Path) -> Cluster:
    """Return the quickstart's cluster with one service per option; the files that they name are in `folder`."""
    tls = {"certificates": [_certificate(folder, name) for name in ("www", *MORE_CERTIFICATES)]}
    services = [_placed(service, number, folder) for number, service in enumerate(_services())]
    cluster = quickstart(services=services, tls=tls, statistics={"password": str(folder / "password")})
    examples.provide(cluster)
    return cluster


def _services() -> Iterator[dict[str, Any]]:
    yield {"redirect": "https"}
    yield {"redirect": "https", "routes": [{"name": "acme", "paths": ["/acme"], "servers": SERVERS}]}
    yield {"redirect": "https", "servers": SERVERS, "trusted_proxies": ["192.0.2.7"]}
    yield from ({"servers": SERVERS, **keys} for keys in WEB)
    yield from (
        {"servers": SERVERS, "mode": "https", "certificates": ["www"], "hosts": [HOST], **keys} for keys in SECURE
    )
    yield from ({"servers": SERVERS, "mode": "tcp", **keys} for keys in TCP)


def _placed(service: dict[str, Any], number: int, folder: Path) -> dict[str, Any]:
    """Give the service a unique name and port, and the path of its authority."""
    placed = {"name": f"s{number}", "port": FIRST_PORT + number, **service}
    if placed.get("reencrypt", {}).get("authority"):
        placed["reencrypt"] = {**placed["reencrypt"], "authority": str(folder / placed["reencrypt"]["authority"])}
    return placed


def _certificate(folder: Path, name: str) -> dict[str, str]:
    return {"name": name, "chain": str(folder / f"{name}.pem"), "key": str(folder / f"{name}.key")}
