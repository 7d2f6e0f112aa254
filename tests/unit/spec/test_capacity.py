"""HAProxy's maxconn follows from the node's memory, and every hint about it leads to a spec that is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from builder.core import paths
from builder.spec.capacity import capacity_problems, max_connections
from builder.spec.model import MAX_CONNECTIONS
from builder.spec.problem import Problem
from tests.specs import quickstart

SERVER = {"name": "a", "address": "192.168.56.21", "port": 8080}
WEB = {"name": "web", "port": 80, "servers": [SERVER]}
PLAIN, SECURE = WEB, {**WEB, "mode": "https", "certificates": ["www"]}
BRIDGED = {**SECURE, "reencrypt": {}}
TLS = {"certificates": [{"name": "www", "chain": "www.pem", "key": "www.key"}]}


def problems(**keys: Any) -> list[Problem]:
    return list(capacity_problems(quickstart(**keys)))


@pytest.mark.parametrize("memory", [512, 1024, 2048, 4096])
def test_the_documented_defaults(memory: int) -> None:
    numbers = [
        max_connections(quickstart(services=[service], tls=TLS, libvirt={"memory_mib": memory}))
        for service in (PLAIN, SECURE, BRIDGED)
    ]
    row = f"| {memory} MiB | {' | '.join(map(str, numbers))} |"
    assert row in paths.resources("docs", "spec.md").read_text().splitlines()


def test_the_largest_node_stays_below_the_limit_of_open_files() -> None:
    assert max_connections(quickstart(libvirt={"memory_mib": 65536})) == MAX_CONNECTIONS


def test_the_spec_may_choose_less() -> None:
    assert max_connections(quickstart(haproxy={"maxconn": 500})) == 500
    assert problems(haproxy={"maxconn": 500}) == []


def test_tables_of_clients_take_memory() -> None:
    sticky = {**WEB, "affinity": {"by": "source"}}
    assert max_connections(quickstart(services=[sticky])) < max_connections(quickstart(services=[WEB]))


CASES = {
    "more than the memory holds": (
        {"haproxy": {"maxconn": 20000}},
        ("haproxy", "maxconn"),
        "a node with 1024 MiB of memory can hold 14800 connections, which take up to 44 KiB each",
        ("set it to 14800 or less", {"haproxy": {"maxconn": 14800}}),
        ("raise libvirt: memory_mib to 1280", {"libvirt": {"memory_mib": 1280}}),
    ),
    "tables that leave no room": (
        {"services": [{**WEB, "name": f"s{n}", "affinity": {"by": "source"}} for n in range(40)]},
        ("services", 0),
        "a node with 1024 MiB of memory can hold 0 connections, which take up to 44 KiB each",
        ("raise libvirt: memory_mib to 1280", {"libvirt": {"memory_mib": 1280}}),
    ),
    "too little memory": (
        {
            "services": [{**WEB, "name": f"s{n}", "affinity": {"by": "source"}} for n in range(8)],
            "libvirt": {"memory_mib": 512},
        },
        ("libvirt", "memory_mib"),
        "a node with 512 MiB of memory can hold 0 connections, which take up to 44 KiB each",
        ("raise libvirt: memory_mib to 640", {"libvirt": {"memory_mib": 640}}),
    ),
    "a service's limit": (
        {"services": [{**WEB, "limits": {"connections": 20000}}]},
        ("services", 0, "limits", "connections"),
        "connections of limits of service 1 is never reached: HAProxy accepts 14800 connections altogether",
        ("set it to 14800 or less", {"services": [{**WEB, "limits": {"connections": 14800}}]}),
        ("raise libvirt: memory_mib to 1280", {"libvirt": {"memory_mib": 1280}}),
    ),
    "a server's limit above both": (
        {"haproxy": {"maxconn": 9000}, "services": [{**WEB, "limits": {"per_server": 20000}}]},
        ("services", 0, "limits", "per_server"),
        "per_server of limits of service 1 is never reached: HAProxy accepts 9000 connections altogether",
        ("set it to 9000 or less", {"services": [{**WEB, "limits": {"per_server": 9000}}]}),
        (
            "raise haproxy: maxconn to 20000 and libvirt: memory_mib to 1280",
            {"haproxy": {"maxconn": 20000}, "libvirt": {"memory_mib": 1280}},
        ),
    ),
    "more than any node holds": (
        {"services": [{**WEB, "limits": {"connections": 1_000_000}}]},
        ("services", 0, "limits", "connections"),
        "connections of limits of service 1 is never reached: HAProxy accepts 14800 connections altogether",
        ("set it to 14800 or less", {"services": [{**WEB, "limits": {"connections": 14800}}]}),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_no_node_can_hold_is_refused_with_hints_that_work(name: str) -> None:
    keys, loc, reason, *remedies = CASES[name]
    (problem,) = problems(**keys)
    assert (problem.loc, problem.reason) == (loc, reason)
    assert problem.hint == ", or ".join(hint for hint, _ in remedies)
    for _, change in remedies:
        assert problems(**{**keys, **change}) == []
