"""keepalived and HAProxy as layers: their inputs, and when compiling them needs a connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.guests import all_guests
from builder.rootfs import compiled
from builder.rootfs.compiled import DebianBuildRoot, Job, RpmBuildRoot

VAULT = all_guests()["centos7"].repositories
DEBIAN = DebianBuildRoot("bookworm")


def centos7(mirror: str | None = None) -> RpmBuildRoot:
    return RpmBuildRoot("centos7", VAULT, mirror)


@dataclass(frozen=True)
class FakeBuildRoot:
    """A build root that records its job."""

    needs_connection: bool
    jobs: list[Job]
    release: str = "fake"

    def tools(self, libraries: tuple[str, ...]) -> tuple[str, ...]:
        return ("gcc", *libraries)

    def debian(self) -> str | None:
        return None

    def compile(self, tools: tuple[str, ...], job: Job) -> None:
        self.jobs.append(job)
        job.result.write_text(" ".join(tools))


@pytest.fixture(autouse=True)
def fetched_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiled.fetch, "fetch", lambda pin, **_: tmp_path / pin.file)
    monkeypatch.delenv("VIPFORGE_OFFLINE", raising=False)


def test_each_guest_version_and_option_has_its_own_layer() -> None:
    keepalived = [
        str(compiled.keepalived_layer(build_root, version, snmp=snmp))
        for build_root in (DEBIAN, centos7())
        for version in ("1.2.13", "2.3.4")
        for snmp in (False, True)
    ]
    assert len(set(keepalived)) == len(keepalived)


def test_the_mirror_is_not_an_input_so_that_layers_can_be_copied_to_other_sites() -> None:
    assert compiled.keepalived_layer(centos7(), "1.2.13") == compiled.keepalived_layer(
        centos7("http://mirror.example/7"), "1.2.13"
    )


def test_snmp_is_a_configure_option() -> None:
    jobs: list[Job] = []
    place = compiled.build_keepalived(
        FakeBuildRoot(needs_connection=True, jobs=jobs), "1.2.13", offline=False, snmp=True
    )
    assert jobs[0].options == ("--enable-snmp",)
    assert place.read_text() == "gcc openssl libnl snmp"


def test_haproxy_is_another_layer() -> None:
    jobs: list[Job] = []
    place = compiled.build_haproxy(FakeBuildRoot(needs_connection=False, jobs=jobs), "3.0.11", offline=False)
    assert place.name == "haproxy.tar"
    assert place.read_text() == "gcc openssl"
    assert jobs[0].script.read_text().startswith("#!/bin/sh\n# Compiles HAProxy")


def test_a_haproxy_that_needs_libsystemd_for_its_unit_is_compiled_with_it() -> None:
    """Without libsystemd, HAProxy 2.6 refuses -Ws, which its unit uses."""
    place = compiled.build_haproxy(FakeBuildRoot(needs_connection=False, jobs=[]), "2.6.12", offline=False)
    assert place.read_text() == "gcc openssl systemd"
    assert "systemd-devel" in centos7().tools(("systemd",))
    assert "libsystemd-dev" in DEBIAN.tools(("systemd",))


def test_compiling_from_a_server_is_refused_in_offline_mode() -> None:
    with pytest.raises(UserError, match=r"compiling keepalived 1\.2\.13 needs a mirror"):
        compiled.build_keepalived(FakeBuildRoot(needs_connection=True, jobs=[]), "1.2.13", offline=True)


def test_compiling_from_a_folder_works_in_offline_mode() -> None:
    assert compiled.build_keepalived(FakeBuildRoot(needs_connection=False, jobs=[]), "1.2.13", offline=True).is_file()


@pytest.mark.parametrize(
    ("build_root", "needed"),
    [(DEBIAN, True), (centos7(), True), (centos7("http://m/7"), True), (centos7("file:///srv/vault"), False)],
)
def test_only_a_folder_on_this_host_needs_no_connection(build_root: object, needed: bool) -> None:
    assert build_root.needs_connection is needed
