"""The identity: what the seed contains, and how the node applied it."""

from __future__ import annotations

import json

from builder.seed.identity import identity
from builder.spec.model import Cluster
from builder.verify.suite.node import RunningNode, one_line

SSH_PORT = "22"


def test_identity_matches_the_spec(node: RunningNode, cluster: Cluster) -> None:
    """/etc/vipforge/identity matches the spec."""
    found = dict(line.split("=", 1) for line in node.lines("identity"))
    expected = identity(cluster, node.spec)
    if found.get("INTERFACE") == "auto":  # as good as a name: the node finds the interface that has its address
        expected["INTERFACE"] = "auto"
    other = [f"{key}={found.get(key)}" for key in sorted(expected | found) if found.get(key) != expected.get(key)]
    assert not other, f"differs from the spec: {', '.join(other)}"


def test_host_name(node: RunningNode) -> None:
    """The host name is the node's full name."""
    found = node.output("host name").strip()
    assert found == node.spec.name, f"the host name is {found}"


def test_host_name_resolves(node: RunningNode) -> None:
    """The node's name resolves to its own address."""
    found = {line.split()[0] for line in node.lines("own name")}
    assert found == {str(node.spec.address)}, f"{node.spec.name} resolves to {', '.join(sorted(found))}"


def test_address(node: RunningNode, cluster: Cluster) -> None:
    """The node has its addresses with the prefix lengths of the spec."""
    addresses = {line.split()[3] for line in node.lines("addresses")}
    expected = {f"{node.spec.address}/{cluster.network.prefix}"}
    if node.spec.address6:
        expected.add(f"{node.spec.address6}/{cluster.network.prefix6}")
    if cluster.management:
        expected.add(f"{node.spec.management}/{cluster.management.prefix}")
    assert expected <= addresses, f"it has {', '.join(sorted(addresses))}"


def test_ssh_listens(node: RunningNode, cluster: Cluster) -> None:
    """SSH listens on the management address alone, or on every address if there is none."""
    listeners = (line.split()[3].rpartition(":") for line in node.lines("listening")[1:])
    found = {address for address, _, port in listeners if port == SSH_PORT}
    alone = cluster.management is not None and cluster.management.ssh
    wrong = found != {str(node.spec.management)} if alone else not found
    assert not wrong, f"it listens on {', '.join(sorted(found)) or 'no address'}"


def test_default_route(node: RunningNode, cluster: Cluster) -> None:
    """The default route matches the spec's gateway."""
    found = [line.split()[2] for line in node.lines("routes")]
    expected = [str(cluster.network.gateway)] if cluster.network.gateway else []
    assert found == expected, f"it is {', '.join(found) or 'missing'}"
    if cluster.network.gateway6:  # routers may announce others
        found = [line.split()[2] for line in node.lines("IPv6 routes")]
        assert str(cluster.network.gateway6) in found, f"that of IPv6 is {', '.join(found) or 'missing'}"


def test_cloud_init_finishes_without_errors(node: RunningNode) -> None:
    """cloud-init finished without errors."""
    errors = json.loads(node.output("cloud-init result"))["v1"]["errors"]
    assert errors == [], one_line("\n".join(errors))


def test_user_data_is_valid(node: RunningNode) -> None:
    """cloud-init accepts the node's user-data."""
    node.output("cloud-init schema")
