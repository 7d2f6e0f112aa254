"""The examples, each copied to its own folder together with the certificates and secrets that it names."""

from __future__ import annotations

import shutil
from pathlib import Path

from builder.spec.load import load
from builder.spec.model import Cluster
from tests.certificates import issue, write_pair

FOLDER = Path(__file__).parents[1] / "examples"
PASSWORD = "correct-horse-battery"


def names() -> list[str]:
    """Return the examples' names."""
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


def with_files(name: str, folder: Path) -> Path:
    """Copy an example to a folder, with certificates for the hosts that it names; returns the copy's path."""
    path = folder / f"{name}.yml"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(FOLDER / path.name, path)
    provide(load(path))
    return path


def provide(cluster: Cluster) -> None:
    """Create the files that a spec names."""
    authority = issue("Test authority")
    hosts = tuple(sorted({host for service in cluster.services for host in service.hosts}))
    for certificate in cluster.tls.certificates:
        write_pair(certificate.chain.parent, certificate.chain.stem, issue("test", hosts, authority), authority)
    for service in cluster.services:
        if service.reencrypt and service.reencrypt.authority:
            service.reencrypt.authority.write_bytes(authority.pem())
    if cluster.statistics:
        cluster.statistics.password.parent.mkdir(parents=True, exist_ok=True)
        cluster.statistics.password.write_text(PASSWORD + "\n")
