"""The pair in namespaces: keepalived built for debian12, and one cluster per profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from builder.guests import all_guests
from builder.lab import netns
from builder.lab.netns import NamespacedPair
from builder.rootfs import compiled
from builder.rootfs.compiled import DebianBuildRoot
from builder.spec.model import Cluster
from tests.integration.standin import StandIn, stand_in
from tests.specs import of_profile

FACTS = all_guests()["debian12"]

StartPair = Callable[..., AbstractContextManager[NamespacedPair]]


@pytest.fixture(scope="session")
def cluster_of() -> Callable[[str], Cluster]:
    """`cluster_of(profile)` returns the quickstart's cluster with that profile."""
    return of_profile


@pytest.fixture(scope="session")
def keepalived_build() -> Path:
    """keepalived of debian12's default version, from the cache or compiled now."""
    return compiled.build_keepalived(DebianBuildRoot("bookworm"), FACTS.default_keepalived, offline=False)


@pytest.fixture(scope="session")
def start_pair(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> StartPair:
    """`start_pair(profile)` is a context manager that yields the pair's nodes; no daemon runs yet.

    Further arguments replace sections of the cluster.
    """

    @contextmanager
    def start(profile: str, **sections: object) -> Iterator[NamespacedPair]:
        cluster = of_profile(profile).model_copy(update=sections)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VIPFORGE_STATE", str(tmp_path_factory.mktemp("state")))
            with netns.pair(cluster, FACTS, FACTS.default_keepalived, keepalived_build) as pair:
                yield pair

    return start


@pytest.fixture
def root(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in for the root of a guest of the RPM family, as in a vendor's image."""
    with stand_in(tmp_path) as root:
        yield root
