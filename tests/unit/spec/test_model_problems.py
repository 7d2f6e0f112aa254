"""Problems in single values: the place, the reason and the hint of each kind."""

from __future__ import annotations

import pytest

from builder.spec.service import Service

LONG = ".".join(["x" * 31] * 4)
CASES = {
    "an unknown key that is like a known one": (
        ("gateway:", "gatway:", "gatway"),
        ("network has no key gatway", "did you mean gateway?"),
    ),
    "an unknown key of another mapping": (
        ("cluster: demo\n", "cluster: demo\nvips: []\n", "vips"),
        ("the spec has no key vips", "it belongs in vrrp"),
    ),
    "an unknown key like no other": (
        ("    mode: tcp\n", "    mode: tcp\n    xyzzy: 1\n", "xyzzy"),
        (
            "service 2 has no key xyzzy",
            f"its keys are: {', '.join(Service.model_fields)}",
        ),
    ),
    "a libvirt address with a password": (
        ("cluster: demo\n", "cluster: demo\nlibvirt: {hosts: ['qemu+ssh://a:b@kvm1/system']}\n", "'qemu"),
        ("host 1 of libvirt must not contain a password", "use an SSH key or Kerberos"),
    ),
    "a libvirt address of another hypervisor": (
        ("cluster: demo\n", "cluster: demo\nlibvirt: {hosts: ['xen:///system']}\n", "'xen"),
        (
            "host 1 of libvirt must be a libvirt URI of a QEMU host, such as qemu+ssh://root@kvm1/system",
            "",
        ),
    ),
    "a missing value": (
        ("  prefix: 24\n", "", "network"),
        ("prefix of network is missing", "add a line such as prefix: 24"),
    ),
    "a missing list": (
        ("  recipients: [ops@example.com]\n", "", "alerts"),
        ("recipients of alerts is missing", "add a line such as recipients: [ops@example.com]"),
    ),
    "a missing mapping": (
        (
            "network:\n  prefix: 24\n  gateway: 10.1.2.1\n  dns: [10.1.2.2]\n",
            "",
            "cluster",
        ),
        ("network is missing", "add network: with prefix"),
    ),
    "a key without a value": (
        ("virtual_router_id: 10", "virtual_router_id:", "virtual_router_id"),
        ("virtual_router_id of vrrp has no value", "give one, or remove virtual_router_id"),
    ),
    "a version that YAML reads as a number": (
        ('"2.3.3"', "2.3", "2.3"),
        ("keepalived must be text", 'YAML reads it as a number; give all three parts, in quotes, such as "2.3.4"'),
    ),
    "a version of two parts": (
        ('"2.3.3"', '"2.3"', '"2.3"'),
        (
            "keepalived must be a release number of three parts, such as 2.3.4",
            "the pinned releases are 1.2.13, 2.2.7, 2.3.3, 2.3.4",
        ),
    ),
    "a name that YAML reads as a number": (
        ("cluster: demo", "cluster: 12", "12"),
        ("cluster must be text", "YAML reads it as a number or a truth value; put it in quotes"),
    ),
    "a list for a name": (("cluster: demo", "cluster: [demo]", "[demo]"), ("cluster must be text", "")),
    "a number in quotes": (
        ("priority: 253", 'priority: "253"', '"253"'),
        ("priority of node 2 must be a whole number", "remove the quotes"),
    ),
    "a broken number": (
        ("priority: 253", "priority: 25.3", "25.3"),
        ("priority of node 2 must be a whole number", ""),
    ),
    "a number that is too large": (
        ("priority: 253", "priority: 255", "255"),
        ("priority of node 2 must be 254 or less", ""),
    ),
    "a number that is too small": (
        ("virtual_router_id: 10", "virtual_router_id: 0", "0\n  vips"),
        ("virtual_router_id of vrrp must be 1 or more", ""),
    ),
    "a word that is none of the choices": (
        ("profile: standard", "profile: fats", "fats"),
        ("profile of vrrp must be classic, standard or fast", "did you mean fast?"),
    ),
    "a value where a list is expected": (
        ("[10.1.2.10, 10.1.2.20]", "10.1.2.10", "10.1.2.10"),
        (
            "vips of vrrp must be a list",
            "put each entry on its own line after a dash, or all entries in brackets: [one, two]",
        ),
    ),
    "a list where a mapping is expected": (
        ("alerts:\n  recipients: [ops@example.com]\n  smtp_server: 10.1.2.25\n", "alerts: [x]\n", "[x]"),
        ("alerts must be a mapping of keys and values", "its keys are: recipients, smtp_server, timeout"),
    ),
    "text where a mapping is expected": (
        (
            "  - name: mail\n    mode: tcp\n    port: 25\n    servers:\n",
            "  - mail\n  - name: mail\n    port: 25\n    servers:\n",
            "mail\n",
        ),
        (
            "service 2 must be a mapping of keys and values",
            f"its keys are: {', '.join(Service.model_fields)}",
        ),
    ),
    "an empty list": (
        ("[10.1.2.10, 10.1.2.20]", "[]", "[]"),
        ("vips of vrrp must have 1 or more entries", ""),
    ),
    "a single node": (
        ("  - name: lb2.example.com\n    address: 10.1.2.12\n    priority: 253\n", "", "- name: lb1"),
        ("nodes must have 2 or more entries", ""),
    ),
    "too many name servers": (
        ("[10.1.2.2]", "[10.1.2.2, 10.1.2.3, 10.1.2.4, 10.1.2.5]", "[10.1.2.2"),
        ("dns of network must have at most 3 entries", ""),
    ),
    "a search list that a resolver cuts off": (
        ("dns: [10.1.2.2]", f"search: [{LONG}, ab{LONG}]", f"[{LONG}"),
        (
            "search of network must have at most 256 characters with a space between two domains, not 257",
            "list only the domains in which the nodes look up short names",
        ),
    ),
    "an address with a prefix length": (
        ("address: 10.1.2.12", "address: 10.1.2.12/24", "10.1.2.12/24"),
        (
            "address of node 2 must be an IPv4 address such as 192.168.56.10",
            "leave out the prefix length here; network.prefix sets it for all",
        ),
    ),
    "an SMTP server by name": (
        ("10.1.2.25", "smtp.example.com", "smtp.example.com"),
        (
            "smtp_server of alerts must be an IPv4 address such as 192.168.56.10",
            "give an address: names are not resolved",
        ),
    ),
    "a number for an address": (
        ("gateway: 10.1.2.1", "gateway: 167838209", "167838209"),
        ("gateway of network must be an IPv4 address such as 192.168.56.10", ""),
    ),
    "a sender that is no address": (
        ("priority: 253", "priority: 253\n    alert_sender: lb2", "lb2\n"),
        ("alert_sender of node 2 must be an e-mail address such as lb1@example.com", ""),
    ),
}


@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES.keys())
def test_each_problem_is_reported_once_with_its_place(only_problem, change, expected) -> None:
    problem = only_problem(*change)
    assert (problem.reason, problem.hint) == expected


def test_the_value_is_shown_as_it_was_written(only_problem) -> None:
    assert only_problem("priority: 253", 'priority: "253"', '"253"').value == '"253"'


def test_a_long_value_is_truncated(only_problem) -> None:
    value = only_problem("cluster: demo", f"cluster: {'x' * 300}", "xxx").value
    assert len(value) == 60
    assert value.endswith("x…")


def test_a_private_key_is_never_shown(only_problem) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXk"
    problem = only_problem("cluster: demo\n", f'cluster: demo\noperator: {{ssh_keys: ["{key}"]}}\n', '"-----BEGIN')
    assert "b3Blb" not in str(problem)
    assert "private" in problem.reason


def test_a_good_spec_has_no_problems(problems, good: str) -> None:
    assert problems(good) == ()


def test_an_optional_key_may_be_empty(problems, good: str) -> None:
    local = good.replace("10.9.9.", "10.1.2.10")
    assert problems(local.replace("gateway: 10.1.2.1", "gateway:")) == ()
