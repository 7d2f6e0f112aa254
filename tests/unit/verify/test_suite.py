"""The suite against a fake pair: every check passes on a healthy pair, and every check can fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import yaml

from builder.spec.load import load
from builder.spec.model import Cluster
from builder.verify.plan import CLUSTER, Result
from builder.verify.runner import checks
from tests import examples
from tests.certificates import issue
from tests.unit.verify.conftest import DISK, HOST, KEY, FakePair, healthy

UNHEALTHY = {
    "packages": "haproxy 1.5.18\nkeepalived 1:2.2.7-1\nrsyslog 8.2302.0-1",
    "compilers": "/usr/bin/gcc",
    "units": "Id=haproxy.service\nActiveState=failed\nUnitFileState=disabled\n",
    "time units": "Id=chronyd.service\nActiveState=inactive\nUnitFileState=\n",
    "failed units": "haproxy.service loaded failed failed HAProxy",
    "journal": "Nov 23 10:00:00 keepalived[1]: no memory",
    "keepalived version": "Keepalived v2.2.7 (01/16,2022)",
    "keepalived programs": "/usr/sbin/keepalived",
    "keepalived.conf": "! nothing",
    "init script": "644 root",
    "runlevels": "keepalived \t0:off\t1:off\t2:off\t3:off\t4:off\t5:off\t6:off",
    "keepalived log": "",
    "selinux": "Permissive",
    "haproxy version": "HA-Proxy version 1.5.18 2016/05/10",
    "listening": "State Recv-Q\nLISTEN 0 128 127.0.0.1:80 0.0.0.0:*",
    "peers": "",
    "kernel settings": "net.ipv4.ip_nonlocal_bind = 0",
    "disk": DISK.format(blocks=20000, inodes=200000),
    "clock": "1400000000",
    "connections": "65536\n65536",
    "huge pages": "[always] madvise never",
    "default zone": "public\n  services: ssh dhcpv6-client\n  ports:\n  protocols:\n  rich rules:\n",
    "ruleset": "",
    "host name": "localhost",
    "routes": "",
    "identity": "NODE_NAME=lb9.example.com",
    "private modes": "644 root /etc/vipforge/identity",
    "machine id": "0123",
    "host keys": "ssh-ed25519 AAAA root@localhost",
    "cloud-init result": '{"v1": {"errors": ["no disk"]}}',
    "passwords": "ops",
    "authorized keys": "/root/.ssh/authorized_keys ssh-ed25519 AAAA vipforge-bake",
    "sshd": "passwordauthentication yes\nkbdinteractiveauthentication yes\npermitrootlogin yes",
    "bake": "/root/.ssh/authorized_keys",
    "logged keys": "/var/log/cloud-init-output.log",
    "own name": "127.0.1.1 STREAM lb1.example.com",
    "sums": "0123  /etc/haproxy/haproxy.cfg",
    "modes": "777 root /etc/haproxy/haproxy.cfg",
}
REFUSED = ("keepalived test", "haproxy test", "log line", "cloud-init schema")


def failures(found: tuple[Result, ...]) -> list[str]:
    return [f"{result.node}: {result.check}: {result.reason}" for result in found if not result.ok]


def test_a_healthy_pair_passes_every_check(pair, check: Callable[..., tuple[Result, ...]]) -> None:
    found = check(pair)
    assert failures(found) == []
    assert {(result.group, result.check.split(":")[0]) for result in found} == {
        (each.group, each.title) for each in checks()
    }


@pytest.mark.parametrize("name", ["active-active", "ipv6"])
def test_healthy_nodes_with_several_instances_pass(name: str, check: Callable[..., tuple[Result, ...]]) -> None:
    data = yaml.safe_load((examples.FOLDER / f"{name}.yml").read_text())
    cluster = Cluster.model_validate({**data, "operator": {"ssh_keys": [KEY]}})
    found = check(FakePair(cluster, {node.name: healthy(cluster, node) for node in cluster.nodes}))
    assert failures(found) == []


def test_a_vip_on_another_node_than_its_instance_prefers_is_found(check: Callable[..., tuple[Result, ...]]) -> None:
    cluster = load(examples.FOLDER / "active-active.yml")
    lb1, lb2 = (node.name for node in cluster.nodes)
    pair = FakePair(cluster, {node.name: healthy(cluster, node) for node in cluster.nodes})
    pair.addresses = {lb1: "\n".join(f"2: ens3    inet {vip}/24" for vip in cluster.vrrp.vips), lb2: ""}
    reasons = [result.reason for result in check(pair) if result.group == "vrrp" and not result.ok]
    assert reasons == [f"held by {lb1} instead of {lb2}"]


@pytest.fixture
def unhealthy_pair(pair):
    """A pair in which every check fails."""
    for name, answers in pair.outputs.items():
        answers.update(UNHEALTHY)
        answers["addresses"] = "2: ens3    inet 192.168.56.99/16 scope global ens3"
        for question in REFUSED:
            answers[question] = "no"
            pair.codes[name, question] = 1
    pair.ports = lambda _address, number: "open" if number == 9999 else "filtered"
    pair.status, pair.logged, pair.certificate = 503, False, b"another"
    return pair


def test_every_check_can_fail(unhealthy_pair, check: Callable[..., tuple[Result, ...]], monkeypatch) -> None:
    monkeypatch.setattr("builder.verify.suite.test_vrrp.LOG_SECONDS", 0)
    found = check(unhealthy_pair)
    assert [f"{result.node}: {result.check}" for result in found if result.ok] == []
    assert {(result.group, result.check.split(":")[0]) for result in found} == {
        (each.group, each.title) for each in checks()
    }


@pytest.mark.parametrize(
    ("question", "answer", "warning"),
    [
        ("disk", DISK.format(blocks=60000, inodes=200000), "only 11 % are free (58 MiB, 200000 inodes)"),
        ("disk", DISK.format(blocks=3524284, inodes=3000), "only 10 % are free (3441 MiB, 3000 inodes)"),
        ("connections", "50000\n65536", "50000 of 65536 entries are in use"),
        ("clock", "NOW", "the clock is right, but no time server answers"),
    ],
)
def test_what_will_fail_before_long_is_a_warning(
    pair, check: Callable[..., tuple[Result, ...]], question: str, answer: str, warning: str
) -> None:
    pair.outputs["lb1.example.com"][question] = answer.replace("NOW", f"{time.time():.0f}")
    found = check(pair)
    assert failures(found) == []
    assert [(each.node, each.warning[: len(warning)]) for each in found if each.warning] == [
        ("lb1.example.com", warning)
    ]


def test_with_time_servers_in_the_spec_the_clock_must_be_synchronised(
    cluster: Cluster, check: Callable[..., tuple[Result, ...]]
) -> None:
    network = cluster.network.model_copy(update={"ntp": ("192.168.56.1", "ntp.example.com")})
    with_servers = cluster.model_copy(update={"network": network})
    pair = FakePair(with_servers, {node.name: healthy(with_servers, node) for node in with_servers.nodes})
    assert failures(check(pair)) == []
    pair.outputs["lb1.example.com"]["clock"] = f"{time.time():.0f}\n"
    assert failures(check(pair)) == [
        "lb1.example.com: The clock is synchronized with a time server: no answer from 192.168.56.1, ntp.example.com"
    ]


@pytest.mark.parametrize(
    ("lasts", "reason", "warning"),
    [
        (timedelta(seconds=-1), "expired on", ""),
        (timedelta(days=20), "", "expires in 19 days"),
        (timedelta(days=22), "", ""),
    ],
)
def test_a_certificate_is_found_before_it_expires(
    pair, check: Callable[..., tuple[Result, ...]], lasts: timedelta, reason: str, warning: str
) -> None:
    issued = issue("www", (HOST,), lasts=lasts)
    chain = pair.cluster.tls.certificates[0].chain
    chain.write_bytes(issued.pem())
    (found,) = (each for each in check(pair) if each.check.startswith("From here, no certificate"))
    assert reason in found.reason
    assert warning in found.warning
    assert (found.ok, bool(found.warning)) == (not reason, bool(warning))


def test_a_vip_on_two_nodes_is_found(pair, check: Callable[..., tuple[Result, ...]]) -> None:
    pair.addresses = dict.fromkeys(pair.outputs, pair.outputs["lb1.example.com"]["addresses"])
    assert [(result.group, result.reason) for result in check(pair) if not result.ok] == [
        ("vrrp", "held by lb1.example.com, lb2.example.com"),
        ("vrrp", "held by lb1.example.com, lb2.example.com instead of lb1.example.com"),
    ]


def test_a_vip_on_the_node_of_lower_priority_is_found(pair, check: Callable[..., tuple[Result, ...]]) -> None:
    lb1, lb2 = pair.outputs
    pair.addresses = {lb1: pair.outputs[lb2]["addresses"], lb2: pair.outputs[lb1]["addresses"]}
    assert [result.reason for result in check(pair) if not result.ok] == [
        "held by lb2.example.com instead of lb1.example.com"
    ]


def test_one_node_alone_leaves_out_the_checks_between_nodes(pair, check: Callable[..., tuple[Result, ...]]) -> None:
    pair.nodes = ("lb2.example.com",)
    assert {result.node for result in check(pair)} == {"lb2.example.com"}


@pytest.mark.parametrize(
    ("name", "condition", "reasons"),
    [
        ("vipforge-ovf", "no", []),
        ("vipforge-ovf", "yes", ["vipforge-ovf is inactive"]),
        ("vipforge-identity", "no", ["vipforge-identity is inactive"]),
    ],
)
def test_a_unit_may_be_inactive_only_if_it_has_an_unmet_condition(
    pair, check: Callable[..., tuple[Result, ...]], name: str, condition: str, reasons: list[str]
) -> None:
    outputs = pair.outputs["lb1.example.com"]
    runs = f"Id={name}.service\nActiveState=active\nUnitFileState=enabled\nConditionResult=yes\n"
    assert runs in outputs["units"]
    stands = runs.replace("=active", "=inactive").replace("=yes", f"={condition}")
    outputs["units"] = outputs["units"].replace(runs, stands)
    assert [result.reason for result in check(pair) if not result.ok] == reasons


def test_without_a_manifest_packages_are_not_compared(pair, check: Callable[..., tuple[Result, ...]]) -> None:
    whole = check(pair)
    pair.packages = {}
    assert {result.check for result in whole} - {result.check for result in check(pair)} == {
        "Packages and versions match the image's manifest"
    }


def test_a_node_that_stops_answering_fails_its_checks(pair, check: Callable[..., tuple[Result, ...]]) -> None:
    del pair.outputs["lb1.example.com"]["bake"]
    found = check(pair)
    assert not any(result.ok for result in found)
    assert "no answer to bake" in found[0].reason
    assert CLUSTER in {result.node for result in found}
