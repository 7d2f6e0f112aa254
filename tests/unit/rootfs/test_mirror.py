"""The Debian mirror, read from every form of apt sources (sources.list(5))."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core.errors import HostLacks
from builder.rootfs import mirror as module
from builder.rootfs.mirror import KEYRING, host_address, mirror

MAIN = "http://mirror.example/debian"
SECURITY = "http://mirror.example/debian-security"


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "apt"
    (folder / "sources.list.d").mkdir(parents=True)
    monkeypatch.setattr(module, "APT", folder)
    return folder


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`runs(ID=…, VERSION_CODENAME=…)` sets the host's os-release."""
    return lambda **facts: monkeypatch.setattr(platform, "freedesktop_os_release", lambda: facts)


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


def test_comments_within_a_value_and_in_another_encoding_are_ignored(apt: Path) -> None:
    text = f"# caf\xe9\nTypes: deb\nURIs: {MAIN}\nSuites: bookworm\n# and\n bookworm-updates\nComponents: main\n"
    (apt / "sources.list.d" / "debian.sources").write_bytes(text.encode("latin-1"))
    (apt / "sources.list.d" / "folder.sources").mkdir()
    assert mirror("bookworm").archives[0].suites == ("bookworm", "bookworm-updates")


@pytest.mark.parametrize("off", ["no", "No", "false", "off"])
def test_a_disabled_entry_is_ignored(apt: Path, off: str) -> None:
    write_sources(apt, f"Enabled: {off}\nTypes: deb\nURIs: {MAIN}\nSuites: bookworm\nComponents: main\n")
    with pytest.raises(HostLacks):
        mirror("bookworm")


def test_files_with_other_suffixes_are_ignored(apt: Path) -> None:
    write_sources(apt, f"Types: deb\nURIs: {MAIN}\nSuites: bookworm\nComponents: main\n", "debian.sources.disabled")
    assert host_address() is None


def test_the_first_mirror_in_a_list_is_used_as_in_debians_cloud_images(apt: Path) -> None:
    mirrors = apt / "mirrors"
    mirrors.mkdir()
    (mirrors / "debian.list").write_text(f"# ours\n\n{MAIN}/\tpriority:1\nhttp://second.example/debian\n")
    (mirrors / "debian-security.list").write_text(f"{SECURITY}\n")
    write_sources(
        apt,
        f"Types: deb deb-src\nURIs: mirror+file://{mirrors}/debian.list\nSuites: bookworm\nComponents: main\n\n"
        f"Types: deb\nURIs: mirror+file:{mirrors}/debian-security.list\nSuites: bookworm-security\nComponents: main\n",
    )
    assert [archive.address for archive in mirror("bookworm").archives] == [MAIN, SECURITY]


def test_a_mirror_list_that_is_remote_or_missing_is_ignored(apt: Path) -> None:
    write_list(
        apt,
        f"deb mirror+file:{apt}/missing/debian.list bookworm main",
        "deb mirror+https://a.example/debian.list bookworm main",
        f"deb {MAIN} bookworm main",
    )
    assert [archive.address for archive in mirror("bookworm").archives] == [MAIN]


def test_the_main_archive_comes_first_in_any_order_of_entries(apt: Path) -> None:
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
def test_suites_of_other_vendors_with_that_name_are_ignored(apt: Path, foreign: str) -> None:
    write_list(apt, foreign, f"deb {MAIN} bookworm main")
    assert [archive.address for archive in mirror("bookworm").archives] == [MAIN]


def test_the_error_for_no_mirror_says_how_to_name_one(apt: Path) -> None:
    write_list(apt, f"deb {SECURITY} trixie-security main")
    with pytest.raises(HostLacks, match="name no Debian mirror") as caught:
        mirror("bookworm")
    assert "image: {mirror:" in caught.value.hint


def test_an_address_with_a_password_is_refused_and_not_shown(apt: Path) -> None:
    write_list(apt, "deb https://me:secret@mirror.example/debian bookworm main")
    with pytest.raises(HostLacks, match="has a user or password in its address") as caught:
        mirror("bookworm")
    assert "secret" not in str(caught.value)


TRIXIE = f"""\
Types: deb
URIs: {MAIN}
Suites: trixie trixie-updates
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

Types: deb
URIs: {SECURITY}
Suites: trixie-security
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp
"""
BOOKWORM_LINES = [
    f"deb [signed-by={KEYRING}] {MAIN} bookworm main",
    f"deb [signed-by={KEYRING}] {MAIN} bookworm-updates main",
    f"deb [signed-by={KEYRING}] {SECURITY} bookworm-security main",
]


