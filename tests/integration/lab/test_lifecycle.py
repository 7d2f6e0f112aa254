"""A lab starts completely or not at all, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core.errors import HostLacks, UserError
from builder.core.run import CommandFailed, run
from builder.lab import lifecycle, qmp, ssh, state, status, vm
from builder.spec.model import Cluster
from tests.integration.lab.conftest import MakeCluster, nothing_left, processes, soon

pytestmark = pytest.mark.integration

FakeProgram = Callable[[str, str], Path]


def machines(cluster: Cluster) -> list[int]:
    command_lines = processes(str(state.folder(cluster)))
    return [pid for pid, line in command_lines.items() if "qemu-system" in line.split()[0]]


def up_elsewhere(tmp_path: Path, cluster: Cluster) -> subprocess.Popen[str]:
    """Run `vipforge lab up` in another process, which can be interrupted and waits for nodes that never boot."""
    spec = tmp_path / "cluster.yml"
    spec.write_text(cluster.model_dump_json(exclude_none=True))
    argv = ["env", "--default-signal=INT", sys.executable, "-m", "builder", "lab", "up", str(spec)]
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)


def test_a_lab_runs_one_machine_per_node_and_down_removes_everything(make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    lifecycle.up(cluster, wait=False)
    assert len(machines(cluster)) == 2
    assert [vm.state(cluster, node) for node in cluster.nodes] == ["running", "running"]
    lifecycle.down(cluster)
    assert nothing_left(cluster)


def test_down_without_a_lab_says_so(make_cluster: MakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    lifecycle.down(make_cluster())
    assert capsys.readouterr().err == "no lab of quickstart is running\n"


def test_a_second_lab_of_a_cluster_is_refused(make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    lifecycle.up(cluster, wait=False)
    running = machines(cluster)
    with pytest.raises(UserError, match="a lab of quickstart is running already"):
        lifecycle.up(cluster, wait=False)
    assert machines(cluster) == running


def test_killing_the_keeper_ends_every_machine(make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    lifecycle.up(cluster, wait=False)
    os.kill(state.running_lab(cluster).keeper.pid, signal.SIGKILL)
    assert soon(lambda: not processes(str(state.folder(cluster))))
    lifecycle.up(cluster, wait=False)
    assert len(machines(cluster)) == 2


@pytest.mark.parametrize("moment", [state.RECORD, state.COMPLETE])
def test_down_removes_the_remains_of_a_killed_up(make_cluster: MakeCluster, tmp_path: Path, moment: str) -> None:
    cluster = make_cluster()
    running = up_elsewhere(tmp_path, cluster)
    assert soon((state.folder(cluster) / moment).exists)
    running.kill()
    running.communicate()
    lifecycle.down(cluster)
    assert nothing_left(cluster)


def test_the_next_up_replaces_a_lab_that_was_killed_while_it_started(make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    state.folder(cluster).mkdir(parents=True)
    half = state.begin_namespaces(state.folder(cluster))
    lifecycle.up(cluster, wait=False)
    assert not half.alive()
    assert len(machines(cluster)) == 2


@pytest.mark.parametrize("moment", [state.RECORD, state.COMPLETE])
def test_control_c_removes_everything(make_cluster: MakeCluster, tmp_path: Path, moment: str) -> None:
    cluster = make_cluster()
    running = up_elsewhere(tmp_path, cluster)
    assert soon((state.folder(cluster) / moment).exists)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert nothing_left(cluster)


def test_a_lab_taken_down_while_it_boots_ends_the_wait(make_cluster: MakeCluster, tmp_path: Path) -> None:
    cluster = make_cluster()
    running = up_elsewhere(tmp_path, cluster)
    assert soon((state.folder(cluster) / state.COMPLETE).exists)
    lifecycle.down(cluster)
    _, stderr = running.communicate(timeout=60)
    assert "was taken down while it booted" in stderr
    assert nothing_left(cluster)


def test_a_machine_that_does_not_start_is_reported_with_qemus_message(
    make_cluster: MakeCluster, fake_program: FakeProgram
) -> None:
    cluster = make_cluster()
    fake_program(
        "qemu-system-x86_64",
        '[ "$1" = --version ] && echo "QEMU emulator version 7.2.0" && exit\necho "no such machine" >&2; exit 1',
    )
    with pytest.raises(CommandFailed, match=r"failed with exit code 1: no such machine"):
        lifecycle.up(cluster, wait=False)
    assert nothing_left(cluster)


def test_the_status_shows_a_power_cut_and_a_pause(make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    first, second = cluster.nodes
    lifecycle.up(cluster, wait=False)
    with qmp.connected(vm.monitor(cluster, first)) as machine:
        machine.pause()
    with qmp.connected(vm.monitor(cluster, second)) as machine:
        machine.quit()
    assert soon(lambda: vm.state(cluster, second) == "off")
    assert [each.vm for each in status.status(cluster).nodes] == ["paused", "off"]


def test_a_machine_that_lost_power_starts_again(make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    first, _ = cluster.nodes
    lifecycle.up(cluster, wait=False)
    with qmp.connected(vm.monitor(cluster, first)) as machine:
        machine.quit()
    assert soon(lambda: vm.state(cluster, first) == "off")
    vm.power_on(state.running_lab(cluster), first, "tcg")
    assert vm.state(cluster, first) == "running"


def test_a_lab_needs_no_root(make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other users run the lab in a user namespace that owns all its other namespaces."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    cluster = make_cluster()
    lifecycle.up(cluster, wait=False)
    assert (
        Path(f"/proc/{state.running_lab(cluster).keeper.pid}/ns/user").readlink()
        != Path("/proc/self/ns/user").readlink()
    )
    assert len(machines(cluster)) == 2
    assert "192.168.56.1/24" in run([*ssh.client(cluster), "ip", "-brief", "address"], timeout=5).out
    lifecycle.down(cluster)
    assert nothing_left(cluster)


def test_a_host_without_namespaces_is_distinguished_from_a_broken_lab(
    make_cluster: MakeCluster, fake_program: FakeProgram
) -> None:
    cluster = make_cluster()
    fake_program("unshare", 'echo "unshare: unshare failed: Operation not permitted" >&2; exit 1')
    with pytest.raises(HostLacks, match="does not allow namespaces: unshare: unshare failed: Operation not permitted"):
        lifecycle.up(cluster, wait=False)
    assert nothing_left(cluster)


def test_a_host_without_taps_gets_a_hint(make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = make_cluster()
    monkeypatch.setattr(state, "TUN", Path("/dev/net/no-such-tun"))
    with pytest.raises(HostLacks, match="/dev/net/no-such-tun is missing") as caught:
        lifecycle.up(cluster, wait=False)
    assert "modprobe tun" in caught.value.hint
    assert nothing_left(cluster)
