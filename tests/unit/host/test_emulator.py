"""Finding QEMU and checking its version."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import HostLacks
from builder.host.qemu import qemu

pytestmark = pytest.mark.real_subprocess


def emulator(folder: Path, says: str) -> Path:
    path = folder / "qemu-system-x86_64"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_a_recent_version_is_found(bare_host: Path) -> None:
    path = emulator(bare_host, "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)")
    assert qemu() == path


def test_version_10_is_newer_than_version_5(bare_host: Path) -> None:
    path = emulator(bare_host, "QEMU emulator version 10.0.2")
    assert qemu() == path


def test_a_version_that_is_too_old_is_refused(bare_host: Path) -> None:
    emulator(bare_host, "QEMU emulator version 5.0.1")
    with pytest.raises(HostLacks, match=r"QEMU 5\.0\.1; 5\.1 or later is required"):
        qemu()


def test_the_error_for_a_missing_qemu_names_the_debian_package(bare_host: Path) -> None:
    assert not list(bare_host.iterdir())
    with pytest.raises(HostLacks) as caught:
        qemu()
    assert "apt-get install qemu-system-x86" in caught.value.hint


def test_another_program_of_that_name_is_refused(bare_host: Path) -> None:
    emulator(bare_host, "hello")
    with pytest.raises(HostLacks, match="does not print a QEMU version"):
        qemu()
