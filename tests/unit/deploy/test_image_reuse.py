"""One image for many clusters: what comes with the seeds, and what no seed can bring."""

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
from builder.spec.features import keepalived_for
from builder.spec.model import Cluster
from tests.specs import quickstart

BAKED = quickstart(guest="debian12")
KEEPALIVED = keepalived_for(BAKED, GUEST)


def image(cluster: Cluster = BAKED) -> BakedImage:
    """The image of a cluster, as its manifest describes it."""
    files = appliance(cluster, GUEST, KEEPALIVED)
    digests = {path: hashlib.sha256(file.content.encode()).hexdigest() for path, file in files.items()}
    return BakedImage(Path("appliance.qcow2"), GUEST, 1, 1, "label", cluster.cluster, KEEPALIVED, digests)


def other(**changes: object) -> Cluster:
    return quickstart(guest="debian12", cluster="other", **changes)


def test_a_cluster_of_the_same_configuration_needs_only_what_names_it() -> None:
    found = machine.seeded_files(other(), image())
    assert all("cluster other" in file.content for file in found.values())
    assert not [path for path in found if path.startswith("/usr/libexec/")]


def test_another_vip_comes_with_the_seed_as_it_would_lie_in_an_image_of_its_own() -> None:
    cluster = other(vrrp={"vips": ["192.168.56.99"]})
    found = machine.seeded_files(cluster, image())
    assert {"/usr/share/vipforge/vips", "/usr/share/vipforge/keepalived.conf"} <= set(found)
    made = seed(cluster, cluster.nodes[0], GUEST, public=found)
    written = {each["path"]: each for each in yaml.safe_load(made.user_data)["write_files"]}
    own = appliance(cluster, GUEST, KEEPALIVED)
    for path in found:
        assert base64.b64decode(written[path]["content"]).decode() == own[path].content
        assert written[path]["permissions"] == "0644"
    assert written["/etc/vipforge/identity"]["permissions"] == "0600"
    assert made.instance_id != seed(cluster, cluster.nodes[0], GUEST).instance_id


def test_the_clusters_own_image_is_taken_as_it_is() -> None:
    changed = quickstart(guest="debian12", vrrp={"vips": ["192.168.56.99"]})
    assert machine.seeded_files(changed, image()) == {}


def test_a_profile_is_more_than_a_seed_can_bring() -> None:
    with pytest.raises(UserError, match="was baked for quickstart, which is another kind of cluster than other"):
        machine.seeded_files(other(vrrp={"profile": "fast"}), image())


def test_so_is_a_keepalived() -> None:
    with pytest.raises(UserError, match="keepalived"):
        machine.seeded_files(other(keepalived="2.3.4"), image())
