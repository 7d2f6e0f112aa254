"""Machine-readable lines as printed by Packer 1.6.6."""

from __future__ import annotations

import pytest

from builder.image.packer.output import PackerEvent, headline, parse_event


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "1795425737,,ui,say,==> qemu.appliance: Waiting for SSH to become available...",
            PackerEvent("say", "Waiting for SSH to become available..."),
        ),
        (
            "1795425734,,ui,message,    qemu.appliance: ==> checking%!(PACKER_COMMA) and more",
            PackerEvent("message", "==> checking, and more"),
        ),
        (
            "1795425815,,ui,error,==> qemu.appliance: one\\n==> qemu.appliance: two",
            PackerEvent("error", "one\ntwo"),
        ),
        ("1795425815,,error-count,1", None),
        ("1795425815,qemu.appliance,error,Script exited", None),
        ("not a line from Packer", None),
        ("", None),
    ],
)
def test_parse(line: str, event: PackerEvent | None) -> None:
    assert parse_event(line) == event


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (PackerEvent("say", "Starting VM, booting disk image"), "starting the guest"),
        (PackerEvent("say", "Found port for communicator (SSH, WinRM, etc): 3804."), None),
        (PackerEvent("message", "==> installing the boot loader"), "installing the boot loader"),
        (PackerEvent("message", "Installing for i386-pc platform."), None),
    ],
)
def test_headline(event: PackerEvent, shown: str | None) -> None:
    assert headline(event) == shown
