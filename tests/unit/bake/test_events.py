"""Packer's machine-readable lines, as Packer 1.6.6 printed them."""

from __future__ import annotations

import pytest

from builder.bake.events import Event, headline, parse


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "1795425737,,ui,say,==> qemu.appliance: Waiting for SSH to become available...",
            Event("say", "Waiting for SSH to become available..."),
        ),
        (
            "1795425734,,ui,message,    qemu.appliance: ==> checking%!(PACKER_COMMA) and more",
            Event("message", "==> checking, and more"),
        ),
        (
            "1795425815,,ui,error,==> qemu.appliance: one\\n==> qemu.appliance: two",
            Event("error", "one\ntwo"),
        ),
        ("1795425815,,error-count,1", None),
        ("1795425815,qemu.appliance,error,Script exited", None),
        ("not a line of Packer's", None),
        ("", None),
    ],
)
def test_parse(line: str, event: Event | None) -> None:
    assert parse(line) == event


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (Event("say", "Starting VM, booting disk image"), "starting the guest"),
        (Event("say", "Found port for communicator (SSH, WinRM, etc): 3804."), None),
        (Event("message", "==> installing the boot loader"), "installing the boot loader"),
        (Event("message", "Installing for i386-pc platform."), None),
    ],
)
def test_headline(event: Event, shown: str | None) -> None:
    assert headline(event) == shown
