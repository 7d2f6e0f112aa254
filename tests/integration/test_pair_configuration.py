"""The rendered configuration, read by the real programs on a node."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from builder.guests import all_guests
from builder.lab.netns import INTERFACE, NetnsNode
from builder.render import appliance
from builder.seed.identity import keepalived_conf
from builder.spec.load import load
from tests import examples

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
VERSION = FACTS.default_keepalived


@pytest.fixture(scope="module")
def node(start_pair: Callable) -> Iterator[NetnsNode]:
    """A node with its identity and without daemons."""
    with start_pair("standard") as pair:
        pair.nodes[0].identify()
        yield pair.nodes[0]


@pytest.mark.parametrize("profile", ["classic", "standard", "fast"])
def test_keepalived_accepts_the_file_of_each_profile(node: NetnsNode, cluster_of: Callable, profile: str) -> None:
    cluster = cluster_of(profile)
    node.path("/run/candidate.conf").write_text(keepalived_conf(cluster, cluster.nodes[0], FACTS, VERSION, INTERFACE))
    assert node.run("keepalived", "-t", "-f", "/run/candidate.conf", check=False).code == 0


@pytest.mark.parametrize("name", examples.names())
def test_keepalived_accepts_the_file_of_each_node_of_each_example(node: NetnsNode, name: str) -> None:
    cluster = load(examples.FOLDER / f"{name}.yml")
    for each in cluster.nodes:
        node.path("/run/candidate.conf").write_text(keepalived_conf(cluster, each, FACTS, VERSION, INTERFACE))
        assert node.run("keepalived", "-t", "-f", "/run/candidate.conf", check=False).code == 0


def test_keepalived_refuses_an_invalid_value(node: NetnsNode) -> None:
    node.path("/run/candidate.conf").write_text("vrrp_instance VI_1 { priority many }\n")
    assert node.run("keepalived", "-t", "-f", "/run/candidate.conf", check=False).code != 0


@pytest.mark.parametrize("profile", ["classic", "standard", "fast"])
def test_haproxy_accepts_its_file(node: NetnsNode, cluster_of: Callable, profile: str) -> None:
    files = appliance(cluster_of(profile), FACTS, VERSION)
    node.path("/run/candidate.cfg").write_text(files["/etc/haproxy/haproxy.cfg"].content)
    done = node.run("haproxy", "-c", "-f", "/run/candidate.cfg", check=False)
    assert (done.code, done.err) == (0, "")


def test_the_appliances_files_are_where_the_guest_has_them(node: NetnsNode, cluster_of: Callable) -> None:
    for path, file in appliance(cluster_of("standard"), FACTS, VERSION).items():
        assert node.path(path).read_text() == file.content
        assert node.path(path).stat().st_mode & 0o777 == file.mode


def test_the_host_does_not_see_them(node: NetnsNode) -> None:
    assert node.path("/etc/vipforge/identity").exists()
    assert not os.path.exists("/etc/vipforge/identity")
    assert not os.path.exists("/run/vipforge/haproxy-down")
