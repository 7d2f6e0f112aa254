"""SSH from the lab: the configuration, and the errors without a lab or a node."""

from __future__ import annotations

import pytest

from builder.core.errors import UserError
from builder.lab import ssh, state, status
from builder.lab.ssh import config
from tests.specs import quickstart


def test_hosts_have_their_short_and_full_names() -> None:
    text = config(quickstart())
    assert "Host lb1 lb1.example.com\n    HostName 192.168.56.11\n" in text
    assert "Host lb2 lb2.example.com\n    HostName 192.168.56.12\n" in text


def test_the_users_own_keys_and_agent_are_not_used() -> None:
    cluster = quickstart(operator={"user": "admin"})
    folder = state.folder(cluster)
    for line in (
        "User admin",
        f'IdentityFile "{folder}/id_ed25519"',
        f'UserKnownHostsFile "{folder}/known_hosts"',
        "IdentityAgent none",
        "IdentitiesOnly yes",
        "StrictHostKeyChecking no",
    ):
        assert f"    {line}\n" in config(cluster)


def test_without_a_lab_every_function_says_so() -> None:
    cluster = quickstart()
    for function in (ssh.client, ssh.ssh_config, status.status, lambda each: ssh.login(each, "lb1", ["true"])):
        with pytest.raises(UserError, match="no lab of quickstart is running"):
            function(cluster)


def test_an_unknown_node_is_reported_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="lb9 is not a node") as caught:
        ssh.login(quickstart(), "lb9", [])
    assert "lb1.example.com, lb2.example.com" in caught.value.hint
