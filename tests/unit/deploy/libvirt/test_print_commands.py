"""The commands and the XML that `--print` shows: a golden file of the commands, and no secret in either."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from builder.core import paths
from builder.deploy.export import write_clusters
from builder.deploy.hypervisor import EVERY_NODE, Choice
from builder.deploy.libvirt import LibvirtOptions
from builder.deploy.libvirt.hypervisor import LibvirtHypervisor
from builder.lab.network import macs
from builder.seed.transports.nocloud import FOLDER
from builder.spec.model import Cluster
from tests.golden import assert_golden
from tests.specs import quickstart

SPEC = Path("cluster.yml")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The quickstart on two hosts, with a placeholder for its image."""
    monkeypatch.setenv("VIPFORGE_BUILD", str(tmp_path))
    hosts = ["qemu+ssh://root@kvm1/system", "qemu+ssh://root@kvm2/system"]
    made = quickstart(guest="debian12", libvirt={"hosts": hosts, "bridge": "br0"})
    folder = paths.build_folder(made.cluster)
    folder.mkdir()
    (folder / "appliance.qcow2").write_bytes(b"image")
    record = {"guest": "debian12", "size": 5, "virtual_size": 4 << 30, "sha256": "0123456789abcdef" * 4}
    (folder / "manifest.json").write_text(json.dumps(record))
    return made


def printed(form: str, cluster: Cluster, choice: Choice = EVERY_NODE, **options: str) -> str:
    """Return what `--print` prints; no host is contacted."""
    return LibvirtHypervisor(LibvirtOptions(print=form, **options), ExitStack()).printout(cluster, SPEC, choice)


def test_the_printed_commands(cluster: Cluster, tmp_path: Path) -> None:
    text = printed("commands", cluster)
    text = re.sub(r"-[0-9a-f]{16}\.iso", "-SEED.iso", re.sub(r"-[0-9a-f]{8}\.qcow2", "-DISK.qcow2", text))
    assert_golden("deploy/commands.sh", text.replace(str(tmp_path), "build"))


def test_the_printed_seeds_are_those_of_the_domains(cluster: Cluster) -> None:
    """`seed --for libvirt` knows the hardware addresses of the domains, as a deployment does."""
    disks = re.findall(r"vol=default/(quickstart-lb[12]-[0-9a-f]{16})\.iso", printed("commands", cluster))
    written = write_clusters([cluster], None, transport=FOLDER, known=macs)["quickstart"].values()
    ids = [re.search("^instance-id: (.*)$", (path / "meta-data").read_text(), re.MULTILINE)[1] for path in written]
    assert disks == [f"quickstart-{instance_id}" for instance_id in ids]
    assert all(macs(cluster, node).primary in printed("commands", cluster) for node in cluster.nodes)


def test_the_printed_domains_have_the_note_that_a_deployment_looks_for(cluster: Cluster) -> None:
    root = ET.fromstring(f"<all>{printed('xml', cluster, network='lan')}</all>")
    assert [each.findtext("name") for each in root] == ["quickstart-lb1", "quickstart-lb2"]
    assert {each.find("devices/interface/source").get("network") for each in root} == {"lan"}
    assert all(each.find("metadata/{urn:vipforge:node}node") is not None for each in root)


def test_a_single_node_is_printed(cluster: Cluster) -> None:
    root = ET.fromstring(printed("xml", cluster, Choice("lb2")))
    assert root.findtext("name") == "quickstart-lb2"


def test_no_secret_is_shown(cluster: Cluster, tmp_path: Path) -> None:
    password = tmp_path / "statistics"
    password.write_text("planted-secret\n")
    with_secret = cluster.model_copy(
        update={"statistics": quickstart(statistics={"password": str(password)}).statistics}
    )
    for form in ("xml", "commands"):
        assert "planted-secret" not in printed(form, with_secret)
