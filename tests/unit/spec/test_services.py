"""Services and presets: their problems, and the services that a preset expands into."""

from __future__ import annotations

from typing import get_args

import pytest

from builder.spec import presets
from builder.spec.load import load
from builder.spec.model import Cluster
from builder.spec.presets import PresetName
from builder.spec.report import inspect

HEAD = """\
cluster: mail
network: {prefix: 24}
vrrp: {virtual_router_id: 10, vips: [10.1.2.10, 10.1.2.20]}
nodes:
  - {name: lb1.example.com, address: 10.1.2.11, priority: 254}
  - {name: lb2.example.com, address: 10.1.2.12, priority: 253}
tls:
  certificates:
    - {name: mail, chain: mail.pem, key: mail.key}
"""
EXCHANGE = """\
presets:
  - preset: exchange2013
    hosts: [mail.example.com]
    certificate: mail
    servers:
      - {name: ex1, address: 10.1.2.31}
      - {name: ex2, address: 10.1.2.32, weight: 2}
"""
SECURE = """\
services:
  - name: secure
    mode: https
    port: 443
    certificates: [mail]
    servers: [{name: web1, address: 10.1.2.41, port: 80}]
"""
REDIRECT = """\
  - name: to-https
    port: 80
    redirect: https
"""
ROUTE = (
    "[{name: shop, paths: [/shop], affinity: {by: cookie, cookie: ID},"
    " servers: [{name: s, address: 10.1.2.42, port: 80}]}]"
)
WEB = """\
services:
  - name: web
    port: 8080
    servers: [{name: web1, address: 10.1.2.41, port: 80}]
"""


