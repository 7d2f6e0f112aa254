"""An OVA: packed, unpacked, converted back, and booted with OVF properties as vCenter provides them.

The first node has the properties of its seed; the second node's identity comes only from typed properties.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.seed import identity
from builder.spec.load import load
from tests.e2e.conftest import LAB_SECONDS, Pair, Session

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def unpacked(session: Session, image: Path) -> Session:
    """A session in whose build folder the OVA's disk is, as if it had been baked there."""
    own = Session(session.folder / "ova")
    target = own.build / "quickstart"
    target.mkdir(parents=True)
    packed = session.run("export", image, "--to", "ova", "--output", own.folder / "lb.ova")
    assert packed.returncode == 0, packed.stderr
    subprocess.run(["tar", "-xf", own.folder / "lb.ova", "-C", own.folder], check=True)
    command = ["qemu-img", "convert", "-O", "qcow2", own.folder / "lb-disk1.vmdk", target / image.name]
    subprocess.run(command, check=True)
    for path in (own.folder / "lb.ova", own.folder / "lb-disk1.vmdk"):
        path.unlink()
    shutil.copy(image.parent / "manifest.json", target)
    shutil.copy(session.spec, own.spec)
    return own


@pytest.fixture(scope="module")
def shipped(unpacked: Session) -> Iterator[Pair]:
    """The pair, booted from that disk, with its seeds on the OVF transport CD."""
    argv = [sys.executable, Path(__file__).with_name("typed.py"), "lab", "up", unpacked.spec, "--transport", "ovf"]
    up = subprocess.run(argv, env=unpacked.environment, capture_output=True, text=True, timeout=LAB_SECONDS)
    try:
        assert up.returncode == 0, up.stderr
        yield Pair(unpacked)
    finally:
        unpacked.run("lab", "down", unpacked.spec)


def test_the_converted_disk_is_identical(unpacked: Session, image: Path) -> None:
    command = ["qemu-img", "compare", image, unpacked.build / "quickstart" / image.name]
    assert "Images are identical" in subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_the_seed_came_as_ovf_properties(shipped: Pair) -> None:
    for node in load(shipped.session.spec).nodes:
        assert shipped.ssh(node.name, "cloud-id").stdout.strip() == "ovf"
        assert shipped.ssh(node.name, "hostname --fqdn").stdout.strip() == node.name
        kept = "/run/vipforge/ovf-env.xml /etc/cloud/cloud.cfg.d/95-vipforge-network.cfg"
        assert shipped.ssh(node.name, f"sudo grep -L {node.address}/24 {kept}").stdout == ""


def test_the_identity_files_equal_those_of_the_nocloud_cd(shipped: Pair) -> None:
    cluster = load(shipped.session.spec)
    for node in cluster.nodes:
        for path, text in identity.identity_files(cluster, node).items():
            found = shipped.ssh(node.name, f"sudo cat {path}").stdout
            lines = sorted if path == identity.IDENTITY else list  # typed properties are in another order
            assert (path, lines(found.splitlines())) == (path, lines(text.splitlines()))


def test_every_check_of_verify_passes(shipped: Pair) -> None:
    done = shipped.session.run("verify", shipped.session.spec, "--json")
    failed = [each for each in json.loads(done.stdout)["results"] if not each["ok"]]
    assert (done.returncode, failed) == (0, []), done.stderr
