"""What the checks share: the plan, the running nodes, and the names of the results."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import testinfra

from builder.guests import GuestFile
from builder.render import appliance
from builder.spec.model import Cluster, Node
from builder.spec.service import Service
from builder.verify import plan as plans
from builder.verify.plan import CLUSTER, VerifyPlan
from builder.verify.suite.answers import ask_node, questions
from builder.verify.suite.node import RunningNode

CLOCK_SECONDS = 30
"""How long the clock may take to be synchronized after a boot, if the spec names time servers."""
PLAN = pytest.StashKey[VerifyPlan]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the only option: a file that says which cluster to check, and how to reach it."""
    parser.addoption("--plan", required=True, help="JSON file that `vipforge verify` writes (builder/verify/plan.py)")


def pytest_configure(config: pytest.Config) -> None:
    """Read the plan before checks are collected, because it names the nodes, VIPs and services."""
    config.stash[PLAN] = plans.read_plan(Path(config.getoption("--plan")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a check for each node, VIP or service that its arguments name."""
    plan = metafunc.config.stash[PLAN]
    if "node" in metafunc.fixturenames:
        names = [node.name for node in plan.chosen]
        metafunc.parametrize("node", names, indirect=True)
    kinds = {
        "service": plan.cluster.services,
        "web_service": tuple(_web(plan)),
        "tls_service": tuple(_tls(plan)),
    }
    used = [kind for kind in kinds if kind in metafunc.fixturenames]
    if "vip" in metafunc.fixturenames and not used:
        metafunc.parametrize("vip", plan.cluster.vrrp.vips, ids=str)
    for kind in used:
        pairs = [(vip, each) for each in kinds[kind] for vip in each.vips or plan.cluster.vrrp.vips]
        metafunc.parametrize(f"vip, {kind}", pairs, ids=[f"{vip}-{each.name}" for vip, each in pairs])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the checks that do not apply to the plan, and give each result its group, name and node."""
    plan = config.stash[PLAN]
    items[:] = [item for item in items if isinstance(item, pytest.Function) and _applies(item, plan)]
    for item in items:
        assert isinstance(item, pytest.Function)
        item.user_properties += _names(item)


def _applies(check: pytest.Function, plan: VerifyPlan) -> bool:
    """Checks between nodes need all of them; others need the image's manifest, a web service with a log, or TLS."""
    needs = {
        "nodes": plan.is_whole or "node" in check.fixturenames,
        "manifest_packages": bool(plan.packages),
        "web_service": bool(_web(plan)),
        "tls_service": bool(_tls(plan)),
    }
    return all(met for name, met in needs.items() if name in check.fixturenames)


def _web(plan: VerifyPlan) -> list[Service]:
    return [service for service in plan.cluster.services if service.is_web and service.log == "all"]


def _tls(plan: VerifyPlan) -> list[Service]:
    return [service for service in plan.cluster.services if service.mode == "https"]


def _names(check: pytest.Function) -> list[tuple[str, object]]:
    parameters = dict(check.callspec.params) if hasattr(check, "callspec") else {}
    node = parameters.pop("node", CLUSTER)
    title = (check.function.__doc__ or check.name).strip().splitlines()[0].rstrip(".")
    subject = ", ".join(str(getattr(value, "name", value)) for value in parameters.values())
    group = Path(check.path).stem.removeprefix("test_")
    return [("group", group), ("check", f"{title}: {subject}" if subject else title), ("node", node)]


@pytest.fixture(scope="session")
def plan(request: pytest.FixtureRequest) -> VerifyPlan:
    """The plan of this run."""
    return request.config.stash[PLAN]


@pytest.fixture(scope="session")
def cluster(plan: VerifyPlan) -> Cluster:
    """The cluster of the spec."""
    return plan.cluster


@pytest.fixture(scope="session")
def manifest_packages(plan: VerifyPlan) -> dict[str, str]:
    """Packages of the image's manifest, name to version."""
    return plan.packages


@pytest.fixture(scope="session")
def files(plan: VerifyPlan) -> dict[str, GuestFile]:
    """The files that the spec puts into the appliance."""
    return appliance(plan.cluster, plan.facts, plan.keepalived)


@pytest.fixture(scope="session")
def nodes(plan: VerifyPlan, files: dict[str, GuestFile]) -> dict[str, RunningNode]:
    """The running nodes by name; all are asked in parallel."""
    clock_seconds = CLOCK_SECONDS if plan.cluster.network.ntp else 0

    def visit(node: Node) -> RunningNode:
        host = testinfra.get_host(f"ssh://{node.name}", ssh_config=plan.ssh_config, controlpersist=0, sudo=True)
        began = time.time()
        answers = ask_node(host, questions(node, files, clock_seconds=clock_seconds))
        return RunningNode(node, host, answers, (began, time.time()))

    with ThreadPoolExecutor() as pool:
        return {running.spec.name: running for running in pool.map(visit, plan.chosen)}


@pytest.fixture
def warn(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Let the check pass with a warning about what will fail before long."""
    return lambda text: request.node.user_properties.append(("warning", text))


@pytest.fixture
def node(request: pytest.FixtureRequest, nodes: dict[str, RunningNode]) -> RunningNode:
    """The node that a check is about."""
    return nodes[request.param]
