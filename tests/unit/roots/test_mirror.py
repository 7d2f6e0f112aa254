"""The Debian mirror, from the forms that apt's set-up takes (sources.list(5))."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import HostLacks
from builder.roots import mirror as module
from builder.roots.mirror import KEYRING, host_address, mirror

MAIN = "http://mirror.example/debian"
SECURITY = "http://mirror.example/debian-security"


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "apt"
    (folder / "sources.list.d").mkdir(parents=True)
    monkeypatch.setattr(module, "APT", folder)
    return folder


def write_list(apt: Path, *lines: str) -> None:
    (apt / "sources.list").write_text("\n".join(lines) + "\n")


def write_sources(apt: Path, text: str, name: str = "debian.sources") -> None:
    (apt / "sources.list.d" / name).write_text(text)


def test_one_line_entries(apt: Path) -> None:
    write_list(
        apt,
        "# deb http://old.example/debian bookworm main",
        f"deb {MAIN}/ bookworm main contrib # the nearest",
        f"deb {MAIN} bookworm-updates main",
        f"deb-src {MAIN} bookworm main",
        f"deb {SECURITY} bookworm-security main",
        f"deb {MAIN} bookworm-backports main",
    )
    found = mirror("bookworm")
    assert found.address == MAIN
    assert found.lines() == [
        f"deb [signed-by={KEYRING}] {MAIN} bookworm main",
        f"deb [signed-by={KEYRING}] {MAIN} bookworm-updates main",
        f"deb [signed-by={KEYRING}] {SECURITY} bookworm-security main",
    ]


def test_one_line_options(apt: Path) -> None:
    write_list(apt, f"deb [ arch=amd64 signed-by={KEYRING} ] http://mirror.example/os bookworm main")
    assert mirror("bookworm").address == "http://mirror.example/os"


def test_deb822_entries(apt: Path) -> None:
    write_sources(
        apt,
        f"Types: deb deb-src\n# a remark\nURIs: {MAIN}\nSuites: bookworm bookworm-updates\n"
        f"Components: main\nSigned-By: {KEYRING}\n\n"
        f"Types: deb\nURIs: {SECURITY}/\nSuites: bookworm-security\nComponents: main\n",
    )
    found = mirror("bookworm")
    assert found.address == MAIN
    assert [archive.suites for archive in found.archives] == [
        ("bookworm", "bookworm-updates"),
        ("bookworm-security",),
    ]


def test_deb822_values_over_several_lines_and_names_in_any_case(apt: Path) -> None:
    write_sources(
        apt, f"types: deb\nURIS:\n {MAIN}\n http://second.example/debian\nsuites: bookworm\nComponents: main\n"
    )
    assert [archive.address for archive in mirror("bookworm").archives] == [MAIN, "http://second.example/debian"]


@pytest.mark.parametrize("off", ["no", "No", "false", "off"])
def test_a_disabled_entry_is_passed_over(apt: Path, off: str) -> None:
    write_sources(apt, f"Enabled: {off}\nTypes: deb\nURIs: {MAIN}\nSuites: bookworm\nComponents: main\n")
    with pytest.raises(HostLacks):
        mirror("bookworm")


def test_files_of_another_name_are_not_read(apt: Path) -> None:
    write_sources(apt, f"Types: deb\nURIs: {MAIN}\nSuites: bookworm\nComponents: main\n", "debian.sources.disabled")
    assert host_address() is None


def test_the_main_archive_comes_first_wherever_it_stands(apt: Path) -> None:
    write_list(apt, f"deb {SECURITY} bookworm-security main", f"deb {MAIN} bookworm main")
    assert mirror("bookworm").address == MAIN


@pytest.mark.parametrize(
    "foreign",
    [
        "deb [signed-by=/usr/share/keyrings/vendor.gpg] https://apt.vendor.example bookworm main",
        "deb [signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.example/debian bookworm main",
        "deb https://apt.vendor.example bookworm main",
        "deb https://download.vendor.example/linux/debian bookworm stable",
        "deb cdrom:[Debian GNU/Linux 12.0.0 _Bookworm_ - Official amd64 NETINST]/ bookworm main",
    ],
)
def test_other_vendors_suites_of_that_name_are_passed_over(apt: Path, foreign: str) -> None:
    write_list(apt, foreign, f"deb {MAIN} bookworm main")
    assert [archive.address for archive in mirror("bookworm").archives] == [MAIN]


def test_no_entry_is_a_lack_of_the_host_with_a_way_out(apt: Path) -> None:
    write_list(apt, f"deb {MAIN} trixie main")
    with pytest.raises(HostLacks, match="names no Debian mirror for bookworm") as caught:
        mirror("bookworm")
    assert "image: {mirror:" in caught.value.hint


def test_security_updates_alone_are_no_mirror(apt: Path) -> None:
    write_list(apt, f"deb {SECURITY} bookworm-security main")
    with pytest.raises(HostLacks):
        mirror("bookworm")


def test_a_host_without_apt_has_none(apt: Path) -> None:
    (apt / "sources.list.d").rmdir()
    assert host_address() is None


def test_the_specs_mirror_wins(apt: Path) -> None:
    write_list(apt, "deb http://host.example/debian bookworm main")
    found = mirror("bookworm", MAIN)
    assert found.address == MAIN
    assert found.lines() == [
        f"deb [signed-by={KEYRING}] {MAIN} bookworm main",
        f"deb [signed-by={KEYRING}] {MAIN} bookworm-updates main",
        f"deb [signed-by={KEYRING}] {SECURITY} bookworm-security main",
    ]
