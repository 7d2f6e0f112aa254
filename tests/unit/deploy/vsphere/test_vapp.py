"""The vApp properties of a clone: the template's properties with new values, and those that the template lacks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyVmomi import vim

from builder.deploy.vsphere.machines import vapp_settings
from builder.guests.debian12 import GUEST
from builder.seed.seed import seed
from builder.seed.transports import ovf
from tests.specs import quickstart


@pytest.fixture
def values() -> dict[str, str]:
    cluster = quickstart()
    return ovf.properties(seed(cluster, cluster.nodes[0], GUEST))


def template(*names: str, first: int = 0) -> Any:
    infos = [vim.vApp.PropertyInfo(key=key, id=name) for key, name in enumerate(names, start=first)]
    return SimpleNamespace(config=SimpleNamespace(vAppConfig=vim.vApp.VmConfigInfo(property=infos)))


def test_properties_of_the_template_keep_their_keys(values: dict[str, str]) -> None:
    changes = vapp_settings(template(*values, first=3), values).property
    assert {each.operation for each in changes} == {"edit"}
    assert {each.info.id: each.info.value for each in changes} == values
    assert sorted(each.info.key for each in changes) == list(range(3, 3 + len(values)))


def test_properties_that_the_template_lacks_get_unused_keys(values: dict[str, str]) -> None:
    changes = vapp_settings(template("user-data", "somebodys"), values).property
    assert {each.info.id for each in changes if each.operation == "edit"} == {"user-data"}
    added = [each.info.key for each in changes if each.operation == "add"]
    assert len(set(added)) == len(added) == len(values) - 1
    assert not {0, 1} & set(added)


def test_a_template_without_properties_gets_all_of_them(values: dict[str, str]) -> None:
    bare = SimpleNamespace(config=SimpleNamespace(vAppConfig=None))
    made = vapp_settings(bare, values)
    assert {each.operation for each in made.property} == {"add"}
    assert made.ovfEnvironmentTransport == ["com.vmware.guestInfo", "iso"]
