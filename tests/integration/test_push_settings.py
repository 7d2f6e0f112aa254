"""The guest's push program, and files of the node's own: the kernel's settings, and the time servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from builder.core.run import Completed
from builder.lab.netns import NetnsNode
from tests.integration.pushing import CONFIGURATION, calls, forget, push, pushed_node

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def identified(start_pair: Callable) -> Iterator[NetnsNode]:
    with pushed_node(start_pair) as node:
        yield node


@pytest.fixture
def node(identified: NetnsNode) -> NetnsNode:
    return forget(identified)


def settings(node: NetnsNode, text: str) -> Completed:
    return push(node, "apply", others={"/etc/sysctl.d/70-vipforge-spec.conf": text})


def somaxconn(node: NetnsNode) -> str:
    return node.run("sysctl", "-n", "net.core.somaxconn").out.strip()


def test_settings_of_the_kernel_are_loaded_and_a_refused_one_is_taken_back(node: NetnsNode) -> None:
    assert settings(node, "net.core.somaxconn = 1234\n").code == 0
    assert somaxconn(node) == "1234"
    done = settings(node, "net.core.somaxconn = 4321\nnet.ipv4.tcp_syncookies = many\n")
    assert (done.code, "the kernel refuses a setting; the old files are back" in done.err) == (1, True)
    assert somaxconn(node) == "1234"


def test_a_setting_that_the_kernel_does_not_have_changes_nothing(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text(), somaxconn(node)
    done = settings(node, "net.core.somaxconn = 99\nnet.core.somaxcon = 1\n")
    assert (done.code, done.err.strip()) == (1, "push: the kernel has no setting net.core.somaxcon")
    assert (node.path(CONFIGURATION).read_text(), somaxconn(node)) == before


def test_changed_time_servers_restart_the_time_service(node: NetnsNode) -> None:
    files = {
        "/etc/systemd/timesyncd.conf.d/vipforge.conf": "NTP=192.0.2.1\n",
        "/etc/chrony.conf": "server 192.0.2.1\n",
    }
    for expected in (["systemctl try-restart systemd-timesyncd", "systemctl try-restart chronyd"], []):
        node.path("/run/calls").unlink(missing_ok=True)
        assert push(node, "apply", others=files).code == 0
        assert [call for call in calls(node) if "try-restart" in call] == expected
