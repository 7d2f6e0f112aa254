"""Which Packer a bake uses: this host's, or vipforge's own from a Debian package."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core.errors import HostLacks, UserError
from builder.host import packer
from builder.image.packer import program as module
from builder.image.packer.program import is_available_offline, own, program

pytestmark = pytest.mark.real_subprocess

OWN = "Packer v1.6.6"
BARE_PACKER = 'case "$1" in version) echo "Packer v1.11.2" ;; esac'


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr("builder.core.run.SYSTEM_PATH", str(folder))
    monkeypatch.setenv("PATH", str(folder))
    for name in ("VIPFORGE_PACKER", "VIPFORGE_OFFLINE", "VIPFORGE_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def mirror(bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a Debian mirror with a package that contains the program; the package is pinned."""
    assert not list(bin_folder.iterdir())
    tree = tmp_path / "tree"
    script(tree / "usr" / "bin" / "packer", f'echo "{OWN}"')
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(
        "Package: packer\nVersion: 1.6.6\nArchitecture: all\nMaintainer: t <t@example.com>\nDescription: t\n"
    )
    pool = tmp_path / "debian" / "pool" / "main" / "p" / "packer"
    pool.mkdir(parents=True)
    made = pool / module.OWN.file
    subprocess.run(
        ["/usr/bin/dpkg-deb", "--build", "--root-owner-group", "-Zxz", tree, made],
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin"},
    )
    pin = replace(module.OWN, size=made.stat().st_size, digest=hashlib.sha256(made.read_bytes()).hexdigest())
    monkeypatch.setattr(module, "OWN", pin)
    monkeypatch.setattr("builder.rootfs.mirror.APT", tmp_path / "no-apt")
    return f"file://{tmp_path}/debian"


def test_this_hosts_packer_is_preferred(mirror: str, bin_folder: Path) -> None:
    path = script(bin_folder / "packer", 'echo "Packer v1.9.5"')
    assert program(mirror=mirror).path == path


def test_otherwise_vipforges_own_is_unpacked_from_the_mirror(mirror: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = program(mirror=mirror)
    assert (found.text, found.path.name) == ("1.6.6", "packer")
    assert str(found.path).startswith(str(module._layer().place))
    assert "plugins" not in capsys.readouterr().err


def test_the_second_time_it_comes_from_the_cache(mirror: str) -> None:
    assert not is_available_offline()
    first = program(mirror=mirror)
    shutil.rmtree(mirror.removeprefix("file://"))
    assert is_available_offline()
    assert program(offline=True) == first


def test_offline_it_comes_from_a_carried_folder(mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carried = tmp_path / "carried"
    carried.mkdir()
    shutil.copy(next(Path(mirror.removeprefix("file://")).rglob("*.deb")), carried)
    monkeypatch.setenv("VIPFORGE_MIRROR", str(carried))
    assert is_available_offline()
    assert program(offline=True).text == "1.6.6"


@pytest.mark.usefixtures("bin_folder")
def test_offline_without_a_package_the_hint_says_how_to_supply_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "host_address", lambda: "http://a.example/debian")
    with pytest.raises(UserError, match=r"packer_1\.6\.6.*is unavailable") as caught:
        program(offline=True)
    assert "VIPFORGE_MIRROR" in caught.value.hint


@pytest.mark.usefixtures("bin_folder")
def test_on_other_distributions_the_hint_says_how_to_fetch_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.rootfs.mirror.APT", tmp_path / "no-apt")
    with pytest.raises(HostLacks, match="name no Debian mirror") as caught:
        program()
    assert "sources fetch packer --mirror" in caught.value.hint
    assert "image: {mirror:" in caught.value.hint


def test_a_package_that_was_tampered_with_is_not_used(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OWN", replace(module.OWN, digest="0" * 64))
    with pytest.raises(UserError, match="wrong sha256"):
        program(mirror=mirror)


def test_a_packer_without_the_plugin_is_replaced_with_a_warning(
    mirror: str, bin_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = script(bin_folder / "packer", BARE_PACKER)
    assert program(mirror=mirror).text == "1.6.6"
    said = capsys.readouterr().err
    assert f"Packer 1.11.2 ({path}) has no qemu builder: using vipforge's own Packer 1.6.6" in said
    assert f"{path} plugins install github.com/hashicorp/qemu" in said


def test_another_program_called_packer_is_ignored_silently(
    mirror: str, bin_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(bin_folder / "packer", "echo 0 0")
    assert program(mirror=mirror).text == "1.6.6"
    assert "HashiCorp" not in capsys.readouterr().err


def test_an_unsuitable_packer_in_the_environment_is_an_error(
    mirror: str, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(packer.VARIABLE, str(script(bin_folder / "mine", BARE_PACKER)))
    with pytest.raises(HostLacks, match="has no qemu builder"):
        program(mirror=mirror)


def test_the_version_of_vipforges_own_is_read(mirror: str) -> None:
    assert own(mirror=mirror).version == (1, 6, 6)