def test_the_hosts_mirror_serves_other_releases_too(apt: Path, runs: Callable[..., None]) -> None:
    runs(ID="debian", VERSION_CODENAME="trixie")
    write_sources(apt, TRIXIE)
    assert mirror("bookworm").lines() == BOOKWORM_LINES
    assert [line.replace("trixie", "bookworm") for line in mirror("trixie").lines()] == BOOKWORM_LINES


@pytest.mark.parametrize("suite", ["stable", "testing"])
def test_a_host_may_use_stable_or_testing_as_suites(apt: Path, runs: Callable[..., None], suite: str) -> None:
    runs(ID="debian", VERSION_CODENAME="trixie")
    lines = (f"deb {MAIN} {suite}", f"deb {MAIN} {suite}-updates", f"deb {SECURITY} {suite}-security")
    write_list(apt, *(f"{line} main" for line in lines))
    assert mirror("bookworm").lines() == BOOKWORM_LINES


def test_the_security_suites_of_older_releases_are_recognized(apt: Path, runs: Callable[..., None]) -> None:
    runs(ID="debian", VERSION_CODENAME="buster")
    write_list(apt, f"deb {MAIN} buster main", f"deb {SECURITY} buster/updates main")
    assert mirror("bookworm").lines() == [BOOKWORM_LINES[0], BOOKWORM_LINES[2]]


def test_the_guest_uses_no_updates_if_the_host_uses_none(apt: Path) -> None:
    """A mirror at a site may have neither updates nor security updates."""
    write_list(apt, f"deb {MAIN} trixie main")
    assert mirror("bookworm").lines() == BOOKWORM_LINES[:1]


def test_a_mirror_of_the_release_is_preferred_to_one_of_the_hosts_release(
    apt: Path, runs: Callable[..., None]
) -> None:
    runs(ID="debian", VERSION_CODENAME="trixie")
    vendor = "deb http://vendor.example/debian stable main"
    write_list(apt, vendor, f"deb {MAIN} trixie main")
    assert [each.address for each in mirror("bookworm").archives] == [MAIN]
    write_list(apt, vendor, f"deb {MAIN} trixie main", "deb http://old.example/debian bookworm main")
    assert [each.address for each in mirror("bookworm").archives] == ["http://old.example/debian"]


def test_an_embedded_key_does_not_rule_out_debian(apt: Path) -> None:
    block = " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6JDcKw\n"
    write_sources(apt, f"Types: deb\nURIs: {MAIN}\nSuites: trixie\nComponents: main\nSigned-By:\n{block}")
    assert mirror("bookworm").address == MAIN


@pytest.mark.parametrize(
    "source",
    [
        "URIs: http://archive.example/ubuntu/\nSigned-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n",
        "URIs: http://mirror.example/debian-based/ubuntu\n",
    ],
)
def test_an_ubuntu_host_has_no_debian_mirror_and_the_spec_must_name_one(
    apt: Path, runs: Callable[..., None], source: str
) -> None:
    runs(ID="ubuntu", VERSION_CODENAME="noble")
    write_sources(apt, f"Types: deb\nSuites: noble noble-updates\nComponents: main\n{source}")
    with pytest.raises(HostLacks, match="name no Debian mirror") as caught:
        mirror("bookworm")
    assert "required on every host other than Debian" in caught.value.hint
    assert mirror("bookworm", MAIN).lines() == BOOKWORM_LINES


def test_security_updates_alone_are_not_a_mirror(apt: Path) -> None:
    write_list(apt, f"deb {SECURITY} bookworm-security main")
    with pytest.raises(HostLacks):
        mirror("bookworm")


def test_a_host_without_apt_has_no_mirror(apt: Path) -> None:
    (apt / "sources.list.d").rmdir()
    assert host_address() is None


def test_the_mirror_in_the_spec_takes_precedence(apt: Path) -> None:
    write_list(apt, "deb http://host.example/debian bookworm main")
    found = mirror("bookworm", MAIN)
    assert found.address == MAIN
    assert found.lines() == [
        f"deb [signed-by={KEYRING}] {MAIN} bookworm main",
        f"deb [signed-by={KEYRING}] {MAIN} bookworm-updates main",
        f"deb [signed-by={KEYRING}] {SECURITY} bookworm-security main",
    ]
