"""Programs, permissions and packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.doctor import programs
from builder.doctor.finding import Finding
from builder.errors import HostLacks
from builder.host import PackerFacts
from builder.paths import resources
from builder.run import CommandFailed, Completed
from tests.unit.doctor.conftest import answer

pytestmark = pytest.mark.usefixtures("good_host")


def finding(name: str) -> Finding:
    (found,) = [each for each in programs.findings() if each.name == name]
    return found


def test_a_missing_packer_is_a_lack_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> PackerFacts:
        raise HostLacks("Packer is not installed", hint="apt-get install packer")

    monkeypatch.setattr(programs, "packer", absent)
    assert finding("Packer") == Finding("Packer", "lacks", "Packer is not installed", "apt-get install packer")


@pytest.mark.parametrize(("listed", "state"), [("", "lacks"), ("/root/p/packer-plugin-qemu_v1.1.0_x5.0_linux", "ok")])
def test_a_packer_without_builders_needs_the_qemu_plugin(
    monkeypatch: pytest.MonkeyPatch, listed: str, state: str
) -> None:
    facts = PackerFacts(Path("/usr/bin/packer"), (1, 10, 0), "1.10.0")
    monkeypatch.setattr(programs, "packer", lambda: facts)
    monkeypatch.setattr(programs, "run", lambda argv, **_: Completed(tuple(map(str, argv)), 0, listed or "x", ""))
    assert finding("Packer").state == state
    assert ("plugins install" in finding("Packer").advice) == (state == "lacks")


def test_missing_packages_are_named_in_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_two(argv: list[object], **options: object) -> Completed:
        done = answer(argv, **options)
        kept = [line for line in done.out.splitlines(keepends=True) if not line.startswith(("xorriso ", "fdisk "))]
        return Completed(done.argv, 1, "".join(kept) + "fdisk config-files\n", "")

    monkeypatch.setattr(programs, "run", without_two)
    found = finding("packages")
    assert found.found == "not installed: xorriso, fdisk"
    assert found.advice == "apt-get install --no-install-recommends xorriso fdisk"


def test_a_host_without_dpkg_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find", lambda _: None)
    assert finding("packages").state == "note"


def test_the_list_of_packages_is_read_without_its_remarks(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# a remark\nalpha  what for\n\nbeta # more\n")
    assert programs.debian_packages(tmp_path / "list") == ["alpha", "beta"]
    assert "packer" in programs.debian_packages(resources("debian-packages.txt"))


@pytest.mark.parametrize(
    ("failing", "message"),
    [("--pid", "this host makes no namespaces"), ("--map-auto", "this user has no subordinate ids")],
)
def test_a_user_without_namespaces_is_told_what_to_allow(
    monkeypatch: pytest.MonkeyPatch, failing: str, message: str
) -> None:
    def run(argv: list[object], **options: object) -> Completed:
        if failing in argv:
            raise CommandFailed(["unshare"], 1, ["unshare: Operation not permitted"])
        return answer(argv, **options)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(programs, "run", run)
    assert finding("namespaces").state == "lacks"
    assert message in finding("namespaces").found
    assert finding("namespaces").advice
