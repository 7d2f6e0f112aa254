"""A run of Packer, with a fake Packer that records what each guest and builder gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from builder.core.errors import TimedOut, UserError
from builder.core.run import CommandFailed
from builder.host.packer import PackerFacts
from builder.image import bake as baking
from builder.image.bake import BakeOptions, bake, bake_summary
from builder.image.foundations import Foundation
from builder.image.foundations.rpm import KEEPALIVED
from builder.image.packer import run
from builder.image.packer.builders import BakeAccess
from builder.image.plan import BakePlan, PreparedBake
from tests.specs import quickstart

LISTED = "haproxy\t1.5.18-9.el7\tx86_64\t(none)\thaproxy-1.5.18-9.el7.src.rpm\tGPLv2+\n"


class FakePacker:
    """Records its arguments; its build runs a command line, as the real one does."""

    made: ClassVar[list[FakePacker]] = []

    def __init__(self, template: Path, *, environment: dict, var_file: Path | None, **_: object) -> None:
        self.folder = template.parent
        self.body = json.loads(template.read_text())
        self.var_file = var_file
        self.environment = environment
        FakePacker.made.append(self)

    def validate(self) -> None:
        """Accept every template."""

    def build(self, execute: Any) -> None:
        """Run the command line of the build."""
        execute(["packer", "build"])


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Starts no program; records what would be started."""
    recorded: dict[str, Any] = {}
    FakePacker.made = []
    facts = PackerFacts(Path("/usr/bin/packer"), (1, 6, 6), "1.6.6")

    def stream(words: list[str], _: object, *, timeout: float, cwd: Path, env: dict) -> int:
        recorded.update(words=words, timeout=timeout, cwd=cwd, env=env)
        body = FakePacker.made[-1].body
        for step in body["build"][0]["provisioner"]:
            if step.get("file", {}).get("direction") == "download":
                Path(step["file"]["destination"]).write_text(LISTED)
        return 0

    monkeypatch.setattr(baking, "program", lambda *_, **__: facts)
    monkeypatch.setattr(baking, "qemu", lambda: Path("/usr/bin/qemu-system-x86_64"))
    monkeypatch.setattr(run, "Packer", FakePacker)
    monkeypatch.setattr(run, "stream", stream)
    monkeypatch.setattr(run, "accelerator", lambda _: "tcg")
    monkeypatch.setattr(run, "make_access", lambda folder, *_, **__: BakeAccess(folder / "key", "", (), user="centos"))
    monkeypatch.delenv("VIPFORGE_OFFLINE", raising=False)
    return recorded


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The layers below the appliance are in place."""
    base, built = tmp_path / "base.qcow2", tmp_path / "keepalived.tar"
    base.write_text("base")
    built.write_text("keepalived")

    def prepare(plan: BakePlan, **_: object) -> PreparedBake:
        disk = None if plan.builder.medium == "template" else base
        foundation = Foundation(disk, uploads={KEEPALIVED: built})
        inputs = {"payload_sha256": "ab" * 32, "provision_sha256": {}, "foundation": {"sha256": "ab" * 32}}
        return PreparedBake(plan, foundation, "ab" * 32, inputs)

    monkeypatch.setattr(baking, "prepare", prepare)


CENTOS7 = quickstart(guest="centos7", vrrp={"profile": "classic"})


@pytest.mark.usefixtures("prepared")
def test_a_template_in_a_vcenter_is_recorded_in_the_build_folder(host: dict[str, Any], tmp_path: Path) -> None:
    var_file = tmp_path / "site.pkrvars.hcl"
    made = bake(CENTOS7, BakeOptions("vsphere-clone", var_file=var_file))
    assert made.image is None
    assert made.manifest["template"] == "vipforge-quickstart"
    assert made.manifest["packages"] == {"haproxy": "1.5.18-9.el7"}
    assert made.manifest["package_facts"]["haproxy"]["source"] == "haproxy"
    record = tmp_path / "build" / "quickstart" / "vsphere.json"
    assert json.loads(record.read_text()) == made.manifest
    assert FakePacker.made[-1].var_file == var_file
    assert "--net" not in host["words"]
    assert bake_summary(made, as_json=False).startswith("baked: the template vipforge-quickstart in the vCenter\n")


@pytest.mark.usefixtures("host", "prepared")
def test_a_template_in_a_vcenter_is_not_signed_here() -> None:
    with pytest.raises(UserError, match="cannot be signed"):
        _ = bake(CENTOS7, BakeOptions("vsphere-clone")).folder


@pytest.mark.usefixtures("prepared")
def test_a_guest_that_installs_packages_gets_a_network_and_more_time(
    host: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_publication(monkeypatch)
    bake(CENTOS7)
    assert "--net" not in host["words"]
    assert host["timeout"] == run.INSTALL_SECONDS
    assert "http_directory" not in FakePacker.made[-1].body["source"]["qemu"]["appliance"]


@pytest.mark.usefixtures("prepared")
def test_the_sockets_of_plugins_have_a_short_path(host: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a socket is limited to 107 characters (unix(7)), and a checkout may be deeply nested."""
    fake_publication(monkeypatch)
    bake(CENTOS7)
    assert host["env"]["TMPDIR"] == "tmp"
    assert FakePacker.made[-1].folder == host["cwd"]


@pytest.mark.usefixtures("prepared")
def test_a_folder_on_the_host_is_served_to_a_guest_without_a_network(
    host: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_publication(monkeypatch)
    (tmp_path / "vault").mkdir()
    cluster = CENTOS7.model_copy(update={"image": quickstart(image={"mirror": f"file://{tmp_path}/vault"}).image})
    bake(cluster, BakeOptions(offline=True))
    assert "--net" in host["words"]
    assert FakePacker.made[-1].body["source"]["qemu"]["appliance"]["http_directory"].endswith("/http")


@pytest.mark.usefixtures("host", "prepared")
def test_the_installer_gets_a_larger_disk_and_more_memory_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_publication(monkeypatch)
    bake(CENTOS7, BakeOptions("qemu-iso"))
    made = FakePacker.made[-1].body["source"]["qemu"]["appliance"]
    assert (made["disk_size"], made["memory"], made["ssh_timeout"]) == ("8192M", 2048, "120m")


@pytest.mark.usefixtures("host", "prepared")
def test_a_failed_bake_names_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise CommandFailed(["packer"], 1, ["boom"])

    monkeypatch.setattr(run, "stream", fail)
    with pytest.raises(UserError, match="the bake failed: starting Packer"):
        bake(CENTOS7)


@pytest.mark.usefixtures("host", "prepared")
def test_a_bake_that_takes_too_long_names_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> int:
        raise TimedOut("too long")

    monkeypatch.setattr(run, "stream", hang)
    with pytest.raises(TimedOut, match="did not finish within 180 min 00 s"):
        bake(CENTOS7)


def fake_publication(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the steps after Packer, which need QEMU's tools."""

    def compress(_: Path, target: Path) -> Path:
        target.write_text("image")
        return target

    monkeypatch.setattr(baking.manifest, "compress", compress)
    monkeypatch.setattr(
        baking,
        "image_manifest",
        lambda *_: {"sha256": "ab", "key": "the key", "versions": {"keepalived": "1.2.13"}},
    )
    monkeypatch.setattr(baking.attest, "write_documents", lambda *_, **__: None)
    monkeypatch.setattr(baking.files, "need_room", lambda *_: None)
