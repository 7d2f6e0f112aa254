"""Problems of specs: the edit that makes each, its message and hint, and the edit that does what the hint says."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

GONE = object()
"""In an edit: the key is removed."""
Edit = dict[str, Any]
"""Values by their places, such as `nodes.0.name`."""

BASE = yaml.safe_load((Path(__file__).resolve().parents[2] / "golden" / "spec" / "valid.yml").read_text())
KEY: str = BASE["operator"]["ssh_keys"][0]
WITH_INSTANCES: Edit = {
    "vrrp": {
        "instances": [
            {"name": "one", "virtual_router_id": 10, "vips": ["10.1.2.10"]},
            {"name": "two", "virtual_router_id": 11, "vips": ["10.1.2.20"], "prefer": "lb2"},
        ]
    }
}
WITH_IPV6: Edit = {
    "vrrp.vips": ["10.1.2.10", "10.1.2.20", "2001:db8::10"],
    "network.prefix6": 64,
    "nodes.0.address6": "2001:db8::11",
    "nodes.1.address6": "2001:db8::12",
}


@dataclass(frozen=True)
class Case:
    """A faulty spec: `faulty` are its edits, `hint` is part of its hint, and `fixed` does what the hint says."""

    faulty: Edit
    reason: str
    hint: str
    fixed: Edit
    base: Edit | None = None

    @property
    def name(self) -> str:
        """The places that it edits, for the names of tests."""
        return f"{','.join(self.faulty)}: {self.reason}"[:60]


def spec(*edits: Edit | None) -> Any:
    """The data of the valid spec after these edits."""
    data = copy.deepcopy(BASE)
    for place, value in ((place, value) for edit in edits for place, value in (edit or {}).items()):
        *parents, last = (int(part) if part.isdigit() else part for part in place.split("."))
        parent = data
        for part in parents:
            parent = parent[part]
        if value is GONE:
            del parent[last]
        elif isinstance(parent, list) and last == len(parent):
            parent.append(copy.deepcopy(value))
        else:
            parent[last] = copy.deepcopy(value)
    return data


def _case(place: str, value: object, reason: str, hint: str, right: object, base: Edit | None = None) -> Case:  # noqa: PLR0917 - a row of a table
    """A case whose fix is another value at the same place."""
    return Case({place: value}, reason, hint, {place: right}, base)


CLASSIC: Edit = {"vrrp.profile": "classic", "nodes.0.priority": 102, "nodes.1.priority": 101}
WEB1 = {"name": "web1", "address": "10.1.2.32", "port": 8080}
SERVER = {"name": "new", "address": "10.1.2.61", "port": 80}

CASES = (
    # the form of single values
    _case("cluster", None, "cluster has no value", "give one, or remove the line", "demo"),
    _case("guest", "debain12", "guest must be", "did you mean debian12?", "debian12"),
    _case("keepalived", 2.3, "keepalived must be text", "in quotes, such as", "2.3.3"),
    _case("nodes.0.name", 7, "name of node 1 must be text", "put it in quotes", "lb7.example.com"),
    _case("network.dns", "10.1.2.2", "dns of network must be a list", "after a dash", ["10.1.2.2"]),
    _case("services.0.check", "http", "check of service 1 must be a mapping", "its keys are: kind", {"kind": "http"}),
    _case("vrrp.virtual_router_id", "10", "must be a whole number", "remove the quotes", 10),
    _case("nodes.0.address", "10.1.2.11/24", "address of node 1 must be", "leave out the prefix length", "10.1.2.11"),
    _case("alerts.smtp_server", "10.1.2.025", "smtp_server of alerts must be", "without leading zeros", "10.1.2.25"),
    _case("nodes.0.address", "2001:db8::1", "must be an IPv4 address", "a node's goes into address6", "10.1.2.11"),
    _case("services.0.servers.0.address", "127.0.0.1", "a host on a network", "127/8", "10.1.2.31"),
    _case("network.gateway6", "::1", "a host on a network", "without a zone", "fe80::1", WITH_IPV6),
    _case(
        "nodes.0.address6", "2001:db8::11/64", "must be an IPv6 address", "network.prefix6", "2001:db8::11", WITH_IPV6
    ),
    _case(
        "nodes.0.address6", "fe80::1", "must not be link-local", "a global or a unique local", "2001:db8::7", WITH_IPV6
    ),
    _case("operator.user", "root", "must not be root", "choose another login name; it may use sudo", "ops"),
    _case("operator.user", "www-data", "must not be a system account", "choose another login name", "ops"),
    _case("statistics.password", 7, "must be the path of a file", "start from the spec's folder", "password"),
    _case("statistics.password", "-----BEGIN PRIVATE KEY-----", "not its content", "keep secrets out", "password"),
    _case("image.mirror", "http://u:p@x/d", "without user and password", "such as file:///srv", "file:///srv/mirror"),
    _case("operator.ssh_keys", ["-----BEGIN PRIVATE KEY-----"], "this is a private one", "ends in .pub", [KEY]),
    _case("operator.ssh_keys", ["ssh-ed25519 AAAA… me"], "not a placeholder", "your public key", [KEY]),
    _case("operator.ssh_keys", ["hello"], "must be an SSH public key", "copy the line from the file", [KEY]),
    _case("operator.ssh_keys", [KEY[:70]], "must be a whole ssh-ed25519 key", "copy the line again", [KEY]),
    _case("libvirt.hosts", ["qemu+ssh://a:b@c/system"], "a password", "an SSH key", ["qemu+ssh://a@c/system"]),
    # keys
    Case({"network.gatway": "10.1.2.1"}, "no key gatway", "did you mean gateway?", {"network.gatway": GONE}),
    Case(
        {"gateway": "10.1.2.1", "network.gateway": GONE},
        "has no key gateway",
        "it belongs in network",
        {"gateway": GONE, "network.gateway": "10.1.2.1"},
    ),
    Case(
        {"services.0.check": {"zzz": 1}}, "no key zzz", "its keys are: kind, path", {"services.0.check": {"path": "/"}}
    ),
    _case("cluster", GONE, "cluster is missing", "add a line such as cluster: web1", "web1"),
    _case("network", GONE, "network is missing", "add network: with prefix", {"prefix": 24, "gateway": "10.1.2.1"}),
    _case(
        "nodes",
        GONE,
        "nodes is missing",
        "add nodes: a list whose entries have name, address",
        [{"name": f"lb{n}.example.com", "address": f"10.1.2.1{n}"} for n in (1, 2)],
    ),
    _case(
        "vrrp",
        GONE,
        "vrrp is missing",
        "add vrrp: with virtual_router_id, vips",
        {"virtual_router_id": 10, "vips": ["10.1.2.10", "10.1.2.20"]},
    ),
    _case("vrrp.vips", GONE, "vips of vrrp is missing", "such as vips: [", ["10.1.2.10", "10.1.2.20"]),
    _case("vrrp.virtual_router_id", None, "virtual_router_id of vrrp has no value", "give one", 10),
    _case("services.0.servers.0.port", GONE, "port of server 1 of service 1 is missing", "such as port: 80", 80),
    # addresses
    _case("nodes.0.address", "10.1.3.11", "is outside the nodes' subnet", "its hosts are 10.1.2.1 to", "10.1.2.13"),
    _case("network.gateway", "10.1.2.255", "is the broadcast address", "its hosts are 10.1.2.1 to", "10.1.2.254"),
    _case("services.0.servers.0.address", "10.1.2.0", "is the network address", "the server's own", "10.1.2.31"),
    _case("network.gateway", GONE, "and network has no gateway", "add gateway: to network", "10.1.2.1"),
    _case("vrrp.vips.0", "10.1.2.11", "is also the address of node 1", "an address that no host has", "10.1.2.10"),
    _case("nodes.0.address", "10.1.2.1", "is also the gateway", "give the node a different address", "10.1.2.13"),
    _case("services.1.servers.0.address", "10.1.2.10", "send requests to itself", "the server's own", "10.1.2.33"),
    _case("services.0.servers.0.address", "10.1.2.20", "server 1 of service 1 is a VIP", "own address", "10.1.2.31"),
    _case("alerts.smtp_server", "10.1.2.10", "down when alerts matter most", "own address", "10.1.2.25"),
    _case("network.prefix6", GONE, "prefix6 of network is missing", "such as prefix6: 64", 64, WITH_IPV6),
    _case("nodes.1.address6", GONE, "address6 of node 2 is missing", "such as address6:", "2001:db8::12", WITH_IPV6),
    _case("network.gateway6", "fe80::1", "no node has an address6", "remove it, or give every node", GONE),
    # duplicates
    _case("nodes.1.name", "lb1.example.com", "also the name of node 1", "a unique name", "lb3.example.com"),
    _case("nodes.1.name", "lb1.example.org", "up to the first dot", "a unique short name", "lb2.example.org"),
    _case("nodes.1.address", "10.1.2.11", "also the address of node 1", "a unique address", "10.1.2.12"),
    _case("nodes.1.priority", 200, "also the priority of node 1", "a unique priority", 199),
    _case("vrrp.vips.2", "10.1.2.10", "VIP 3 of vrrp is also VIP 1", "remove one of them", GONE),
    _case(
        "vrrp.instances.1.name", "one", "also the name of instance 1", "instance a unique name", "two", WITH_INSTANCES
    ),
    _case("vrrp.instances.1.virtual_router_id", 10, "of instance 1", "instance a unique number", 11, WITH_INSTANCES),
    _case("services.1.name", "web", "also the name of service 1", "every service a unique name", "mail"),
    _case("services.1.port", 80, "also the port of service 1", "every service a unique port", 25),
    _case(
        "tls.certificates.1",
        {"name": "www", "chain": "www.pem", "key": "www.key"},
        "name of certificate 1",
        "certificate a unique name",
        {"name": "w", "chain": "www.pem", "key": "www.key"},
    ),
    _case(
        "services.0.servers.1",
        WEB1,
        "name of server 2 of service 1 is also",
        "server a unique name",
        WEB1 | {"name": "x"},
    ),
    _case(
        "services.0.servers.1",
        {"name": "b", "address": "10.1.2.31", "port": 8080},
        "same address and port",
        "remove one",
        GONE,
    ),
    # failover
    Case({"keepalived": "1.2.13"}, "keepalived lacks", "remove keepalived", {"keepalived": GONE}),
    Case({"nodes.0.priority": GONE}, "priority of node 1 is missing", "or none of them", {"nodes.1.priority": GONE}),
    _case("nodes.0.priority", None, "priority of node 1 has no value", "give one", 200),
    _case("nodes.0.priority", 253, "must be 252 or less", "adds 2 to it", 102, CLASSIC),
    _case("nodes.0.priority", 110, "must be at most 1 below", "adds 2 while HAProxy runs", 102, CLASSIC),
    Case(
        {"vrrp.preempt": False},
        "cannot be false with profile classic",
        "remove preempt",
        {"vrrp.preempt": GONE},
        CLASSIC,
    ),
    Case(
        {"vrrp.profile": "classic", "nodes.0.priority": 102, "nodes.1.priority": 101},
        "IPv4 only",
        "set profile: standard",
        {"vrrp.profile": "standard"},
        WITH_IPV6,
    ),
    _case("vrrp.vips", ["10.1.2.10"], "cannot be combined with instances", "remove it", GONE, WITH_INSTANCES),
    _case("vrrp.instances.1.prefer", "lb2.example.org", "names no node", "did you mean lb", "lb2", WITH_INSTANCES),
    _case("vrrp.instances.1.prefer", "zebra", "names no node", "the nodes are lb1", "lb1.example.com", WITH_INSTANCES),
    # services
    Case({"services": [], "presets": []}, "has no services", "add services:", {"services": BASE["services"]}),
    _case("services.0.servers", GONE, "service 1 has no servers", "under servers:", [SERVER]),
    Case(
        {"services.0.redirect": "https"}, "redirects every request", "remove redirect", {"services.0.redirect": GONE}
    ),
    Case(
        {"services.2.redirect": "https", "services.2.servers": GONE, "services.2.routes": GONE},
        "from mode https",
        "set mode: http, and remove certificates",
        {"services.2.mode": "http", "services.2.certificates": GONE},
    ),
    Case(
        {"services.1.redirect": "https", "services.1.servers": GONE},
        "from mode tcp",
        "set mode: http",
        {"services.1.mode": "http"},
    ),
    _case("services.2.certificates", GONE, "mode https and no certificate", "add certificates:", ["www"]),
    Case(
        {"services.0.certificates": ["www"]},
        "certificates and mode http",
        "set mode: https",
        {"services.0.mode": "https"},
    ),
    Case(
        {"services.1.certificates": ["www"]},
        "certificates and mode tcp",
        "remove certificates: in mode tcp",
        {"services.1.certificates": GONE},
    ),
    _case("services.0.hsts", 60, "browsers honor hsts", "remove hsts, or set mode: https", GONE),
    Case(
        {"services.1.root": "/x"},
        "root needs mode http",
        "remove root, or set mode: http",
        {"services.1.mode": "http"},
    ),
    _case("services.1.affinity", {"by": "cookie"}, "a cookie needs", "set by: source", {"by": "source"}),
    _case(
        "services.2.routes.0", {"name": "x"}, "matches no request", "paths or hosts", {"name": "x", "paths": ["/x"]}
    ),
    _case(
        "services.2.routes.0.name", "new", "name of route 2 of service 3 is used twice", "every route a unique", "old"
    ),
    Case(
        {"services.0.check": {"status": 204, "body": "ok"}},
        "has no body",
        "remove body",
        {"services.0.check.body": GONE},
    ),
    _case("services.2.certificates", ["wwww"], "no certificate with this name", "did you mean www?", ["www"]),
    Case(
        {"services.2.certificates": ["other"]},
        "no certificate with this name",
        "list it under tls.certificates",
        {"tls.certificates.1": {"name": "other", "chain": "www.pem", "key": "www.key"}},
    ),
    _case("services.0.vips", ["10.1.2.9"], "not one of the VIPs", "use one of 10.1.2.10, 10.1.2.20", ["10.1.2.10"]),
    _case("services.0.port", 22, "port of the nodes' SSH server", "choose another port", 80),
    Case(
        {"presets.0.tls": "passthrough"}, "their own certificates", "remove the line", {"presets.0.certificate": GONE}
    ),
    _case("presets.0.certificate", GONE, "preset 1 names no certificate", "add certificate:", "www"),
    _case("presets.0.vips", ["10.1.2.10"], "listens on port", "give them different VIPs", ["10.1.2.20"]),
    _case("presets.0.name", "x" * 30, "name of preset 1 is too long", "use 29 characters at most", "x" * 29),
    _case("services.0.name", "exchange-web", "needs the name exchange-web", "another name", "web"),
    # capacity
    _case("haproxy", {"maxconn": 30000}, "can hold", "set it to 7", {"maxconn": 7000}),
    _case("services.0.limits", {"connections": 20000}, "is never reached", "or less", {"connections": 7000}),
    _case("libvirt.memory_mib", 512, "can hold", "raise libvirt: memory_mib to 576", 576),
    # image and hypervisors
    Case({"image.base": "2009"}, "a cloud image of centos7", "set guest: centos7, or remove", {"image.base": GONE}),
    Case({"image.epel": True}, "EPEL is only for", "set guest to one of them", {"image.epel": GONE}),
    Case(
        {"image.epel_mirror": "http://x/e"},
        "no effect without epel",
        "add epel: true",
        {"image.epel": True},
        {"guest": "rocky9"},
    ),
    _case(
        "image.epel_mirror",
        "file:///e",
        "cannot read",
        "or remove the line",
        GONE,
        {"guest": "rocky9", "image.epel": True},
    ),
    _case("libvirt.network", "default", "both a network and a bridge", "remove one of the two", GONE),
)
