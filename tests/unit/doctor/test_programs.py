"""Programs, permissions and packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.core.errors import HostLacks
from builder.core.paths import resources
from builder.core.run import CommandFailed, Completed
from builder.doctor import Finding, host
from builder.host.packer import NoPacker, PackerFacts
from builder.image.packer import program
from tests.unit.doctor.conftest import answer

pytestmark = pytest.mark.usefixtures("good_host")


def finding(name: str) -> Finding:
    (found,) = [each for each in host.program_findings() if each.name == name]
    return found


def without_packer(monkeypatch: pytest.MonkeyPatch, *refused: HostLacks, is_named: bool = False) -> None:
    def absent() -> PackerFacts:
        raise NoPacker(refused, is_named=is_named)

    monkeypatch.setattr(host, "packer", absent)
    monkeypatch.setattr(program, "is_available_offline", lambda: False)


def test_without_a_packer_the_first_bake_fetches_vipforges_own(monkeypatch: pytest.MonkeyPatch) -> None:
    without_packer(monkeypatch)
    assert finding("Packer") == Finding("Packer", "note", "vipforge's own 1.6.6 will be fetched by the first bake")


def test_a_cached_packer_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    without_packer(monkeypatch)
    monkeypatch.setattr(program, "is_available_offline", lambda: True)
    assert finding("Packer") == Finding("Packer", "ok", "vipforge's own 1.6.6 is cached")


def test_in_offline_mode_packer_must_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    without_packer(monkeypatch)
    monkeypatch.setenv("VIPFORGE_OFFLINE", "1")
    assert finding("Packer").state == "lacks"
    assert "vipforge sources fetch packer" in finding("Packer").advice


def test_the_advice_for_a_packer_without_its_plugin_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without_packer(monkeypatch, HostLacks("Packer 1.11.2 (/p) has no qemu builder", hint="/p plugins install qemu"))
    found = "vipforge's own 1.6.6 will be fetched by the first bake; Packer 1.11.2 (/p) has no qemu builder"
    assert finding("Packer") == Finding("Packer", "note", found, "/p plugins install qemu")


def test_a_named_packer_that_cannot_be_used_is_reported_as_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    without_packer(monkeypatch, HostLacks("/p was not found", hint="name another"), is_named=True)
    assert finding("Packer") == Finding("Packer", "lacks", "/p was not found", "name another")


def test_missing_packages_are_named_in_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_two(argv: list[object], **options: object) -> Completed:
        done = answer(argv, **options)
        kept = [line for line in done.out.splitlines(keepends=True) if not line.startswith(("xorriso ", "fdisk "))]
        return Completed(done.argv, 1, "".join(kept) + "fdisk config-files\n", "")

    monkeypatch.setattr(host, "run", without_two)
    found = finding("packages")
    assert found.found == "not installed: xorriso, fdisk"
    assert found.advice == "apt-get install --no-install-recommends xorriso fdisk"


def test_a_host_without_dpkg_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "find_program", lambda _: None)
    assert finding("packages").state == "note"


def test_the_list_of_packages_is_read_without_its_comments(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# a comment\nalpha  what for\n\nbeta # more\n")
    assert host.debian_packages(tmp_path / "list") == ["alpha", "beta"]
    assert "mmdebstrap" in host.debian_packages(resources("debian-packages.txt"))


def test_packer_is_not_a_required_package() -> None:
    """Debian 13 has no such package; vipforge fetches its own Packer."""
    assert "packer" not in host.debian_packages(resources("debian-packages.txt"))


@pytest.mark.parametrize(
    ("failing", "message"),
    [("--pid", "namespaces cannot be created"), ("--map-auto", "this user has no subordinate UIDs or GIDs")],
)
def test_the_advice_without_namespaces_says_what_to_allow(
    monkeypatch: pytest.MonkeyPatch, failing: str, message: str
) -> None:
    def run(argv: list[object], **options: object) -> Completed:
        if failing in argv:
            raise CommandFailed(["unshare"], 1, ["unshare: Operation not permitted"])
        return answer(argv, **options)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(host, "run", run)
    assert finding("namespaces").state == "lacks"
    assert message in finding("namespaces").found
    assert finding("namespaces").advice
