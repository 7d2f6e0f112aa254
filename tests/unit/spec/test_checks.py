"""Checks between values: each problem on its own, located at the value to change."""

from __future__ import annotations

import pytest

from builder.spec.keepalived_features import refusals
from builder.spec.sections import EPEL_GUESTS
from builder.spec.vrrp import STANDARD

CASES = {
    "a libvirt network beside a bridge": (
        ("cluster: demo\n", "cluster: demo\nlibvirt: {network: lan, bridge: br0}\n", "br0"),
        ("libvirt has both a network and a bridge", "a network card has one connection: remove one of the two"),
    ),
    "a base of CentOS 7 for another guest": (
        ("cluster: demo\n", 'cluster: demo\nguest: rocky9\nimage: {base: "2009"}\n', '"2009"'),
        ("base selects a cloud image of centos7, but the guest is rocky9", "set guest: centos7, or remove base"),
    ),
    "EPEL without a guest": (
        ("cluster: demo\n", "cluster: demo\nimage: {epel: true}\n", "true"),
        (
            "EPEL is only for guests of the RPM family, but the guest is auto",
            "set guest to one of them (alma9, centos7, rocky9), or remove epel",
        ),
    ),
    "EPEL for Debian": (
        ("cluster: demo\n", "cluster: demo\nguest: debian12\nimage: {epel: true}\n", "true"),
        (
            "EPEL is only for guests of the RPM family, but the guest is debian12",
            "set guest to one of them (alma9, centos7, rocky9), or remove epel",
        ),
    ),
    "a mirror of EPEL without EPEL": (
        ("cluster: demo\n", "cluster: demo\nguest: rocky9\nimage: {epel_mirror: http://m/epel/9}\n", "http://m/"),
        ("epel_mirror has no effect without epel", "add epel: true"),
    ),
    "a folder as EPEL's mirror": (
        (
            "cluster: demo\n",
            "cluster: demo\nguest: rocky9\nimage: {epel: true, epel_mirror: file:///srv/epel}\n",
            "file:",
        ),
        (
            "epel_mirror is a folder on this host, which the appliance cannot read",
            "serve it over HTTP, or remove epel_mirror: the bake takes no package from EPEL",
        ),
    ),
    "a VIP outside the subnet": (
        ("10.1.2.20", "10.1.3.20", "10.1.3.20"),
        ("VIP 2 of vrrp is outside the nodes' subnet 10.1.2.0/24", "its hosts are 10.1.2.1 to 10.1.2.254"),
    ),
    "a node outside the subnet of the others": (
        ("10.1.2.11", "10.1.3.11", "10.1.3.11"),
        ("address of node 1 is outside the nodes' subnet 10.1.2.0/24", "its hosts are 10.1.2.1 to 10.1.2.254"),
    ),
    "a gateway outside the subnet": (
        ("10.1.2.1\n", "10.1.1.1\n", "10.1.1.1"),
        ("gateway of network is outside the nodes' subnet 10.1.2.0/24", "its hosts are 10.1.2.1 to 10.1.2.254"),
    ),
    "a VIP that is the network address": (
        ("10.1.2.20", "10.1.2.0", "10.1.2.0"),
        ("VIP 2 of vrrp is the network address of 10.1.2.0/24", "its hosts are 10.1.2.1 to 10.1.2.254"),
    ),
    "a name server twice": (
        ("dns: [10.1.2.2]", "dns: [10.1.2.2, 10.1.2.2]", "10.1.2.2]"),
        ("name server 2 of network is also name server 1 of network", "remove one of them"),
    ),
    "a recipient twice": (
        ("recipients: [ops@example.com]", "recipients: [ops@example.com, ops@example.com]", "ops@example.com]"),
        ("recipient 2 of alerts is also recipient 1 of alerts", "remove one of them"),
    ),
    "a server at the broadcast address": (
        ("address: 10.9.9.1", "address: 10.1.2.255", "10.1.2.255"),
        ("address of server 1 of service 2 is the broadcast address of 10.1.2.0/24", "give the server's own address"),
    ),
    "a name server at the network address": (
        ("dns: [10.1.2.2]", "dns: [10.1.2.0]", "10.1.2.0]"),
        ("name server 1 of network is the network address of 10.1.2.0/24", "give the server's own address"),
    ),
    "a remote server without a gateway": (
        ("  gateway: 10.1.2.1\n", "", "10.9.9.1"),
        (
            "address of server 1 of service 2 is outside the nodes' subnet 10.1.2.0/24, and network has no gateway",
            "add gateway: to network, with the address of the router",
        ),
    ),
    "a VIP that is the broadcast address": (
        ("10.1.2.20", "10.1.2.255", "10.1.2.255"),
        ("VIP 2 of vrrp is the broadcast address of 10.1.2.0/24", "its hosts are 10.1.2.1 to 10.1.2.254"),
    ),
    "a VIP that is a node's address": (
        ("10.1.2.20", "10.1.2.12", "10.1.2.12"),
        ("VIP 2 of vrrp is also the address of node 2", "a VIP must be an address that no host has"),
    ),
    "a VIP that is the gateway": (
        ("10.1.2.20", "10.1.2.1", "10.1.2.1]"),
        ("VIP 2 of vrrp is also the gateway of network", "a VIP must be an address that no host has"),
    ),
    "a node that is the gateway": (
        ("gateway: 10.1.2.1\n", "gateway: 10.1.2.12\n", "10.1.2.12\n    priority"),
        ("address of node 2 is also the gateway of network", "give the node a different address"),
    ),
    "a server that is the VIP's own listener": (
        ("10.1.2.32, port: 8080", "10.1.2.10, port: 80", "10.1.2.10, port"),
        (
            "address of server 2 of service 1 is a VIP, so HAProxy would send requests to itself",
            "give the server's own address",
        ),
    ),
    "a server at a VIP's other port": (
        ("10.1.2.32, port: 8080", "10.1.2.10, port: 8080", "10.1.2.10, port"),
        ("address of server 2 of service 1 is a VIP", "give the server's own address"),
    ),
    "an SMTP server at a VIP": (
        ("smtp_server: 10.1.2.25", "smtp_server: 10.1.2.20", "10.1.2.20\nservices"),
        ("smtp_server of alerts is a VIP, which is down when alerts matter most", "give the server's own address"),
    ),
    "two nodes of one name": (
        ("lb2.example.com", "lb1.example.com", "lb1.example.com\n    address: 10.1.2.12"),
        ("name of node 2 is also the name of node 1", "give every node a unique name"),
    ),
    "two nodes of one short name": (
        ("lb2.example.com", "lb1.example.org", "lb1.example.org"),
        (
            "name of node 2 is the same as the name of node 1 up to the first dot",
            "give every node a unique short name",
        ),
    ),
    "two nodes of one address": (
        ("10.1.2.12", "10.1.2.11", "10.1.2.11\n    priority: 253"),
        ("address of node 2 is also the address of node 1", "give every node a unique address"),
    ),
    "two nodes of one priority": (
        ("priority: 253", "priority: 254", "254\nalerts"),
        ("priority of node 2 is also the priority of node 1", "give every node a unique priority"),
    ),
    "a VIP given twice": (
        ("10.1.2.20", "10.1.2.10", "10.1.2.10]"),
        ("VIP 2 of vrrp is also VIP 1 of vrrp", "remove one of them"),
    ),
    "two services of one name": (
        ("name: mail", "name: web", "web\n    mode"),
        ("name of service 2 is also the name of service 1", "give every service a unique name"),
    ),
    "two services of one port": (
        ("port: 25\n", "port: 80\n", "80\n    servers:\n      - {name: mx1"),
        ("port of service 2 is also the port of service 1", "give every service a unique port"),
    ),
    "two servers of one name": (
        ("name: web2", "name: web1", "web1, address: 10.1.2.32"),
        (
            "name of server 2 of service 1 is also the name of server 1 of service 1",
            "give every server a unique name",
        ),
    ),
    "two servers of one address and port": (
        ("10.1.2.32", "10.1.2.31", "10.1.2.31, port: 8080}\n  -"),
        ("server 2 of service 1 has the same address and port as server 1 of service 1", "remove one of them"),
    ),
    "a service on the port of SSH": (
        ("port: 80\n", "port: 22\n", "22\n"),
        ("port of service 1 is the port of the nodes' SSH server", "choose another port"),
    ),
    "a profile that the keepalived is too old for": (
        ('"2.3.3"', '"1.2.13"', '"1.2.13"'),
        (
            f"keepalived lacks what profile standard needs: {'; '.join(refusals(STANDARD, '1.2.13'))}",
            "remove keepalived, so that one of the guest's is chosen, or set profile: classic",
        ),
    ),
}


