"""A simulated vCenter for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.deploy.vsphere import VsphereOptions
from builder.deploy.vsphere.session import Login, connected
from builder.deploy.vsphere.site import Site, site
from tests.vcenter import Vcenter, compiled, started


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulator, compiled."""
    return compiled(tmp_path_factory.mktemp("vcenter"))


@pytest.fixture
def vcenter(program: Path) -> Iterator[Vcenter]:
    """A running simulator with an empty inventory."""
    with started(program) as running:
        yield running


@pytest.fixture
def who(vcenter: Vcenter) -> Login:
    """Who may log in there."""
    return vcenter.who


@pytest.fixture
def place(who: Login) -> Iterator[Site]:
    """The only data centre, cluster and datastore, and the machines' network."""
    with connected(who) as service:
        yield site(service, VsphereOptions(who.server, who.user, network="VM Network"))
