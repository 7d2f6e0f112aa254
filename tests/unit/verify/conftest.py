"""A fake pair that answers like a healthy one: the suite runs against it in this process."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace

import pytest
import testinfra
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from builder.guests import all_guests
from builder.render import appliance
from builder.seed.identity import identity, keepalived_conf
from builder.seed.seed import seed
from builder.spec.model import Cluster, Node
from builder.spec.values import endpoint
from builder.verify import plan as plans
from builder.verify import runner
from builder.verify.plan import Result, VerifyPlan
from builder.verify.suite import answers
from builder.verify.suite import node as suite_node
from tests import examples
from tests.specs import quickstart

KEEPALIVED = "2.3.3"
FACTS = all_guests()["debian12"]
PACKAGES = {"firewalld": "1.3.3-1", "haproxy": "2.6.12-1+deb12u4", "psmisc": "23.6-1", "rsyslog": "8.2302.0-1"}
HOST = "www.example.com"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzpF3Hd1nbqRxQ7C0h5w0Q9lJ1cKZ0P2l3kLm4nOp5q someone"
NFT = """\
chain filter_IN_vipforge_allow {{
    tcp dport 22 accept
    {ports}
    meta l4proto vrrp accept
}}
"""
ZONE = """\
vipforge
  target: default
  services: ssh
  ports: {ports}
  protocols:
  rich rules:
	rule protocol value="vrrp" accept
	rule family="ipv4" source ipset="vipforge-peers" port port="10001" protocol="tcp" accept
"""
DISK = """\
Filesystem     1024-blocks   Used Available Capacity Mounted on
/dev/vda2          4043488 460908 {blocks:9}      12% /
Filesystem      Inodes IUsed  IFree IUse% Mounted on
/dev/vda2       262144 25000 {inodes}   10% /
"""


@dataclass
class FakePair:
    """The nodes' answers by node and question, and what a client sees."""

    cluster: Cluster
    outputs: dict[str, dict[str, str]]
    codes: dict[tuple[str, str], int] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    ports: Callable[[str, int], str] = lambda _address, number: (
        "filtered" if number == suite_node.HIGHEST_PORT else "open"
    )
    status: int = 200
    certificate: bytes | None = None
    logged: bool = True
    nodes: tuple[str, ...] = ()
    packages: dict[str, str] = field(default_factory=lambda: dict(PACKAGES))

    def host(self, address: str) -> SimpleNamespace:
        """Return a node as testinfra does."""
        name = address.removeprefix("ssh://")
        return SimpleNamespace(run=lambda words: self._run(name, shlex.split(words)[-1]))

    def _run(self, name: str, command: str) -> SimpleNamespace:
        if command.startswith("timeout"):
            return SimpleNamespace(rc=0, stdout=self._everything(name), stderr="")
        outputs = {
            "ip -o": self.addresses.get(name, self.outputs[name]["addresses"]),
            "ss -l": f"LISTEN 0 128 {self.cluster.node(name).address}:{suite_node.HIGHEST_PORT} 0.0.0.0:*\n",
        }
        if command.startswith("grep"):
            return SimpleNamespace(rc=0 if self.logged else 1, stdout=command if self.logged else "", stderr="")
        return SimpleNamespace(rc=0, stdout=outputs.get(command[:5], ""), stderr="")

    def _everything(self, name: str) -> str:
        parts = self.outputs[name].items()
        return "".join(
            f"{text}\n{answers.END} {self.codes.get((name, question), 0)} {question}\n" for question, text in parts
        )


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """The quickstart's cluster with an HTTPS service and a key for its operator."""
    www = {"name": "www", "chain": str(tmp_path / "www.pem"), "key": str(tmp_path / "www.key")}
    plain = quickstart().services[0].model_dump(mode="json")
    secure = {**plain, "name": "secure", "mode": "https", "port": 443, "certificates": ["www"], "hosts": [HOST]}
    secure["affinity"] = {"by": "source"}
    services, tls = [plain, secure], {"certificates": [www]}
    spec = quickstart(guest="debian12", operator={"ssh_keys": [KEY]}, services=services, tls=tls)
    examples.provide(spec)
    return spec


@pytest.fixture
def pair(cluster: Cluster) -> FakePair:
    """A healthy pair."""
    return FakePair(cluster, {node.name: healthy(cluster, node) for node in cluster.nodes})


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[FakePair], tuple[Result, ...]]:
    """Run the suite against a fake pair in this process; returns the results."""

    def run(pair: FakePair) -> tuple[Result, ...]:
        monkeypatch.setattr(testinfra, "get_host", lambda address, **_: pair.host(address))
        monkeypatch.setattr(answers, "port", lambda address, number, **_: pair.ports(str(address), number))
        monkeypatch.setattr(answers, "status", lambda *_: pair.status)
        monkeypatch.setattr(answers, "certificate", lambda *_: pair.certificate or own_certificate(pair.cluster))
        monkeypatch.setattr(answers, "answers_ping", lambda _: pair.status == HTTPStatus.OK)
        monkeypatch.setattr(suite_node, "START_SECONDS", 0)
        monkeypatch.setattr(VerifyPlan, "cluster", pair.cluster)
        names = pair.nodes or tuple(node.name for node in pair.cluster.nodes)
        plan = VerifyPlan("unused", "debian12", KEEPALIVED, names, "unused", pair.packages)
        plans.write_plan(plan, tmp_path / "plan.json")
        argv = runner.pytest_argv(tmp_path / "plan.json", tmp_path / "junit.xml")
        code = pytest.main(argv[argv.index("pytest") + 1 :])
        assert code in runner.USABLE
        return plans.read_results(tmp_path / "junit.xml")

    return run


