"""The templates of every guest with every builder, read by vipforge's own Packer and by this host's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.core.files import sha256
from builder.guests import Facts, all_guests
from builder.host.packer import NoPacker, PackerFacts, packer
from builder.image.foundations import Foundation
from builder.image.packer.builders import Builder, make_access
from builder.image.packer.program import own
from builder.image.packer.run import Packer
from builder.image.packer.template import template, template_json
from tests.bakes import NAMES, PAIRS, inputs

pytestmark = pytest.mark.integration

DEBIAN12, CENTOS7 = (all_guests()[name] for name in ("debian12", "centos7"))
PASSWORD = "hidden-7d1f"
SITE = {
    "vsphere_server": "vcenter.example.com",
    "vsphere_username": "baker@example.com",
    "vsphere_password": PASSWORD,
    "vsphere_cluster": "compute",
    "vsphere_datastore": "fast",
    "vsphere_network": "VM Network",
}
CLONE = {"vsphere_template": "centos7", "ssh_username": "builder", "ssh_password": PASSWORD}


def packers(builder: Builder) -> Iterator[PackerFacts]:
    """vipforge's own Packer, and this host's if it has the builder's plugin."""
    yield own()
    with suppress(NoPacker):
        yield packer(builder.plugin)


def described(folder: Path, tool: PackerFacts, facts: Facts, builder: Builder, **changes: object) -> Path:
    """Write a template together with the files that it refers to."""
    folder.mkdir(exist_ok=True)
    template_inputs = inputs(facts, builder, folder)
    disk = template_inputs.foundation.disk  # None if a vCenter has a template
    for file in filter(
        None, (*template_inputs.scripts, template_inputs.payload, *template_inputs.foundation.uploads.values(), disk)
    ):
        file.write_text("x")
    access = make_access(folder, template_inputs.foundation, facts, kickstart=builder.medium == "installer")
    template_inputs = replace(template_inputs, access=access, foundation_sha256=sha256(disk) if disk else "")
    body = template(template_inputs, tool.version, builder)
    body["source"][builder.kind]["appliance"].update(changes)
    path = folder / "appliance.pkr.json"
    path.write_text(template_json(body))
    return path


def var_file(folder: Path, builder: Builder) -> Path | None:
    """A site's var file with the variables that the builder needs; None if it needs none."""
    if not builder.variables:
        return None
    path = folder / "site.pkrvars.json"
    variables = {**SITE, **(CLONE if builder.medium == "template" else {})}
    path.write_text(json.dumps(variables))
    return path


@pytest.mark.parametrize(("facts", "builder"), PAIRS, ids=NAMES)
def test_packer_validates_the_template(tmp_path: Path, facts: Facts, builder: Builder) -> None:
    for tool in packers(builder):
        path = described(tmp_path / tool.path.parent.name, tool, facts, builder)
        Packer(path, program=tool.path, environment={}, var_file=var_file(tmp_path, builder)).validate()


@pytest.mark.parametrize(("facts", "builder"), PAIRS, ids=NAMES)
def test_packer_finds_errors(tmp_path: Path, facts: Facts, builder: Builder) -> None:
    for tool in packers(builder):
        path = described(tmp_path / tool.path.parent.name, tool, facts, builder, no_such_option=True)
        with pytest.raises(UserError, match="no_such_option"):
            Packer(path, program=tool.path, environment={}, var_file=var_file(tmp_path, builder)).validate()


REMOTE = [(facts, builder) for facts, builder in PAIRS if builder.variables]


@pytest.mark.parametrize(("facts", "builder"), REMOTE, ids=lambda each: each.name)
def test_the_environment_sets_the_variables_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: Facts, builder: Builder
) -> None:
    for name, value in {**SITE, **CLONE}.items():
        monkeypatch.setenv(f"PKR_VAR_{name}", value)
    for tool in packers(builder):
        path = described(tmp_path / tool.path.parent.name, tool, facts, builder)
        Packer(path, program=tool.path, environment={}).validate()


@pytest.mark.parametrize(("facts", "builder"), REMOTE, ids=lambda each: each.name)
def test_missing_variables_are_listed_and_the_password_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: Facts, builder: Builder
) -> None:
    monkeypatch.setenv("PKR_VAR_vsphere_password", PASSWORD)
    for tool in packers(builder):
        path = described(tmp_path / tool.path.parent.name, tool, facts, builder)
        with pytest.raises(UserError, match=r"this builder needs .*vsphere_server") as caught:
            Packer(path, program=tool.path, environment={"PACKER_LOG": "1"}).validate()
        assert PASSWORD not in str(caught.value)


def test_only_the_owner_can_read_the_private_key(tmp_path: Path) -> None:
    access = make_access(tmp_path, Foundation(disk=tmp_path / "disk.qcow2"), CENTOS7)
    assert access.private_key.stat().st_mode & 0o077 == 0
    assert "PRIVATE" not in (tmp_path / "user-data").read_text()


def test_a_directly_booted_kernel_gets_the_public_key(tmp_path: Path) -> None:
    access = make_access(tmp_path, Foundation(tmp_path / "disk", tmp_path / "kernel", cmdline="ro"), DEBIAN12)
    assert access.cmdline.startswith('ro systemd.set_credential="ssh.authorized_keys.root:ssh-ed25519 ')
    assert (access.seed, access.user) == ((), "root")


def test_the_default_account_of_a_vendors_image_gets_the_public_key(tmp_path: Path) -> None:
    access = make_access(tmp_path, Foundation(disk=tmp_path / "disk.qcow2"), CENTOS7)
    assert access.user == "centos"
    assert (tmp_path / "user-data").read_text().startswith("#cloud-config\nssh_authorized_keys:\n- ssh-ed25519 ")


def test_the_kickstart_file_gives_root_the_public_key(tmp_path: Path) -> None:
    access = make_access(tmp_path, Foundation(disk=tmp_path / "base.iso"), CENTOS7, kickstart=True)
    assert (access.user, access.label) == ("root", "OEMDRV")
    assert "authorized_keys <<'END'\nssh-ed25519 " in (tmp_path / "ks.cfg").read_text()
