"""The archive on the CD: the files that the node needs to serve, identical to those in the texts for cloud-init."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path

import pycdlib
import pytest
import yaml

from builder.guests import GuestFile, all_guests
from builder.guests.debian12 import GUEST
from builder.seed import identity
from builder.seed.seed import seed
from builder.seed.transports import Seed, nocloud
from builder.spec.load import load
from tests import examples
from tests.specs import quickstart


def members(node_seed: Seed) -> dict[str, tuple[bytes, int]]:
    """The archive's files and modes, by path in the guest."""
    with tarfile.open(fileobj=io.BytesIO(nocloud.archive(node_seed.direct))) as tar:
        assert {(each.uid, each.gid, each.isreg()) for each in tar} == {(0, 0, True)}
        return {f"/{each.name}": (tar.extractfile(each).read(), each.mode) for each in tar}  # type: ignore[union-attr]


def written_by_cloud_init(node_seed: Seed) -> dict[str, tuple[bytes, int]]:
    files = yaml.safe_load(node_seed.user_data)["write_files"]
    return {
        each["path"]: (
            base64.b64decode(each["content"]) if "encoding" in each else each["content"].encode(),
            int(each["permissions"], 8),
        )
        for each in files
    }


def test_the_archive_has_the_network_and_the_files_that_cloud_init_writes(tmp_path: Path) -> None:
    cluster = load(examples.with_files("exchange2013", tmp_path))
    public = {"/etc/haproxy/haproxy.cfg": GuestFile("global\n", 0o644)}
    node_seed = seed(cluster, cluster.nodes[0], GUEST, public=public)
    files = members(node_seed)
    network, mode = files.pop("/etc/netplan/50-cloud-init.yaml")
    assert files == written_by_cloud_init(node_seed)
    assert set(files) > {identity.IDENTITY, identity.STATISTICS, "/etc/haproxy/haproxy.cfg"}
    assert yaml.safe_load(network) == {"network": yaml.safe_load(node_seed.network_config)}
    assert mode == 0o600


def test_the_cd_has_the_archive_next_to_the_texts() -> None:
    cluster = quickstart()
    node_seed = seed(cluster, cluster.nodes[0], GUEST)
    iso, data = pycdlib.PyCdlib(), io.BytesIO()
    iso.open_fp(io.BytesIO(nocloud.image(node_seed)))
    iso.get_file_from_iso_fp(data, rr_path=f"/{nocloud.ARCHIVE}")
    iso.close()
    assert data.getvalue() == nocloud.archive(node_seed.direct)


@pytest.mark.parametrize("guest", sorted(set(all_guests()) - {"debian12"}))
def test_a_guest_that_waits_for_cloud_init_has_no_archive(guest: str) -> None:
    cluster = quickstart()
    node_seed = seed(cluster, cluster.nodes[0], all_guests()[guest])
    assert node_seed.direct == {}
    assert nocloud.ARCHIVE.encode() not in nocloud.image(node_seed)
