"""The Packer template: golden files for each guest and builder, and its structure for each release of Packer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core import remote
from builder.core.errors import UserError
from builder.guests import Facts, all_guests
from builder.image.packer import builders
from builder.image.packer.builders import Builder, TemplateInputs, qemu
from builder.image.packer.template import template, template_json
from tests.bakes import NAMES, PAIRS, inputs
from tests.golden import assert_golden

OLD = (1, 6, 6)
EVERY = pytest.mark.parametrize(("facts", "builder"), PAIRS, ids=NAMES)


def debian12(**changes: object) -> TemplateInputs:
    return inputs(all_guests()["debian12"], qemu.QEMU, **changes)


def settings(made: TemplateInputs, builder: Builder = qemu.QEMU) -> dict:
    return template(made, OLD, builder)["source"][builder.kind]["appliance"]


@EVERY
def test_the_whole_template(facts: Facts, builder: Builder) -> None:
    assert_golden(
        f"templates/{facts.name}-{builder.name}.pkr.json",
        template_json(template(inputs(facts, builder), OLD, builder)),
    )


def test_every_guest_has_its_builders() -> None:
    names = {name: [builder.name for builder in builders.builders_for(facts)] for name, facts in all_guests().items()}
    assert names == {
        "alma9": ["qemu", "vsphere-clone"],
        "centos7": ["qemu", "qemu-iso", "vsphere-iso", "vsphere-clone"],
        "debian12": ["qemu"],
        "rocky9": ["qemu", "vsphere-clone"],
    }


def test_an_unsupported_builder_is_refused_with_the_supported_ones() -> None:
    with pytest.raises(UserError, match="Debian 12 cannot be baked with the builder vsphere-iso") as caught:
        builders.find_builder("vsphere-iso", all_guests()["debian12"])
    assert caught.value.hint == "use one of: qemu"


@pytest.mark.parametrize(("version", "plugins"), [(OLD, False), ((1, 7, 0), True), ((1, 16, 0), True)])
@EVERY
def test_required_plugins_only_for_releases_that_know_them(
    facts: Facts, builder: Builder, version: tuple[int, ...], plugins: bool
) -> None:
    body = template(inputs(facts, builder), version, builder)
    assert ("packer" in body) is plugins
    if plugins:
        (required,) = body["packer"][0]["required_plugins"]
        assert required[builder.plugin]["source"] == f"github.com/hashicorp/{builder.plugin}"


@pytest.mark.parametrize("accelerator", ["kvm", "tcg"])
def test_qemuargs_has_no_option_that_packer_sets_itself(accelerator: str) -> None:
    """A second -accel makes QEMU exit at once; a -drive makes Packer drop its own."""
    names = {pair[0] for pair in settings(debian12(accelerator=accelerator))["qemuargs"]}
    assert not names & {"-accel", "-machine", "-drive"}


@pytest.mark.parametrize(("accelerator", "cpu"), [("kvm", "host"), ("tcg", "max")])
def test_the_cpu_follows_the_accelerator(accelerator: str, cpu: str) -> None:
    assert ["-cpu", cpu] in settings(debian12(accelerator=accelerator))["qemuargs"]


def test_a_vendors_image_boots_from_its_disk_and_gets_a_seed() -> None:
    made = settings(inputs(all_guests()["centos7"], qemu.QEMU))
    assert not {pair[0] for pair in made["qemuargs"]} & {"-kernel", "-initrd", "-append"}
    assert made["cd_label"] == "cidata"
    assert "cd_files" not in settings(debian12())


def test_the_disk_grows_to_the_size_in_the_spec() -> None:
    made = inputs(all_guests()["centos7"], qemu.QEMU)
    larger = replace(made, foundation=replace(made.foundation, grow_to_gib=16))
    assert (settings(larger)["disk_size"], settings(larger)["skip_resize_disk"]) == ("16384M", False)
    assert settings(made)["skip_resize_disk"] is True


def test_the_disk_is_attached_so_that_its_kernel_can_discard_blocks() -> None:
    """virtio-blk supports discards since Linux 5.0; with 3.10 in CentOS 7, fstrim would fail and end the bake."""
    buses = {facts.name: settings(inputs(facts, each), each)["disk_interface"] for facts, each in PAIRS if each.local}
    assert buses == {"alma9": "virtio", "centos7": "virtio-scsi", "debian12": "virtio", "rocky9": "virtio"}


def test_the_account_of_the_bake_is_removed_before_the_guest_shuts_down() -> None:
    made = inputs(all_guests()["centos7"], qemu.QEMU)
    assert settings(made)["ssh_username"] == "centos"
    assert "userdel --force --remove centos" in settings(made)["shutdown_command"]
    assert settings(debian12())["shutdown_command"] == "systemctl poweroff --force"


@EVERY
def test_the_secrets_of_a_vcenter_have_no_value_and_are_marked_as_sensitive(facts: Facts, builder: Builder) -> None:
    body = template(inputs(facts, builder), OLD, builder)
    assert set(body.get("variable", {})) == set(builder.variables)
    secrets = {
        name: each for name, each in builder.variables.items() if "password" in name or name.endswith("_username")
    }
    for name, each in secrets.items():
        assert each.get("default", "") == ""
        assert each.get("sensitive") or name == "ssh_username"


@EVERY
def test_every_variable_is_used(facts: Facts, builder: Builder) -> None:
    body = template(inputs(facts, builder), OLD, builder)
    used = json.dumps(body["source"])
    assert [name for name in builder.variables if f"${{var.{name}}}" not in used] == []


def test_the_provision_steps_get_their_environment_and_the_served_folder() -> None:
    made = inputs(
        all_guests()["centos7"], qemu.QEMU, http=Path("/work/http"), environment=("VIPFORGE_SERVED=https://vault",)
    )
    (build,) = template(made, OLD, qemu.QEMU)["build"]
    (shell,) = [step["shell"] for step in build["provisioner"] if "shell" in step]
    assert shell["environment_vars"] == ["VIPFORGE_SERVED=https://vault"]
    assert shell["execute_command"] == remote.SUDO + remote.ENVIRONMENT + " {{.Vars}} sh -eu '{{.Path}}'"
    assert settings(made)["http_directory"] == "/work/http"
