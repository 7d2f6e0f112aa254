"""The host's settings in a bare root."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.bare import host

DUMPED = """\
Acquire "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::Verify-Peer "true";
Acquire::Check-Valid-Until "false";
Acquire::Languages:: "none";
Acquire::IndexTargets::deb::DEP-11 "";
DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
APT::Architecture "amd64";
"""


def test_only_apts_download_settings_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 0, DUMPED, "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert [line.split()[0] for line in host.apt_settings().splitlines()] == [
        "Acquire::http::Proxy",
        "Acquire::https::Verify-Peer",
        "Acquire::Check-Valid-Until",
        "Acquire::Languages::",
    ]


def test_the_environment_has_only_proxies_and_pips_settings() -> None:
    host_has = {
        "PATH": "/opt/python/bin",
        "PYTHONPATH": "/x",
        "VIPFORGE_CACHE": "/y",
        "HOME": "/home/me",
        "SECRET": "1",
    }
    kept = {"PIP_INDEX_URL": "https://index.example", "https_proxy": "http://proxy.example", "CI": "true"}
    environment = host.environment({**host_has, **kept})
    assert {name: environment[name] for name in kept} == kept
    assert environment["HOME"] == "/root"
    assert environment["PATH"].split(":")[0] == "/usr/local/sbin"
    assert not {"PYTHONPATH", "VIPFORGE_CACHE", "SECRET"} & set(environment)


def test_folders_in_pips_settings_are_visible_in_the_root(tmp_path: Path) -> None:
    index, wheels = tmp_path / "copy" / "simple", tmp_path / "wheels"
    index.mkdir(parents=True)
    wheels.mkdir()
    texts = (f"[global]\nfind-links = {wheels}\nextra-index-url = file://{index}\ncert = /etc/ssl/x.crt\n", "/none")
    assert host.pip_folders(iter(texts)) == (wheels, index.parent)


def test_an_index_on_a_server_is_not_a_folder() -> None:
    assert host.pip_folders(iter(["index-url = https://index.example/tmp"])) == ()


def test_settings_are_copied_to_where_the_root_looks_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, root = tmp_path / "home", tmp_path / "root"
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text("[global]\n")
    monkeypatch.setattr(Path, "home", lambda: home)
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    host.copy_settings(root)
    assert (root / "root" / ".config" / "pip" / "pip.conf").read_text() == "[global]\n"
    assert (root / "etc" / "resolv.conf").is_symlink() is False
    assert (root / "etc" / "resolv.conf").read_text() == Path("/etc/resolv.conf").read_text()
