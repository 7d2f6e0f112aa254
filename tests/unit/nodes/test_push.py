"""A push: what goes to which node, in which order, and what stops it. The nodes are a program called ssh."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.nodes import push as pushing
from builder.spec.load import load
from tests import examples

pytestmark = pytest.mark.real_subprocess

SSH = """\
for word; do last=$word; done
case $* in *lb1.example.com*) node=lb1 ;; *) node=lb2 ;; esac
case $last in
    *push*) cat >{folder}/$node.stdin; word=${{last##* }} word=${{word%"'"}}
            echo "$node $word" >>{folder}/log
            [ "$node $word" != "{fails}" ] || {{ echo '{reason}' >&2; exit 1; }} ;;
    *MANAGEMENT=*) echo '{management}' ;;
    *address*) [ $node != lb1 ] || echo '2: eth0    inet 192.168.56.10/24 scope global eth0' ;;
esac
"""

Push = Callable[..., list[str]]


@pytest.fixture
def push(tmp_path: Path, fake_program: Callable[[str, str], Path]) -> Push:
    """Push the Exchange example; the node and action named by `fails` end with an error."""
    spec = examples.with_files("exchange2013", tmp_path / "spec")
    spec.write_text(spec.read_text().replace("guest: auto", "guest: debian12"))

    def run(fails: str = "", management: str = "", reason: str = "refused: line 7") -> list[str]:
        fake_program("ssh", SSH.format(folder=tmp_path, fails=fails, management=management, reason=reason))
        return pushing.push(load(spec), tmp_path / "absent", (), wait=5)

    return run


def actions(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


def test_all_nodes_check_then_the_standby_applies_then_the_holder(push: Push, tmp_path: Path) -> None:
    assert push() == ["lb2.example.com", "lb1.example.com"]
    assert actions(tmp_path) == ["lb1 check", "lb2 check", "lb2 apply", "lb1 apply"]


def test_a_node_with_other_cards_is_refused_before_its_firewall_locks_ssh_out(push: Push, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"lb1\.example\.com has the management address 10\.9\.0\.11/24, and .* has no"
    ) as error:
        push(management="10.9.0.11/24")
    assert "vipforge upgrade" in error.value.hint
    assert not (tmp_path / "log").exists()


def test_files_that_one_node_refuses_are_applied_nowhere(push: Push, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lb2\.example\.com did not check .*refused: line 7\n.*no node was changed"):
        push(fails="lb2 check")
    assert actions(tmp_path) == ["lb1 check", "lb2 check"]


def test_an_image_without_the_exchange_of_tables_is_named(push: Push) -> None:
    alert = "[ALERT] Proxy db: unable to find sync peers vipforge."
    with pytest.raises(UserError, match="its image is older than the exchange of tables: bake a new one"):
        push(fails="lb1 check", reason=alert)


def test_a_standby_that_fails_leaves_the_holder_serving(push: Push, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the nodes after it were not changed"):
        push(fails="lb2 apply")
    assert actions(tmp_path)[-1] == "lb2 apply"


def test_a_node_gets_its_own_statistics_page_and_no_identity(push: Push, tmp_path: Path) -> None:
    push()
    sent = base64.b64decode((tmp_path / "lb2.stdin").read_text())
    with tarfile.open(fileobj=io.BytesIO(sent)) as tar:
        modes = {f"/{entry.name}": entry.mode for entry in tar}
        page = tar.extractfile("etc/vipforge/statistics.cfg")
        assert page
        assert b"192.168.56.12:8404" in page.read()
    assert modes["/etc/vipforge/tls/mail.pem"] == 0o600
    assert modes["/etc/haproxy/haproxy.cfg"] == 0o644
    assert "/etc/vipforge/identity" not in modes
    assert "/usr/lib/firewalld/ipsets/vipforge-peers.xml" in modes


def test_a_spec_that_check_refuses_is_sent_to_no_node(push: Push, tmp_path: Path) -> None:
    load(tmp_path / "spec" / "exchange2013.yml").tls.certificates[0].key.write_text("nothing")
    with pytest.raises(UserError, match="is not a PEM private key"):
        push()
    assert not (tmp_path / "log").exists()
