"""Secrets: the image contained none, and only the operator's keys open a login."""

from __future__ import annotations

import yaml

from builder.spec.model import Cluster
from builder.verify.suite.node import RunningNode, some

SSHD_SAFE = {
    "passwordauthentication": ("no",),
    "kbdinteractiveauthentication": ("no",),
    "permitrootlogin": ("no", "without-password", "prohibit-password"),
}


def test_identity_is_private(node: RunningNode) -> None:
    """Only root can read the files that the seed placed in /etc/vipforge."""
    found = node.lines("private modes")
    other = [line for line in found if not line.startswith("600 root ")]
    assert found, "/etc/vipforge contains no file"
    assert not other, f"mode, owner and file: {some(other)}"


def test_no_account_has_a_password(node: RunningNode) -> None:
    """No account has a password, not even a locked or empty one."""
    found = node.lines("passwords")
    assert not found, f"accounts with a password: {', '.join(found)}"


def test_only_the_operator_has_keys(node: RunningNode, cluster: Cluster) -> None:
    """Only the operator's account has authorized keys."""
    owners = {line.split()[0] for line in node.lines("authorized keys")}
    assert owners == {f"/home/{cluster.operator.user}/.ssh/authorized_keys"}, f"found {', '.join(sorted(owners))}"


def test_keys_are_those_of_the_seed(node: RunningNode, cluster: Cluster) -> None:
    """The operator's keys are those in the seed."""
    found = {line.split(" ", 1)[1] for line in node.lines("authorized keys") if " " in line}
    users = yaml.safe_load(node.output("user-data"))["users"]
    seeded = {key for user in users for key in user["ssh_authorized_keys"]}
    assert found == seeded, f"differs from the seed: {some(sorted(found ^ seeded))}"
    assert set(cluster.operator.ssh_keys) <= found, "keys of the spec are missing"


def test_sshd_takes_keys_alone(node: RunningNode) -> None:
    """SSH accepts no passwords, from root or anyone else."""
    settings = dict(line.split(" ", 1) for line in node.lines("sshd") if " " in line)
    wrong = [f"{name} {settings[name]}" for name in SSHD_SAFE if settings[name] not in SSHD_SAFE[name]]
    assert not wrong, f"sshd has {', '.join(wrong)}"


def test_nothing_is_left_of_the_bake(node: RunningNode) -> None:
    """The bake left neither its key nor its files behind."""
    found = [line for line in node.lines("bake") if "No such file" not in line]
    assert not found, f"left: {some(found)}"


def test_no_private_key_is_in_a_log(node: RunningNode) -> None:
    """No log contains a private key."""
    found = node.lines("logged keys")
    assert not found, f"found in {some(found)}"


def test_no_host_key_is_shared(nodes: dict[str, RunningNode]) -> None:
    """No two nodes share an SSH host key."""
    keys = [line.split()[1] for node in nodes.values() for line in node.lines("host keys")]
    assert len(keys) >= len(nodes), "a node has no SSH host key"
    assert len(set(keys)) == len(keys), "two nodes have the same SSH host key"


def test_machine_ids_differ(nodes: dict[str, RunningNode]) -> None:
    """Every node has its own machine-id."""
    found = [node.output("machine id").strip() for node in nodes.values()]
    assert all(found), "a node has no machine-id"
    assert len(set(found)) == len(nodes), f"machine-ids: {', '.join(found)}"
