"""Compiling in a root of the RPM family, with the real dnf and a signed repository that the test creates."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.guests import Repositories, Toolchain
from builder.rootfs import dnf
from builder.rootfs.compiled import Job, RpmBuildRoot
from tests.integration.rpm_vendor import Package, Signer, build, publish

pytestmark = pytest.mark.integration

KEY = "os/x86_64/RPM-GPG-KEY-test"
SCRIPT = """\
set -eu
mkdir /build/stage
{ cat /build/source.tar.gz; echo "options: $3"; ls /dev; echo "path: $PATH"; } >/build/stage/made
tar -cf "$2" -C /build/stage .
"""


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a mirror with a signed package, and the fingerprint of the key."""
    folder = tmp_path_factory.mktemp("vendor")
    signer = Signer.made(folder / "gnupg", "vendor@example.com")
    package = build(folder, Package("toolbox"))
    signer.sign(package)
    publish(folder / "mirror" / "os" / "x86_64", package)
    (folder / "mirror" / KEY).write_text(signer.key)
    signer.end()
    return folder / "mirror", signer.fingerprint


def build_root(mirror: Path, fingerprint: str) -> RpmBuildRoot:
    repositories = Repositories("7", ("http://127.0.0.1:1/nobody",), (("os", "os/x86_64"),), KEY, fingerprint)
    return RpmBuildRoot("test", repositories, f"file://{mirror}")


def recorded(work: Job) -> list[str]:
    """The lines that the script has recorded."""
    with tarfile.open(work.result) as tar:
        return tar.extractfile("./made").read().decode().splitlines()


def job(folder: Path) -> Job:
    (folder / "layer").mkdir()
    source, script = folder / "the-source", folder / "build.sh"
    source.write_text("the source\n")
    script.write_text(SCRIPT)
    return Job(source, script, ("--enable-snmp",), folder / "layer" / "result.tar", folder / "layer" / "build.log")


def compiled(place: tuple[Path, str], folder: Path) -> Job:
    root, work = build_root(*place), job(folder)
    root.compile(root.tools(("openssl", "libnl")), work)
    return work


