"""The RPM family with every builder that QEMU can run: real Packer bakes stand-ins of the vendors' disks.

docs/centos7.md says how the stand-ins differ from the vendors' disks. All bakes run at the same time.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from builder.guests import all_guests
from builder.sources import own_packer, pin
from builder.sources.fetch import cached
from tests.e2e.conftest import LAB_SECONDS, Session
from tests.standins.bakes import BAKE_SECONDS, Bake
from tests.standins.vendor import vendor

pytestmark = pytest.mark.e2e

NODES = FIRST, SECOND = "lb1.example.com", "lb2.example.com"
MORE = {"name": "more", "port": 8081, "servers": [{"name": "web1", "address": "192.168.56.21", "port": 8080}]}
BASE = pin("centos7-cloud", "2211")
PATHS = (("centos7", "qemu"), ("centos7", "qemu-iso"), ("rocky9", "qemu"), ("alma9", "qemu"))

Started = dict[tuple[str, str], tuple[Bake, subprocess.Popen[str]]]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Every bake, started."""
    folder, made = tmp_path_factory.mktemp("standins"), vendor()
    bakes = {path: Bake(made, folder, *path) for path in PATHS}
    for bake in bakes.values():
        bake.write_spec(MORE)
    running = {path: (bake, bake.start()) for path, bake in bakes.items()}
    try:
        yield running
    finally:
        for _, process in running.values():
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def ended(started: Started) -> dict[tuple[str, str], str]:
    """Every bake's stderr, when all have ended."""
    return {path: process.communicate(timeout=BAKE_SECONDS)[1] for path, (_, process) in started.items()}


def baked(started: Started, ended: dict[tuple[str, str], str], path: tuple[str, str]) -> Bake:
    bake, process = started[path]
    assert process.returncode == 0, ended[path]
    return bake


@pytest.mark.parametrize("path", PATHS, ids="-".join)
def test_the_guest_is_baked(started: Started, ended: dict[tuple[str, str], str], path: tuple[str, str]) -> None:
    manifest = json.loads((baked(started, ended, path).image.parent / "manifest.json").read_text())
    assert (manifest["guest"], manifest["builder"]) == path
    assert manifest["versions"]["keepalived"] == "2.3.4"
    assert {"haproxy", "firewalld", "psmisc", "rsyslog", "cloud-init"} <= manifest["packages"].keys()
    vendors = {name: version for name, version in manifest["packages"].items() if name != "gpg-pubkey"}
    assert {version.rpartition("-")[2] for version in vendors.values()} == {path[0]}


@pytest.fixture(scope="module")
def pair(started: Started, ended: dict[tuple[str, str], str]) -> Iterator[Bake]:
    """The pair with CentOS 7, booted from the image baked from the vendor's disk."""
    bake = baked(started, ended, ("centos7", "qemu"))
    up = bake.run("lab", "up", bake.spec, timeout=LAB_SECONDS)
    try:
        assert up.returncode == 0, up.stderr
        yield bake
    finally:
        bake.run("lab", "down", bake.spec)


def output(pair: Bake, node: str, command: str) -> str:
    done = pair.run("lab", "ssh", pair.spec, node, "--", command, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failed_checks(pair: Bake) -> list[Any]:
    results = json.loads(pair.run("verify", pair.spec, "--json", timeout=LAB_SECONDS).stdout)["results"]
    assert len(results) > 60
    return [each for each in results if not each["ok"]]


def test_every_check_of_verify_passes(pair: Bake) -> None:
    assert failed_checks(pair) == []


def test_a_nodes_log_lines_have_its_name(pair: Bake) -> None:
    for node in NODES:
        names = output(pair, node, "sudo cut -d ' ' -f 4 /var/log/haproxy.log | sort -u").split()
        assert names == [node.split(".", maxsplit=1)[0]]


def test_the_root_is_xfs_and_the_bake_rebuilt_the_initial_ram_disk(pair: Bake) -> None:
    """The vendor's initial RAM disk has no driver for virtio-blk, from which the lab boots."""
    assert output(pair, FIRST, "stat -f -c %T /").strip() == "xfs"
    assert output(pair, FIRST, "ls /sys/block").split().count("vda") == 1


def test_a_push_closes_a_port_that_left_the_spec(pair: Bake) -> None:
    assert "8081/tcp" in output(pair, FIRST, "sudo firewall-cmd --list-ports").split()
    pair.write_spec()
    pushed = pair.run("push", pair.spec, timeout=LAB_SECONDS)
    assert pushed.returncode == 0, pushed.stderr
    for node in NODES:
        assert output(pair, node, "sudo firewall-cmd --list-ports").split() == ["80/tcp"]


def test_a_missing_base_is_named_with_its_digest(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_MIRROR", str(cached(own_packer()).parent))  # fetched first if the host has none
    monkeypatch.setenv("VIPFORGE_CACHE", str(session.folder / "empty-cache"))
    done = session.run("image", session.spec, "--guest", "centos7", "--offline", timeout=120)
    assert done.returncode == 1
    assert all_guests()["centos7"].bases[0] == BASE.version
    for words in (*BASE.urls, f"{BASE.algorithm} {BASE.digest}", f"put {BASE.file} into a folder", "VIPFORGE_MIRROR"):
        assert words in done.stderr
