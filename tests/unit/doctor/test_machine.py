"""Acceleration, memory and free space."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import HostLacks
from builder.doctor import Finding, host

pytestmark = pytest.mark.usefixtures("good_host")


def finding(name: str) -> Finding:
    (found,) = [each for each in host.machine_findings() if each.name == name]
    return found


def test_kvm_that_works() -> None:
    assert finding("KVM") == Finding("KVM", "ok", "a kernel starts under KVM")


def test_the_advice_for_kvm_that_does_not_work_says_how_long_a_bake_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "why_not_kvm", lambda: "/dev/kvm opens, but a stock kernel does not start under it")
    assert finding("KVM").state == "note"
    assert "guests run under TCG: expect a first bake of about" in finding("KVM").advice


def test_kvm_cannot_be_checked_without_qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise HostLacks("qemu-system-x86_64 is not installed")

    monkeypatch.setattr(host, "why_not_kvm", absent)
    assert finding("KVM").found == "not checked: qemu-system-x86_64 is not installed"


def test_a_setting_in_the_environment_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_ACCEL", "tcg")
    assert finding("KVM").found == "not checked: VIPFORGE_ACCEL=tcg is set"


@pytest.mark.parametrize(("kib", "state"), [(900_000, "lacks"), (1_500_000, "note"), (8_000_000, "ok")])
def test_memory(kib: int, state: str) -> None:
    host.MEMINFO.write_text(f"MemTotal: 1 kB\nMemAvailable: {kib} kB\n")
    assert finding("memory").state == state


def test_a_full_disk_names_the_variable_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "ROOM_GIB", 10_000_000)
    assert finding("cache folder").state == "lacks"
    assert "set VIPFORGE_CACHE" in finding("cache folder").advice
    assert "set VIPFORGE_BUILD" in finding("build folder").advice


def test_a_folder_that_does_not_exist_yet_is_checked_by_its_disk(tmp_path: Path) -> None:
    assert not (tmp_path / "cache").exists()
    assert finding("cache folder").state == "ok"
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_written_is_reported_as_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_BUILD", "/proc/build")
    monkeypatch.setattr("os.access", lambda *_: False)
    assert finding("build folder").found == "/proc/build cannot be written"


def test_a_read_only_cache_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)
    assert finding("cache folder").state == "note"
