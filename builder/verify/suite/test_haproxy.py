"""HAProxy: its configuration, its ports and its log."""

from __future__ import annotations

from builder.spec.backends import has_tables
from builder.spec.model import Cluster
from builder.spec.values import endpoint
from builder.verify.suite.answers import LOG_SOCKET
from builder.verify.suite.node import RunningNode, one_line


def test_configuration_is_accepted(node: RunningNode) -> None:
    """HAProxy accepts its configuration."""
    node.output("haproxy test")


def test_listens_on_every_vip(node: RunningNode, cluster: Cluster) -> None:
    """HAProxy listens on every VIP and port, whether or not the node holds the VIP."""
    listening = {_bracketed(line.split()[3]) for line in node.lines("listening")[1:]}
    expected = {endpoint(vip, each.port) for each in cluster.services for vip in each.vips or cluster.vrrp.vips}
    if cluster.statistics:
        expected.add(endpoint(cluster.statistics_address(node.spec), cluster.statistics.port))
    assert expected <= listening, f"nothing listens on {', '.join(sorted(expected - listening))}"


def test_exchanges_its_tables(node: RunningNode, cluster: Cluster) -> None:
    """HAProxy is connected to that of every other node, if services have affinity by source."""
    others = {str(each.address) for each in cluster.nodes if each != node.spec and has_tables(cluster.services)}
    missing = others - {_address(word) for line in node.lines("peers") for word in line.split()[-2:]}
    assert not missing, f"no connection with {', '.join(sorted(missing))}"


def test_rsyslog_writes_the_log(node: RunningNode) -> None:
    """Messages to HAProxy's log socket reach /var/log/haproxy.log through rsyslog."""
    found = node.answers["log line"]
    assert found.code == 0, f"a line sent to {LOG_SOCKET} is not in the log: {one_line(found.text) or 'it never came'}"


def _bracketed(listener: str) -> str:
    """Return ss's address and port with brackets around IPv6 addresses, which CentOS 7's ss omits."""
    address, _, port = listener.rpartition(":")
    return listener if "[" in address or ":" not in address else f"[{address}]:{port}"


def _address(endpoint: str) -> str:
    return endpoint.rpartition(":")[0]
