"""Guests of the RPM family: where base, packages and keepalived come from, and the errors if they are unavailable."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.core.paths import resources
from builder.guests import all_guests
from builder.image.foundations import FoundationRequest, choose, guest_of, rpm
from builder.image.foundations.rpm import HAPROXY, KEEPALIVED, RpmGuest
from builder.rootfs import compiled, dnf
from builder.rootfs.compiled import RpmBuildRoot, keepalived_product
from builder.sources.fetch import NotFetched
from tests.specs import quickstart

FAMILY = [RpmGuest(facts) for facts in all_guests().values() if facts.family == "rpm"]
CENTOS7, ROCKY9 = (RpmGuest(all_guests()[name]) for name in ("centos7", "rocky9"))

each_guest = pytest.mark.parametrize("guest", FAMILY, ids=lambda guest: guest.facts.name)


compilers: list[str] = []
"""The first tool of each compilation of keepalived."""


@pytest.fixture
def bases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple]:
    """Records what would be fetched and compiled."""
    requests: list[tuple] = []
    compilers.clear()

    def fetch(pin: object, *, offline: bool, debian: str | None) -> Path:
        requests.append((pin.name, pin.version, offline, debian))
        return tmp_path / pin.file

    def build(build_root: RpmBuildRoot, version: str, *, offline: bool, snmp: bool) -> Path:
        requests.append((build_root.override, version, offline, snmp))
        compilers.append(build_root.tools(("openssl",))[0])
        return tmp_path / "keepalived.tar"

    monkeypatch.setattr(rpm, "fetch", fetch)
    monkeypatch.setattr(compiled, "build_keepalived", build)
    monkeypatch.setattr(compiled, "build_haproxy", lambda *_, **__: tmp_path / "haproxy.tar")
    return requests


def test_a_compiled_haproxy_is_uploaded_if_the_spec_asks_for_it(bases: list[tuple], tmp_path: Path) -> None:
    foundation = CENTOS7.foundation(quickstart(haproxy={"source": "3.0.11"}), "1.2.13", FoundationRequest())
    assert foundation.uploads[HAPROXY] == tmp_path / "haproxy.tar"
    assert len(bases) == 2


def test_the_guests_of_the_family() -> None:
    assert [guest.facts.name for guest in FAMILY] == ["alma9", "centos7", "rocky9"]


@each_guest
def test_every_medium_except_the_template_has_a_pin(guest: RpmGuest) -> None:
    assert {*guest.pins, "template"} == set(guest.facts.media)


@each_guest
def test_every_package_has_a_reason(guest: RpmGuest) -> None:
    text = resources("packer", "packages", f"{guest.facts.name}.txt").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)
    assert {"haproxy", "firewalld", "psmisc", "rsyslog", "cloud-init", "open-vm-tools"} <= set(guest.facts.packages)
    assert "keepalived" not in guest.facts.packages


@each_guest
def test_no_compiler_is_installed(guest: RpmGuest) -> None:
    names = {*guest.facts.packages, *guest.facts.snmp_packages}
    assert not names & {"gcc", "make", "gcc-c++", "clang"}
    assert not [name for name in names if name.endswith("-devel")]


def test_the_bake_starts_from_the_vendors_disk_and_uploads_keepalived(bases: list[tuple], tmp_path: Path) -> None:
    cluster = quickstart(guest="centos7", image={"mirror": "http://mirror.example/7"})
    foundation = CENTOS7.foundation(cluster, "1.2.13", FoundationRequest(offline=True))
    assert foundation.disk == tmp_path / "CentOS-7-x86_64-GenericCloud-2211.qcow2"
    assert foundation.uploads == {KEEPALIVED: tmp_path / "keepalived.tar"}
    assert bases == [("centos7-cloud", "2211", True, None), ("http://mirror.example/7", "1.2.13", True, False)]


def test_the_spec_may_choose_another_of_the_vendors_disks(bases: list[tuple]) -> None:
    guest = choose(quickstart(guest="centos7", image={"base": "2009"}))
    foundation = guest.foundation(quickstart(), "1.2.13", FoundationRequest())
    assert foundation.disk.name == "CentOS-7-x86_64-GenericCloud-2009.qcow2"
    assert bases[0][:2] == ("centos7-cloud", "2009")
    assert (
        guest.foundation_layer(quickstart(), "1.2.13", "disk").key
        != CENTOS7.foundation_layer(quickstart(), "1.2.13", "disk").key
    )


@pytest.mark.parametrize("name", ["debian12", "rocky9", "alma9"])
def test_a_guest_without_a_choice_of_disks_refuses_a_base(name: str) -> None:
    """`--guest` may name another guest than the spec."""
    with pytest.raises(UserError, match="has no base 2009") as caught:
        choose(quickstart(guest=name, image={"base": "2009"}))
    assert caught.value.hint == "leave out image: base"


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize(
    ("guest", "version", "first"),
    [
        ("centos7", "1.2.13", "gcc"),
        ("centos7", "2.3.4", "centos-release-scl-rh"),
        ("rocky9", "2.3.4", "gcc"),
        ("alma9", "2.3.4", "gcc"),
    ],
)
def test_keepalived_2_gets_a_newer_compiler_if_gcc_is_too_old(guest: str, version: str, first: str) -> None:
    guest_of(all_guests()[guest]).foundation(quickstart(), version, FoundationRequest())
    assert compilers == [first]


def test_the_newer_compiler_replaces_the_old_one_and_comes_last() -> None:
    build_root = RpmBuildRoot(
        "centos7", CENTOS7.facts.repositories, "http://mirror.example/7", CENTOS7.facts.toolchain
    )
    tools = build_root.tools(keepalived_product("2.3.4").libraries)
    root = dnf.Root(
        build_root.repositories, build_root.repositories.bake_mirrors(build_root.override), tools, build_root.toolchain
    )
    assert "gcc" not in tools
    assert "devtoolset-11-gcc" not in root.first.split()
    assert "centos-release-scl-rh" in root.first.split()
    assert root.later == ("sclo-rh", "devtoolset-11-gcc", "/opt/rh/devtoolset-11/root/usr/bin")
    text = dnf.configuration(root, Path("/w"))
    assert "baseurl=http://mirror.example/7/sclo/x86_64/rh/\n" in text
    assert "gpgkey=file:///w/root/etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-SIG-SCLo\nenabled=0\n" in text


@pytest.mark.usefixtures("bases")
def test_the_installer_is_another_medium() -> None:
    foundation = CENTOS7.foundation(quickstart(), "1.2.13", FoundationRequest("installer"))
    assert foundation.disk.name == "CentOS-7-x86_64-Minimal-2009.iso"
    assert (
        CENTOS7.foundation_layer(quickstart(), "1.2.13", "installer").key
        != CENTOS7.foundation_layer(quickstart(), "1.2.13", "disk").key
    )


def test_a_template_needs_no_medium(bases: list[tuple]) -> None:
    assert CENTOS7.foundation(quickstart(), "1.2.13", FoundationRequest("template")).disk is None
    assert len(bases) == 1


def test_an_unsupported_medium_is_refused(bases: list[tuple]) -> None:
    with pytest.raises(UserError, match="Rocky Linux 9 cannot be baked from a medium of type installer"):
        ROCKY9.foundation(quickstart(), "2.3.4", FoundationRequest("installer"))
    assert bases == []


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize(("gib", "grown"), [(4, 0), (8, 0), (16, 16)])
def test_the_vendors_disk_never_shrinks(gib: int, grown: int) -> None:
    assert CENTOS7.foundation(quickstart(image={"disk_gib": gib}), "1.2.13", FoundationRequest()).grow_to_gib == grown


@pytest.mark.usefixtures("bases")
def test_the_key_follows_keepalived_and_snmp() -> None:
    keys = {
        CENTOS7.foundation_layer(quickstart(snmp=snmp), version, "disk").key
        for version in ("1.2.13", "2.3.4")
        for snmp in (False, True)
    }
    assert len(keys) == 4


def test_an_unavailable_base_is_reported_with_urls_digest_and_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIPFORGE_MIRROR", raising=False)
    with pytest.raises(NotFetched) as caught:
        CENTOS7.foundation(quickstart(guest="centos7"), "1.2.13", FoundationRequest(offline=True))
    message = str(caught.value)
    assert "https://cloud.centos.org/centos/7/images/CentOS-7-x86_64-GenericCloud-2211.qcow2: not tried" in message
    assert "sha256 284aab2b23d91318f169ff464bce4d53404a15a0618ceb34562838c59af4adea" in message
    assert (
        "put CentOS-7-x86_64-GenericCloud-2211.qcow2 into a folder and set VIPFORGE_MIRROR to that folder" in message
    )


@each_guest
def test_the_build_root_has_a_compiler_and_snmp_only_on_request(guest: RpmGuest) -> None:
    build_root = RpmBuildRoot(guest.facts.name, guest.facts.repositories)
    plain, with_snmp = (
        set(build_root.tools(keepalived_product("1.2.13", snmp=snmp).libraries)) for snmp in (False, True)
    )
    assert {"gcc", "make", "openssl-devel", "libnl3-devel", "pkgconfig"} <= plain
    assert with_snmp - plain == {"net-snmp-devel"}


@each_guest
def test_the_signing_key_is_known_by_its_whole_fingerprint(guest: RpmGuest) -> None:
    assert len(guest.facts.repositories.fingerprint) == 40
    assert guest.facts.repositories.key_name.startswith("RPM-GPG-KEY-")
