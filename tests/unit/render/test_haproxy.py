"""haproxy.cfg: golden files for the examples, and only keywords that the guest's HAProxy supports."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import many_services
from builder.core.errors import Exit
from builder.core.quoting import haproxy_word
from builder.guests.debian12 import GUEST
from builder.render import appliance
from builder.render.haproxy import HaproxyTooOld
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import examples
from tests.golden import assert_golden
from tests.options import every_option
from tests.specs import quickstart

PATH = "/etc/haproxy/haproxy.cfg"
OPTIONS = "/usr/share/vipforge/haproxy.env"
WEB = {"name": "web", "port": 80, "servers": [{"name": "web1", "address": "192.168.56.21", "port": 8080}]}


def conf(cluster: Cluster, release: str = "2.6") -> str:
    return appliance(cluster, replace(GUEST, haproxy_version=release), "2.3.3")[PATH].content


def served(release: str = "2.6", **keys: Any) -> list[str]:
    """The lines of haproxy.cfg for one service."""
    text = conf(quickstart(services=[{**WEB, **keys}]), release)
    return [line.strip() for line in text[text.index("frontend web.") :].splitlines()]


def secured(release: str = "2.6", **keys: Any) -> list[str]:
    tls = {"certificates": [{"name": "www", "chain": "www.pem", "key": "www.key"}]}
    service = {**WEB, "mode": "https", "certificates": ["www"], **keys}
    return [line.strip() for line in conf(quickstart(services=[service], tls=tls), release).splitlines()]


@pytest.mark.parametrize("name", ["active-active", "exchange2010", "exchange2013", "ipv6", "webfarm"])
def test_the_examples_of_services(name: str) -> None:
    assert_golden(f"rendered/haproxy/{name}.cfg", conf(load(examples.FOLDER / f"{name}.yml")))


def test_exchange_2013_as_centos_7_runs_it() -> None:
    assert_golden(
        "rendered/haproxy/exchange2013-1.5.18.cfg", conf(load(examples.FOLDER / "exchange2013.yml"), "1.5.18")
    )


@pytest.mark.parametrize("name", examples.names())
def test_an_old_release_gets_only_keywords_that_it_supports(name: str) -> None:
    text = conf(load(examples.FOLDER / f"{name}.yml"), "1.5.18")
    newer = (
        r"expose-fd|ssl-min-ver|ciphersuites|http-check send|http-after-response|\bsni\b|check-sni|alpn|[\"']"
        r"|http-reuse|srvtcpka"
    )
    assert not re.search(newer, text.partition("\n")[2])


@pytest.mark.parametrize("release", ["1.5.18", "2.6", "3.2"])
def test_every_release_gets_the_same_backends_and_servers(release: str) -> None:
    def heads(text: str) -> list[str]:
        return re.findall(r"^(?:frontend|backend|    server) \S+", text, re.MULTILINE)

    cluster = load(examples.FOLDER / "exchange2013.yml")
    assert heads(conf(cluster, release)) == heads(conf(cluster))


@pytest.mark.parametrize("name", [*examples.names(), "every option"])
def test_section_names_are_unique(name: str, tmp_path: Path) -> None:
    """HAProxy 3.2 warns about duplicates ("dangerous"), and 3.3 refuses them."""
    cluster = every_option(tmp_path) if name == "every option" else load(examples.FOLDER / f"{name}.yml")
    sections = re.findall(r"^(?:frontend|backend) (\S+)", conf(cluster), re.MULTILINE)
    assert sections
    assert len(sections) == len(set(sections))


def test_http_2_is_not_offered_because_ntlm_needs_its_own_connection() -> None:
    assert "bind 192.168.56.10:80 ssl crt /etc/vipforge/tls/www.pem alpn http/1.1" in secured("3.2")
    assert "bind 192.168.56.10:80 ssl crt /etc/vipforge/tls/www.pem" in secured("1.5.18")


def test_several_certificates_are_in_a_list_that_begins_with_the_default() -> None:
    names = [f"certificate{number}" for number in range(40)]
    tls = {"certificates": [{"name": name, "chain": "a.pem", "key": "a.key"} for name in names]}
    cluster = quickstart(services=[{**WEB, "mode": "https", "certificates": names}], tls=tls)
    path = "/etc/haproxy/certificates/web.list"
    assert f"    bind 192.168.56.10:80 ssl crt-list {path} alpn http/1.1\n" in conf(cluster)
    listed = appliance(cluster, GUEST, "2.3.3")[path].content
    assert listed.splitlines() == [f"/etc/vipforge/tls/{name}.pem" for name in names]


@pytest.mark.parametrize("release", ["1.5.18", "2.6"])
@pytest.mark.parametrize("name", [*examples.names(), "every option"])
def test_no_line_exceeds_what_haproxy_reads(name: str, release: str, tmp_path: Path) -> None:
    """64 words (MAX_LINE_ARGS), and in 1.5 also 2048 bytes (LINESIZE)."""
    cluster = every_option(tmp_path) if name == "every option" else load(examples.FOLDER / f"{name}.yml")
    lines = conf(cluster, release).splitlines()
    assert max(len(re.split(r"(?<!\\)\s+", line.strip())) for line in lines) <= 64
    assert max(len(line.encode()) for line in lines) < 2048


def test_the_minimum_tls_version_comes_from_the_spec() -> None:
    assert "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets" in secured()
    assert "ssl-default-bind-options no-sslv3 no-tlsv10 no-tlsv11 no-tls-tickets" in secured("1.5.18")


def test_tls_1_3_is_refused_if_haproxy_lacks_it() -> None:
    cluster = quickstart(tls={"minimum": "1.3"})
    assert conf(cluster, "2.6")
    with pytest.raises(HaproxyTooOld, match=r"HAProxy 1\.5\.18 in Debian 12 does not support TLS 1\.3") as caught:
        conf(cluster, "1.5.18")
    assert caught.value.exit_code == Exit.BAD_SPEC


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"balance": "leastconn"}, "balance leastconn"),
        ({"limits": {"connections": 100}}, "maxconn 100"),
        ({"limits": {"rate": 50}}, "rate-limit sessions 50"),
        ({"limits": {"per_server": 7}}, "server web1 192.168.56.21:8080 check maxconn 7"),
        ({"proxy_protocol": {"accept": True}}, "bind 192.168.56.10:80 accept-proxy"),
        ({"proxy_protocol": {"send": "v1"}}, "server web1 192.168.56.21:8080 check send-proxy"),
        ({"proxy_protocol": {"send": "v2"}}, "server web1 192.168.56.21:8080 check send-proxy-v2"),
        ({"affinity": {"by": "source"}}, "stick-table type ip size 100k expire 30m peers vipforge"),
        ({"affinity": {"by": "cookie"}}, "cookie SERVERID insert indirect nocache httponly"),
        ({"affinity": {"by": "cookie"}}, "server web1 192.168.56.21:8080 check cookie web1"),
        ({"trusted_proxies": ["192.0.2.0/24"]}, "acl trusted.proxy src ::ffff:192.0.2.0/120"),
        ({"root": "/owa/"}, "http-request redirect location /owa/ code 302 if { path / }"),
        ({"log": "errors"}, "option dontlog-normal"),
        ({"timeout": 300}, "timeout client 300s"),
        ({"timeout": 300}, "timeout server 300s"),
        ({"timeout": 4000}, "timeout tunnel 4000s"),
        ({"timeout": 300, "mode": "tcp"}, "timeout tunnel 300s"),
        ({"mode": "tcp"}, "timeout tunnel 60s"),
        ({"maintenance": "Soon."}, "errorfile 503 /etc/haproxy/maintenance/web.http"),
        ({"check": {"kind": "tcp"}}, "server web1 192.168.56.21:8080 check"),
        ({"reencrypt": {}}, "server web1 192.168.56.21:8080 check ssl verify none sni req.hdr(host),field(1,:)"),
    ],
)
def test_each_option_has_its_line(keys: dict[str, Any], line: str) -> None:
    assert line in served(**keys)


def test_connections_that_become_tunnels_have_a_timeout_of_an_hour() -> None:
    assert not any("tunnel" in line for line in served(timeout=3600))
    assert "    timeout tunnel 1h\n" in conf(quickstart())


@pytest.mark.parametrize(("release", "connections", "headers"), [("1.5.18", 1, 1), ("1.8", 1, 0), ("2.0", 0, 0)])
def test_a_release_with_lower_default_limits_gets_explicit_ones(release: str, connections: int, headers: int) -> None:
    text = conf(quickstart(haproxy={"maxconn": 700}), release)
    assert text.partition("\ndefaults\n")[2].count("    maxconn 700\n") == connections
    assert text.count("    tune.maxrewrite 1024\n") == headers


def test_connections_to_servers_with_ntlm_are_never_shared() -> None:
    assert {"option prefer-last-server", "http-reuse never", "timeout http-keep-alive 120s"} < set(served(ntlm=True))
    old = served("1.5.18", ntlm=True)
    assert "option prefer-last-server" in old
    assert "http-reuse never" not in old


def test_a_route_with_no_delay_forwards_partial_packets_at_once() -> None:
    routes = [{"name": "rpc", "paths": ["/rpc"], "no_delay": True}]
    assert [line for line in served(routes=routes) if line == "option http-no-delay"] == ["option http-no-delay"]


def test_a_dead_server_is_noticed_before_a_long_timeout() -> None:
    assert {"option srvtcpka", "srvtcpka-idle 60s", "srvtcpka-intvl 10s", "srvtcpka-cnt 3"} < set(served(timeout=3600))
    assert not any("srvtcpka" in line for line in (*served(), *served("1.5.18", timeout=3600)))


def test_servers_that_are_not_verified_still_get_sni() -> None:
    server = "server web1 192.168.56.21:8080 check ssl verify none sni str(ex.example.com) check-sni ex.example.com"
    assert server in served(reencrypt={"name": "ex.example.com"})


def test_verified_servers_get_sni() -> None:
    keys = {"reencrypt": {"authority": "ca.pem", "name": "ex.example.com"}}
    server = "server web1 192.168.56.21:8080 check ssl verify required ca-file /etc/vipforge/tls/web.authority.pem"
    named = f"{server} verifyhost ex.example.com"
    assert f"{named} sni str(ex.example.com) check-sni ex.example.com" in served(**keys)
    assert named in served("1.5.18", **keys)


@pytest.mark.parametrize(("release", "vip"), [("2.6", "[2001:db8:59::10]"), ("1.5.18", "2001:db8:59::10")])
def test_ipv6_addresses_are_in_brackets_if_the_release_supports_them(release: str, vip: str) -> None:
    text = conf(load(examples.FOLDER / "ipv6.yml"), release)
    assert f"    bind {vip}:80\n" in text
    assert f"    server web2 {vip.replace('10', '32')}:8080 check\n" in text


def test_weights_and_backups() -> None:
    servers = [{**WEB["servers"][0], "weight": 9}, {"name": "b", "address": "192.168.56.9", "port": 1, "backup": True}]
    lines = served(servers=servers)
    assert "server web1 192.168.56.21:8080 check weight 9" in lines
    assert "server b 192.168.56.9:1 check backup" in lines


def test_hsts_uses_the_syntax_of_the_release() -> None:
    header = "set-header Strict-Transport-Security max-age=600"
    assert f"http-after-response {header}" in secured(hsts=600)
    assert f"http-response {header}" in secured("1.5.18", hsts=600)


def test_a_route_matches_a_path_and_all_below_it_and_a_host_with_or_without_port() -> None:
    routes = [
        {"name": "all", "paths": ["/"]},
        {"name": "owa", "paths": ["/owa/"], "hosts": ["mail.example.com"], "timeout": 900},
    ]
    lines = served(routes=routes)
    for line in (
        "acl all-path path -i /",
        "acl all-path path_beg -i /",
        "acl owa-path path -i /owa",
        "acl owa-path path_beg -i /owa/",
        r"acl owa-host hdr_reg(host) -i ^mail\\.example\\.com\\.?(:[0-9]*)?$",
        "use_backend web-owa if owa-path owa-host",
        "timeout client 900s",
    ):
        assert line in lines


def test_a_service_listens_on_its_own_vips() -> None:
    lines = conf(
        quickstart(vrrp={"vips": ["192.168.56.10", "192.168.56.9"]}, services=[{**WEB, "vips": ["192.168.56.9"]}])
    )
    assert re.findall(r"bind (\S+)", lines) == ["192.168.56.9:80"]


@pytest.mark.parametrize(
    ("text", "one"), [("200 OK", r"200\ OK"), ("a#b", r"a\#b"), ("/owa/", "/owa/"), ("\\", "\\\\")]
)
def test_text_is_escaped_as_one_word(text: str, one: str) -> None:
    assert haproxy_word(text) == one


def test_the_maintenance_page_is_a_complete_response_with_escaped_text() -> None:
    files = appliance(quickstart(services=[{**WEB, "maintenance": "Back <soon>, até já"}]), GUEST, "2.3.3")
    head, _, body = files["/etc/haproxy/maintenance/web.http"].content.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert f"Content-Length: {len(body.encode())}" in head
    assert "Back &lt;soon&gt;, até já" in body


def test_no_secret_and_no_path_on_this_host_is_in_the_image(tmp_path: Path) -> None:
    cluster = load(examples.with_files("exchange2013", tmp_path))
    everything = "".join(file.content for file in appliance(cluster, GUEST, "2.3.3").values())
    for hidden in (examples.PASSWORD, "PRIVATE KEY", "BEGIN CERTIFICATE", str(tmp_path)):
        assert hidden not in everything


def test_haproxy_reads_the_statistics_page_from_a_file_of_the_seed() -> None:
    files = appliance(quickstart(statistics={"password": "secret"}), GUEST, "2.3.3")
    assert "-f /etc/vipforge/statistics.cfg" in files[OPTIONS].content
    assert 'port="8404"' in files["/etc/firewalld/zones/vipforge.xml"].content
    assert "statistics" not in appliance(quickstart(), GUEST, "2.3.3")[OPTIONS].content


@pytest.mark.parametrize("name", [*examples.names(), "every option"])
def test_the_firewall_opens_every_port_that_haproxy_listens_on(name: str, tmp_path: Path) -> None:
    cluster = every_option(tmp_path) if name == "every option" else load(examples.FOLDER / f"{name}.yml")
    files = appliance(cluster, GUEST, "2.3.3")
    opened = set(
        re.findall(r'\n  <port port="(\d+)" protocol="tcp"/>', files["/etc/firewalld/zones/vipforge.xml"].content)
    )
    listening = set(re.findall(r"^    bind \S+:(\d+)", files[PATH].content, re.MULTILINE))
    statistics = {str(cluster.statistics.port)} if cluster.statistics else set()
    assert listening | statistics == opened


def test_a_thousand_services_of_five_servers_are_loaded_and_rendered(tmp_path: Path) -> None:
    """benchmarks/many_services.py measures how long that takes."""
    path = tmp_path / "cluster.yml"
    path.write_text(many_services.spec(1000, 5))
    text = conf(load(path))
    assert text.count("\nfrontend ") == text.count("\nbackend ") == 1000
    assert text.count("\n    server ") == 5000
