"""The login: where the password comes from, and that it is never shown."""

from __future__ import annotations

import pytest

from builder.core.errors import UserError
from builder.deploy.vsphere.session import PASSWORD, login_from_environment


def test_the_password_comes_from_the_environment_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "planted")
    login = login_from_environment("vcenter.example.com:8443", "deployer", insecure=False)
    assert (login.host, login.port, login.password) == ("vcenter.example.com", 8443, "planted")
    assert "planted" not in repr(login) + str(login)


def test_the_default_port_is_that_of_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "planted")
    assert login_from_environment("vcenter.example.com", "deployer", insecure=False).port == 443


def test_a_missing_password_names_the_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(UserError, match="no password for deployer") as failure:
        login_from_environment("vcenter.example.com", "deployer", insecure=False)
    assert PASSWORD in failure.value.hint
