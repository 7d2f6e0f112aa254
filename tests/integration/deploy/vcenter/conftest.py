"""A simulated vCenter for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.deploy.vsphere import VsphereOptions
from builder.deploy.vsphere.session import Login, connected
from builder.deploy.vsphere.site import Site, find_site
from tests.vcenter import Vcenter, build_simulator, start_simulator


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled simulator."""
    return build_simulator(tmp_path_factory.mktemp("vcenter"))


@pytest.fixture
def vcenter(program: Path) -> Iterator[Vcenter]:
    """A running simulator with an empty inventory."""
    with start_simulator(program) as running:
        yield running


@pytest.fixture
def login(vcenter: Vcenter) -> Login:
    """The login that the simulator accepts."""
    return vcenter.login


@pytest.fixture
def site(login: Login) -> Iterator[Site]:
    """The simulator's only data centre, cluster and datastore, and the network of its machines."""
    with connected(login) as service:
        yield find_site(service, VsphereOptions(login.server, login.user, network="VM Network"))
