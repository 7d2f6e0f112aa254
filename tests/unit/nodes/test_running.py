"""Running nodes as an upgrade asks them: the nodes are a program called ssh, the service listens on the loopback."""

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
echo "$*" >>{folder}/told
case $* in
    *lb2.example.com*sh\\ -s) echo 'ssh: connect to host lb2: No route to host' >&2; exit 255 ;;
    *sh\\ -s)
        printf '%s\\n' cloud-init=done vipforge-identity=active haproxy=active keepalived=active \
            'addresses=192.168.56.11 127.0.0.1 ' 'vrrp=VI_1:MASTER ' ;;
esac
"""
Fake = Callable[[str, str], Path]


def listening(port: int, **changes: object) -> Cluster:
    """The quickstart with a VIP and a service of mode tcp on the loopback."""
    spec = quickstart(**changes)
    service = spec.services[0].model_copy(update={"port": port, "mode": "tcp", "check": None})
    vrrp = spec.vrrp.model_copy(update={"vips": ("127.0.0.1",)})
    return spec.model_copy(update={"vrrp": vrrp, "services": (service,)})


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_program: Fake) -> None:
    monkeypatch.setenv("VIPFORGE_STATE", str(tmp_path / "state"))
    fake_program("ssh", SSH.format(folder=tmp_path))


def told(folder: Path) -> list[str]:
    return (folder / "told").read_text().splitlines()


def test_each_node_is_asked_and_one_that_cannot_be_says_why() -> None:
    with running(listening(1), None) as nodes:
        seen = nodes.look()
    assert seen["lb1.example.com"].serves
    assert seen["lb1.example.com"].vips == ("127.0.0.1",)
    assert seen["lb2.example.com"].trouble == "ssh: connect to host lb2: No route to host"


@pytest.mark.parametrize(
    ("profile", "command"),
    [("standard", "/usr/libexec/vipforge/hand-over away"), ("classic", "systemctl stop keepalived")],
)
def test_the_vips_are_handed_over_as_the_profile_knows_it(profile: str, command: str, tmp_path: Path) -> None:
    cluster = of_profile(profile)
    with running(cluster, None) as nodes:
        nodes.hand_over(cluster.nodes[0], "away")
    assert any(line.endswith(f"lb1.example.com {remote.command(command, root=True)}") for line in told(tmp_path))


class Greeter(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"220 hello\n")


def test_what_answered_at_the_beginning_has_to_answer_later(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_what_did_not_answer_at_the_beginning_is_told_and_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    with running(listening(1), None) as nodes:
        nodes.look()
        assert nodes.silent() == []
    assert "no answer from here on 127.0.0.1:1" in capsys.readouterr().err


def test_a_new_machines_host_key_is_taken_and_an_old_ones_forgotten(tmp_path: Path) -> None:
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
    assert any(line.endswith("-O exit lb1.example.com") for line in told(tmp_path))


class Settled:
    """Machines that are as they should be."""

    def standing(self, _: Node) -> Standing:
        return Standing(current=True, kept=False)

    def prepare(self, _: object) -> list[Step]:
        raise AssertionError

    replace = restore = discard = prepare


def test_where_nothing_is_to_be_done_no_node_is_asked(tmp_path: Path) -> None:
    lines = list(upgrade(quickstart(), Settled(), None, 1, dry_run=False))
    assert lines == [
        "= lb1.example.com: as the spec and the image want it\n= lb2.example.com: as the spec and the image want it"
    ]
    assert [
        line for line in told(tmp_path) if not line.endswith(("-O exit lb1.example.com", "-O exit lb2.example.com"))
    ] == []


def test_an_ssh_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no file"):
        list(upgrade(quickstart(), Settled(), tmp_path / "none", 1, dry_run=True))
