"""The machine that the real Packer starts for each guest and local builder: the arguments that QEMU gets."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core.files import sha256
from builder.core.run import run
from builder.guests import Facts
from builder.host.qemu import PROGRAM, qemu, version_of
from builder.image.packer.builders import Builder, make_access
from builder.image.packer.program import program
from builder.image.packer.run import Packer
from builder.image.packer.template import template, template_json
from tests.bakes import PAIRS, inputs

pytestmark = pytest.mark.integration

LOCAL = [(facts, builder) for facts, builder in PAIRS if builder.local]
EVERY = pytest.mark.parametrize(("facts", "builder"), LOCAL, ids=[f"{f.name}-{b.name}" for f, b in LOCAL])
RECORDER = """\
#!/bin/sh
case "$*" in -version|--version) echo 'QEMU emulator version {version}'; exit ;; esac
printf '%s\\n' "$@" >{words}
exit 1
"""
"""Replaces QEMU: records the arguments and exits, so that Packer gives up at once."""


def arguments(folder: Path, facts: Facts, builder: Builder) -> list[tuple[str, str]]:
    """The arguments with which Packer starts QEMU, as pairs of an option and its value."""
    words, programs = folder / "words", folder / "bin"
    programs.mkdir()
    (programs / PROGRAM).write_text(RECORDER.format(version=version_of(qemu()), words=words))
    (programs / PROGRAM).chmod(0o755)
    described = _template(folder, facts, builder)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "PACKER_CACHE_DIR": str(folder / "cache")}
    driver = Packer(described, program=program().path, environment=environment)

    def execute(argv: Sequence[str]) -> None:
        run(argv, timeout=120, cwd=folder, env=driver.environment, check=False)

    driver.build(execute)
    recorded = words.read_text().splitlines()
    return list(zip(recorded[::2], recorded[1::2], strict=True))


def _template(folder: Path, facts: Facts, builder: Builder) -> Path:
    template_inputs = inputs(facts, builder, folder)
    assert template_inputs.foundation.disk
    run(["qemu-img", "create", "-q", "-f", "qcow2", template_inputs.foundation.disk, "1M"], timeout=30)
    for file in (*template_inputs.scripts, template_inputs.payload, *template_inputs.foundation.uploads.values()):
        file.write_text("x")
    access = make_access(folder, template_inputs.foundation, facts, kickstart=builder.medium == "installer")
    template_inputs = replace(
        template_inputs, access=access, foundation_sha256=sha256(template_inputs.foundation.disk)
    )
    described = folder / "appliance.pkr.json"
    described.write_text(template_json(template(template_inputs, program().version, builder)))
    return described


def values(pairs: Sequence[tuple[str, str]], option: str) -> list[dict[str, str]]:
    """The properties by name in each value of an option; a leading word without a name is called `kind`."""
    described = (value if "=" in value.split(",")[0] else f"kind={value}" for name, value in pairs if name == option)
    return [dict(re.findall(r"(\w[\w-]*)=([^,]*)", value)) for value in described]


@EVERY
def test_the_disk_is_attached_to_a_device(tmp_path: Path, facts: Facts, builder: Builder) -> None:
    """One -device in `qemuargs` makes Packer drop its own, including that for a disk on a SCSI controller."""
    pairs = arguments(tmp_path, facts, builder)
    drives = [drive for drive in values(pairs, "-drive") if drive.get("media") != "cdrom"]
    devices = values(pairs, "-device")
    assert len(drives) == 1
    for drive in drives:
        if drive["if"] == "none":
            (device,) = [each for each in devices if each.get("drive") == drive["id"]]
            assert device["bus"].split(".")[0] in [each.get("id") for each in devices]
        else:
            assert drive["if"] == facts.disk_interface


@EVERY
def test_the_card_and_the_seed_are_there(tmp_path: Path, facts: Facts, builder: Builder) -> None:
    pairs = arguments(tmp_path, facts, builder)
    (card,) = [device for device in values(pairs, "-device") if "netdev" in device]
    assert card["netdev"] in [network.get("id") for network in values(pairs, "-netdev")]
    media = [drive for drive in values(pairs, "-drive") if drive.get("media") == "cdrom"]
    # The installer's own medium, and the seed or kickstart file, which debian12 does not need.
    assert len(media) == (builder.medium == "installer") + bool(facts.repositories)


@EVERY
def test_every_device_is_one_of_this_qemu(tmp_path: Path, facts: Facts, builder: Builder) -> None:
    devices = values(arguments(tmp_path, facts, builder), "-device")
    known = run([qemu(), "-device", "help"], timeout=60).out
    assert [device["kind"] for device in devices if f'"{device["kind"]}"' not in known] == []
