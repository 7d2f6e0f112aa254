"""The hints about health checks, sessions, keys without effect, TLS in mode tcp, hosts, and the forms of values."""

from __future__ import annotations

from typing import Any

from tests.unit.spec.faulty import GONE, KEY, WITH_IPV6, WITH_MANAGEMENT, Case, Edit, same_place

CHECK = "services.0.check"
REDIRECT: Edit = {
    "services.0.redirect": "https",
    "services.0.servers": GONE,
}
SERVER = {"name": "far", "address": "10.1.2.33", "port": 80}
LDAPS = {"mode": "tcp", "certificates": ["www"], "reencrypt": {}, "check": {"kind": "ldap"}}


def check(faulty: dict[str, Any], reason: str, hint: str, fixed: dict[str, Any]) -> Case:
    """A case of the first service's health check."""
    return same_place(CHECK, faulty, reason, hint, fixed)


CHECK_CASES = (
    check({"status": "2xx"}, "codes or ranges of codes", "write 200-299", {"status": "200-299"}),
    check({"status": "399-200"}, "from a lower code", "write 200-399", {"status": "200-399"}),
    check({"status": list(range(200, 230))}, "must have 1 to 20", "200-299 counts once", {"status": ["200-229", 301]}),
    check({"headers": {"Host": "a.example.com"}}, "writes itself", "use the key host", {"host": "a.example.com"}),
    check({"headers": {"Connection": "close"}}, "writes itself", "remove it", {}),
    check(
        {"path": "/x", "headers": {"Authorization": "Basic eA=="}},
        "must not be a login",
        "without a login",
        {"path": "/x"},
    ),
    check({"kind": "smtp", "path": "/x"}, "path has no effect", "remove path, or set kind: http", {"path": "/x"}),
    check({"kind": "tcp", "host": "a.example.com"}, "host has no effect", "remove host, or set tls", {"kind": "tcp"}),
    check({"kind": "mysql", "tls": True}, "begins TLS within", "the check needs no TLS", {"kind": "mysql"}),
    Case(
        {"services.0.close_sessions": {"primary_returns": True}},
        "service 1 has none",
        "add a server with backup: true",
        {"services.0.servers.1": {"name": "b", "address": "10.1.2.39", "port": 8080, "backup": True}},
    ),
    Case(
        {"services.0.close_sessions": {"primary_returns": True}, "services.0.servers.0.backup": True},
        "service 1 has only backup servers",
        "add a server without backup",
        {"services.0.servers.1": {"name": "b", "address": "10.1.2.39", "port": 8080}},
    ),
    # keys without effect
    *(
        Case(
            {"presets.0.tls": "passthrough", "presets.0.certificate": GONE, f"presets.0.{key}": value},
            f"{key} has no effect with tls: passthrough",
            f"remove {key}, or set tls: bridge and name a certificate",
            fixed,
        )
        for key, value in {"hsts": 60, "maintenance": "Back soon."}.items()
        for fixed in ({f"presets.0.{key}": GONE}, {"presets.0.tls": "bridge", "presets.0.certificate": "www"})
    ),
    *(
        Case(
            {"presets.0.tls": tls, "presets.0.certificate": certificate, "presets.0.authority": "www.pem"},
            f"authority has no effect with tls: {tls}",
            "remove authority, or set tls: bridge",
            {"presets.0.authority": GONE},
        )
        for tls, certificate in {"offload": "www", "passthrough": None}.items()
    ),
    *(
        same_place(place, {"by": by, key: value}, f"{key} has no effect with by: {by}", f"set by: {other}", fixed)
        for place in ("services.0.affinity", "services.2.routes.0.affinity")
        for by, key, value, other in (("cookie", "minutes", 5, "source"), ("source", "cookie", "X", "cookie"))
        for fixed in ({"by": by}, {"by": other, key: value})
    ),
    same_place(
        "services.1.affinity",
        {"by": "source", "cookie": "X"},
        "cookie has no effect",
        "remove cookie",
        {"by": "source"},
    ),
    *(
        Case(
            REDIRECT | {f"services.0.{key}": value},
            "service 1 redirects every request, and has no servers",
            f"remove {name}",
            {f"services.0.{key}": GONE},
        )
        for key, value, name in (
            ("balance", "leastconn", "balance"),
            ("root", "/x", "root"),
            ("check", {"path": "/x"}, "check"),
            ("affinity", {"by": "cookie"}, "affinity"),
            ("reencrypt", {}, "reencrypt"),
            ("limits", {"per_server": 5}, "per_server"),
            ("close_sessions", {"server_down": True}, "server_down"),
            ("proxy_protocol", {"send": "v2"}, "send"),
            ("ntlm", True, "ntlm"),
            ("maintenance", "Back soon.", "maintenance"),
        )
    ),
    # TLS in mode tcp
    Case(
        {f"services.1.{key}": value for key, value in LDAPS.items()},
        "certificates and mode tcp",
        "remove certificates and reencrypt, and set tls: true for the check",
        {"services.1.certificates": GONE, "services.1.reencrypt": GONE, "services.1.check.tls": True},
    ),
    Case(
        {"services.1.certificates": ["www"], "services.1.reencrypt": {}},
        "certificates and mode tcp",
        "remove certificates and reencrypt: in mode tcp",
        {"services.1.certificates": GONE, "services.1.reencrypt": GONE},
    ),
    Case(
        {"services.2.mode": "tcp", "services.2.certificates": GONE, "services.2.hosts": GONE},
        "routes needs mode http or https",
        "remove routes, or set mode: https, with certificates:",
        {"services.2.mode": "https", "services.2.certificates": ["www"]},
    ),
    # hosts that the nodes talk to
    *(
        same_place(place, far, "is an IPv6 address, but no node has one", "the server's IPv4 address", near)
        for place, far, near in (
            ("services.0.servers.0.address", "2001:db9::1", "10.1.2.31"),
            ("services.2.routes.0.servers", [SERVER | {"address": "2001:db9::1"}], [SERVER]),
            ("presets.0.servers.0.address", "2001:db9::1", "10.1.2.51"),
            ("network.ntp", ["2001:db9::1"], ["10.1.2.7"]),
        )
    ),
    Case(
        {"vrrp.vips": ["10.1.2.10", "10.1.2.20"], "nodes.1.address6": GONE, "network.ntp": ["2001:db8::7"]},
        "is an IPv6 address, but node 2 has none",
        "or give every node an address6",
        {"nodes.1.address6": "2001:db8::12"},
        WITH_IPV6,
    ),
    *(
        same_place(place, [own], reason, "give the server's own address", ["10.1.2.7"], base)
        for place in ("network.dns", "network.ntp")
        for own, reason, base in (
            ("10.1.2.10", "is a VIP, which offers only services over TCP", None),
            ("10.1.2.12", "is also the address of node 2", None),
            ("10.9.0.11", "is also the management of node 1", WITH_MANAGEMENT),
        )
    ),
    same_place("network.ntp", ["2001:db8::12"], "address6 of node 2", "own address", ["2001:db8::7"], WITH_IPV6),
    same_place("alerts.smtp_server", "10.1.2.11", "is also the address of node 1", "own address", "10.1.2.25"),
    *(
        same_place(place, [own], reason, "the address from which the proxy connects", ["10.1.2.0/24", "10.9.0.1"])
        for place in ("trusted_proxies", "services.0.trusted_proxies")
        for own, reason in {"10.1.2.10": "is also VIP 1 of vrrp", "10.1.2.11/32": "the address of node 1"}.items()
    ),
    # the forms of values
    *(
        same_place("image.mirror", wrong, "must be an http, https or file address", hint, right)
        for wrong, hint, right in (
            ("ftp://m/d", "begin it with http:// or https://", "https://m/d"),
            ("m.example.com/d", "begin it with http:// or https://", "http://m.example.com/d"),
            ("file://m/d", "or with file:/// for a folder", "file:///m/d"),
            ("HTTP://m/d", "write http:// in lower case", "http://m/d"),
            ("http://m:99999/d", "a port is a number from 1 to 65535", "http://m:9999/d"),
        )
    ),
    *(
        same_place("network.ntp", [wrong], "must be an address or a host name", f"write {right} alone", [right])
        for wrong, right in (
            ("http://time.example.com", "time.example.com"),
            ("time.example.com:123", "time.example.com"),
            ("10.1.2.7:123", "10.1.2.7"),
        )
    ),
    *(
        same_place(place, "mail.example.com", "must be an IPv4", "give an address: names are not resolved", right)
        for place, right in {
            "alerts.smtp_server": "10.1.2.25",
            "services.0.servers.0.address": "10.1.2.31",
            "presets.0.servers.0.address": "10.1.2.51",
            "vrrp.vips.0": "10.1.2.10",
        }.items()
    ),
    same_place(
        "services.0.servers.0.address", "10.1.2.31:80", "must be an IPv4", "write 10.1.2.31 alone", "10.1.2.31"
    ),
    same_place("services.0.servers.0.address", "http://10.1.2.31/x", "IPv4", "write 10.1.2.31 alone", "10.1.2.31"),
    same_place("haproxy", {"source": "9.9"}, "such as 3.0.11", "releases are 2.6.12, 3.0.11", {"source": "3.0.11"}),
    same_place("haproxy", {"source": 3.0}, "must be text", 'such as "3.0.11"', {"source": "3.0.11"}),
    same_place("keepalived", "2.3", "such as 2.3.4", "the pinned releases are 1.2.13, 2.2.7, 2.3.3", "2.3.3"),
    same_place("operator.ssh_keys", [f'from="10.0.0.0/8, ::1" {KEY}'], "without options", "before ssh-ed25519", [KEY]),
    same_place("operator.ssh_keys", [f"restrict {KEY}"], "without options", "leave out what stands before", [KEY]),
    same_place("operator.ssh_keys", ["ssh-dss AAAAB3NzaC1kc3M me"], "must not be a DSA key", "-t ed25519", [KEY]),
    *(
        same_place(place, wrong, "must be a", f"{unit} as a number: {right}", right)
        for place, wrong, unit, right in (
            ("services.0.timeout", "60s", "seconds", 60),
            ("services.2.routes.0.timeout", "5m", "seconds", 300),
            ("services.2.hsts", "365d", "seconds", 31536000),
            ("alerts.timeout", "30 sec", "seconds", 30),
            ("libvirt.memory_mib", "2G", "MiB", 2048),
            ("image.disk_gib", "4GiB", "GiB", 4),
        )
    ),
    same_place("services.0.affinity", {"by": "source", "minutes": "2h"}, "whole", "minutes as a number: 120", GONE),
    same_place("proof", {"limits": {"haproxy-killed": "500ms"}}, "must be a number", "seconds as a number: 0.5", GONE),
    same_place(
        "sysctl",
        {"net.core.somaxconn": "abc"},
        "net.core.somaxconn must be a number",
        "`sysctl net.core.somaxconn` on a node",
        {"net.core.somaxconn": 4096},
    ),
    *(
        same_place(
            "sysctl",
            {"net.ipv4.ip_local_port_range": wrong},
            "must be two ports from 1 to 65535, the lower one first",
            'such as "32768 60999"',
            {"net.ipv4.ip_local_port_range": "32768 60999"},
        )
        for wrong in ("65535 1", 1024, "1 2 3", "a b", "0 70000")
    ),
    check({"status": [200, "200"]}, "status 2 of check of service 1 is also status 1", "remove one", {"status": 200}),
)
