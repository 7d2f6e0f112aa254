"""haproxy.cfg of every example and with every option, checked by real releases of HAProxy."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from builder.core import paths
from builder.core.run import contain, run
from builder.core.waiting import until
from builder.guests import all_guests
from builder.render import appliance
from builder.rootfs.mirror import KEYRING, mirror
from builder.seed.identity import identity_files, peers_cfg
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import examples
from tests.certificates import issue, write_pair
from tests.options import every_option
from tests.specs import quickstart

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
    contents["/etc/vipforge/peers.cfg"] = peers_cfg(cluster, cluster.nodes[0], facts, FACTS.default_keepalived)
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
    cluster = CLUSTERS[name](tmp_path / "spec")
    root = write_files(cluster, release, tmp_path)
    statistics = root / "etc/vipforge/statistics.cfg"
    more = ["-f", statistics] if statistics.exists() else []
    peers = ["-f", f"{root}/etc/vipforge/peers.cfg", "-L", str(cluster.nodes[0].address)]
    words = [*programs[release], "-c", "-f", f"{root}{CONFIGURATION}", *peers, *more]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def shown_certificate(port: int, name: str | None) -> str:
    """The common name of the certificate that a client is shown who asks for that host name, or for none."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        trusting.wrap_socket(plain, server_hostname=name) as secured,
    ):
        shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    return shown.subject.rfc4514_string()


def test_clients_get_the_certificate_of_the_name_they_ask_for_and_else_the_first(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(40)]
    for name in names:
        write_pair(tmp_path, name, issue(name, (f"{name}.example.com",)))
    tls = {"certificates": [{"name": n, "chain": f"{tmp_path}/{n}.pem", "key": f"{tmp_path}/{n}.key"} for n in names]}
    web = {"name": "web", "mode": "https", "port": 443, "certificates": names}
    server = {"name": "web1", "address": "192.168.56.21", "port": 8080}
    root = write_files(quickstart(services=[{**web, "servers": [server]}], tls=tls), "2.6", tmp_path)
    configuration = root / CONFIGURATION.lstrip("/")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = configuration.read_text().partition("defaults\n")[2].replace("192.168.56.10:443", f"127.0.0.1:{port}")
    configuration.write_text(f"defaults\n{text}".replace("log global", ""))
    with launched(["/usr/sbin/haproxy", "-db", "-f", configuration], port):
        asked = {name: f"{name}.example.com" for name in names}
        assert {name: shown_certificate(port, host) for name, host in asked.items()} == {n: f"CN={n}" for n in names}
        assert shown_certificate(port, None) == "CN=c0"


@contextmanager
def launched(argv: Sequence[str | Path], port: int) -> Iterator[None]:
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: process.poll() is None and answers(port), "HAProxy to listen", limit=10)
            yield
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", ["exchange2013", "every option"])
def test_the_bake_checks_everything_except_missing_certificates(name: str, tmp_path: Path) -> None:
    root = write_files(CLUSTERS[name](tmp_path / "spec"), "2.6", tmp_path)
    configuration = root / CONFIGURATION.lstrip("/")
    configuration.write_text(configuration.read_text().replace(f"{root}/etc/vipforge", "/etc/vipforge"))
    program = paths.resources("packer", "overlay", "common", *CHECK.split("/"))
    assert subprocess.run(["sh", program, configuration]).returncode == 0
    configuration.write_text(configuration.read_text().replace("balance leastconn", "balance by-chance"))
    assert subprocess.run(["sh", program, configuration], capture_output=True).returncode != 0
