"""SSH to the nodes: the configuration, and what is said where there is nobody to log in to."""

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


def test_nothing_of_the_users_own_is_used() -> None:
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


def test_without_a_lab_each_door_says_so() -> None:
    cluster = quickstart()
    for door in (ssh.client, ssh.ssh_config, status.status, lambda asked: ssh.login(asked, "lb1", ["true"])):
        with pytest.raises(UserError, match="no lab of quickstart runs"):
            door(cluster)


def test_an_unknown_node_is_named_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="lb9 is no node") as caught:
        ssh.login(quickstart(), "lb9", [])
    assert "lb1.example.com, lb2.example.com" in caught.value.hint
