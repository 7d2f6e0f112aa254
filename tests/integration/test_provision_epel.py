"""EPEL's repository in a root that stands in for the guest: present if requested, and never used by the bake."""

from __future__ import annotations

import pytest

from builder.spec.model import Cluster
from tests.integration.standin import StandIn
from tests.integration.test_provision_rpm import GUESTS, bake, cluster

pytestmark = pytest.mark.integration


def with_epel(**image: object) -> Cluster:
    spec = cluster()
    return spec.model_copy(update={"image": spec.image.model_copy(update={"epel": True, **image})})


def repositories(root: StandIn) -> dict[str, str]:
    return {path.name: path.read_text() for path in root.path("/etc/yum.repos.d").iterdir()}


@pytest.mark.parametrize("guest", GUESTS)
def test_epel_is_configured_for_the_operator_and_not_used_by_the_bake(root: StandIn, guest: str) -> None:
    bake(root, guest, with_epel(), until="rpm/30-keepalived.sh")
    (installed,) = (call for call in root.calls() if call.startswith("yum") and " install " in call)
    assert installed.endswith(" epel-release")
    assert "fedoraproject" not in root.read("/fake/repositories"), "the bake's yum used EPEL"
    left = repositories(root)
    assert sorted(left) == ["vipforge-epel.repo", "vipforge.repo"], "EPEL's own .repo file is still there"
    bake(root, guest, with_epel(), until="rpm/30-keepalived.sh")
    assert repositories(root) == left


def test_with_epel_the_served_mirror_is_still_enough(root: StandIn) -> None:
    served = {"VIPFORGE_SERVED": "https://dl.rockylinux.org/pub/rocky/9", "PACKER_HTTP_ADDR": "10.0.2.2:8000"}
    bake(root, "rocky9", with_epel(mirror="file:///srv/rocky"), until="common/10-overlay.sh", **served)
    used = [line for line in root.read("/fake/repositories").splitlines() if line.startswith("baseurl=")]
    assert all(line.startswith("baseurl=http://10.0.2.2:8000/mirror/") for line in used)
    assert used[-1] == "baseurl=http://10.0.2.2:8000/mirror/extras/x86_64/os/"


@pytest.mark.parametrize("guest", GUESTS)
def test_without_a_request_nothing_mentions_epel(root: StandIn, guest: str) -> None:
    bake(root, guest)
    assert not any("epel" in call.lower() for call in root.calls())
    texts = [path for path in root.path("/etc").rglob("*") if path.is_file() and b"epel" in path.read_bytes().lower()]
    assert texts == []
    assert list(root.path("/etc/pki/rpm-gpg").glob("*EPEL*")) == []


def test_a_repository_whose_key_is_missing_ends_the_bake(root: StandIn) -> None:
    bake(root, "centos7", with_epel(), until="rpm/60-check.sh")
    assert root.run("rpm/60-check.sh").returncode == 0
    root.path("/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7").unlink()
    done = root.run("rpm/60-check.sh")
    assert done.returncode != 0
    assert "the key /etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7 of a repository is missing" in done.stderr