@pytest.fixture
def cluster_of(tmp_path):
    def of(text: str) -> Cluster:
        path = tmp_path / "cluster.yml"
        path.write_text(text)
        return load(path)

    return of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("the spec has no services", "add services: or presets: (docs/services.md)")),
        (EXCHANGE.replace("2013", "2031"), ("must be exchange2010 or exchange2013", "did you mean exchange2013?")),
        (EXCHANGE.replace("certificate: mail", "certificate: mial"), ("no certificate with this name", "mean mail?")),
        (EXCHANGE.replace("    certificate: mail\n", ""), ("preset 1 names no certificate", "tls: passthrough")),
        (
            EXCHANGE.replace("    hosts", "    tls: passthrough\n    hosts"),
            ("the servers present their own certificates", "remove certificate"),
        ),
        (EXCHANGE.replace("10.1.2.32", "10.1.2.20"), ("address of server 2 of preset 1 is a VIP", "own address")),
        (
            EXCHANGE + WEB.replace("8080", "80"),
            ("preset 1 listens on port 80 of 10.1.2.10, and so does service 1", "different VIPs"),
        ),
        (EXCHANGE + WEB.replace("name: web\n", "name: exchange-web-owa\n"), ("needs the name", "another name")),
        (
            EXCHANGE + EXCHANGE.split("\n", 1)[1].replace("host", "name: two\n    host", 1),
            ("and so does preset 1", ""),
        ),
        (WEB.replace("port: 8080", "port: 8080\n    vips: [10.1.2.99]"), ("VIP 1 of service 1 is not one of", "")),
        (WEB.replace("port: 8080", "port: 8080\n    mode: https"), ("mode https and no certificate", "tls.cert")),
        (
            WEB.replace("port: 8080", "port: 8080\n    certificates: [mail]"),
            ("has certificates and mode http", "https"),
        ),
        (WEB.replace("port: 8080", "port: 8080\n    mode: tcp\n    root: /x"), ("root needs mode http or https", "")),
        (
            WEB.replace("port: 8080", "port: 8080\n    mode: tcp\n    affinity: {by: cookie}"),
            ("a cookie needs mode http or https", "set by: source"),
        ),
        (
            WEB.replace("port: 8080", "port: 8080\n    mode: tcp\n    hsts: 0"),
            ("browsers honor hsts only over https", ""),
        ),
        (WEB.replace("port: 8080", "port: 8080\n    hsts: 10"), ("browsers honor hsts only over https", "")),
        (
            WEB.replace("port: 8080", "port: 8080\n    mode: tcp\n    ntlm: true"),
            ("ntlm needs mode http", "remove ntlm"),
        ),
        (
            SECURE + WEB.replace("port: 8080", "port: 8080\n    redirect: https").partition("\n")[2],
            ("redirects every request that matches no route, so it needs no servers", "list under trusted_proxies:"),
        ),
        (
            WEB.replace("port: 8080", "port: 8080\n    redirect: https"),
            ("service 1 redirects to https, which 10.1.2.10 does not offer", "add a service with mode: https"),
        ),
        (
            SECURE.replace("port: 443", "port: 443\n    vips: [10.1.2.10]")
            + SECURE.partition("\n")[2].replace("secure", "other").replace("443", "8443\n    vips: [10.1.2.20]")
            + REDIRECT,
            ("https, which 10.1.2.10 on port 443 and 10.1.2.20 on port 8443 offer", "for each of them, with vips:"),
        ),
        (
            SECURE + REDIRECT + "    trusted_proxies: [192.0.2.7]\n",
            ("does not redirect what a trusted proxy received over https", "add them under servers:"),
        ),
        (
            SECURE + REDIRECT + "    routes: [{name: acme, paths: [/acme]}]\n",
            ("service 2 has no servers", "add them"),
        ),
        (
            WEB.replace("port: 8080", "port: 8080\n    mode: tcp\n    trusted_proxies: [192.0.2.7]"),
            ("service 1 does not accept the PROXY protocol", "proxy_protocol: {accept: true}"),
        ),
        (
            WEB.replace("port: 8080", "port: 8080\n    trusted_proxies: [192.0.2.7/24]"),
            ("trusted proxy 1 of service 1 must be a network", "write 192.0.2.0/24, or one address"),
        ),
        (
            WEB.replace("port: 8080", "port: 10001\n    affinity: {by: source}"),
            ("port of service 1 is where the nodes exchange the tables of affinity by source", "another port"),
        ),
        (
            "trusted_proxies: [0.0.0.0/0]\n" + WEB,
            ("trusted proxy 1 must not contain every address", "list the addresses of the proxies"),
        ),
        (
            WEB.replace("port: 8080", "port: 8080\n    affinity: {by: cookie, cookie: ID}\n    routes: " + ROUTE),
            ("cookie ID already stands for the servers of service 1", "another name, or leave it out"),
        ),
        (WEB[: WEB.index("    servers")], ("service 1 has no servers", "add them")),
        (
            WEB.replace("port: 8080", "port: 8080\n    routes: [{name: x}]"),
            ("route 1 of service 1 matches no", "paths"),
        ),
        (
            WEB.replace("port: 8080", "port: 8080\n    check: {status: 204, body: ok}"),
            ("a response with status 204 has no body", "another status"),
        ),
        (
            WEB.replace(
                "port: 8080", "port: 8080\n    routes: [{name: x, paths: [/x], check: {status: 304, body: ok}}]"
            ),
            ("a response with status 304 has no body", "another status"),
        ),
        *(
            (WEB.replace("port: 8080", f"port: 8080\n    {keys}"), expected)
            for keys, expected in {
                "check: {status: 2xx}": ("must be codes or ranges of codes", "write 200-299"),
                "check: {status: 399-200}": ("from a lower code to a higher one", "write 200-399"),
                "check: {status: [200, 99]}": ("must be HTTP status codes from 100 to 599", ""),
                "check: {status: true}": ("must be HTTP status codes from 100 to 599", ""),
                "check: {status: []}": ("must have 1 to 20 entries", "counts once"),
                "check: {status: [100-199, 204], body: ok}": ("status 100-199 or 204 has no body", "remove body"),
                "check: {headers: {Host: a.example.com}}": ("that HAProxy writes itself", "use the key host"),
                "check: {headers: {Authorization: Basic eA==}}": ("must not be a login", "without a login"),
                "check: {headers: {'X Y': z}}": (
                    "X Y of headers of check of service 1 must be the name of a header",
                    "",
                ),
                "check: {headers: {X-Y: ' z'}}": ("printable ASCII characters", ""),
                "check: {kind: smtp, path: /x}": ("path has no effect with kind smtp", "set kind: http"),
                "check: {user: look}": ("user has no effect with kind http", "set kind: mysql"),
                "check: {kind: ldap, primary_only: true}": ("primary_only has no effect", "set kind: redis"),
                "check: {kind: redis, host: a.example.com}": ("host has no effect", "or set tls: true"),
                "check: {kind: mysql, tls: true}": ("mysql begins TLS within its protocol", "remove tls"),
                "check: {kind: mysql, user: a b}": ("must be 1 to 32 letters", ""),
                "close_sessions: {primary_returns: true}": ("service 1 has none", "add a server with backup: true"),
            }.items()
        ),
        (
            WEB + "statistics: {port: 22, password: x}\n",
            ("port of statistics is the port of the nodes' SSH server", ""),
        ),
        (WEB.replace("name: web1,", "name: web1, backup: maybe,"), ("must be true or false", "")),
        (WEB.replace("port: 8080", "port: 8080\n    check: {body: 'a\"b'}"), ("printable ASCII", "")),
    ],
)
def test_each_problem_of_services_is_reported(problems, text: str, expected: tuple[str, str]) -> None:
    found = problems(HEAD + text)
    assert any(expected[0] in each.reason and expected[1] in each.hint for each in found), [
        str(each) for each in found
    ]
    assert all(each.line > 1 for each in found) or not text


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        ("mode: tcp\n    check: {tls: true, host: sts.example.com}", "check: {port: 80}"),
        ("reencrypt: {}\n    check: {host: sts.example.com}", "check: {port: 80}"),
        ("reencrypt: {name: sts.example.com}", "choose another guest"),
    ],
)
def test_haproxy_1_5_names_no_host_over_tls(tmp_path, keys: str, hint: str) -> None:
    def warnings(head: str) -> list[tuple[str, str]]:
        path = tmp_path / "cluster.yml"
        path.write_text(head + HEAD[: HEAD.index("tls:")] + WEB.replace("port: 8080", f"port: 8080\n    {keys}"))
        return [(each.reason, each.hint) for each in inspect([path])[1] if "SNI" in each.reason]

    [(reason, advice)] = warnings("guest: centos7\n")
    assert "sends no host name (SNI) over TLS" in reason
    assert hint in advice
    assert not warnings("guest: debian12\n") + warnings("guest: auto\n")
    assert not warnings('guest: centos7\nhaproxy: {source: "3.0.11"}\n')