@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES.keys())
def test_each_problem_is_reported_once_at_the_value_to_change(only_problem, change, expected) -> None:
    problem = only_problem(*change)
    assert (problem.reason, problem.hint) == expected


def test_a_base_needs_no_quotes(problems, good: str) -> None:
    assert problems(f"{good}guest: centos7\nimage: {{base: 2009}}\n") == ()


@pytest.mark.parametrize("guest", EPEL_GUESTS)
def test_guests_of_the_rpm_family_support_epel(problems, good: str, guest: str) -> None:
    assert (
        problems(f"{good}guest: {guest}\nimage: {{epel: true, epel_mirror: http://mirror.example.com/epel}}\n") == ()
    )


def test_the_default_profile_is_standard(problems, good: str) -> None:
    (problem,) = problems(good.replace("  profile: standard\n", "").replace('"2.3.3"', '"1.2.13"'))
    assert "profile standard" in problem.reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"2.3.3"\n', '"1.2.13"\n'),
        ("  smtp_server: 10.1.2.25\n", "  smtp_server: 10.9.9.1\n"),
        ("10.1.2.31, port: 8080", "10.1.2.32, port: 8081"),
    ],
    ids=["classic on old keepalived", "an SMTP server that is also a server", "two ports of one server"],
)
def test_unusual_but_valid_specs_are_accepted(problems, good: str, old: str, new: str) -> None:
    text = good.replace("priority: 254", "priority: 101").replace("priority: 253", "priority: 100")
    assert problems(text.replace(old, new).replace("profile: standard", "profile: classic")) == ()


