"""A key without a value (null) is as good as no key: a spec with one is accepted only if it works without the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from builder.core.errors import SpecError
from builder.guests import all_guests
from builder.render import appliance
from builder.spec.load import load
from builder.spec.model import Cluster
from builder.spec.values import model_of
from tests.unit.spec.faulty import GONE, WITH_INSTANCES, WITH_IPV6, WITH_MANAGEMENT, Edit, spec

CARDS: Edit = {
    f"nodes.{node}.{key}": f"52:54:00:1a:2b:{node}{number}"
    for node in range(2)
    for number, key in enumerate(("mac", "management_mac"))
}
SERVER = {"name": "new", "address": "10.1.2.61", "port": 80}
FULL: Edit = {
    **WITH_MANAGEMENT,
    **WITH_IPV6,
    **CARDS,
    "network.gateway6": "fe80::1",
    "haproxy": {"maxconn": 5000},
    "services.0.check": {"body": "ok", "host": "a.example.com"},
    "services.0.reencrypt": {"name": "a.example.com", "authority": "ca.pem"},
    "services.0.limits": {"connections": 9, "per_server": 9, "rate": 9},
    "services.0.affinity": {"by": "cookie", "cookie": "MINE"},
    "services.0.close_sessions": {"server_down": True},
    "services.0.trusted_proxies": ["10.9.9.0/24"],
    "services.2.hsts": 60,
    "services.2.root": "/new/",
    "services.2.routes.0": {"name": "old", "paths": ["/old"], "check": {}, "timeout": 9, "servers": [SERVER]},
    "services.3": {"name": "to-https", "port": 8080, "vips": ["10.1.2.10"], "redirect": "https"},
}


def nullable(model: type[BaseModel], data: Any, place: str = "") -> Iterator[str]:
    """The places of the keys for which the model takes null, in every mapping of the data."""
    for key, field in model.model_fields.items():
        if field.default is None:
            yield f"{place}{key}"
        inner, value = model_of(field.annotation), data.get(key)
        if inner and value:
            entries = (
                [(f"{place}{key}.", value)] if isinstance(value, dict) else list(_entries(f"{place}{key}", value))
            )
            for where, entry in entries:
                yield from nullable(inner, entry, where)


def _entries(place: str, values: list[Any]) -> Iterator[tuple[str, Any]]:
    return ((f"{place}.{index}.", value) for index, value in enumerate(values))


def accepted(path: Path, *edits: Edit | None) -> Cluster | None:
    path.write_text(yaml.safe_dump(spec(*edits)))
    try:
        return load(path)
    except SpecError:
        return None


@pytest.mark.parametrize(
    ("base", "sections", "fewest"), [((FULL,), "", 50), ((WITH_INSTANCES,), "vrrp", 3)], ids=["full", "instances"]
)
def test_null_is_as_good_as_no_key(tmp_path: Path, base: tuple[Edit, ...], sections: str, fewest: int) -> None:
    path = tmp_path / "cluster.yml"
    assert accepted(path, *base)
    places = [place for place in nullable(Cluster, spec(*base)) if place.startswith(sections)]
    assert len(places) >= fewest
    for place in places:
        null = accepted(path, *base, {place: None})
        without = accepted(path, *base, {place: None}, {place: GONE})
        assert null == without, place
        if null and without:
            assert _rendered(null) == _rendered(without), place


def _rendered(cluster: Cluster) -> dict[str, str]:
    files = appliance(cluster, all_guests()["debian12"], "2.3.3")
    return {path: file.content for path, file in files.items()}
