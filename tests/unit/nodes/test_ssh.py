"""The way to the nodes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from builder.core.errors import TimedOut
from builder.nodes import ssh
from builder.spec.model import Cluster
from tests.specs import quickstart


@pytest.fixture
def cluster() -> Cluster:
    return quickstart()


def options(config: Path, host: str) -> dict[str, str]:
    """What the real OpenSSH makes of a configuration."""
    done = subprocess.run(["ssh", "-G", "-F", config, host], capture_output=True, text=True, check=True, timeout=10)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


@pytest.mark.real_subprocess
def test_a_node_is_reached_at_its_address_as_the_operator(cluster, tmp_path: Path) -> None:
    with ssh.access(cluster, tmp_path / "absent") as way:
        found = options(way.config, "lb1.example.com")
    assert (found["hostname"], found["user"], found["batchmode"]) == ("192.168.56.11", "ops", "yes")


@pytest.mark.real_subprocess
def test_the_users_own_configuration_goes_first(cluster, tmp_path: Path) -> None:
    own = tmp_path / "with a space"
    own.write_text("Host lb1.example.com\n  User someone\n  ProxyJump gate\n  ConnectTimeout 3\n")
    with ssh.access(cluster, own) as way:
        lb1, lb2 = options(way.config, "lb1.example.com"), options(way.config, "lb2.example.com")
    assert (lb1["user"], lb1["proxyjump"], lb1["connecttimeout"]) == ("someone", "gate", "3")
    assert (lb2["user"], lb2["hostname"], lb2["connecttimeout"]) == ("ops", "192.168.56.12", "10")


def test_connections_are_shared_where_a_socket_fits(cluster) -> None:
    text = ssh.config(cluster, Path("/c"), Path("/run/v"))
    assert 'ControlPath "/run/v/0"' in text
    assert 'ControlPath "/run/v/1"' in text


def test_a_path_too_long_for_a_socket_is_not_used(cluster) -> None:
    assert "Control" not in ssh.config(cluster, Path("/c"), Path("/" + "d" * ssh.LONGEST_SOCKET))


@pytest.mark.real_subprocess
def test_a_node_that_lets_us_in_late_is_waited_for(cluster, tmp_path: Path, fake_program, monkeypatch) -> None:
    monkeypatch.setattr(ssh, "PAUSE_SECONDS", 0.01)
    fake_program("ssh", f"case $* in *true) mkdir {tmp_path}/$3 2>/dev/null && exit 255; exit 0 ;; esac")
    with ssh.access(cluster, tmp_path / "absent") as way:
        ssh.wait_for(cluster.nodes, way, seconds=10)


@pytest.mark.real_subprocess
def test_nodes_that_stay_silent_are_named_with_the_reason(cluster, tmp_path: Path, fake_program) -> None:
    fake_program("ssh", 'case $3 in lb2*) echo "port 22: Connection refused" >&2; exit 255 ;; esac')
    with ssh.access(cluster, tmp_path / "absent") as way, pytest.raises(TimedOut) as caught:
        ssh.wait_for(cluster.nodes, way, seconds=0)
    assert "lb2.example.com (192.168.56.12): port 22: Connection refused" in str(caught.value)
    assert "lb1.example.com (" not in str(caught.value)


@pytest.mark.real_subprocess
def test_shared_connections_are_closed_at_the_end(cluster, tmp_path: Path, fake_program) -> None:
    fake_program("ssh", f'echo "$*" >> {tmp_path}/said')
    with ssh.access(cluster, tmp_path / "absent") as way:
        folder = way.config.parent
    said = (tmp_path / "said").read_text().splitlines()
    assert [line.split("-O ")[1] for line in said] == ["exit lb1.example.com", "exit lb2.example.com"]
    assert not folder.exists()
