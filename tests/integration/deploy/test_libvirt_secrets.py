"""Planted secrets are in the seeds' volumes, which only root can read, and appear nowhere else."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.core.progress import carry_out, plan_text
from builder.deploy.libvirt import LibvirtOptions
from builder.deploy.libvirt.host import Host
from builder.deploy.libvirt.hypervisor import LibvirtHypervisor
from builder.spec.model import Cluster
from tests.integration.deploy.conftest import fake_bake
from tests.specs import quickstart

pytestmark = pytest.mark.integration
PASSWORD = "planted-password-7c1f"


@pytest.fixture
def cluster(image: Cluster, tmp_path: Path) -> Cluster:
    """The cluster, with a password in its seeds."""
    file = tmp_path / "statistics"
    file.write_text(f"{PASSWORD}\n")
    return fake_bake(
        image.model_copy(update={"statistics": quickstart(statistics={"password": str(file)}).statistics})
    )


def put(cluster: Cluster, host: Host, bridge: str) -> str:
    with ExitStack() as stack:
        libvirt = LibvirtHypervisor(LibvirtOptions((host.uri,), bridge=bridge), stack)
        todo = libvirt.deployment([cluster])
        shown = plan_text(todo)
        carry_out(todo)
        return shown + plan_text(libvirt.removal(cluster))


def test_a_secret_is_in_the_seeds_and_nowhere_else(
    cluster: Cluster, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = put(cluster, host, "br0")
    domains = [host.domains._connection.lookupByName(name).XMLDesc(0) for name in host.domains.names()]
    assert len(domains) == 2
    for text in (shown, *domains, *capsys.readouterr()):
        assert PASSWORD not in text
    folder = Path(host.uri.partition("socket=")[2]).parent
    containing = [path for path in folder.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert sorted(path.suffix for path in containing) == [".iso", ".iso"]
    assert {path.stat().st_mode & 0o777 for path in (folder / "pool").iterdir()} == {0o600}


def test_an_error_reveals_no_secret(cluster: Cluster, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError) as failure:
        put(cluster, host, "br-none")
    assert PASSWORD not in str(failure.value) + "".join(capsys.readouterr())