def test_different_vips_may_use_the_same_port(problems) -> None:
    first = WEB.replace("port: 8080", "port: 8080\n    vips: [10.1.2.10]")
    second = WEB.split("\n", 1)[1].replace("web", "shop").replace("port: 8080", "port: 8080\n    vips: [10.1.2.20]")
    assert problems(HEAD + first + second) == ()


def test_a_preset_expands_into_services(cluster_of) -> None:
    cluster = cluster_of(HEAD + EXCHANGE + WEB)
    assert cluster.ports() == (25, 80, 443, 587, 993, 995, 8080)
    web = next(service for service in cluster.services if service.name == "exchange-web")
    assert [route.name for route in web.routes] == [
        *("owa", "ecp", "ews", "activesync", "oab", "rpc", "mapi", "autodiscover", "powershell")
    ]
    assert {route.check.path for route in web.routes if route.check} >= {"/owa/healthcheck.htm"}
    assert [(server.name, server.port, server.weight) for server in web.servers] == [("ex1", 443, 1), ("ex2", 443, 2)]
    assert web.affinity is None
    assert web.ntlm
    assert [route.name for route in web.routes if route.no_delay] == ["rpc"]


@pytest.mark.parametrize(("tls", "mode", "port"), [("bridge", "https", 443), ("offload", "https", 80)])
def test_tls_to_the_servers_depends_on_the_preset(cluster_of, tls: str, mode: str, port: int) -> None:
    cluster = cluster_of(HEAD + EXCHANGE.replace("    hosts", f"    tls: {tls}\n    hosts"))
    web = cluster.services[0]
    assert (web.mode, web.servers[0].port, web.reencrypt is not None) == (mode, port, tls == "bridge")


def test_with_passthrough_one_check_covers_all_services(cluster_of) -> None:
    text = EXCHANGE.replace("certificate: mail", "tls: passthrough")
    web = cluster_of(HEAD + text).services[0]
    assert (web.mode, web.routes, web.check.path, web.check.tls) == ("tcp", (), "/owa/healthcheck.htm", True)


def test_exchange_2010_keeps_a_client_on_its_server(cluster_of) -> None:
    cluster = cluster_of(HEAD + EXCHANGE.replace("2013", "2010"))
    web = cluster.services[0]
    assert {route.name: route.affinity.by for route in web.routes}["owa"] == "cookie"
    assert {route.name: route.affinity.by for route in web.routes}["activesync"] == "source"
    assert {135, 59532, 59533} < set(cluster.ports())


def test_every_preset_has_a_module_and_a_name() -> None:
    assert set(presets.all_presets()) == set(get_args(PresetName))


def test_every_faulty_status_is_reported_at_its_own_place(problems) -> None:
    entries = "[200-100, 99, 600, abc, 200, 200, 301]"
    text = HEAD + WEB.replace("port: 8080", f"port: 8080\n    check: {{status: {entries}, kind: tcp, host: x}}")
    found = {each.reason.partition(" of ")[0]: each for each in problems(text) if "status" in each.reason}
    assert [found[f"status {number}"].value for number in (1, 2, 3, 4, 6)] == ["200-100", "99", "600", "abc", "200"]
    assert len(found) == len({each.column for each in found.values()}) == 5
    assert any("host has no effect" in each.reason for each in problems(text))
