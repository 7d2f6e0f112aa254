"""Time servers and kernel settings in a spec."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from builder.core.errors import LocatedProblem

DNS = "  dns: [10.1.2.2]\n"
CLUSTER = "cluster: demo\n"


@pytest.mark.parametrize(
    ("new", "at", "reason", "hint"),
    [
        (
            "  ntp: [ntp.example.com]\n",
            "ntp.example",
            "is a name, but network has no name servers",
            "add dns: to network",
        ),
        (
            f'{DNS}  ntp: ["2001:db8::1"]\n',
            '"2001:',
            "is an IPv6 address, but no node has one",
            "use the server's IPv4 address, or give every node an address6",
        ),
        (f'{DNS}  ntp: ["10.1.2.300"]\n', '"10.1.2.300"', "must be an IPv4 or IPv6 address", ""),
        (f"{DNS}  ntp: [5]\n", "5]\n", "must be an address or a host name", "such as 192.0.2.123 or ntp.example.com"),
        (f"{DNS}  ntp: [a_b]\n", "a_b", "must be a host name", ""),
        (f"{DNS}  ntp: [10.1.2.0]\n", "10.1.2.0", "is the network address of 10.1.2.0/24", "give the server's own"),
        (f"{DNS}  ntp: [10.1.2.7, 10.1.2.7]\n", "10.1.2.7]", "is also time server 1 of network", "remove one"),
    ],
)
def test_a_time_server_that_no_node_finds_is_refused(
    only_problem: Callable[..., LocatedProblem], new: str, at: str, reason: str, hint: str
) -> None:
    problem = only_problem(DNS, new, at)
    assert reason in problem.reason
    assert problem.hint.startswith(hint)


def test_a_time_server_beyond_the_subnet_needs_a_gateway(problems: Callable, good: str) -> None:
    found = problems(good.replace("  gateway: 10.1.2.1\n", "").replace(DNS, f"{DNS}  ntp: [192.0.2.1]\n"))
    assert "time server 1 of network is outside the nodes' subnet 10.1.2.0/24, and network has no gateway" in [
        each.reason for each in found
    ]


@pytest.mark.parametrize(
    ("line", "at", "reason", "hint"),
    [
        (
            "somaxconn: 1",
            "somaxconn",
            "sysctl has a key that is no kernel setting: 'somaxconn'",
            "such as net.core.somaxconn",
        ),
        (
            "net/core/somaxconn: 1",
            "net/core",
            "sysctl has a key that is no kernel setting",
            "such as net.core.somaxconn",
        ),
        ("x.y: 1", "x.y", "sysctl has a key that is no kernel setting", "such as net.core.somaxconn"),
        ("vm.swappiness: true", "true", "vm.swappiness of sysctl must be a number or text", "write 1"),
        ("vm.swappiness: [1]", "[1]", "vm.swappiness of sysctl must be a number, or up to 200", "several numbers"),
        ("vm.swappiness: 1.5", "1.5", "vm.swappiness of sysctl must be a number, or up to 200", "several numbers"),
        ('vm.x: "1#2"', '"1#2"', "vm.x of sysctl must be a number, or up to 200", "several numbers"),
        (
            "net.ipv4.ip_nonlocal_bind: 0",
            "0\n",
            "net.ipv4.ip_nonlocal_bind belongs to the appliance",
            "remove net.ipv",
        ),
        ("net.ipv4.conf.eth0.arp_ignore: 0", "0\n", "net.ipv4.conf.eth0.arp_ignore belongs to the", "remove net.ipv"),
        (
            "net.ipv6.neigh.all.retrans_time_ms: 7",
            "7\n",
            "net.ipv6.neigh.all.retrans_time_ms belongs",
            "remove net.ipv",
        ),
    ],
)
def test_a_setting_that_the_kernel_or_the_appliance_does_not_take_is_refused(
    only_problem: Callable[..., LocatedProblem], line: str, at: str, reason: str, hint: str
) -> None:
    problem = only_problem(CLUSTER, f"sysctl:\n  {line}\n{CLUSTER}", at)
    assert problem.reason.startswith(reason)
    assert problem.hint.startswith(hint)


def test_time_servers_and_settings_are_accepted(problems: Callable, good: str) -> None:
    text = good.replace(DNS, f"{DNS}  ntp: [10.1.2.7, ntp.example.com, 192.0.2.1]\n")
    settings = 'sysctl: {net.core.somaxconn: 4096, net.ipv4.tcp_rmem: "4096 131072 6291456", kernel.panic: -1}\n'
    assert problems(settings + text) == ()


def test_keys_at_the_top_are_shown_their_section(problems: Callable, good: str) -> None:
    (problem,) = problems(f"ntp: [192.0.2.123]\n{good}")
    assert problem.hint == "it belongs in network"
