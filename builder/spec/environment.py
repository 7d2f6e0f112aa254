"""The time servers and the kernel settings of a spec: their syntax, and the checks between them and other values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BeforeValidator, Field

from builder.spec import syntax
from builder.spec.problem import ANY, Loc, Problem, given, named, texts, values_at
from builder.spec.syntax import InvalidValue

TIME_SERVERS = ("network", "ntp", ANY)
ADDRESS = re.compile(r":|^[0-9./]*$")
"""What tells an address, even one with a mistake, from a name."""
TREES = ("abi", "debug", "dev", "fs", "kernel", "net", "user", "vm")
"""The folders of /proc/sys."""
SYSCTL_NAME = re.compile(r"[a-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
LONGEST_NAME = 60
SYSCTL_VALUE = re.compile(r"[A-Za-z0-9 ._:,/@|%-]{1,200}")
NUMBERS = re.compile(r"-?(0[xX][0-9a-fA-F]+|[0-9]+)( +-?(0[xX][0-9a-fA-F]+|[0-9]+))*")
NUMERIC = re.compile(
    r"vm\.(?!numa_zonelist_order).+|fs\.(file-max|nr_open|aio-max-nr|inotify\..+|epoll\..+)|"
    r"net\.(core\.(?!default_qdisc|.*(mask|bitmap|key)).+|netfilter\.nf_conntrack_.+|"
    r"ipv4\.(ip|icmp|igmp|udp|neigh|conf|route|ipfrag)_?.*|ipv4\.tcp_(?!.*(congestion_control|key|ulp)).+|"
    r"ipv6\.(neigh|route|conf\.(?!.*stable_secret))\.?.*)"
)
"""The settings whose values are numbers, as proc_dointvec and its kind read them (linux/kernel/sysctl.c)."""
PORT_RANGE = "net.ipv4.ip_local_port_range"
OWN = (
    ("net.ipv4.ip_nonlocal_bind", "HAProxy listens on VIPs that another node holds"),
    ("net.ipv6.ip_nonlocal_bind", "HAProxy listens on VIPs that another node holds"),
    ("net.ipv4.ip_local_reserved_ports", "it keeps the services' ports free"),
    ("net.ipv4.conf.*.arp_ignore", "only the holder of a VIP may answer for it"),
    ("net.ipv4.conf.*.arp_announce", "only the holder of a VIP may announce it"),
    ("net.ipv?.neigh.*.retrans_time_ms", "it limits how long a node is alone after a cable was out"),
    ("kernel.hostname", "it is the name of the node"),
)
"""The settings on which the appliance depends, with the reason; `*` stands for an interface."""


def time_server(value: object) -> object:
    """The address or the host name of a time server, as text."""
    if not isinstance(value, str):
        raise InvalidValue("must be an address or a host name", "such as 192.0.2.123 or ntp.example.com")
    host = syntax.bare_host(value)
    if host != value:
        raise InvalidValue("must be an address or a host name", f"write {host} alone")
    if ADDRESS.search(value):
        return str(syntax.any_address(value))
    return syntax.host_name(value)


def setting(value: object) -> object:
    """The value of a kernel setting: a number, or words on one line."""
    if isinstance(value, bool):
        raise InvalidValue("must be a number or text", f"write {int(value)}")
    if isinstance(value, int) or (isinstance(value, str) and SYSCTL_VALUE.fullmatch(value)):
        return value
    hint = 'several numbers are one text: "4096 131072 6291456"'
    raise InvalidValue("must be a number, or up to 200 letters, digits and punctuation on one line", hint)


TimeServer = Annotated[str, BeforeValidator(time_server), Field(examples=["192.0.2.123", "ntp.example.com"])]
Setting = Annotated[int | str, BeforeValidator(setting), Field(examples=[4096])]


def environment_problems(data: object) -> Iterator[Problem]:
    """Time servers that no node can find, and kernel settings that do not exist or that the appliance itself needs."""
    if not given(data, "network", "dns", ANY):
        hint = "add dns: to network, or give the server's address"
        for loc, _ in _names(data):
            yield Problem(loc, f"{named(loc)} is a name, but network has no name servers", hint)
    for _, settings in values_at(data, "sysctl"):
        for name, value in settings.items() if isinstance(settings, dict) else ():
            yield from _setting_problems(str(name))
            yield from _value_problems(str(name), value)


def _names(data: object) -> list[tuple[Loc, str]]:
    """The time servers that are given by name."""
    return [(loc, text) for loc, text in texts(data, *TIME_SERVERS) if not ADDRESS.search(text)]


def _setting_problems(name: str) -> Iterator[Problem]:
    loc: Loc = ("sysctl", name)
    if not SYSCTL_NAME.fullmatch(name) or name.partition(".")[0] not in TREES:
        hint = "such as net.core.somaxconn, with dots; `sysctl -a` lists those of a running node"
        reason = f"sysctl has a key that is no kernel setting: {name[:LONGEST_NAME]!a}"
        yield Problem(loc, reason, hint, shows_value=False)
    for pattern, reason in OWN:
        if fnmatchcase(name, pattern):
            yield Problem(loc, f"{name} belongs to the appliance: {reason}", f"remove {name}")


def _value_problems(name: str, value: object) -> Iterator[Problem]:
    """Words where the kernel expects numbers, and ports for outgoing connections that are no range."""
    if not isinstance(value, int | str) or not SYSCTL_VALUE.fullmatch(str(value)):
        return  # which the model refuses
    loc: Loc = ("sysctl", name)
    if name == PORT_RANGE:
        ports = [int(part) for part in str(value).split() if part.isdecimal()]
        if len(ports) != 2 or not 0 < ports[0] <= ports[1] <= syntax.HIGHEST_PORT:  # noqa: PLR2004 - the two ends
            reason = f"{name} must be two ports from 1 to {syntax.HIGHEST_PORT}, the lower one first"
            yield Problem(loc, reason, 'in quotes, such as "32768 60999"')
    elif NUMERIC.fullmatch(name) and not NUMBERS.fullmatch(str(value).strip()) and not isinstance(value, bool):
        yield Problem(
            loc,
            f"{name} must be a number, or several with spaces between",
            f"`sysctl {name}` on a node shows its own value",
        )
