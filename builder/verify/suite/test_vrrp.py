"""VRRP and the services: which node holds a VIP, and what a client gets from it."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from builder.nodes.status import vip_holders
from builder.spec.model import Cluster
from builder.spec.service import Service
from builder.spec.values import IpAddress
from builder.verify.suite import answers
from builder.verify.suite.node import RunningNode

LOG_SECONDS = 10

pytestmark = pytest.mark.usefixtures("nodes")


@pytest.fixture
def holders(nodes: dict[str, RunningNode], cluster: Cluster) -> dict[str, list[str]]:
    """Each VIP with the names of the nodes that hold it at this moment."""
    addresses = {name: node.run("ip -o address show") for name, node in nodes.items()}
    return vip_holders(cluster, addresses)


def test_one_node_holds_the_vip(holders: dict[str, list[str]], vip: IpAddress) -> None:
    """Exactly one node holds the VIP."""
    found = holders[str(vip)]
    assert len(found) == 1, f"held by {', '.join(found) or 'no node'}"


def test_the_right_node_holds_the_vip(
    holders: dict[str, list[str]], vip: IpAddress, nodes: dict[str, RunningNode], cluster: Cluster
) -> None:
    """The node of highest priority whose HAProxy runs holds the VIP."""
    able = [node.spec for node in nodes.values() if node.units["haproxy"]["ActiveState"] == "active"]
    assert able, "HAProxy runs on no node"
    expected = next(node.name for node in cluster.ranking(cluster.vrrp.instance_of(vip)) if node in able)
    assert holders[str(vip)] == [expected], (
        f"held by {', '.join(holders[str(vip)]) or 'no node'} instead of {expected}"
    )


def test_the_vip_answers_pings(vip: IpAddress) -> None:
    """From here, the VIP answers pings."""
    assert answers.answers_ping(vip), f"{vip} does not answer"


def test_the_service_answers_on_the_vip(vip: IpAddress, service: Service) -> None:
    """From here, the service answers on the VIP."""
    if service.mode == "tcp":
        found = answers.port(vip, service.port)
        assert found == "open", f"{vip}:{service.port} is {found}"
        return
    check = service.http_check
    path = check.path if check else "/"
    status = answers.status(vip, service, path)
    assert status in check.codes if check else status < 500, (
        f"{service.mode}://{vip}:{service.port}{path} answers {status}"
    )


def test_requests_are_logged(
    holders: dict[str, list[str]], vip: IpAddress, web_service: Service, nodes: dict[str, RunningNode]
) -> None:
    """The holder writes a request from here to /var/log/haproxy.log."""
    word = f"/vipforge-verify-{uuid4().hex}"
    answers.status(vip, web_service, word)
    deadline = time.monotonic() + LOG_SECONDS
    while not any(_logged(nodes[name], word) for name in holders[str(vip)]):
        assert time.monotonic() < deadline, f"GET {word} is in no log after {LOG_SECONDS} s"
        time.sleep(1)


def _logged(node: RunningNode, word: str) -> bool:
    return word in node.run(f"grep -F {word} /var/log/haproxy.log", expected=(0, 1))
