"""The hints about services, presets, capacity, image and hypervisors, each with what does as it says."""

from __future__ import annotations

from tests.unit.spec.faulty import BASE, GONE, Case, same_place

WEB1 = {"name": "web1", "address": "10.1.2.32", "port": 8080}
REDIRECT = {"name": "web", "port": 80, "vips": ["10.1.2.10"], "redirect": "https"}
SERVER = {"name": "new", "address": "10.1.2.61", "port": 80}
SERVICE = {"name": "more", "port": 8088, "vips": ["10.1.2.10"], "servers": [SERVER]}

SERVICE_CASES = (
    # services
    Case({"services": [], "presets": []}, "has no services", "add services:", {"services": BASE["services"]}),
    same_place("services.0.servers", GONE, "service 1 has no servers", "under servers:", [SERVER]),
    Case({"services.0.redirect": "https"}, "so it needs no servers", "remove servers:", {"services.0.servers": GONE}),
    Case(
        {"services.0": REDIRECT | {"mode": "https", "certificates": ["www"]}},
        "from mode https",
        "set mode: http, and remove certificates",
        {"services.0.mode": "http", "services.0.certificates": GONE},
    ),
    Case(
        {"services.0": REDIRECT | {"certificates": ["www"]}},
        "has certificates and mode http",
        "remove certificates",
        {"services.0.certificates": GONE},
    ),
    Case({"services.0": REDIRECT | {"mode": "tcp"}}, "from mode tcp", "set mode: http", {"services.0.mode": "http"}),
    Case(
        {"services.0": REDIRECT, "services.2.mode": "http", "services.2.certificates": GONE},
        "which 10.1.2.10 does not offer",
        "add a service with mode: https",
        {"services.2.mode": "https", "services.2.certificates": ["www"]},
    ),
    Case(
        {"services.0": REDIRECT | {"port": 81, "vips": ["10.1.2.10", "10.1.2.20"]}, "services.2.port": 8443},
        "10.1.2.10 on port 8443 and 10.1.2.20 on port 443",
        "add such a service for each of them",
        {
            "services.0.vips": ["10.1.2.10"],
            "services.3": REDIRECT | {"name": "web2", "port": 82, "vips": ["10.1.2.20"]},
        },
    ),
    Case(
        {
            "services.0": REDIRECT | {"trusted_proxies": ["10.9.0.0/16"], "servers": [SERVER]},
            "services.2.mode": "http",
            "services.2.certificates": GONE,
        },
        "but service 3 speaks http on that port",
        "give service 3 another port, or mode: https and a certificate",
        {"services.2.port": 8080},
    ),
    Case(
        {"services.0": REDIRECT | {"port": 443}, "services.2.port": 8443},
        "redirects to https from port 443",
        "choose another port, such as 80",
        {"services.0.port": 80},
    ),
    Case(
        {"services.0": REDIRECT | {"trusted_proxies": ["10.9.0.0/16"]}},
        "has no servers for it",
        "add them under servers:",
        {"services.0.servers": [SERVER]},
    ),
    Case(
        {
            "services.0": REDIRECT
            | {"trusted_proxies": ["10.9.0.0/16"], "servers": [SERVER], "proxy_protocol": {"accept": True}}
        },
        "headers are the client's and do not tell service 1 what came over https",
        "remove proxy_protocol:",
        {"services.0.proxy_protocol": GONE},
    ),
    Case(
        {"services.1.trusted_proxies": ["10.9.0.0/16"]},
        "does not accept the PROXY protocol",
        "add proxy_protocol: {accept: true}",
        {"services.1.proxy_protocol": {"accept": True}},
    ),
    Case(
        {f"services.{index}.affinity": {"by": "cookie", "cookie": "MINE"} for index in (0, 2)},
        "cookie MINE already stands for the servers of",
        "give it another name",
        {"services.2.affinity": {"by": "cookie", "cookie": "OTHER"}},
    ),
    same_place("services.2.certificates", GONE, "mode https and no certificate", "add certificates:", ["www"]),
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
    same_place("services.0.hsts", 60, "browsers honor hsts", "remove hsts, or set mode: https", GONE),
    Case(
        {"services.1.root": "/x"},
        "root needs mode http",
        "remove root, or set mode: http",
        {"services.1.mode": "http"},
    ),
    same_place("services.0.root", "/#/app", "another path than /", "such as /shop/", "/shop/"),
    same_place(
        "services.0.root", "//x.org", "on the same host", "one slash at the beginning, such as /x.org", "/x.org"
    ),
    same_place("services.2.routes.0.paths", ["/f?b=1"], "without ? and #", "write /f: requests match", ["/f"]),
    same_place("services.0.check", {"path": "/up?a=1#x"}, "without #", "write /up?a=1: no", {"path": "/up?a=1"}),
    same_place(
        "services.0.servers",
        [SERVER | {"weight": 0}],
        "the weights of servers of service 1 are all 0",
        "a weight of 1 or more",
        [SERVER | {"weight": 0}, SERVER | {"name": "b", "port": 81}],
    ),
    same_place(
        "services.2.routes.0.servers",
        [SERVER | {"weight": 0}],
        "servers of route 1 of service 3 are all 0",
        "a weight of 1",
        [SERVER],
    ),
    same_place("presets.0.servers.0.weight", 0, "servers of preset 1 are all 0", "a weight of 1 or more", 2),
    same_place("services.1.affinity", {"by": "cookie"}, "a cookie needs", "set by: source", {"by": "source"}),
    same_place(
        "services.2.routes.0", {"name": "x"}, "matches no request", "paths or hosts", {"name": "x", "paths": ["/x"]}
    ),
    same_place(
        "services.2.routes.0.name", "new", "name of route 2 of service 3 is used twice", "every route a unique", "old"
    ),
    Case(
        {"services.0.check": {"status": 204, "body": "ok"}},
        "has no body",
        "remove body",
        {"services.0.check.body": GONE},
    ),
    same_place("services.2.certificates", ["wwww"], "no certificate with this name", "did you mean www?", ["www"]),
    Case(
        {"services.2.certificates": ["other"]},
        "no certificate with this name",
        "list it under tls.certificates",
        {"tls.certificates.1": {"name": "other", "chain": "www.pem", "key": "www.key"}},
    ),
    same_place(
        "services.0.vips", ["10.1.2.9"], "not one of the VIPs", "use one of 10.1.2.10, 10.1.2.20", ["10.1.2.10"]
    ),
    same_place("services.0.port", 22, "port of the nodes' SSH server", "choose another port", 80),
    Case(
        {"presets.0.tls": "passthrough"},
        "their own certificates",
        "remove certificate",
        {"presets.0.certificate": GONE},
    ),
    same_place("presets.0.certificate", GONE, "preset 1 names no certificate", "add certificate:", "www"),
    same_place("presets.0.vips", ["10.1.2.10"], "listens on port", "give them different VIPs", ["10.1.2.20"]),
    same_place("presets.0.name", "x" * 30, "name of preset 1 is too long", "use 29 characters at most", "x" * 29),
    same_place("services.1.name", "shop-old", "needs the name shop-old", "another name", "mail"),
    same_place("services.3", SERVICE | {"name": "shop-old"}, "which service 3 already has", "another", SERVICE),
    same_place("services.0.name", "exchange-web", "needs the name exchange-web", "another name", "web"),
    # capacity
    same_place("haproxy", {"maxconn": 30000}, "can hold", "set it to 7", {"maxconn": 7000}),
    same_place("services.0.limits", {"connections": 20000}, "is never reached", "or less", {"connections": 7000}),
    Case(
        {f"services.{index}.affinity": {"by": "source"} for index in range(3)},
        "a node with 512 MiB",
        "raise libvirt: memory_mib to",
        {"libvirt.memory_mib": 576},
        {"libvirt.memory_mib": 512},
    ),
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
    same_place(
        "image.epel_mirror",
        "file:///e",
        "cannot read",
        "or remove epel_mirror",
        GONE,
        {"guest": "rocky9", "image.epel": True},
    ),
    same_place("libvirt.network", "default", "both a network and a bridge", "remove one of the two", GONE),
)
