"""How far a guest may reach while it is baked."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.guests import all_guests
from builder.image.packer import builders
from builder.image.packer.template import reach
from tests.specs import quickstart

CENTOS7, DEBIAN12 = (all_guests()[name] for name in ("centos7", "debian12"))
LOCAL, REMOTE = builders.named("qemu", CENTOS7), builders.named("vsphere-clone", CENTOS7)


@pytest.fixture(autouse=True)
def connections_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIPFORGE_OFFLINE", raising=False)


def test_a_guest_that_has_all_its_packages_reaches_nobody() -> None:
    assert reach(quickstart(), DEBIAN12, LOCAL, offline=True).network is False


def test_a_guest_that_installs_packages_has_a_network() -> None:
    assert reach(quickstart(), CENTOS7, LOCAL, offline=False).network is True


def test_without_connections_it_cannot_be_baked_from_a_server() -> None:
    with pytest.raises(UserError, match="installing the packages of CentOS 7 needs a mirror"):
        reach(quickstart(), CENTOS7, LOCAL, offline=True)


def test_a_folder_is_served_to_a_guest_that_reaches_nobody_else(tmp_path: Path) -> None:
    vault, work = tmp_path / "the vault", tmp_path / "work"
    vault.mkdir()
    work.mkdir()
    found = reach(quickstart(image={"mirror": vault.as_uri()}), CENTOS7, LOCAL, offline=True)
    assert found.network is False
    assert found.environment == ("VIPFORGE_SERVED=https://vault.centos.org/7.9.2009",)
    assert (found.serve(work) / "mirror").resolve() == vault


def test_nothing_is_served_without_a_folder(tmp_path: Path) -> None:
    assert reach(quickstart(), CENTOS7, LOCAL, offline=False).serve(tmp_path) is None


def test_a_folder_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match="the mirror /no/such/vault is no folder"):
        reach(quickstart(image={"mirror": "file:///no/such/vault"}), CENTOS7, LOCAL, offline=False)


def test_a_machine_in_a_vcenter_cannot_read_a_folder_of_this_host(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read this host's folder") as caught:
        reach(quickstart(image={"mirror": tmp_path.as_uri()}), CENTOS7, REMOTE, offline=False)
    assert "serve it by HTTP" in caught.value.hint
