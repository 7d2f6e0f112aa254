"""The hints about single values, keys, addresses, names and failover, each with what does as it says."""

from __future__ import annotations

from tests.unit.spec.faulty import GONE, KEY, WITH_INSTANCES, WITH_IPV6, WITH_MANAGEMENT, Case, Edit, same_place

CLASSIC: Edit = {"vrrp.profile": "classic", "nodes.0.priority": 102, "nodes.1.priority": 101}
WEB1 = {"name": "web1", "address": "10.1.2.32", "port": 8080}
SERVER = {"name": "new", "address": "10.1.2.61", "port": 80}
VALUE_CASES = (
    # the form of single values
    same_place("cluster", None, "cluster has no value", "give one, or remove cluster", "demo"),
    same_place("guest", "debain12", "guest must be", "did you mean debian12?", "debian12"),
    same_place("keepalived", 2.3, "keepalived must be text", "in quotes, such as", "2.3.3"),
    same_place("nodes.0.name", 7, "name of node 1 must be text", "put it in quotes", "lb7.example.com"),
    same_place("network.dns", "10.1.2.2", "dns of network must be a list", "after a dash", ["10.1.2.2"]),
    same_place(
        "services.0.check", "http", "check of service 1 must be a mapping", "its keys are: kind", {"kind": "http"}
    ),
    same_place("vrrp.virtual_router_id", "10", "must be a whole number", "remove the quotes", 10),
    same_place(
        "nodes.0.address", "10.1.2.11/24", "address of node 1 must be", "leave out the prefix length", "10.1.2.11"
    ),
    same_place(
        "alerts.smtp_server", "10.1.2.025", "smtp_server of alerts must be", "without leading zeros", "10.1.2.25"
    ),
    same_place(
        "nodes.0.address", "2001:db8::1", "must be an IPv4 address", "a node's goes into address6", "10.1.2.11"
    ),
    same_place("services.0.servers.0.address", "127.0.0.1", "a host on a network", "127/8", "10.1.2.31"),
    same_place("network.gateway6", "::1", "a host on a network", "without a zone", "fe80::1", WITH_IPV6),
    same_place(
        "nodes.0.address6", "2001:db8::11/64", "must be an IPv6 address", "network.prefix6", "2001:db8::11", WITH_IPV6
    ),
    same_place(
        "nodes.0.address6", "fe80::1", "must not be link-local", "a global or a unique local", "2001:db8::7", WITH_IPV6
    ),
    same_place("operator.user", "root", "must not be root", "choose another login name; it may use sudo", "ops"),
    same_place("operator.user", "www-data", "must not be a system account", "choose another login name", "ops"),
    same_place("statistics.password", 7, "must be the path of a file", "start from the spec's folder", "password"),
    same_place(
        "statistics.password", "-----BEGIN PRIVATE KEY-----", "not its content", "keep secrets out", "password"
    ),
    same_place(
        "image.mirror", "http://u:p@x/d", "without user and password", "such as file:///srv", "file:///srv/mirror"
    ),
    same_place("operator.ssh_keys", ["-----BEGIN PRIVATE KEY-----"], "this is a private one", "ends in .pub", [KEY]),
    same_place("operator.ssh_keys", ["ssh-ed25519 AAAA… me"], "not a placeholder", "your public key", [KEY]),
    same_place("operator.ssh_keys", ["hello"], "must be an SSH public key", "copy the line from the file", [KEY]),
    same_place("operator.ssh_keys", [KEY[:70]], "must be a whole ssh-ed25519 key", "copy the line again", [KEY]),
    same_place("libvirt.hosts", ["qemu+ssh://a:b@c/system"], "a password", "an SSH key", ["qemu+ssh://a@c/system"]),
    same_place("image.mirror", "http://m/a b", "must be an http", "such as %20 for a space", "http://m/a%20b"),
    same_place("trusted_proxies", ["10.9.0.1/24"], "bits after the prefix", "write 10.9.0.0/24", ["10.9.0.0/24"]),
    same_place("trusted_proxies", ["0.0.0.0/0"], "every address", "list the addresses of the proxies", ["10.9.0.1"]),
    same_place(
        "network.search",
        [f"{name * 60}.example.com" for name in "abcd"],
        "must have at most 256 characters",
        "list only the domains in which the nodes look up short names",
        ["example.com"],
    ),
    # keys
    Case({"network.gatway": "10.1.2.1"}, "no key gatway", "did you mean gateway?", {"network.gatway": GONE}),
    Case(
        {"gateway": "10.1.2.1", "network.gateway": GONE},
        "has no key gateway",
        "it belongs in network",
        {"gateway": GONE, "network.gateway": "10.1.2.1"},
    ),
    Case(
        {"services.0.check": {"zzz": 1}}, "no key zzz", "its keys are: kind, port", {"services.0.check": {"path": "/"}}
    ),
    same_place("cluster", GONE, "cluster is missing", "add a line such as cluster: web1", "web1"),
    same_place(
        "network", GONE, "network is missing", "add network: with prefix", {"prefix": 24, "gateway": "10.1.2.1"}
    ),
    same_place(
        "nodes",
        GONE,
        "nodes is missing",
        "add nodes: a list whose entries have name, address",
        [{"name": f"lb{n}.example.com", "address": f"10.1.2.1{n}"} for n in (1, 2)],
    ),
    same_place(
        "vrrp",
        GONE,
        "vrrp is missing",
        "add vrrp: with virtual_router_id, vips",
        {"virtual_router_id": 10, "vips": ["10.1.2.10", "10.1.2.20"]},
    ),
    same_place("vrrp.vips", GONE, "vips of vrrp is missing", "such as vips: [", ["10.1.2.10", "10.1.2.20"]),
    same_place("vrrp.virtual_router_id", None, "virtual_router_id of vrrp has no value", "give one", 10),
    same_place("services.0.servers.0.port", GONE, "port of server 1 of service 1 is missing", "such as port: 80", 80),
    # addresses
    same_place(
        "nodes.0.address", "10.1.3.11", "is outside the nodes' subnet", "its hosts are 10.1.2.1 to", "10.1.2.13"
    ),
    same_place("network.gateway", "10.1.2.255", "is the broadcast address", "its hosts are 10.1.2.1 to", "10.1.2.254"),
    same_place("services.0.servers.0.address", "10.1.2.0", "is the network address", "the server's own", "10.1.2.31"),
    same_place("network.gateway", GONE, "and network has no gateway", "add gateway: to network", "10.1.2.1"),
    same_place(
        "vrrp.vips.0", "10.1.2.11", "is also the address of node 1", "an address that no host has", "10.1.2.10"
    ),
    same_place("nodes.0.address", "10.1.2.1", "is also the gateway", "give the node a different address", "10.1.2.13"),
    same_place(
        "services.1.servers.0.address", "10.1.2.10", "send requests to itself", "the server's own", "10.1.2.33"
    ),
    same_place(
        "services.0.servers.0.address", "10.1.2.20", "server 1 of service 1 is a VIP", "own address", "10.1.2.31"
    ),
    same_place(
        "alerts.recipients",
        [f"operator{number:02}@example.com" for number in range(40)],
        "keepalived can send 1023",
        "name the address of a mailing list instead",
        ["operators@example.com"],
    ),
    same_place("alerts.smtp_server", "10.1.2.10", "down when alerts matter most", "own address", "10.1.2.25"),
    same_place("network.prefix6", GONE, "prefix6 of network is missing", "such as prefix6: 64", 64, WITH_IPV6),
    same_place(
        "nodes.1.address6", GONE, "address6 of node 2 is missing", "such as address6:", "2001:db8::12", WITH_IPV6
    ),
    same_place("network.gateway6", "fe80::1", "no node has an address6", "remove it, or give every node", GONE),
    # duplicates
    same_place("nodes.1.name", "lb1.example.com", "also the name of node 1", "a unique name", "lb3.example.com"),
    same_place("nodes.1.name", "lb1.example.org", "up to the first dot", "a unique short name", "lb2.example.org"),
    same_place("nodes.1.address", "10.1.2.11", "also the address of node 1", "a unique address", "10.1.2.12"),
    same_place("nodes.1.priority", 200, "also the priority of node 1", "a unique priority", 199),
    same_place("vrrp.vips.2", "10.1.2.10", "VIP 3 of vrrp is also VIP 1", "remove one of them", GONE),
    same_place(
        "vrrp.instances.1.name", "one", "also the name of instance 1", "instance a unique name", "two", WITH_INSTANCES
    ),
    same_place(
        "vrrp.instances.1.virtual_router_id", 10, "of instance 1", "instance a unique number", 11, WITH_INSTANCES
    ),
    same_place("services.1.name", "web", "also the name of service 1", "every service a unique name", "mail"),
    same_place("services.1.port", 80, "also the port of service 1", "every service a unique port", 25),
    same_place(
        "tls.certificates.1",
        {"name": "www", "chain": "www.pem", "key": "www.key"},
        "name of certificate 1",
        "certificate a unique name",
        {"name": "w", "chain": "www.pem", "key": "www.key"},
    ),
    same_place(
        "services.0.servers.1",
        WEB1,
        "name of server 2 of service 1 is also",
        "server a unique name",
        WEB1 | {"name": "x"},
    ),
    same_place(
        "services.0.servers.1",
        {"name": "b", "address": "10.1.2.31", "port": 8080},
        "same address and port",
        "remove one",
        GONE,
    ),
    # failover
    Case({"keepalived": "1.2.13"}, "keepalived lacks", "remove keepalived", {"keepalived": GONE}),
    Case({"nodes.0.priority": GONE}, "priority of node 1 is missing", "or none of them", {"nodes.1.priority": GONE}),
    same_place("nodes.0.priority", None, "priority of node 1 has no value", "give one", 200),
    same_place("nodes.0.priority", 253, "must be 252 or less", "adds 2 to it", 102, CLASSIC),
    same_place("nodes.0.priority", 110, "must be at most 1 below", "adds 2 while HAProxy runs", 102, CLASSIC),
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
    same_place("vrrp.vips", ["10.1.2.10"], "cannot be combined with instances", "remove it", GONE, WITH_INSTANCES),
    same_place(
        "vrrp.instances.1.prefer", "lb2.example.org", "names no node", "did you mean lb", "lb2", WITH_INSTANCES
    ),
    same_place(
        "vrrp.instances.1.prefer", "zebra", "names no node", "the nodes are lb1", "lb1.example.com", WITH_INSTANCES
    ),
    # network cards
    same_place("network.interface", "enp1s0", "must be auto or a name", "the guests name their cards eth0", "eth0"),
    same_place("nodes.0.mac", "525400", "must be a hardware address", "separate its bytes", "52:54:00:1a:2b:3c"),
    same_place("nodes.0.mac", "01:00:5e:00:00:01", "of one card", "this one is reserved", "52:54:00:1a:2b:3c"),
    Case(
        {"nodes.0.mac": "52:54:00:1a:2b:3c", "nodes.1.mac": "52:54:00:1A:2B:3C"},
        "mac of node 2 is also the mac of node 1",
        "give every card's own hardware address",
        {"nodes.1.mac": "52:54:00:1a:2b:3d"},
    ),
    Case(
        {"nodes.0.mac": "52:54:00:1a:2b:3c"},
        "management_mac of node 1 is missing",
        "give both or none of them",
        {"nodes.0.mac": GONE},
        WITH_MANAGEMENT,
    ),
    Case(
        {"nodes.0.management": "10.9.0.11", "nodes.1.management": "10.9.0.12"},
        "without the section management",
        "add a section such as management: {prefix: 24}",
        {"management": {"prefix": 24}},
    ),
    same_place(
        "nodes.1.management", GONE, "of node 2 is missing", "such as management:", "10.9.0.12", WITH_MANAGEMENT
    ),
    same_place("nodes.1.management", "10.9.0.11", "node 2 is also", "a unique address", "10.9.0.12", WITH_MANAGEMENT),
    Case(
        {"network.interface": "eth0", "management.interface": "eth0"},
        "is also the interface of network",
        "name another card",
        {"management.interface": "eth1"},
        WITH_MANAGEMENT,
    ),
    Case(
        {"nodes.0.management": "10.1.2.111", "nodes.1.management": "10.1.2.112", "management": {"prefix": 24}},
        "which overlaps the nodes' subnet",
        "addresses of its own",
        {"nodes.0.management": "10.9.0.11", "nodes.1.management": "10.9.0.12"},
    ),
    same_place(
        "management.routes.0.via",
        "10.9.0.12",
        "via of route 1",
        "the address of the router",
        "10.9.0.1",
        WITH_MANAGEMENT,
    ),
    same_place(
        "management.routes.0.to",
        "0.0.0.0/0",
        "must not be every network",
        "list the networks",
        "10.20.0.0/16",
        WITH_MANAGEMENT,
    ),
    same_place(
        "management.routes.0.to",
        "10.20.0.1/16",
        "not of a host",
        "write 10.20.0.0/16",
        "10.20.0.0/16",
        WITH_MANAGEMENT,
    ),
    Case(
        {"management.routes.0.to": "10.1.2.0/25"},
        "is in the nodes' subnet",
        "remove the route",
        {"management.routes": []},
        WITH_MANAGEMENT,
    ),
    *(
        same_place("management.routes.0.to", to, "must not reach into", "no router", "10.20.0.0/16", WITH_MANAGEMENT)
        for to in ("127.0.0.0/8", "169.254.1.1/32", "239.1.0.0/16", "0.0.0.0/1")
    ),
    Case(
        {"management.routes.1": {"to": "10.20.0.0/16", "via": "10.9.0.2"}},
        "to of route 2 of management is also the to of route 1",
        "remove one of them",
        {"management.routes.1": GONE},
        WITH_MANAGEMENT,
    ),
    *(
        same_place(place, wrong, reason, "give the server's own address", right, WITH_MANAGEMENT)
        for place, wrong, reason, right in (
            ("network.dns", ["10.9.0.0"], "is the network address of 10.9.0.0/24", ["10.9.0.77"]),
            ("network.ntp", ["10.9.0.255"], "is the broadcast address of 10.9.0.0/24", ["10.9.0.77"]),
            ("network.ntp", ["10.1.2.12"], "is also the address of node 2", ["10.1.2.77"]),
            ("alerts.smtp_server", "10.9.0.12", "is also the management of node 2", "10.9.0.77"),
            ("services.0.servers.0.address", "10.9.0.12", "is also the management of node 2", "10.9.0.77"),
            ("presets.0.servers.0.address", "10.9.0.255", "is the broadcast address", "10.9.0.77"),
        )
    ),
    # time servers and kernel settings
    same_place("network.ntp", [5], "must be an address or a host name", "such as 192.0.2.123", ["192.0.2.123"]),
    Case(
        {"network.dns": [], "network.ntp": ["ntp.example.com"]},
        "is a name, but network has no name servers",
        "add dns: to network, or give the server's address",
        {"network.ntp": ["10.1.2.7"]},
    ),
    same_place("network.ntp", ["2001:db8::7"], "an IPv6 address, but no node", "IPv4 address", ["10.1.2.7"]),
    same_place(
        "sysctl", {"somaxconn": 1}, "no kernel setting", "such as net.core.somaxconn", {"net.core.somaxconn": 1}
    ),
    same_place("sysctl", {"vm.swappiness": True}, "must be a number or text", "write 1", {"vm.swappiness": 1}),
    same_place(
        "sysctl", {"net.ipv4.tcp_rmem": [1, 2]}, "must be a number", "are one text", {"net.ipv4.tcp_rmem": "1 2"}
    ),
    same_place("sysctl", {"net.ipv4.ip_nonlocal_bind": 0}, "belongs to the appliance", "remove net.ipv4", GONE),
)
