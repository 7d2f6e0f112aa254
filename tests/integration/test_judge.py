"""HAProxy and keepalived in a root judge the files there; the root has this host's programs instead of the guest's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core.run import run
from builder.guests import GuestFile, all_guests
from builder.image.judge import ask
from builder.render import appliance
from builder.seed.identity import identity_files, keepalived_conf
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import examples

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
CONFIGURATION = "/etc/haproxy/haproxy.cfg"
KEEPALIVED = "/judgement/lb1.conf"
PROGRAMS = ("haproxy", "sh", "env", "grep", "sed", "cat")
MERGED = ("bin", "sbin", "lib", "lib64")
SHARED = re.compile(r"(/\S+) \(0x")


def libraries(program: str | Path) -> Iterator[str]:
    yield from SHARED.findall(subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def tars(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A root with the programs that the judgement needs, and keepalived."""
    folder = tmp_path_factory.mktemp("root")
    run(["tar", "--extract", "--file", keepalived_build, "--directory", folder], timeout=60)
    programs = [found for name in PROGRAMS if (found := shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin"))]
    files = {*programs, *(file for each in programs for file in libraries(each))}
    files |= set(libraries(folder / "usr/local/sbin/keepalived"))
    with tarfile.open(folder / "root.tar", "w") as tar:
        for name in MERGED:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        for path in files:
            tar.add(os.path.realpath(path), "usr/" + path.lstrip("/").removeprefix("usr/"))
        for path in ("/etc/passwd", "/etc/group"):
            tar.add(path)
        for name in ("var/lib/haproxy", "run"):
            tar.addfile(_folder(name))
    return folder / "root.tar", keepalived_build


def _folder(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    return entry


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return load(examples.with_files("webfarm", tmp_path))


def files_of(cluster: Cluster, *, private: bool) -> dict[str, GuestFile]:
    files = appliance(cluster, FACTS, FACTS.default_keepalived)
    node = cluster.nodes[0]
    files[KEEPALIVED] = GuestFile(keepalived_conf(cluster, node, FACTS, FACTS.default_keepalived, "ens3"), 0o644)
    if private:
        files |= {path: GuestFile(text, 0o600) for path, text in identity_files(cluster, node).items()}
    return files


@pytest.mark.parametrize("private", [False, True])
def test_good_files_are_accepted_with_or_without_certificates(
    tars: tuple[Path, ...], cluster: Cluster, private: bool
) -> None:
    found = ask(tars, files_of(cluster, private=private), "ens3")
    assert found.complaints == ()
    assert re.fullmatch(r"HAProxy [0-9.]+\S* and keepalived 2\.3\.3", found.judges)


@pytest.mark.parametrize(
    ("path", "change", "section"),
    [
        (CONFIGURATION, ("mode http\n", "mode carrier-pigeon\n"), "to-https.frontend"),
        (KEEPALIVED, ("virtual_router_id ", "virtual_router_id 9999"), "VI_1"),
    ],
)
def test_what_a_program_refuses_names_the_section(
    tars: tuple[Path, ...], cluster: Cluster, path: str, change: tuple[str, str], section: str
) -> None:
    files = files_of(cluster, private=False)
    changed = files[path].content.replace(*change, 1)
    assert changed != files[path].content
    found = ask(tars, files | {path: GuestFile(changed, 0o644)}, "ens3")
    assert {named for _, named in found.complaints} == {section}


def test_a_certificate_that_haproxy_cannot_read_is_found(tars: tuple[Path, ...], cluster: Cluster) -> None:
    files = files_of(cluster, private=True)
    pem = next(path for path in files if path.startswith("/etc/vipforge/tls/"))
    found = ask(tars, files | {pem: GuestFile("nonsense\n", 0o600)}, "ens3")
    assert any(pem in text for text, _ in found.complaints)
