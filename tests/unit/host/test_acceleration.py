"""KVM or TCG, against a fake QEMU that logs each start of a guest."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.host import qemu
from builder.host.qemu import accelerator

pytestmark = pytest.mark.real_subprocess

VERSION = 'case "$*" in *--version*) echo "QEMU emulator version 7.2.22"; exit;; esac'
STARTS = 'echo "[    0.000000] Linux version 6.1.0"'
HANGS = 'echo "Probing EDD (edd=off to disable)... ok"; exec sleep 60'


class Host:
    """A host with a kernel, a /dev/kvm that opens, and a QEMU under which a kernel starts or hangs."""

    def __init__(self, folder: Path, make_program: object) -> None:
        self.kernel = folder / "vmlinuz"
        self.kernel.write_bytes(b"a kernel")
        self.log = folder / "started"
        self._make_program = make_program

    def guests(self, script: str) -> None:
        self._make_program("qemu-system-x86_64", f'{VERSION}\necho "$@" >> {self.log}\n{script}')

    def started(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_program: object) -> Host:
    monkeypatch.delenv("VIPFORGE_ACCEL", raising=False)
    monkeypatch.setattr(qemu, "KVM", tmp_path / "kvm")
    monkeypatch.setattr(qemu, "BOOT_SECONDS", 1)
    (tmp_path / "kvm").touch()
    return Host(tmp_path, fake_program)


def test_kvm_where_a_kernel_starts(host: Host) -> None:
    host.guests(STARTS)
    assert accelerator(host.kernel) == "kvm"
    assert f"-kernel {host.kernel}" in host.started()[0]
    assert "accel=kvm" in host.started()[0]


def test_tcg_with_a_warning_where_a_kernel_hangs(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    host.guests(HANGS)
    assert accelerator(host.kernel) == "tcg"
    assert "opens, but a stock kernel does not start under it" in capfd.readouterr().err


def test_the_answer_is_remembered(host: Host) -> None:
    host.guests(HANGS)
    assert [accelerator(host.kernel) for _ in range(3)] == ["tcg"] * 3
    assert len(host.started()) == 1


def test_another_kernel_is_tried_too(host: Host) -> None:
    host.guests(HANGS)
    accelerator(host.kernel)
    host.guests(STARTS)
    host.kernel.write_bytes(b"another kernel")
    assert accelerator(host.kernel) == "kvm"


def test_the_check_is_repeated_after_the_host_boots_again(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.guests(HANGS)
    accelerator(host.kernel)
    (tmp_path / "boot_id").write_text("a later boot")
    monkeypatch.setattr(qemu, "BOOT_ID", tmp_path / "boot_id")
    host.guests(STARTS)
    assert accelerator(host.kernel) == "kvm"


def test_a_broken_record_is_ignored(host: Host, tmp_path: Path) -> None:
    record = tmp_path / "cache" / "host" / "kvm.json"
    record.parent.mkdir(parents=True)
    record.write_text("[1, 2")
    host.guests(STARTS)
    assert accelerator(host.kernel) == "kvm"


def test_a_cache_that_cannot_be_written_does_not_prevent_the_check(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VIPFORGE_CACHE", str(tmp_path / "file"))
    host.guests(STARTS)
    assert accelerator(host.kernel) == "kvm"


@pytest.mark.parametrize("override", ["kvm", "tcg"])
def test_the_environment_decides(host: Host, monkeypatch: pytest.MonkeyPatch, override: str) -> None:
    monkeypatch.setenv("VIPFORGE_ACCEL", override)
    assert accelerator(host.kernel) == override
    assert host.started() == []


def test_an_unknown_value_in_the_environment_is_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_ACCEL", "fast")
    with pytest.raises(UserError, match="VIPFORGE_ACCEL is 'fast'"):
        accelerator(host.kernel)


def test_no_device_means_tcg_without_starting_a_guest(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    qemu.KVM.unlink()
    assert accelerator(host.kernel) == "tcg"
    assert host.started() == []
    assert "this host has no" in capfd.readouterr().err


def test_a_device_that_cannot_be_opened_means_tcg(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    qemu.KVM.unlink()
    qemu.KVM.mkdir()
    assert accelerator(host.kernel) == "tcg"
    assert "cannot be opened" in capfd.readouterr().err


def test_the_kernel_of_a_cached_foundation_is_tried_if_none_is_given(host: Host, tmp_path: Path) -> None:
    host.guests(STARTS)
    kernel = tmp_path / "cache" / "layers" / "foundation" / "0123" / "vmlinuz"
    kernel.parent.mkdir(parents=True)
    kernel.write_bytes(b"a cached kernel")
    assert accelerator() == "kvm"
    assert f"-kernel {kernel}" in host.started()[0]


@pytest.mark.parametrize(("flags", "expected"), [("fpu vmx sse", "kvm"), ("fpu svm", "kvm"), ("fpu vmxish", "tcg")])
def test_without_any_kernel_the_cpu_flags_decide(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, expected: str
) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setattr(qemu, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(qemu, "_some_kernel", lambda: None)
    assert accelerator() == expected
    assert host.started() == []
