"""The commands that people run by hand: all of them as a golden file, and no secret in any of them."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from builder.core import paths
from builder.deploy.hypervisor import EVERY_NODE, Choice
from builder.deploy.libvirt import LibvirtOptions
from builder.deploy.libvirt.hypervisor import LibvirtHypervisor
from builder.spec.model import Cluster
from tests.golden import assert_golden
from tests.specs import quickstart

SPEC = Path("cluster.yml")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The quickstart on two hosts, with an image that is never read."""
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
    """What `--print` prints; no host is there to be asked."""
    return LibvirtHypervisor(LibvirtOptions(print=form, **options), ExitStack()).printout(cluster, SPEC, choice)


def test_the_lines_of_a_shell(cluster: Cluster, tmp_path: Path) -> None:
    text = printed("commands", cluster)
    text = re.sub(r"-[0-9a-f]{16}\.iso", "-SEED.iso", re.sub(r"-[0-9a-f]{8}\.qcow2", "-DISK.qcow2", text))
    assert_golden("deploy/commands.sh", text.replace(str(tmp_path), "build"))


def test_the_domains_bear_the_note_by_which_a_deployment_knows_them(cluster: Cluster) -> None:
    root = ET.fromstring(f"<all>{printed('xml', cluster, network='lan')}</all>")
    assert [each.findtext("name") for each in root] == ["quickstart-lb1", "quickstart-lb2"]
    assert {each.find("devices/interface/source").get("network") for each in root} == {"lan"}
    assert all(each.find("metadata/{urn:vipforge:node}node") is not None for each in root)


def test_one_node_alone(cluster: Cluster) -> None:
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
