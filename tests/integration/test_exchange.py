"""Exchange 2013 with real traffic: HAProxy and keepalived in namespaces, and stub servers in place of Exchange."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.core.waiting import until
from builder.guests import all_guests
from builder.lab import netns, stubs
from builder.lab.netns import NamespacedPair
from builder.spec.load import load
from builder.spec.presets.exchange import DIRECTORIES_2013
from tests import examples

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
CLIENT = Path(__file__).with_name("exchange_client.py")
NOTICED_SECONDS = 15
"""A check every 2 s, three failures, and a busy host."""
MOVING_SECONDS = 8
"""Longer than the three failures take."""
HANGING_SECONDS = 40
"""Each of the three failures is a check that waits 5 s."""
QUIET_PORT, QUIET_SECONDS = 7000, 2
QUIET = f"""
services:
  - name: quiet
    mode: tcp
    port: {QUIET_PORT}
    timeout: {QUIET_SECONDS}
    servers: [{{name: ex1, address: 192.168.56.31, port: {QUIET_PORT}}}]
"""
LAGGING_REQUESTS = 12
"""Every other request takes 2 s, so all of them together outlast three checks."""


class Exchange:
    """The pair, its stub servers, and a client that keeps running."""

    def __init__(self, pair: NamespacedPair) -> None:
        self.pair = pair
        self.folder = pair.folder
        argv = [*pair.client(), sys.executable, str(CLIENT), str(pair.cluster.vrrp.vips[0])]
        self.client = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *question: object) -> Any:
        assert self.client.stdin
        assert self.client.stdout
        print(json.dumps(question), file=self.client.stdin, flush=True)
        return json.loads(self.client.stdout.readline())

    def servers(self, path: str, times: int = 4) -> set[str]:
        """Return the servers that answer requests for a path."""
        return {self.ask("https", path)[1] for _ in range(times)}

    def status(self, path: str) -> int:
        return self.ask("https", path)[0]


def started(folder: Path, build: Path, change: str = "") -> Iterator[Exchange]:
    """Start the example with one more service, and `change` as one more line of its preset."""
    path = examples.with_files("exchange2013", folder)
    text = path.read_text().replace("    certificate: mail\n", f"    certificate: mail\n{change}")
    path.write_text(text + QUIET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIPFORGE_STATE", str(folder / "state"))
        with netns.pair(load(path), FACTS, FACTS.default_keepalived, build) as pair:
            pair.serve()
            vip = pair.cluster.vrrp.vips[0]
            until(lambda: pair.holders(vip), f"a node to hold {vip}", limit=20)
            exchange = Exchange(pair)
            yield exchange
            exchange.client.stdin.close()
            exchange.client.wait(20)


@pytest.fixture(scope="module")
def served(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    yield from started(tmp_path_factory.mktemp("exchange"), keepalived_build)


@pytest.fixture
def exchange(served: Exchange) -> Exchange:
    """The pair with healthy servers."""
    stubs.set_failing(served.folder)
    for directory, _ in DIRECTORIES_2013.values():
        until(lambda at=directory: served.servers(at) == {"ex1", "ex2"}, f"both at {directory}", limit=NOTICED_SECONDS)
    return served


def test_every_virtual_directory_is_served_by_both_servers(exchange: Exchange) -> None:
    assert {name: exchange.status(f"{path}/x") for name, (path, _) in DIRECTORIES_2013.items()} == dict.fromkeys(
        DIRECTORIES_2013, 200
    )
    assert exchange.servers("/OWA/upper/case") == {"ex1", "ex2"}


def test_a_browser_is_sent_to_https_and_to_owa(exchange: Exchange) -> None:
    assert exchange.ask("plain", "/owa/x?y=1") == [301, "https://mail.example.com/owa/x?y=1"]
    assert exchange.ask("https", "/")[::2][:2] == [302, "/owa/"]


def test_tls_older_than_the_specs_is_refused(exchange: Exchange) -> None:
    assert "protocol version" in exchange.ask("tls", "TLSv1_1")
    assert [exchange.ask("tls", version) for version in ("TLSv1_2", "TLSv1_3")] == ["TLSv1.2", "TLSv1.3"]


def test_mail_clients_are_served_in_their_protocols(exchange: Exchange) -> None:
    assert exchange.ask("imaps").split()[2] in {"ex1", "ex2"}
    assert exchange.ask("pop3s").split()[1] in {"ex1", "ex2"}
    assert any(name in exchange.ask("smtp", 25) for name in ("ex1", "ex2", "smtp"))  # ex1 gets the alerts, too
    assert any(name in exchange.ask("smtp", 587) for name in ("ex1", "ex2"))


def test_a_login_stays_with_its_client(exchange: Exchange) -> None:
    """Negotiate with a ticket that no 401 asked for, so no answer tells HAProxy that the connection has a login."""
    others = [[f"other {number}", ""] for number in range(3)]
    requests = [["user", "Negotiate ticket"], *others * 2, *[["user", ""], *others] * 4]
    answers = exchange.ask("kept", "/ews/x", requests)
    results = [(name, *answer) for (name, _), answer in zip(requests, answers, strict=True)]
    assert {login for name, _, login in results if name != "user"} == {""}
    assert {login for name, _, login in results if name == "user"} == {"Negotiate ticket"}
    assert len({server for name, server, _ in results if name == "user"}) == 1


def test_an_idle_connection_is_closed_after_its_services_timeout(exchange: Exchange) -> None:
    assert exchange.ask("silence", QUIET_PORT) == pytest.approx(QUIET_SECONDS, abs=1)


def test_a_dead_service_does_not_affect_the_servers_other_services(exchange: Exchange) -> None:
    stubs.set_failing(exchange.folder, "ex1:443/ews", "ex2:993")
    assert exchange.ask("load", "/owa/x", MOVING_SECONDS).keys() == {"200"}
    until(lambda: exchange.servers("/ews/x", 6) == {"ex2"}, "EWS to leave ex1", limit=NOTICED_SECONDS)
    others = {name: path for name, (path, _) in DIRECTORIES_2013.items() if name != "ews"}
    assert {name for name, path in others.items() if exchange.servers(f"{path}/x") != {"ex1", "ex2"}} == set()
    until(lambda: "ex1" in str(exchange.ask("imaps")), "IMAP to leave ex2", limit=NOTICED_SECONDS)
    assert "ex1" in exchange.ask("imaps")
    assert {exchange.ask("pop3s").split()[1] for _ in range(4)} == {"ex1", "ex2"}


def test_without_a_healthy_server_a_page_says_so_and_other_services_continue(exchange: Exchange) -> None:
    stubs.set_failing(exchange.folder, "ex1:443/owa", "ex2:443/owa")
    until(
        lambda: "Nothing is lost" in exchange.ask("https", "/owa/x")[3], "the maintenance page", limit=NOTICED_SECONDS
    )
    assert exchange.status("/owa/x") == 503
    assert exchange.status("/ews/x") == 200


@pytest.mark.parametrize("fault", ["resets", "hangs"])
def test_a_server_that_resets_or_hangs_gets_no_more_requests(exchange: Exchange, fault: str) -> None:
    stubs.set_failing(exchange.folder, f"ex2:443/oab/healthcheck.htm={fault}")
    until(lambda: exchange.servers("/oab/x", 6) == {"ex1"}, "OAB to leave ex2", limit=HANGING_SECONDS)
    assert exchange.servers("/owa/x") == {"ex1", "ex2"}


def test_a_slow_server_stays_and_loses_no_request(exchange: Exchange) -> None:
    stubs.set_failing(exchange.folder, "ex2:443/owa=lags")
    answers = [exchange.ask("https", "/owa/x") for _ in range(LAGGING_REQUESTS)]
    assert {status for status, *_ in answers} == {200}
    assert {server for _, server, *_ in answers[-4:]} == {"ex1", "ex2"}


def test_the_statistics_page_requires_its_password_and_is_on_no_vip(exchange: Exchange) -> None:
    first, vip = exchange.pair.cluster.nodes[0], exchange.pair.cluster.vrrp.vips[0]
    assert exchange.ask("statistics", str(first.address), examples.PASSWORD) == 200
    assert exchange.ask("statistics", str(first.address), "another") == 401
    assert "refused" in exchange.ask("statistics", str(vip), examples.PASSWORD)


def test_no_key_is_in_a_log(exchange: Exchange) -> None:
    logs = [path.read_text(errors="replace") for path in exchange.folder.rglob("*.log")]
    assert logs
    assert not any("PRIVATE KEY" in text or examples.PASSWORD in text for text in logs)


def test_servers_certified_by_another_authority_get_no_requests(tmp_path: Path, keepalived_build: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(examples.issue("Another").pem())
    for exchange in started(tmp_path, keepalived_build, "    authority: ca.pem\n"):
        until(lambda ask=exchange: ask.status("/owa/x") == 503, "the servers to be refused", limit=NOTICED_SECONDS)
        assert exchange.status("/ews/x") == 503
        assert exchange.ask("imaps").split()[2] in {"ex1", "ex2"}