def own_certificate(cluster: Cluster) -> bytes:
    """Return the first certificate of the spec, in DER."""
    pem = cluster.tls.certificates[0].chain.read_bytes()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def endpoints(cluster: Cluster) -> list[str]:
    """Return the addresses and ports on which HAProxy listens."""
    services = cluster.services
    return [endpoint(vip, service.port) for service in services for vip in service.vips or cluster.vrrp.vips]


def addresses(cluster: Cluster, node: Node) -> list[str]:
    """Return a node's addresses, with the VIPs of the instances that it leads, as `ip -o` prints them."""
    instances = [each for each in cluster.vrrp.all_instances if cluster.ranking(each)[0] == node]
    found = [f"inet {node.address}/{cluster.network.prefix}"]
    found += [f"inet6 {node.address6}/{cluster.network.prefix6}"] if node.address6 else []
    found += [f"inet {cluster.on_interface(vip)}" for each in instances for vip in each.vips4]
    found += [f"inet6 {cluster.on_interface(vip)}" for each in instances for vip in each.vips6]
    return [f"2: ens3    {address} scope global" for address in found]


def healthy(cluster: Cluster, node: Node) -> dict[str, str]:
    """Return the answers of a healthy node."""
    files = appliance(cluster, FACTS, KEEPALIVED)
    network, ports = cluster.network, cluster.ports()
    instances = cluster.vrrp.all_instances
    unit = "Id={}.service\nActiveState=active\nUnitFileState=enabled\nConditionResult=yes\nResult=success\n"
    lines = {
        "packages": "\n".join(f"{name} {version}" for name, version in PACKAGES.items()),
        "compilers": "",
        "units": "\n".join(unit.format(name) for name in (*answers.UNITS, *answers.own_units(files))),
        "time units": unit.format("systemd-timesyncd"),
        "failed units": "",
        "journal": "",
        "keepalived version": f"Keepalived v{KEEPALIVED} (05/30,2025)",
        "keepalived programs": "/usr/local/sbin/keepalived",
        "keepalived.conf": keepalived_conf(cluster, node, FACTS, KEEPALIVED, "ens3"),
        "keepalived test": "",
        "keepalived log": "\n".join(f"Keepalived_vrrp[9]: ({each.name}) Entering BACKUP STATE" for each in instances),
        "init script": "755 root",
        "runlevels": "keepalived \t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off",
        "haproxy version": "HAProxy version 2.6.12-1+deb12u4 2026/01/01 - https://haproxy.org/",
        "haproxy test": "Configuration file is valid",
        "log line": "",
        "listening": "State Recv-Q\n" + "\n".join(f"LISTEN 0 9 {each} *:*" for each in ("*:22", *endpoints(cluster))),
        "peers": "\n".join(f"0 0 {node.address}:10001 {each.address}:41234" for each in cluster.nodes if each != node),
        "huge pages": "always madvise [never]",
        "kernel settings": "\n".join(file.content for path, file in files.items() if "/sysctl.d/" in path),
        "disk": DISK.format(blocks=3524284, inodes=200000),
        "clock": f"{time.time():.0f}\nSystem clock synchronized: yes",
        "connections": "40\n160000",
        "default zone": ZONE.format(ports=" ".join(f"{port}/tcp" for port in ports)),
        "ruleset": NFT.format(ports="\n".join(f"tcp dport {port} accept" for port in ports)),
        "host name": node.name,
        "addresses": "\n".join(addresses(cluster, node)),
        "selinux": "absent",
        "IPv6 routes": f"default via {network.gateway6} dev ens3" if network.gateway6 else "",
        "routes": f"default via {network.gateway} dev ens3 proto static",
        "identity": "\n".join(f"{key}={value}" for key, value in identity(cluster, node).items()),
        "private modes": "600 root /etc/vipforge/identity",
        "machine id": sha256(node.name.encode()).hexdigest()[:32],
        "host keys": f"ssh-ed25519 {sha256(node.name.encode()).hexdigest()} root@localhost",
        "cloud-init result": json.dumps({"v1": {"datasource": "NoCloud", "errors": []}}),
        "cloud-init schema": "Valid cloud-config: user-data",
        "user-data": seed(cluster, node, FACTS).user_data,
        "passwords": "",
        "authorized keys": f"/home/ops/.ssh/authorized_keys {KEY}",
        "sshd": "passwordauthentication no\nkbdinteractiveauthentication no\npermitrootlogin without-password",
        "bake": "",
        "logged keys": "",
        "own name": f"{node.address} STREAM {node.name}",
        "sums": "\n".join(f"{sha256(file.content.encode()).hexdigest()}  {path}" for path, file in files.items()),
        "modes": "\n".join(f"{file.mode:o} root {path}" for path, file in files.items()),
    }
    assert lines.keys() == answers.questions(node, files).keys()
    return lines
