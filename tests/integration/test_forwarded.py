"""What clients and trusted proxies say about themselves, redirects, routes and cookies, with a real HAProxy."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from builder.core.waiting import until
from tests.integration.echoing import (
    BEHIND,
    CHALLENGE,
    COOKIES,
    FOR_PROXY,
    HAPROXY,
    LOOPBACK,
    NETWORK,
    NO_SERVERS,
    PLAIN,
    PROXY,
    SECURE_8443,
    SERVERS,
    SHOPS,
    STRANGER,
    TO_HTTPS,
    TUNNEL,
    VIP,
    ask,
    cluster,
    configuration,
    listens,
    proxied,
    serve,
)

pytestmark = pytest.mark.integration

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
    "X-Forwarded-": "claimed",
    "X-Forwarded_": "claimed",
    "X__Forwarded--For": "claimed",
    "XForwardedFor": "claimed",
    "X-Original-Forwarded-For": "claimed",
    "CloudFront-Forwarded-Proto": "claimed",
    "Forwarded-For": "claimed",
    "Forwarded_Proto": "claimed",
    "X-Original-Host": "claimed",
    "X-Remote-Addr": "claimed",
    "X-Azure-ClientIP": "claimed",
    "WL-Proxy-Client-IP": "claimed",
    "CF-Connecting-IP": "claimed",
}


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


@pytest.mark.parametrize("names", ["X-Forwarded-For", "close, x_forwarded-for", "Forwarded, keep-alive"])
def test_no_client_makes_the_next_hop_delete_a_header(names: str) -> None:
    answer = ask(PLAIN, headers={"Connection": names})
    assert answer.got("x-forwarded-for") == [STRANGER]
    assert "orwarded" not in "".join(answer.got("connection"))


def test_what_else_a_client_says_about_its_connection_passes() -> None:
    said = {"Connection": "Upgrade, x-mine", "Upgrade": "mine"}
    assert [value.lower() for value in ask(PLAIN, headers=said).got("connection")] == ["upgrade, x-mine"]


@pytest.mark.parametrize(
    ("source", "node"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2002:c000:207::9", '"[2002:c000:207::9]"'),
        ("::1", '"[::1]"'),
        ("2001:db8::1", '"[2001:db8::1]"'),
    ],
)
def test_each_family_of_trusted_proxies_is_named_in_forwarded_as_it_must_be(source: str, node: str) -> None:
    answer = ask(TUNNEL, headers={"Forwarded": "for=1"}, source=PROXY, before=proxied(source))
    assert answer.got("forwarded") == ["for=1", f"for={node}"]


@pytest.mark.parametrize("source", ["2002:cb00:7107::9", "::203.0.113.7", "203.0.114.7"])
def test_an_address_that_contains_that_of_a_trusted_proxy_is_not_trusted(source: str) -> None:
    assert ask(TUNNEL, headers=CLAIMS, source=PROXY, before=proxied(source)).got("x-forwarded-for") == [source]
    assert ask(TUNNEL, headers=CLAIMS, source=PROXY, before=proxied("203.0.113.7")).got("x-real-ip")


def test_https_is_said_unless_a_trusted_proxy_knows_better() -> None:
    assert ask(SECURE_8443, headers={"X-Forwarded-Proto": "http"}).got("x-forwarded-proto") == ["https"]


def test_only_a_trusted_proxy_says_by_the_proxy_protocol_who_its_client_is() -> None:
    line = proxied(CLAIMED)
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
        *((no_name, VIP) for no_name in ("", ":81", ":", "[::1", "[]", "[x]:80", "a b", "-", "a:b", "a/b", "a@b")),
    ],
)
def test_a_redirect_leads_to_the_port_of_the_https_service(host: str, name: str) -> None:
    answer = ask(TO_HTTPS, "/a?b=c%20d", {"Host": host})
    assert (answer.status, answer.location) == (301, f"https://{name}:{SECURE_8443}/a?b=c%20d")


def test_routes_work_beside_a_redirect() -> None:
    assert ask(TO_HTTPS, f"{CHALLENGE}/token").server.startswith(f"{LOOPBACK}3")
    assert ask(TO_HTTPS, f"{CHALLENGE}s").status == 301


@pytest.mark.parametrize(
    ("header", "value"),
    [
        *((f"X-{name}", "https") for name in ("Forwarded-Proto", "Forwarded-Scheme", "Scheme", "Url-Scheme")),
        ("X-Forwarded-Proto", "WSS"),
        ("X-Forwarded-Proto", "https, http"),
        ("X-Forwarded-Ssl", "on"),
        ("Front-End-Https", "On"),
        ("Forwarded", "for=a;proto=https"),
        ("Forwarded", 'PROTO="https"'),
        ("Forwarded", 'for="a,b;c";proto=https;by=d, proto=http'),
    ],
)
def test_what_a_trusted_proxy_received_over_https_is_not_redirected(header: str, value: str) -> None:
    assert ask(FOR_PROXY, headers={header: value}, source=PROXY).status == 200
    assert ask(FOR_PROXY, headers={header: value}).status == 301


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Proto", "http, https"),
        ("X-Forwarded-Proto", "httpsx"),
        ("X-Forwarded-Ssl", "off"),
        ("Forwarded", "for=a;proto=http, proto=https"),
        ("Forwarded", 'for=a;host="proto=https"'),
        ("Forwarded", 'for=a;host=";proto=https;"'),
        ("Forwarded", 'for=a;host="\\";proto=https"'),
        ("Forwarded", "for=a;xproto=https"),
        ("Forwarded", "for=a;proto=httpsx"),
    ],
)
def test_what_a_trusted_proxy_did_not_receive_over_https_is_redirected(header: str, value: str) -> None:
    assert ask(FOR_PROXY, headers={header: value}, source=PROXY).status == 301


def test_a_trusted_proxy_is_refused_where_a_redirect_would_be_for_ever_and_nobody_else() -> None:
    said = {"X-Forwarded-Proto": "https"}
    assert ask(NO_SERVERS, headers=said, source=PROXY).status == 403
    assert (ask(NO_SERVERS, headers=said).status, ask(NO_SERVERS, source=PROXY).status) == (301, 301)


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
