"""haproxy.cfg of every example and of every option, read by real releases of HAProxy with its certificates."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from builder import paths
from builder.guests import known
from builder.identity.private import files
from builder.render import appliance
from builder.roots.mirror import KEYRING, mirror
from builder.run import contain, run
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import examples
from tests.options import every_option

pytestmark = pytest.mark.integration

FACTS = known()["debian12"].facts
CONFIGURATION = "/etc/haproxy/haproxy.cfg"
CHECK = "/usr/libexec/vipforge/check-haproxy"
NEXT_DEBIAN = "trixie"
UNPACK_SECONDS = 600
RELEASES = ("2.6", "3.0")
CLUSTERS: dict[str, Callable[[Path], Cluster]] = {
    **{name: lambda folder, name=name: load(examples.with_files(name, folder)) for name in examples.names()},
    "every option": every_option,
}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sequence[str | Path]]:
    """Release to the words that start it: this host's, and the next Debian's with its own libraries, unpacked."""
    folder = tmp_path_factory.mktemp(NEXT_DEBIAN)
    line = mirror("bookworm").archives[0].line(NEXT_DEBIAN)
    options = ("--variant=extract", "--architectures=amd64", f"--keyring={KEYRING}", "--include=haproxy")
    words = ["mmdebstrap", "--quiet", *options, NEXT_DEBIAN, folder / "root.tar", line]
    run(contain(words), timeout=UNPACK_SECONDS, env={"TMPDIR": str(folder)})
    run(["tar", "--extract", "--file", folder / "root.tar", "--directory", folder, "./usr"], timeout=UNPACK_SECONDS)
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    start = [libraries / "ld-linux-x86-64.so.2", "--library-path", libraries, folder / "usr/sbin/haproxy"]
    return {"2.6": ["haproxy"], "3.0": start}


def lay(cluster: Cluster, release: str, folder: Path) -> Path:
    """The guest files and the first node's own, below a folder; paths inside them lead there."""
    facts = replace(FACTS, haproxy_version=release)
    contents = {path: file.content for path, file in appliance(cluster, facts, FACTS.default_keepalived).items()}
    contents |= files(cluster, cluster.nodes[0])
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
    version = subprocess.run([*programs[release], "-v"], capture_output=True, text=True, check=True).stdout
    assert version.startswith(f"HAProxy version {release}.")
    root = lay(CLUSTERS[name](tmp_path / "spec"), release, tmp_path)
    statistics = root / "etc/vipforge/statistics.cfg"
    more = ["-f", statistics] if statistics.exists() else []
    words = [*programs[release], "-c", "-f", f"{root}{CONFIGURATION}", *more]
    told = subprocess.run(words, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_bake_checks_all_but_the_certificates_that_it_has_not(tmp_path: Path) -> None:
    root = lay(load(examples.with_files("exchange2013", tmp_path / "spec")), "2.6", tmp_path)
    configuration = root / CONFIGURATION.lstrip("/")
    configuration.write_text(configuration.read_text().replace(f"{root}/etc/vipforge", "/etc/vipforge"))
    program = paths.resources("packer", "overlay", "common", *CHECK.split("/"))
    assert subprocess.run(["sh", program, configuration]).returncode == 0
    configuration.write_text(configuration.read_text().replace("balance leastconn", "balance by-chance"))
    assert subprocess.run(["sh", program, configuration], capture_output=True).returncode != 0
