"""SSH to the nodes: the configuration, and waiting for a login."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from builder.core.errors import TimedOut
from builder.lab.ssh import config as lab_config
from builder.nodes import ssh
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import examples
from tests.specs import quickstart


@pytest.fixture
def cluster() -> Cluster:
    return quickstart()


def options(config: Path, host: str) -> dict[str, str]:
    """Return the options that the real OpenSSH reads from a configuration."""
    done = subprocess.run(["ssh", "-G", "-F", config, host], capture_output=True, text=True, check=True, timeout=10)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


@pytest.mark.real_subprocess
def test_a_node_is_reached_at_its_address_as_the_operator(cluster, tmp_path: Path) -> None:
    with ssh.open_access(cluster, tmp_path / "absent") as access:
        settings = options(access.config, "lb1.example.com")
    assert (settings["hostname"], settings["user"], settings["batchmode"]) == ("192.168.56.11", "ops", "yes")


@pytest.mark.real_subprocess
@pytest.mark.parametrize(("on_management", "expected"), [(True, "10.9.0.11"), (False, "192.168.60.11")])
def test_a_node_is_reached_where_its_ssh_server_listens(tmp_path: Path, *, on_management: bool, expected: str) -> None:
    made = load(examples.FOLDER / "management.yml")
    made = made.model_copy(update={"management": made.management.model_copy(update={"ssh": on_management})})
    with ssh.open_access(made, tmp_path / "absent") as access:
        assert options(access.config, "lb1.example.com")["hostname"] == expected
        assert access.addresses["lb1.example.com"] == expected
    assert f"HostName {expected}\n" in lab_config(made)


@pytest.mark.real_subprocess
def test_the_users_own_configuration_takes_precedence(cluster, tmp_path: Path) -> None:
    own = tmp_path / "with a space"
    own.write_text("Host lb1.example.com\n  User someone\n  ProxyJump gate\n  ConnectTimeout 3\n")
    with ssh.open_access(cluster, own) as access:
        lb1, lb2 = options(access.config, "lb1.example.com"), options(access.config, "lb2.example.com")
    assert (lb1["user"], lb1["proxyjump"], lb1["connecttimeout"]) == ("someone", "gate", "3")
    assert (lb2["user"], lb2["hostname"], lb2["connecttimeout"]) == ("ops", "192.168.56.12", "10")


def test_connections_are_shared_if_the_sockets_path_fits(cluster) -> None:
    text = ssh.config(cluster, Path("/c"), Path("/run/v"))
    assert 'ControlPath "/run/v/0"' in text
    assert 'ControlPath "/run/v/1"' in text


def test_connections_are_not_shared_if_the_path_is_too_long(cluster) -> None:
    assert "Control" not in ssh.config(cluster, Path("/c"), Path("/" + "d" * ssh.LONGEST_SOCKET))


@pytest.mark.real_subprocess
def test_a_node_that_accepts_logins_late_is_awaited(cluster, tmp_path: Path, fake_program, monkeypatch) -> None:
    monkeypatch.setattr(ssh, "PAUSE_SECONDS", 0.01)
    fake_program("ssh", f"case $* in *true) mkdir {tmp_path}/$3 2>/dev/null && exit 255; exit 0 ;; esac")
    with ssh.open_access(cluster, tmp_path / "absent") as access:
        ssh.wait_for(cluster.nodes, access, seconds=10)


@pytest.mark.real_subprocess
def test_nodes_that_refuse_are_named_with_the_reason(cluster, tmp_path: Path, fake_program) -> None:
    fake_program("ssh", 'case $3 in lb2*) echo "port 22: Connection refused" >&2; exit 255 ;; esac')
    with ssh.open_access(cluster, tmp_path / "absent") as access, pytest.raises(TimedOut) as caught:
        ssh.wait_for(cluster.nodes, access, seconds=0)
    assert "lb2.example.com (192.168.56.12): port 22: Connection refused" in str(caught.value)
    assert "lb1.example.com (" not in str(caught.value)


@pytest.mark.real_subprocess
def test_shared_connections_are_closed_at_the_end(cluster, tmp_path: Path, fake_program) -> None:
    fake_program("ssh", f'echo "$*" >> {tmp_path}/log')
    with ssh.open_access(cluster, tmp_path / "absent") as access:
        folder = access.config.parent
    calls = (tmp_path / "log").read_text().splitlines()
    assert [line.split("-O ")[1] for line in calls] == ["exit lb1.example.com", "exit lb2.example.com"]
    assert not folder.exists()
