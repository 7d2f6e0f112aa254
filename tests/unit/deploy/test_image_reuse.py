"""One image for many clusters: what a seed can change, and what it cannot."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
import yaml

from builder.core.errors import UserError
from builder.deploy import machine
from builder.deploy.machine import BakedImage
from builder.guests.debian12 import GUEST
from builder.render import appliance
from builder.seed.seed import seed
from builder.spec.keepalived_features import keepalived_for
from builder.spec.model import Cluster
from tests.specs import quickstart

BAKED = quickstart(guest="debian12")
KEEPALIVED = keepalived_for(BAKED, GUEST)


def image(cluster: Cluster = BAKED) -> BakedImage:
    """Return the cluster's image as its manifest describes it."""
    files = appliance(cluster, GUEST, KEEPALIVED)
    digests = {path: hashlib.sha256(file.content.encode()).hexdigest() for path, file in files.items()}
    return BakedImage(Path("appliance.qcow2"), GUEST, 1, 1, "label", cluster.cluster, KEEPALIVED, digests)


def other(**changes: object) -> Cluster:
    return quickstart(guest="debian12", cluster="other", **changes)


def test_a_cluster_of_the_same_configuration_needs_only_the_files_with_its_name() -> None:
    files = machine.seeded_files(other(), image())
    assert all("cluster other" in file.content for file in files.values())
    assert not [path for path in files if path.startswith("/usr/libexec/")]


def test_a_seed_delivers_another_vip_with_the_same_files_as_an_own_image() -> None:
    cluster = other(vrrp={"vips": ["192.168.56.99"]})
    files = machine.seeded_files(cluster, image())
    assert {"/usr/share/vipforge/vips", "/usr/share/vipforge/keepalived.conf"} <= set(files)
    node_seed = seed(cluster, cluster.nodes[0], GUEST, public=files)
    written = {each["path"]: each for each in yaml.safe_load(node_seed.user_data)["write_files"]}
    own = appliance(cluster, GUEST, KEEPALIVED)
    for path in files:
        assert base64.b64decode(written[path]["content"]).decode() == own[path].content
        assert written[path]["permissions"] == "0644"
    assert written["/etc/vipforge/identity"]["permissions"] == "0600"
    assert node_seed.instance_id != seed(cluster, cluster.nodes[0], GUEST).instance_id


def test_the_clusters_own_image_needs_no_further_files() -> None:
    changed = quickstart(guest="debian12", vrrp={"vips": ["192.168.56.99"]})
    assert machine.seeded_files(changed, image()) == {}


def test_a_seed_cannot_change_the_profile() -> None:
    with pytest.raises(UserError, match="was baked for quickstart and does not fit other"):
        machine.seeded_files(other(vrrp={"profile": "fast"}), image())


def test_a_seed_cannot_change_keepalived() -> None:
    with pytest.raises(UserError, match="keepalived"):
        machine.seeded_files(other(keepalived="2.3.4"), image())