def test_a_source_is_compiled_in_a_root_that_is_removed_afterwards(vendor: tuple[Path, str], tmp_path: Path) -> None:
    work = compiled(vendor, tmp_path)
    assert recorded(work)[:2] == ["the source", "options: --enable-snmp"]
    assert {"null", "urandom"} <= set(recorded(work)[2:])
    assert not (tmp_path / "dnf" / "root").exists()
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def test_a_mirror_with_another_key_is_not_trusted(vendor: tuple[Path, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must contain only the vendor's signing key 0000") as caught:
        compiled((vendor[0], "0" * 40), tmp_path)
    assert vendor[1] in caught.value.message
    assert not (tmp_path / "dnf" / "root").exists()


@pytest.mark.parametrize("first", ["the vendor's", "a stranger's"])
def test_a_second_key_next_to_the_vendors_is_not_trusted(vendor: tuple[Path, str], tmp_path: Path, first: str) -> None:
    """dnf would trust both keys, and so packages that the stranger signed."""
    mirror, stranger = tmp_path / "mirror", Signer.made(tmp_path / "gnupg", "stranger@example.com")
    shutil.copytree(vendor[0], mirror)
    keys = [(mirror / KEY).read_text(), stranger.key]
    (mirror / KEY).write_text("\n".join(keys if first == "the vendor's" else keys[::-1]))
    package = build(tmp_path, Package("toolbox", version="2"))
    stranger.sign(package)
    stranger.end()
    publish(mirror / "os" / "x86_64", package)
    with pytest.raises(UserError, match="must contain only the vendor's signing key") as caught:
        compiled((mirror, vendor[1]), tmp_path)
    assert stranger.fingerprint in caught.value.message


def test_dnf_gets_only_the_key_that_gpg_has_read(vendor: tuple[Path, str], tmp_path: Path) -> None:
    """Other text in the file does not reach dnf."""
    file = tmp_path / "key"
    file.write_text(f"a comment\n{(vendor[0] / KEY).read_text()}\nanother comment\n")
    text = dnf.only_key(file, "https://mirror.example.com/key", vendor[1])
    assert text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert "comment" not in text
    assert list(tmp_path.iterdir()) == [file]


def test_a_package_without_a_signature_is_refused(vendor: tuple[Path, str], tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(vendor[0], mirror)
    for package in (mirror / "os" / "x86_64").glob("*.rpm"):
        package.unlink()
    publish(mirror / "os" / "x86_64", build(tmp_path, Package("unsigned")))
    with pytest.raises(UserError) as caught:
        compiled((mirror, vendor[1]), tmp_path)
    assert "is not signed" in str(caught.value)
    assert not (tmp_path / "layer" / "result.tar").exists()


def test_a_mirror_without_its_folders_is_an_error(vendor: tuple[Path, str], tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(vendor[0], mirror)
    shutil.rmtree(mirror / "os" / "x86_64" / "repodata")
    with pytest.raises(UserError, match=f"downloading packages from file://{mirror} failed") as caught:
        compiled((mirror, vendor[1]), tmp_path)
    assert "image: mirror" in caught.value.hint


def test_a_mirror_without_a_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"file://{tmp_path}/{KEY}: No such file"):
        compiled((tmp_path, "0" * 40), tmp_path)


def test_repositories_of_the_host_are_not_used(vendor: tuple[Path, str], tmp_path: Path) -> None:
    root = build_root(*vendor)
    text = dnf.configuration(dnf.Root(root.repositories, ("http://a", "http://b"), ()), tmp_path)
    assert "baseurl=http://a/os/x86_64/ http://b/os/x86_64/" in text
    assert f"reposdir={tmp_path}/none" in text
    assert "gpgcheck=1" in text


NEWER = Toolchain(
    repository="newer",
    path="newer/x86_64",
    key_package="newer-release",
    key="/etc/pki/rpm-gpg/KEY-newer",
    packages=("newer-gcc",),
    programs="/opt/newer/bin",
)


@pytest.fixture(scope="session")
def collection(vendor: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The vendor's mirror with a newer compiler, signed with a key from one of the vendor's packages."""
    folder = tmp_path_factory.mktemp("collection")
    shutil.copytree(vendor[0], folder / "mirror")
    other = Signer.made(folder / "gnupg", "collection@example.com")
    (folder / "KEY-newer").write_text(other.key)
    keys, programs = "%{buildroot}/etc/pki/rpm-gpg", "%{buildroot}/opt/newer/bin"
    release = build(
        folder, Package("newer-release", "none", f"mkdir -p {keys}\ncp {folder}/KEY-newer {keys}", NEWER.key)
    )
    compiler = build(
        folder, Package("newer-gcc", "none", f"mkdir -p {programs}\necho >{programs}/gcc", "/opt/newer/bin/gcc")
    )
    Signer(vendor[0].parent / "gnupg", "vendor@example.com").sign(release)
    other.sign(compiler)
    publish(folder / "mirror" / "os" / "x86_64", release)
    publish(folder / "mirror" / "newer" / "x86_64", compiler)
    other.end()
    return folder / "mirror", vendor[1]


def test_a_newer_compiler_is_trusted_with_a_key_from_the_vendors_package(
    collection: tuple[Path, str], tmp_path: Path
) -> None:
    work, root = job(tmp_path), replace(build_root(*collection), toolchain=NEWER)
    root.compile(root.tools(("openssl", "libnl")), work)
    assert recorded(work)[-1].startswith("path: /opt/newer/bin:/")


def test_a_newer_compiler_with_another_signature_is_refused(collection: tuple[Path, str], tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(collection[0], mirror)
    stranger = Signer.made(tmp_path / "gnupg", "stranger@example.com")
    (package,) = (mirror / "newer" / "x86_64").glob("*.rpm")
    stranger.sign(package)
    stranger.end()
    publish(mirror / "newer" / "x86_64")
    root = replace(build_root(mirror, collection[1]), toolchain=NEWER)
    with pytest.raises(UserError) as caught:
        root.compile(root.tools(("openssl", "libnl")), job(tmp_path))
    assert "newer-gcc" in str(caught.value)
    assert not (tmp_path / "layer" / "result.tar").exists()


def test_a_mirror_without_the_newer_compiler_is_an_error(vendor: tuple[Path, str], tmp_path: Path) -> None:
    root = replace(build_root(*vendor), toolchain=replace(NEWER, key_package="toolbox"))
    with pytest.raises(UserError, match="downloading packages from") as caught:
        root.compile(root.tools(("openssl", "libnl")), job(tmp_path))
    assert "repo 'newer'" in str(caught.value)
