"""haproxy.cfg of every example and with every option, checked by real releases of HAProxy."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core import paths
from builder.core.run import contain, run
from builder.guests import all_guests
from builder.render import appliance
from builder.rootfs.mirror import KEYRING, mirror
from builder.seed.identity import identity_files
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import examples
from tests.options import every_option

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
CONFIGURATION = "/etc/haproxy/haproxy.cfg"
CHECK = "/usr/libexec/vipforge/check-haproxy"
UNPACK_SECONDS = 600
RELEASES = {"2.6": "bookworm", "3.0": "trixie"}
"""HAProxy's release, and the Debian release that contains it."""
CLUSTERS: dict[str, Callable[[Path], Cluster]] = {
    **{name: lambda folder, name=name: load(examples.with_files(name, folder)) for name in examples.names()},
    "every option": every_option,
}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sequence[str | Path]]:
    """The command of each HAProxy release: this host's, or that of the Debian release with its own libraries."""
    return {
        release: ["haproxy"] if is_of(["haproxy"], release) else unpacked(debian, tmp_path_factory.mktemp(debian))
        for release, debian in RELEASES.items()
    }


def is_of(words: Sequence[str | Path], release: str) -> bool:
    version = subprocess.run([*words, "-v"], capture_output=True, text=True, check=True).stdout
    return version.startswith(f"HAProxy version {release}.")


def unpacked(debian: str, folder: Path) -> list[str | Path]:
    line = mirror(debian).archives[0].line(debian)
    options = ("--variant=extract", "--architectures=amd64", f"--keyring={KEYRING}", "--include=haproxy")
    words = ["mmdebstrap", "--quiet", *options, debian, folder / "root.tar", line]
    run(contain(words), timeout=UNPACK_SECONDS, env={"TMPDIR": str(folder)})
    run(["tar", "--extract", "--file", folder / "root.tar", "--directory", folder], timeout=UNPACK_SECONDS)
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    own = [folder / "lib/x86_64-linux-gnu", libraries]  # two folders before the /usr merge
    start = next(path for path in (each / "ld-linux-x86-64.so.2" for each in own) if path.exists())
    return [start, "--library-path", ":".join(map(str, own)), folder / "usr/sbin/haproxy"]


def write_files(cluster: Cluster, release: str, folder: Path) -> Path:
    """Write the guest's files and the first node's own below a folder, with the paths inside them adjusted."""
    facts = replace(FACTS, haproxy_version=release)
    contents = {path: file.content for path, file in appliance(cluster, facts, FACTS.default_keepalived).items()}
    contents |= identity_files(cluster, cluster.nodes[0])
    root = folder / "root"
    for path, content in contents.items():
        own = root / path.lstrip("/")
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(re.sub(r"(?=/etc/(vipforge|haproxy)\b)", str(root), content))
    return root


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", CLUSTERS)
def test_haproxy_accepts_the_file_without_a_warning(
    name: str, release: str, programs: dict[str, Sequence[str | Path]], tmp_path: Path
) -> None:
    assert is_of(programs[release], release)
    root = write_files(CLUSTERS[name](tmp_path / "spec"), release, tmp_path)
    statistics = root / "etc/vipforge/statistics.cfg"
    more = ["-f", statistics] if statistics.exists() else []
    words = [*programs[release], "-c", "-f", f"{root}{CONFIGURATION}", *more]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_bake_checks_everything_except_missing_certificates(tmp_path: Path) -> None:
    root = write_files(load(examples.with_files("exchange2013", tmp_path / "spec")), "2.6", tmp_path)
    configuration = root / CONFIGURATION.lstrip("/")
    configuration.write_text(configuration.read_text().replace(f"{root}/etc/vipforge", "/etc/vipforge"))
    program = paths.resources("packer", "overlay", "common", *CHECK.split("/"))
    assert subprocess.run(["sh", program, configuration]).returncode == 0
    configuration.write_text(configuration.read_text().replace("balance leastconn", "balance by-chance"))
    assert subprocess.run(["sh", program, configuration], capture_output=True).returncode != 0
