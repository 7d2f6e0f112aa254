"""haproxy.cfg for HAProxy 1.5 uses only options of `server`, `bind` and TLS that this release has.

No distribution packages 1.5 any more. 1.5.16, built from source with a patch for OpenSSL 3 that removes the session
cache and OCSP, read every example and every option as rendered for 1.5.18 (CentOS 7) without a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from builder.guests import all_guests
from builder.render import appliance
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import examples
from tests.options import every_option

FACTS = replace(all_guests()["centos7"], haproxy_version="1.5.18")
SERVER = {
    **dict.fromkeys(("check", "ssl", "check-ssl", "backup", "send-proxy", "send-proxy-v2"), 0),
    **dict.fromkeys(("verify", "ca-file", "verifyhost", "weight", "cookie", "maxconn"), 1),
}
DEFAULT_SERVER = dict.fromkeys(("inter", "fall", "rise", "port", "on-marked-down", "on-marked-up"), 1)
BIND = {"ssl": 0, "accept-proxy": 0, "crt": 1, "crt-list": 1}
"""The number of arguments of each option."""
TLS_OPTIONS = {"no-sslv3", "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tls-tickets"}
CLUSTERS: dict[str, Callable[[Path], Cluster]] = {
    **{name: lambda _, name=name: load(examples.FOLDER / f"{name}.yml") for name in examples.names()},
    "every option": every_option,
}


@pytest.fixture(params=CLUSTERS)
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> list[list[str]]:
    """The words of each line; a space after a backslash does not end a word."""
    cluster = CLUSTERS[request.param](tmp_path)
    text = appliance(cluster, FACTS, FACTS.default_keepalived)["/etc/haproxy/haproxy.cfg"].content
    return [re.split(r"(?<!\\)\s+", line.strip()) for line in text.splitlines() if line.strip()]


def unknown(options: list[str], known_ones: Mapping[str, int]) -> Iterator[str]:
    """The options that are not known; arguments of known options are skipped."""
    rest = iter(options)
    for option in rest:
        if option not in known_ones:
            yield option
        for _ in range(known_ones.get(option, 0)):
            next(rest)


def test_servers_have_only_options_of_1_5(lines: list[list[str]]) -> None:
    servers = [line[3:] for line in lines if line[0] == "server"]
    assert servers
    assert [found for options in servers for found in unknown(options, SERVER)] == []
    defaults = [line[1:] for line in lines if line[0] == "default-server"]
    assert [found for options in defaults for found in unknown(options, DEFAULT_SERVER)] == []


def test_listeners_have_only_options_of_1_5(lines: list[list[str]]) -> None:
    listeners = [line[2:] for line in lines if line[0] == "bind"]
    assert listeners
    assert [found for options in listeners for found in unknown(options, BIND)] == []


def test_tls_has_only_options_of_1_5(lines: list[list[str]]) -> None:
    used = {option for line in lines if line[0] == "ssl-default-bind-options" for option in line[1:]}
    assert used <= TLS_OPTIONS


def test_a_backend_has_at_most_one_http_check_expect(lines: list[list[str]]) -> None:
    """1.5 uses only the last one."""
    sections = "\n".join(" ".join(line) for line in lines).split("\nbackend ")
    assert max(section.count("http-check expect") for section in sections) <= 1
