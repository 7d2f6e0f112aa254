"""Running nodes as an upgrade sees them: the nodes are a program called ssh, the service listens on the loopback."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core import remote
from builder.core.errors import UserError
from builder.core.progress import Step
from builder.nodes.running import running, upgrade
from builder.nodes.upgrade import Standing
from builder.spec.model import Cluster, Node
from tests.specs import of_profile, quickstart

pytestmark = pytest.mark.real_subprocess

SSH = """\
echo "$*" >>{folder}/log
case $* in
    *lb2.example.com*sh\\ -s) echo 'ssh: connect to host lb2: No route to host' >&2; exit 255 ;;
    *sh\\ -s)
        printf '%s\\n' cloud-init=done vipforge-identity=active haproxy=active keepalived=active \
            'addresses=192.168.56.11 127.0.0.1 ' 'vrrp=VI_1:MASTER ' ;;
esac
"""
Fake = Callable[[str, str], Path]


def listening(port: int, **changes: object) -> Cluster:
    """Return the quickstart with its VIP and a service of mode tcp on the loopback."""
    spec = quickstart(**changes)
    service = spec.services[0].model_copy(update={"port": port, "mode": "tcp", "check": None})
    vrrp = spec.vrrp.model_copy(update={"vips": ("127.0.0.1",)})
    return spec.model_copy(update={"vrrp": vrrp, "services": (service,)})


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_program: Fake) -> None:
    monkeypatch.setenv("VIPFORGE_STATE", str(tmp_path / "state"))
    fake_program("ssh", SSH.format(folder=tmp_path))


def calls(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


def test_each_node_is_asked_and_a_failure_has_its_reason() -> None:
    with running(listening(1), None) as nodes:
        states = nodes.look()
    assert states["lb1.example.com"].serves
    assert states["lb1.example.com"].vips == ("127.0.0.1",)
    assert states["lb2.example.com"].trouble == "ssh: connect to host lb2: No route to host"


@pytest.mark.parametrize(
    ("profile", "command"),
    [("standard", "/usr/libexec/vipforge/hand-over away"), ("classic", "systemctl stop keepalived")],
)
def test_the_vips_are_handed_over_as_the_profile_requires(profile: str, command: str, tmp_path: Path) -> None:
    cluster = of_profile(profile)
    with running(cluster, None) as nodes:
        nodes.hand_over(cluster.nodes[0], "away")
    assert any(line.endswith(f"lb1.example.com {remote.command(command, root=True)}") for line in calls(tmp_path))


class Greeter(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"220 hello\n")


def test_a_service_that_answered_at_first_has_to_answer_later(capsys: pytest.CaptureFixture[str]) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeter) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        with running(listening(port), None) as nodes:
            nodes.look()
            assert nodes.silent() == []
            server.shutdown()
            server.server_close()
            assert nodes.silent() == [f"127.0.0.1:{port}"]
    assert "no answer from here" not in capsys.readouterr().err


def test_a_service_that_did_not_answer_at_first_is_reported_and_not_awaited(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with running(listening(1), None) as nodes:
        nodes.look()
        assert nodes.silent() == []
    assert "no answer from here on 127.0.0.1:1" in capsys.readouterr().err


def test_a_new_machines_host_key_is_accepted_and_the_old_one_is_forgotten(tmp_path: Path) -> None:
    cluster = listening(1)
    with running(cluster, None) as nodes:
        (config,) = (tmp_path / "state" / "ssh").glob("k.*/config")
        text = config.read_text()
        assert "StrictHostKeyChecking accept-new" in text
        key = config.parent / "lb1.example.com.key"
        assert f'UserKnownHostsFile "{key}"' in text
        key.write_text("old")
        nodes.forget(cluster.nodes[0])
        assert not key.exists()
    assert any(line.endswith("-O exit lb1.example.com") for line in calls(tmp_path))


class Settled:
    """Machines that are up to date."""

    def standing(self, _: Node) -> Standing:
        return Standing(current=True, kept=False)

    def prepare(self, _: object) -> list[Step]:
        raise AssertionError

    replace = restore = discard = prepare


def test_without_anything_to_do_no_node_is_asked(tmp_path: Path) -> None:
    lines = list(upgrade(quickstart(), Settled(), None, 1, dry_run=False))
    assert lines == [
        "= lb1.example.com: matches the spec and the image\n= lb2.example.com: matches the spec and the image"
    ]
    assert [
        line for line in calls(tmp_path) if not line.endswith(("-O exit lb1.example.com", "-O exit lb2.example.com"))
    ] == []


def test_a_missing_ssh_configuration_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a file"):
        list(upgrade(quickstart(), Settled(), tmp_path / "none", 1, dry_run=True))