def test_an_invalid_value_hides_no_problem_between_other_values(problems, good: str) -> None:
    text = good.replace("name: lb1.example.com", "name: lb1").replace("10.1.2.20", "10.1.2.12")
    reasons = [problem.reason for problem in problems(text)]
    assert len(reasons) == 2
    assert reasons[0] == "VIP 2 of vrrp is also the address of node 2"
    assert reasons[1].startswith("name of node 1 must be a full host name")


def test_a_sender_without_alerts_is_accepted(problems, good: str) -> None:
    start, end = good.index("alerts:"), good.index("services:")
    text = good[:start] + good[end:]
    assert problems(text.replace("priority: 253", "priority: 253\n    alert_sender: lb2@example.com")) == ()


@pytest.mark.parametrize(
    ("priorities", "reasons"),
    [
        ((252, 251), []),
        ((100, 101), []),
        ((253, 252), ["priority of node 1 must be 252 or less with profile classic"]),
        ((100, 90), ["priority of node 2 must be at most 1 below that of node 1"]),
        ((90, 100), ["priority of node 1 must be at most 1 below that of node 2"]),
        ((300, 100), ["priority of node 1 must be 254 or less"]),
    ],
)
def test_in_the_classic_profile_the_bonus_must_outweigh_the_difference_of_priorities(
    problems, good: str, priorities: tuple[int, int], reasons: list[str]
) -> None:
    text = good.replace("standard", "classic").replace("253", str(priorities[1])).replace("254", str(priorities[0]))
    assert [problem.reason for problem in problems(text)] == reasons


def test_in_other_profiles_priorities_may_be_far_apart(problems, good: str) -> None:
    assert problems(good.replace("priority: 253", "priority: 1")) == ()


def test_classic_must_preempt(problems, good: str) -> None:
    text = good.replace("    priority: 254\n", "").replace("    priority: 253\n", "")
    (problem,) = problems(text.replace("profile: standard", "profile: classic\n  preempt: false"))
    assert (
        problem.reason == "preempt of vrrp cannot be false with profile classic: if HAProxy exits, no VIP would move"
    )
    assert problem.hint == "remove preempt, or use profile: standard"
    assert problems(text.replace("profile: standard", "profile: standard\n  preempt: false")) == ()


def test_a_mail_to_all_recipients_must_fit_into_the_buffer_of_keepalived(problems, good: str) -> None:
    """With more, the first alert crashed keepalived 2.3.3, and no node held a VIP any more."""

    def recipients(count: int) -> str:
        return good.replace("[ops@", f"[{', '.join(f'op{number:02}@example.com' for number in range(count))}, ops@")

    assert problems(recipients(38)) == ()
    (problem,) = problems(recipients(40))
    assert problem.reason.startswith("a mail to these recipients has 10")
    assert problem.reason.endswith("characters, and keepalived can send 1023")
    assert problem.hint == "name the address of a mailing list instead"
    assert good.splitlines()[problem.line - 1].strip() == "recipients: [ops@example.com]"
    longer = recipients(38).replace("lb1.example.com", f"{'l' * 52}.example.com")
    assert [each.reason[:28] for each in problems(longer)] == ["a mail to these recipients h"]
