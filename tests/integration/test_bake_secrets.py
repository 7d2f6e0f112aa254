"""A bake with the real Packer and an unreachable vCenter: no file and no output contains a password."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.image.bake import BakeOptions, bake
from builder.rootfs import compiled
from tests.specs import quickstart

pytestmark = pytest.mark.integration

PLANTED = {"vsphere_username": "planted-user-5c11@vsphere.local", "vsphere_password": "planted-word-93ab"}
CLONE = {"vsphere_template": "centos7", "ssh_username": "builder", "ssh_password": "planted-ssh-07fe"}
SITE = {
    "vsphere_server": "127.0.0.1:1",
    "vsphere_cluster": "compute",
    "vsphere_datastore": "fast",
    "vsphere_network": "VM Network",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site's var file, without the vCenter's password."""
    path = tmp_path / "site.pkrvars.json"
    path.write_text(json.dumps({**SITE, **PLANTED, **CLONE, "vsphere_password": ""}))
    return path


@pytest.fixture
def fake_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the compilation of keepalived."""
    tar = tmp_path / "keepalived.tar"
    tar.write_text("x")
    monkeypatch.setattr(compiled, "build_keepalived", lambda *_, **__: tar)


@pytest.mark.usefixtures("fake_compiler")
@pytest.mark.parametrize("given", ["file", "VIPFORGE_VSPHERE_PASSWORD", "PKR_VAR_vsphere_password"])
def test_no_password_is_printed_or_stored(
    site: Path, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    values = json.loads(site.read_text())
    if given == "file":
        values["vsphere_password"] = PLANTED["vsphere_password"]
    else:
        del values["vsphere_password"]
        monkeypatch.setenv(given, PLANTED["vsphere_password"])
    site.write_text(json.dumps(values))
    build = tmp_path / "build"
    monkeypatch.setenv("VIPFORGE_BUILD", str(build))
    with pytest.raises(UserError, match="the bake failed") as caught:
        bake(quickstart(guest="centos7", vrrp={"profile": "classic"}), BakeOptions("vsphere-clone", var_file=site))
    assert "127.0.0.1:1" in str(caught.value), "Packer did not try to reach the vCenter"
    stored = {path: path.read_text(errors="replace") for path in build.rglob("*") if path.is_file()}
    assert any(path.name == "packer.log" and text for path, text in stored.items())
    printed = capfd.readouterr()
    for secret in (*PLANTED.values(), CLONE["ssh_password"]):
        assert secret not in printed.out + printed.err + str(caught.value) + str(caught.value.hint)
        assert [path.name for path, text in stored.items() if secret in text] == []
