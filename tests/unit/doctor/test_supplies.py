"""The environment, mirrors, the cache, and whether they provide what a spec needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.doctor import Finding, supplies
from builder.sources import all_pins
from builder.spec.model import Cluster
from tests.specs import quickstart


def named(name: str, cluster: object = None) -> list[Finding]:
    return [each for each in supplies.supply_findings(cluster) if each.name == name]


def cluster(mirror: str | None = None, **changes: object) -> Cluster:
    return quickstart(**{"guest": "debian12", "image": {"mirror": mirror}, **changes})


def test_a_mirror_that_answers(good_host: Path) -> None:
    (found,) = named("Debian mirror")
    assert found == Finding("Debian mirror", "ok", f"file://{good_host.parent}/debian has bookworm")


@pytest.mark.usefixtures("good_host")
def test_passwords_in_variables_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_VSPHERE_PASSWORD", "hunter2")
    monkeypatch.setenv("https_proxy", "http://me:hunter2@proxy.example:3128/")
    (found,) = named("environment")
    assert "VIPFORGE_VSPHERE_PASSWORD=…" in found.found
    assert "https_proxy=http://…@proxy.example:3128/" in found.found
    assert "hunter2" not in found.found


def test_a_mirror_that_does_not_answer_is_reported_with_its_address(good_host: Path) -> None:
    (good_host.parent / "debian" / "dists" / "bookworm" / "InRelease").unlink()
    (found,) = named("Debian mirror")
    assert found.state == "lacks"
    assert found.found.startswith(f"file://{good_host.parent}/debian/dists/bookworm/InRelease: ")
    assert "docs/offline.md" in found.advice


def test_the_mirror_in_the_spec_is_checked_instead(good_host: Path) -> None:
    (good_host / "sources.list").unlink()
    states = [each.state for each in named("Debian mirror", cluster(mirror=f"file://{good_host.parent}/debian"))]
    assert states == ["ok", "lacks"]  # the second is the folder of security updates beside it


def test_for_a_guest_of_the_rpm_family_its_mirror_is_checked(good_host: Path) -> None:
    vault = good_host.parent / "vault"
    (vault / "os" / "x86_64").mkdir(parents=True)
    (vault / "os" / "x86_64" / "RPM-GPG-KEY-CentOS-7").write_text("key")
    (found,) = named("package mirror", cluster(f"file://{vault}", guest="centos7"))
    assert found == Finding("package mirror", "ok", f"file://{vault} has RPM-GPG-KEY-CentOS-7")
    assert named("Debian mirror", cluster(f"file://{vault}", guest="centos7")) == []


@pytest.mark.usefixtures("good_host")
def test_in_offline_mode_no_vendor_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_OFFLINE", "1")
    found = named("package mirror", cluster(guest="centos7"))
    assert {each.state for each in found} == {"note"}
    assert all("not checked" in each.found for each in found)


@pytest.mark.usefixtures("good_host")
def test_in_offline_mode_no_mirror_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a mirror was contacted")

    monkeypatch.setenv("VIPFORGE_OFFLINE", "1")
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    (found,) = named("Debian mirror")
    assert found.state == "note"
    assert "not checked" in found.found


@pytest.mark.usefixtures("good_host")
def test_variables_that_are_set_are_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIPFORGE_MIRROR", f"{tmp_path}:/no/such/folder")
    (shown,) = named("environment")
    assert f"VIPFORGE_MIRROR={tmp_path}:/no/such/folder" in shown.found
    (absent,) = named("VIPFORGE_MIRROR")
    assert absent.found == "/no/such/folder is not a folder"


@pytest.mark.usefixtures("good_host")
def test_an_empty_cache() -> None:
    (found,) = named("cache")
    assert found.found == f"0 of {len(all_pins())} sources; layers: none; 0 MiB"


@pytest.mark.usefixtures("good_host")
def test_layers_are_counted_by_kind(tmp_path: Path) -> None:
    for place in ("base/1", "base/2", "foundation/3"):
        folder = tmp_path / "cache" / "layers" / place
        folder.mkdir(parents=True)
        (folder / "digests.json").write_text("{}")
    (found,) = named("cache")
    assert "layers: 2 base, 1 foundation" in found.found


@pytest.mark.usefixtures("good_host")
def test_a_spec_adds_its_guest_and_its_keepalived() -> None:
    (guest,) = named("guest", cluster())
    (source,) = named("keepalived", cluster(keepalived="2.2.7"))
    assert guest.found == "guest: debian12 means Debian 12 here"
    assert source == Finding("keepalived", "note", "2.2.7: its source is not cached; it will be fetched to compile it")


@pytest.mark.usefixtures("good_host")
def test_a_spec_that_this_release_cannot_bake_is_reported_as_lacking() -> None:
    (found,) = named("spec", cluster(keepalived="9.9.9"))
    assert found.state == "lacks"
    assert "keepalived 9.9.9 is not pinned" in found.found


@pytest.mark.usefixtures("good_host")
@pytest.mark.parametrize(
    ("there", "state", "words"), [(True, "note", "is reachable"), (False, "lacks", "neither cached nor reachable")]
)
def test_the_vendors_base_is_checked(monkeypatch: pytest.MonkeyPatch, there: bool, state: str, words: str) -> None:
    monkeypatch.setattr(supplies, "in_reach", lambda *_, **__: there)
    (found,) = named("base", cluster("file:///nowhere", guest="centos7"))
    assert (found.state, words in found.found) == (state, True)
    assert found.found.startswith("CentOS-7-x86_64-GenericCloud-2211.qcow2 ")
    assert named("base", cluster(guest="debian12")) == []


@pytest.mark.usefixtures("good_host")
def test_the_keepalived_that_the_profile_needs_is_checked() -> None:
    (source,) = named("keepalived", cluster("file:///nowhere", guest="centos7"))
    assert source.found.startswith("2.3.4: ")
