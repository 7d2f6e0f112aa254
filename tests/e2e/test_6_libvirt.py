"""The pair on a real libvirtd with booted guests: deployed, upgraded while a probe runs, removed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.core.files import sha256
from builder.core.run import run
from builder.deploy.libvirt import binding
from builder.lab import network, stubs
from builder.rootfs.disk import ROOT_OFFSET
from builder.spec.load import load
from builder.spec.model import Cluster, Node
from tests.e2e.conftest import ASKER, PORT, VIP, Answers, Session, asking, wait_until
from tests.libvirt import Libvirtd, hypervisor

pytestmark = pytest.mark.e2e

FIRST, SECOND = "lb1.example.com", "lb2.example.com"
MARK = "second-image"
"""A file in /etc that only the second image has."""
SENDER = "balancer2@example.com"
BOOT_SECONDS = 15 * 60
LONGEST_SILENCE = 30.0
"""The seconds without a good answer that emulated guests may need to move a VIP; booting a node takes longer."""
PROGRAM = """\
set -e
test -e /run/cloud-init/result.json
systemctl is-active --quiet haproxy keepalived
"""
"""This succeeds on a node that has booted."""


@dataclass(frozen=True)
class Site:
    """The hypervisor, and the client beside its nodes."""

    session: Session
    host: Libvirtd
    folder: Path

    @property
    def spec(self) -> Path:
        return self.folder / "quickstart.yml"

    @property
    def ssh_config(self) -> Path:
        return self.folder / "ssh_config"

    def vipforge(self, *words: str | Path, timeout: float = 3 * BOOT_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run vipforge where the nodes can be reached."""
        argv = self.host.inside(*self.session.argv(*words, "--connect", self.host.uri))
        environment = self.session.environment
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=timeout, check=False)

    def ssh(self, node: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a node, whatever its host key is now."""
        options = ("UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR", "ConnectTimeout=30")
        argv = ["ssh", "-F", self.ssh_config, *(word for each in options for word in ("-o", each)), node, command]
        return subprocess.run(self.host.inside(*argv), capture_output=True, text=True, timeout=120, check=False)

    def domains(self) -> list[str]:
        connection = binding().open(self.host.uri)
        try:
            return sorted(domain.name() for domain in connection.listAllDomains(0))
        finally:
            connection.close()

    def volumes(self) -> list[str]:
        return sorted(path.name for path in (self.host.folder / "pool").iterdir())


@pytest.fixture(scope="module")
def site(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An empty libvirtd, with the stub servers beside its bridge."""
    folder = tmp_path_factory.mktemp("libvirt")
    key = folder / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    data = json.loads(session.spec.read_text())
    data["operator"] = {"ssh_keys": [key.with_suffix(".pub").read_text().strip()]}
    data["libvirt"] = {"bridge": network.BRIDGE, "memory_mib": 512, "cpus": 1}
    with hypervisor() as host:
        site = Site(session, host, folder)
        site.spec.write_text(json.dumps(data, indent=1))
        cluster = load(site.spec)
        site.ssh_config.write_text("".join(_host(cluster, node, key) for node in cluster.nodes))
        addresses = [line for line in network.bridge_commands(cluster) if line.startswith("address add")]
        run(host.inside("ip", "-batch", "-"), stdin="\n".join(addresses) + "\n", timeout=30)
        with _stubs(cluster, host, folder):
            yield site


def _host(cluster: Cluster, node: Node, key: Path) -> str:
    return (
        f"Host {node.name}\n  HostName {node.address}\n  User {cluster.operator.user}\n"
        f"  IdentityFile {key}\n  IdentitiesOnly yes\n"
    )


@contextmanager
def _stubs(cluster: Cluster, host: Libvirtd, folder: Path) -> Iterator[None]:
    (folder / stubs.PLAN).write_text(json.dumps([asdict(each) for each in stubs.stub_servers(cluster)]))
    with subprocess.Popen(host.inside(sys.executable, "-m", "builder.lab.stubs.servers", folder)) as servers:
        try:
            wait_until((folder / stubs.READY).exists, "the stub servers to listen", seconds=60)
            yield
        finally:
            servers.kill()


@pytest.fixture(scope="module")
def deployed(site: Site, image: Path) -> Site:
    """The site with the running pair; both nodes have booted."""
    assert image.is_file()
    done = site.vipforge("deploy", "libvirt", site.spec, "--wait", str(BOOT_SECONDS))
    assert done.returncode == 0, done.stderr
    for node in (FIRST, SECOND):
        wait_until(lambda node=node: site.ssh(node, PROGRAM).returncode == 0, f"{node} to boot", BOOT_SECONDS)
    return site


@pytest.fixture(scope="module")
def changed(deployed: Site, image: Path) -> list[str | Path]:
    """The arguments for another spec and another image: one sender differs, and the image has one more file."""
    data: dict[str, Any] = json.loads(deployed.spec.read_text())
    data["nodes"][1]["alert_sender"] = SENDER
    spec, other = deployed.folder / "changed.yml", deployed.folder / "second" / image.name
    spec.write_text(json.dumps(data, indent=1))
    other.parent.mkdir()
    _with_mark(image, other)
    return [spec, "--image", other]


def _with_mark(image: Path, other: Path) -> None:
    """Copy the image, add one file to it, and write its manifest."""
    raw = other.with_suffix(".raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
    commands = f"cd /etc\nwrite {__file__} {MARK}\n"
    debugfs = ["debugfs", "-w", "-f", "/dev/stdin", f"{raw}?offset={ROOT_OFFSET}"]
    subprocess.run(debugfs, input=commands, text=True, check=True, capture_output=True)
    subprocess.run(["qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd", raw, other], check=True)
    raw.unlink()
    record = json.loads((image.parent / "manifest.json").read_text())
    record |= {"size": other.stat().st_size, "sha256": sha256(other)}
    (other.parent / "manifest.json").write_text(json.dumps(record))


def test_a_second_deployment_finds_everything(deployed: Site) -> None:
    again = deployed.vipforge("deploy", "libvirt", deployed.spec, "--wait", "60")
    assert again.returncode == 0, again.stderr
    assert again.stdout
    assert {line[:2] for line in again.stdout.splitlines()} == {"= "}


@pytest.fixture(scope="module")
def renewed(deployed: Site, changed: list[str | Path]) -> tuple[subprocess.CompletedProcess[str], Answers]:
    """The upgrade's output, and the answers that a client got meanwhile."""
    wait = ("--wait", str(BOOT_SECONDS))
    with asking(deployed.host.inside(sys.executable, ASKER, VIP, str(PORT))) as answers:
        done = deployed.vipforge("upgrade", "libvirt", *changed, "--ssh-config", deployed.ssh_config, *wait)
    return done, answers


def test_an_upgrade_renews_the_standby_first(renewed: tuple[subprocess.CompletedProcess[str], Answers]) -> None:
    done, _ = renewed
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"renewed: {SECOND}, {FIRST}"
    assert f"{FIRST}: handing the VIPs over" in done.stderr


def test_clients_are_served_meanwhile(renewed: tuple[subprocess.CompletedProcess[str], Answers]) -> None:
    _, answers = renewed
    assert answers.counts["200"] > 0.95 * answers.counts.total(), answers
    assert answers.silence < LONGEST_SILENCE, answers


@pytest.mark.usefixtures("renewed")
def test_both_nodes_have_the_new_image_and_the_new_spec(deployed: Site) -> None:
    for node in (FIRST, SECOND):
        assert deployed.ssh(node, f"test -s /etc/{MARK}").returncode == 0, node
    assert f"ALERT_SENDER={SENDER}" in deployed.ssh(SECOND, "sudo cat /etc/vipforge/identity").stdout
    assert deployed.domains() == ["quickstart-lb1", "quickstart-lb2"]
    assert len([name for name in deployed.volumes() if name.startswith("vipforge-")]) == 1


@pytest.mark.usefixtures("renewed")
def test_destroy_leaves_nothing(deployed: Site) -> None:
    done = deployed.vipforge("destroy", "libvirt", deployed.spec, "--yes")
    assert done.returncode == 0, done.stderr
    assert deployed.domains() == deployed.volumes() == []
    again = deployed.vipforge("destroy", "libvirt", deployed.spec, "--dry-run")
    assert again.stdout.strip() == "nothing of cluster quickstart exists here"
