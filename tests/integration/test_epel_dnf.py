"""The appliance's EPEL repository, read by the real dnf, and the trust in EPEL's key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.core.run import run
from builder.guests import Facts, all_guests
from builder.render import appliance
from builder.rootfs.disk import as_guest_root
from tests.integration.rpm_vendor import Package, Signer, build, publish
from tests.specs import quickstart

pytestmark = pytest.mark.integration

CENTOS7 = all_guests()["centos7"]
EPEL = "epel@example.com"
KEYS = "etc/pki/rpm-gpg"


def on_disk(folder: Path) -> Facts:
    """CentOS 7 with its vault and EPEL's archive in folders on this host."""
    vault = replace(CENTOS7.repositories, mirrors=(f"file://{folder}/vault",), paths=(("extras", "extras/x86_64"),))
    return replace(CENTOS7, repositories=vault, epel=replace(CENTOS7.epel, mirrors=(f"file://{folder}/epel",)))


@dataclass(frozen=True)
class Site:
    """Two vendors, each with a key, and the root of an appliance that trusts only the first one's."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def dnf(self, *words: str) -> None:
        """Run dnf on the appliance's root with the repositories that it contains; raises CommandFailed."""
        own = [f"--setopt=reposdir={self.root}/etc/yum.repos.d", f"--setopt=cachedir={self.folder}/cache"]
        plain = ["--setopt=tsflags=noscripts", "--setopt=install_weak_deps=False", "--releasever=7", "--assumeyes"]
        where = ["dnf", f"--config={self.folder}/dnf.conf", f"--installroot={self.root}", "--forcearch=x86_64"]
        run(as_guest_root(["unshare", "--mount", "--", *where, *own, *plain, *words]), timeout=120)

    def add_repository(self, name: str) -> None:
        """Put a rendered .repo file into the root; dnf looks for keys on the host, so the paths are adjusted."""
        spec = quickstart(guest="centos7", image={"epel": True})
        text = appliance(spec, on_disk(self.folder), "2.3.4")[f"/etc/yum.repos.d/{name}"].content
        place = self.root / "etc" / "yum.repos.d" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("gpgkey=file:///", f"gpgkey=file://{self.root}/"))


def signed(folder: Path, signer: Signer, package: Package) -> Path:
    rpm = build(folder, package)
    signer.sign(rpm)
    return rpm


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    vendor = Signer.made(tmp_path / "vendor", "vendor@example.com")
    epel = Signer.made(tmp_path / "fedora", EPEL)
    (tmp_path / "KEY").write_text(epel.key)
    key = CENTOS7.epel.key
    brings = f"mkdir -p %{{buildroot}}/{KEYS}\ncp {tmp_path}/KEY %{{buildroot}}{key}"
    toolbox = signed(tmp_path, vendor, Package("toolbox"))
    release = signed(tmp_path, vendor, Package("epel-release", "none", brings, key))
    publish(tmp_path / "vault/extras/x86_64", toolbox, release)
    tool = "mkdir -p %{buildroot}/opt\necho >%{buildroot}/opt/htop"
    publish(tmp_path / "epel/x86_64", signed(tmp_path, epel, Package("htop", "none", tool, "/opt/htop")))
    site = Site(tmp_path)
    (tmp_path / "dnf.conf").write_text("[main]\n")
    (site.root / KEYS).mkdir(parents=True)
    (site.root / KEYS / CENTOS7.repositories.key_name).write_text(vendor.key)
    site.add_repository("vipforge.repo")
    yield site
    vendor.end()
    epel.end()


def test_a_package_from_epel_is_trusted_with_the_key_that_the_vendor_ships(site: Site) -> None:
    site.dnf("install", "epel-release")
    site.add_repository("vipforge-epel.repo")
    site.dnf("install", "htop")
    assert (site.root / "opt" / "htop").exists()


def test_without_that_key_nothing_from_epel_is_installed(site: Site) -> None:
    site.add_repository("vipforge-epel.repo")
    with pytest.raises(UserError, match="RPM-GPG-KEY-EPEL-7"):
        site.dnf("install", "htop")
    assert not (site.root / "opt" / "htop").exists()


def test_a_package_with_another_signature_is_refused(site: Site) -> None:
    site.dnf("install", "epel-release")
    site.add_repository("vipforge-epel.repo")
    stranger = Signer.made(site.folder / "stranger", "stranger@example.com")
    (package,) = (site.folder / "epel" / "x86_64").glob("*.rpm")
    stranger.sign(package)
    stranger.end()
    publish(package.parent)
    with pytest.raises(UserError, match="Public key for htop"):
        site.dnf("install", "htop")
    assert not (site.root / "opt" / "htop").exists()


def test_epels_own_release_package_never_replaces_the_vendors(site: Site) -> None:
    site.dnf("install", "epel-release")
    site.add_repository("vipforge-epel.repo")
    (site.folder / "newer").mkdir()
    brings = "mkdir -p %{buildroot}/opt\necho >%{buildroot}/opt/newer"
    own = Package("epel-release", "none", brings, "/opt/newer", version="2")
    publish(site.folder / "epel" / "x86_64", signed(site.folder / "newer", Signer(site.folder / "fedora", EPEL), own))
    site.dnf("upgrade")
    assert not (site.root / "opt" / "newer").exists()
