"""Signatures made and verified by the real minisign and GnuPG."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.core.run import CommandFailed
from builder.image.attest import signature
from builder.image.attest.signature import inspect

pytestmark = pytest.mark.real_subprocess


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minisign key without a password."""
    folder = tmp_path_factory.mktemp("keys")
    command = ["minisign", "-G", "-W", "-p", folder / "minisign.pub", "-s", folder / "minisign.key"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The name of a GPG key in a temporary keyring."""
    home = tmp_path / "home"
    (home / ".gnupg").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    name = "ops@example.com"
    make = ["gpg", "--batch", "--passphrase", "", "--quick-gen-key", name, "ed25519", "sign"]
    subprocess.run(make, check=True, capture_output=True)
    yield name
    for folder in filter(Path.is_dir, (home / ".gnupg", tmp_path / "elsewhere")):
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=True)


@pytest.fixture
def keyring_elsewhere(keyring: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The same key in a keyring that GNUPGHOME names, while the home folder has none."""
    subprocess.run(["gpgconf", "--kill", "all"], check=True)
    (tmp_path / "home" / ".gnupg").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "elsewhere"))
    return keyring


def test_minisign(baked: Path, keys: Path) -> None:
    assert signature.sign(baked.parent, str(keys / "minisign.key")).name == "SHA256SUMS.minisig"
    assert inspect(baked).signature.state == "not checked"
    assert inspect(baked, keys / "minisign.pub").signature.state == "good"


def test_minisign_detects_changed_digests(baked: Path, keys: Path) -> None:
    signature.sign(baked.parent, str(keys / "minisign.key"))
    sums = baked.parent / "SHA256SUMS"
    sums.write_text("".join(reversed(sums.read_text().splitlines(keepends=True))))
    inspection = inspect(baked, keys / "minisign.pub")
    assert (inspection.signature.state, inspection.good) == ("bad", False)


def test_gpg_uses_the_keyring_that_gnupghome_names(baked: Path, keyring_elsewhere: str) -> None:
    assert signature.sign(baked.parent, keyring_elsewhere).name == "SHA256SUMS.asc"
    assert inspect(baked).signature.state == "good"


def test_gpg(baked: Path, keyring: str) -> None:
    assert signature.sign(baked.parent, keyring).name == "SHA256SUMS.asc"
    assert inspect(baked).signature.state == "good"


def test_gpg_without_the_signers_key(
    baked: Path, keyring: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    signature.sign(baked.parent, keyring)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert inspect(baked).signature.state == "not checked"


def test_an_unknown_key_is_an_error(baked: Path, keyring: str) -> None:
    with pytest.raises(CommandFailed, match="nobody@"):
        signature.sign(baked.parent, keyring.replace("ops", "nobody"))


def test_with_a_key_the_image_must_be_signed(baked: Path, keys: Path) -> None:
    assert not inspect(baked, keys / "minisign.pub").good
    signature.sign(baked.parent, str(keys / "minisign.key"))
    with pytest.raises(UserError, match=r"missing\.pub is missing"):
        inspect(baked, keys / "missing.pub")
