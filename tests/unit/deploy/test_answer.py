"""Waiting for the VIPs, with a listener on the loopback interface."""

from __future__ import annotations

import socket

import pytest

from builder.core.errors import TimedOut
from builder.deploy import hypervisor
from builder.deploy.hypervisor import await_vips
from builder.spec.load import load
from tests import examples
from tests.specs import quickstart


def test_the_wait_ends_when_the_vips_answer_and_names_those_that_do_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        spec = quickstart()
        vrrp = spec.vrrp.model_copy(update={"vips": ("127.0.0.1",)})
        service = spec.services[0].model_copy(update={"port": port})
        cluster = spec.model_copy(update={"vrrp": vrrp, "services": (service,)})
        await_vips(cluster, 5)
    with pytest.raises(TimedOut, match=f"nothing answers on 127.0.0.1:{port} after 0 s"):
        await_vips(cluster, 0)


def test_a_service_is_awaited_only_on_its_own_vips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hypervisor, "_accepts", lambda _: False)
    with pytest.raises(TimedOut) as late:
        await_vips(load(examples.FOLDER / "ipv6.yml"), -1)
    assert "nothing answers on 192.168.59.10:80, [2001:db8:59::10]:80, [2001:db8:59::20]:8443" in str(late.value)
