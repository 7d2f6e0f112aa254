"""The lines of haproxy.cfg that check servers and end sessions; tests/integration/test_checks.py tries them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builder.guests.debian12 import GUEST
from builder.render import appliance
from tests.specs import quickstart

SERVER = {"name": "web1", "address": "192.168.56.21", "port": 8080}


def served(release: str = "2.6", **keys: Any) -> list[str]:
    """The lines of the backend of one service."""
    cluster = quickstart(services=[{"name": "web", "port": 80, "servers": [SERVER], **keys}])
    facts = replace(GUEST, haproxy_version=release)
    text = appliance(cluster, facts, "2.3.3")["/etc/haproxy/haproxy.cfg"].content
    return [line.strip() for line in text[text.index("\nbackend ") :].splitlines()]


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"check": {"kind": "smtp"}}, r"tcp-check expect min-recv 0 rstring ^(220-[^\r\n]*\r\n)*220[\ \r]"),
        ({"check": {"kind": "imap"}}, r"tcp-check expect min-recv 0 rstring ^[*]\ (OK|PREAUTH)"),
        ({"check": {"kind": "redis", "primary_only": True}}, r"tcp-check expect min-recv 0 rstring \nrole:master\r"),
        ({"check": {"kind": "mysql", "user": "look"}}, "option mysql-check user look post-41"),
        ({"check": {"kind": "pgsql"}}, "tcp-check send-binary 00000016000300007573657200686170726f78790000"),
        ({"check": {"kind": "ldap"}}, "tcp-check expect min-recv 0 binary 0a0100"),
        ({"check": {"port": 8008}}, "default-server port 8008"),
        ({"check": {"status": [200, "300-305"]}}, "http-check expect status 200,300-305"),
        ({"check": {"headers": {"X-A": "50% b"}}}, r"http-check send meth GET uri / hdr X-A 50%%\ b"),
        ({"mode": "tcp"}, "default-server on-marked-down shutdown-sessions"),
        ({"close_sessions": {"server_down": True}}, "default-server on-marked-down shutdown-sessions"),
        ({"close_sessions": {"primary_returns": True}}, "default-server on-marked-up shutdown-backup-sessions"),
        ({"check": {"kind": "pop3", "tls": True}}, "server web1 192.168.56.21:8080 check check-ssl verify none"),
        ({"check": {"body": "200 OK"}}, r"http-check expect string 200\ OK"),
        ({"check": {"every": 9}}, "default-server inter 9s fall 3 rise 2"),
    ],
)
def test_each_option_has_its_line(keys: dict[str, Any], line: str) -> None:
    assert line in served(**keys)


def test_sessions_of_web_services_and_of_those_that_opt_out_stay_open() -> None:
    for keys in ({}, {"mode": "tcp", "close_sessions": {"server_down": False}}):
        assert not any("on-marked" in line for line in served(**keys))


SECURE_CHECK = {"mode": "tcp", "check": {"tls": True, "host": "a.example.com"}}
NAMED_PORT = {"reencrypt": {"name": "b.example.com"}, "check": {"port": 8443, "tls": True, "host": "a.example.com"}}


@pytest.mark.parametrize(
    ("keys", "end"),
    [
        (SECURE_CHECK, "check check-ssl verify none check-sni a.example.com"),
        (
            {"reencrypt": {"authority": "ca.pem"}, "check": {"host": "a.example.com"}},
            "/etc/vipforge/tls/web.authority.pem",
        ),
        (NAMED_PORT, "verify none sni str(b.example.com) check-ssl check-sni a.example.com"),
        ({**NAMED_PORT, "check": {"port": 8008, "host": "a.example.com"}}, "verify none sni str(b.example.com)"),
    ],
)
def test_a_check_over_tls_names_the_host_that_its_port_needs(keys: dict[str, Any], end: str) -> None:
    assert next(line for line in served(**keys) if line.startswith("server web1")).endswith(f" {end}")


@pytest.mark.parametrize("kind", ["smtp", "imap", "pop3", "redis", "ldap"])
@pytest.mark.parametrize(("tls", "words"), [(False, ""), (True, " ssl")])
def test_haproxy_1_5_is_told_to_connect_and_how(kind: str, tls: bool, words: str) -> None:
    """Measured with 1.5.18: it waits in vain for a server that speaks first, and the server is never healthy."""
    lines = served("1.5.18", mode="tcp", proxy_protocol={"send": "v1"}, check={"kind": kind, "tls": tls})
    assert lines[lines.index("option tcp-check") + 1] == f"tcp-check connect{words} send-proxy"


def test_haproxy_1_5_requires_status_and_text_together() -> None:
    lines = served("1.5.18", check={"status": [200, 204], "body": "well (1)", "host": "a.example.com"})
    assert r"tcp-check send GET\ /\ HTTP/1.1\r\nHost:\ a.example.com\r\nConnection:\ close\r\n\r\n" in lines
    assert r"tcp-check expect rstring ^HTTP/1[.][01]\ (20[04])[\ \r][^\x01]*well\ \\(1\\)" in lines
    assert "http-check expect rstatus ^(20[04]|401)$" in served("1.5.18", check={"status": ["200", 204, 401]})
