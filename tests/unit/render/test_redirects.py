"""haproxy.cfg: redirects to https, and the proxies before the VIPs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from builder.guests.debian12 import GUEST
from builder.render import appliance
from builder.spec.model import Cluster
from tests.specs import quickstart

WEB = {"name": "web", "port": 80, "servers": [{"name": "web1", "address": "192.168.56.21", "port": 8080}]}
TO_HTTPS = {"name": "to-https", "port": 80, "redirect": "https"}
ACME = [{"name": "acme", "paths": ["/acme"], "servers": WEB["servers"]}]


def conf(cluster: Cluster, release: str = "2.6") -> str:
    return appliance(cluster, replace(GUEST, haproxy_version=release), "2.3.3")["/etc/haproxy/haproxy.cfg"].content


def served(release: str = "2.6", **keys: Any) -> list[str]:
    """The lines of haproxy.cfg for one service."""
    text = conf(quickstart(services=[{**WEB, **keys}]), release)
    return [line.strip() for line in text[text.index("frontend web.") :].splitlines()]


def redirected(port: int = 443, **keys: Any) -> list[str]:
    """The lines about a redirect to a service on `port`."""
    tls = {"certificates": [{"name": "www", "chain": "www.pem", "key": "www.key"}]}
    web = {**WEB, "mode": "https", "certificates": ["www"], "port": port}
    text = conf(quickstart(services=[{**TO_HTTPS, **keys}, web], tls=tls))
    return re.findall(
        r"^backend to-https.*|^    (?:.*Host \^.*|.* redirect .*|.*\.redirect|.*https.before.*)", text, re.MULTILINE
    )


@pytest.mark.parametrize(("port", "end"), [(443, r"\\1"), (8443, r"\\1:8443")])
def test_a_redirect_has_the_port_of_the_https_service(port: int, end: str) -> None:
    host = rf"    http-request replace-header Host ^(\\[[^]]*\\]|[^:]*)(:.*)?$ {end}"
    assert redirected(port) == [host, "    http-request redirect scheme https code 301"]


def test_what_matches_no_route_is_redirected_in_a_backend_of_its_own() -> None:
    found = redirected(routes=ACME)
    assert found[:2] == ["    default_backend to-https.redirect", "backend to-https.redirect"]
    assert found[-1] == "backend to-https-acme"


def test_what_a_trusted_proxy_received_over_https_goes_to_the_servers() -> None:
    found = redirected(trusted_proxies=["192.0.2.7"], servers=WEB["servers"])
    assert "    use_backend to-https if https.before" in found
    assert found.index("    use_backend to-https if https.before") < found.index("backend to-https.redirect")


def test_a_long_list_of_proxies_stays_below_the_words_that_haproxy_reads_in_a_line() -> None:
    proxies = [f"192.0.2.{number}" for number in range(200)]
    assert max(len(line.split()) for line in served(trusted_proxies=proxies)) < 64


def test_the_proxy_protocol_is_expected_from_trusted_proxies_alone() -> None:
    lines = served(proxy_protocol={"accept": True}, trusted_proxies=["192.0.2.7"])
    assert {"bind 192.168.56.10:80", "tcp-request connection expect-proxy layer4 if trusted.proxy"} < set(lines)


def test_old_releases_delete_headers_after_all_rules_so_what_haproxy_says_is_added_later_still() -> None:
    lines = served("1.5.18", mode="https", certificates=["www"], trusted_proxies=["192.0.2.7"])
    assert [line for line in lines if line.startswith("reqidel ^(") and line.endswith("trusted.proxy")]
    assert r"reqadd X-Forwarded-Proto:\ https unless { hdr_cnt(X-Forwarded-Proto) gt 0 }" in lines
    assert not [line for line in lines if "del-header ^" in line]


@pytest.mark.parametrize("keys", [{"root": "/a"}, TO_HTTPS, {**TO_HTTPS, "routes": ACME}])
@pytest.mark.parametrize("proxies", [[], ["192.0.2.7"]])
def test_old_releases_have_no_rule_below_another_that_they_apply_earlier(
    keys: dict[str, Any], proxies: list[str]
) -> None:
    secure = {**WEB, "name": "secure", "port": 443, "mode": "tcp"}
    text = conf(quickstart(services=[{**WEB, **keys, "trusted_proxies": proxies}, secure]), "1.5.18")
    for section in text.split("\n\n"):
        rules = re.findall(r"^    (http-request|req(?:idel|add)|use_backend) ", section, re.MULTILINE)
        assert rules == sorted(rules, key=("http-request", "reqidel", "reqadd", "use_backend").index)
        assert not re.search("redirect scheme.*\n    http-request", section)


def test_networks_of_ipv4_do_not_match_the_ipv6_addresses_that_contain_theirs() -> None:
    lines = served(trusted_proxies=["192.0.2.7", "198.51.100.0/24", "2001:db8::/64"])
    trusted = [line.rpartition(" ")[2] for line in lines if line.startswith("acl trusted.proxy")]
    assert trusted == ["::ffff:192.0.2.7/128", "::ffff:198.51.100.0/120", "2001:db8::/64"]


def test_trailers_of_requests_are_dropped_where_haproxy_can() -> None:
    assert "option http-drop-request-trailers" in served("3.2.1")
    assert "option http-drop-request-trailers" not in served("3.1.9") + served("3.2.1", mode="tcp")


@pytest.mark.parametrize(("release", "found"), [("1.5.18", True), ("1.8.30", True), ("2.2.0", False), ("2.6", False)])
def test_the_redirect_of_the_root_has_hsts_in_releases_whose_rules_for_answers_do_not_see_it(
    release: str, found: bool
) -> None:
    lines = served(release, mode="https", certificates=["www"], root="/a", hsts=10)
    location = r"/a\r\nStrict-Transport-Security:\ max-age=10" if found else "/a"
    assert f"http-request redirect location {location} code 302 if {{ path / }}" in lines
