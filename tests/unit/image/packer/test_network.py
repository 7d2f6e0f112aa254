"""Which network the guest can reach during a bake."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.guests import all_guests
from builder.image.packer import builders
from builder.image.packer.template import guest_network
from tests.specs import quickstart

CENTOS7, DEBIAN12 = (all_guests()[name] for name in ("centos7", "debian12"))
LOCAL, REMOTE = builders.find_builder("qemu", CENTOS7), builders.find_builder("vsphere-clone", CENTOS7)


@pytest.fixture(autouse=True)
def connections_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIPFORGE_OFFLINE", raising=False)


def test_a_guest_that_has_all_its_packages_gets_no_network() -> None:
    assert guest_network(quickstart(), DEBIAN12, LOCAL, offline=True).is_online is False


def test_a_guest_that_installs_packages_gets_a_network() -> None:
    assert guest_network(quickstart(), CENTOS7, LOCAL, offline=False).is_online is True


def test_offline_it_cannot_install_packages_from_a_server() -> None:
    with pytest.raises(UserError, match="installing the packages of CentOS 7 needs a mirror"):
        guest_network(quickstart(), CENTOS7, LOCAL, offline=True)


def test_a_folder_is_served_to_a_guest_without_a_network(tmp_path: Path) -> None:
    vault, work = tmp_path / "the vault", tmp_path / "work"
    vault.mkdir()
    work.mkdir()
    network = guest_network(quickstart(image={"mirror": vault.as_uri()}), CENTOS7, LOCAL, offline=True)
    assert network.is_online is False
    assert network.environment == ("VIPFORGE_SERVED=https://vault.centos.org/7.9.2009",)
    assert (network.serve(work) / "mirror").resolve() == vault


def test_nothing_is_served_without_a_folder(tmp_path: Path) -> None:
    assert guest_network(quickstart(), CENTOS7, LOCAL, offline=False).serve(tmp_path) is None


def test_a_missing_folder_is_refused() -> None:
    with pytest.raises(UserError, match="the mirror /no/such/vault is not a folder"):
        guest_network(quickstart(image={"mirror": "file:///no/such/vault"}), CENTOS7, LOCAL, offline=False)


def test_a_machine_in_a_vcenter_cannot_use_a_folder_on_this_host(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read this host's folder") as caught:
        guest_network(quickstart(image={"mirror": tmp_path.as_uri()}), CENTOS7, REMOTE, offline=False)
    assert "serve it over HTTP" in caught.value.hint
