"""The cookies that keep clients on servers, and the ports to which redirects lead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.spec.backends import backends, cookie_meaning, cookie_names
from builder.spec.service import Service
from tests.specs import quickstart

COOKIE = {"by": "cookie"}
FEW = [{"name": f"web{number}", "address": f"192.168.56.2{number}", "port": 8080} for number in (1, 2)]
OTHERS = [{"name": f"shop{number}", "address": f"192.168.56.3{number}", "port": 8080} for number in (1, 2)]


def service(name: str, port: int, **keys: Any) -> Service:
    defaults = {"name": name, "port": port, "affinity": COOKIE, "servers": FEW}
    return Service.model_validate({**defaults, **keys})


def route(name: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "paths": [f"/{name}"], **keys}


def test_a_route_with_other_servers_has_a_cookie_of_its_own() -> None:
    routes = [route("shop", servers=OTHERS), route("cart", servers=OTHERS[::-1]), route("same")]
    assert cookie_names([service("web", 80, routes=routes)]) == {
        "web": "SERVERID",
        "web-shop": "SERVERID-web-shop",
        "web-cart": "SERVERID-web-shop",
        "web-same": "SERVERID",
    }


def test_ports_do_not_matter_but_addresses_do() -> None:
    moved = [{**each, "port": 9090} for each in FEW]
    renumbered = [{**each, "address": "192.168.56.99"} for each in FEW]
    assert cookie_names([service("a", 1), service("b", 2, servers=moved), service("c", 3, servers=renumbered)]) == {
        "a": "SERVERID",
        "b": "SERVERID",
        "c": "SERVERID-c",
    }


def test_a_secure_cookie_is_another_one() -> None:
    """A browser does not let a plain service replace it, nor sends it there."""
    assert cookie_names([service("a", 80), service("b", 443, mode="https")]) == {"a": "SERVERID", "b": "SERVERID-b"}


def test_a_cookie_that_the_spec_names_stays() -> None:
    named = {"by": "cookie", "cookie": "SERVERID"}
    routes = [route("shop", servers=OTHERS, affinity={"by": "cookie", "cookie": "SHOP"}), route("all", servers=OTHERS)]
    found = cookie_names([service("first", 1, servers=OTHERS), service("web", 80, affinity=named, routes=routes)])
    assert found == {"first": "SERVERID-first", "web": "SERVERID", "web-shop": "SHOP", "web-all": "SERVERID-first"}


def test_affinity_by_source_has_no_cookie() -> None:
    assert cookie_names([service("web", 80, affinity={"by": "source", "cookie": "ID"})]) == {}


SETS = st.lists(st.sampled_from([*FEW, *OTHERS]), min_size=1, max_size=3, unique_by=lambda each: each["name"])
ROUTES = st.lists(st.one_of(st.just([]), SETS), max_size=3)


@given(
    st.lists(st.tuples(SETS, ROUTES, st.sampled_from([{}, {"cookie": "ID"}, {"cookie": "SERVERID-s1"}])), max_size=4)
)
def test_backends_share_a_cookie_only_if_it_means_the_same(drawn: list[Any]) -> None:
    """Unless the spec names the cookie of both, which `check` refuses."""
    services = [
        service(
            f"s{number}",
            80 + number,
            servers=servers,
            affinity={**COOKIE, **keys},
            routes=[route(f"r{index}", servers=own) for index, own in enumerate(routes)],
        )
        for number, (servers, routes, keys) in enumerate(drawn)
    ]
    names = cookie_names(services)
    meanings: dict[str, set[object]] = {}
    for each in services:
        for backend in backends(each):
            if not backend.cookie:
                meanings.setdefault(names[backend.name], set()).add(cookie_meaning(each, backend))
    assert all(len(found) == 1 for found in meanings.values())


@pytest.mark.parametrize(
    ("others", "port"),
    [
        ([service("web", 8443, mode="https"), service("more", 9443, mode="https")], 8443),
        ([service("web", 8443, mode="https"), service("more", 443, mode="https")], 443),
        ([service("web", 8443, mode="https"), service("raw", 443, mode="tcp", affinity=None)], 443),
        ([service("web", 8443, mode="https", vips=["192.168.56.99"])], None),
        ([service("raw", 8443, mode="tcp", affinity=None)], None),
    ],
)
def test_a_redirect_leads_to_443_or_else_to_the_first_service_with_https(others: list[Service], port: int) -> None:
    redirect = service("to-https", 80, redirect="https", servers=[])
    cluster = quickstart().model_copy(update={"services": (redirect, *others)})
    assert set(cluster.redirect_ports(redirect).values()) == {port}
