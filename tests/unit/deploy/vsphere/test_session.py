"""Logins: where the password comes from, and that nothing shows it."""

from __future__ import annotations

import pytest

from builder.core.errors import UserError
from builder.deploy.vsphere.session import PASSWORD, login


def test_the_password_comes_from_the_environment_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "planted")
    who = login("vcenter.example.com:8443", "deployer", insecure=False)
    assert (who.host, who.port, who.password) == ("vcenter.example.com", 8443, "planted")
    assert "planted" not in repr(who) + str(who)


def test_without_a_port_it_is_that_of_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "planted")
    assert login("vcenter.example.com", "deployer", insecure=False).port == 443


def test_without_a_password_it_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(UserError, match="no password for deployer") as failure:
        login("vcenter.example.com", "deployer", insecure=False)
    assert PASSWORD in failure.value.hint
