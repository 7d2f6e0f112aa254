"""Reading states, versions and journals, and choosing the services to probe."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from builder.core.errors import TimedOut, UserError
from builder.faults.model import StateChange
from builder.faults.pairs import Pair, journal
from builder.faults.pairs.journal import first_version, last_state, state_of
from builder.faults.watch import Pace, probe_plan
from builder.lab import stubs
from tests.specs import quickstart
from tests.unit.faults.test_scenarios import Diary

JOURNAL = """\
[   10.500000] lb1 Keepalived_vrrp[532]: (VI_1) Entering BACKUP STATE
[   13.250000] lb1 Keepalived_vrrp[532]: (VI_1) Entering MASTER STATE
[   13.300000] lb1 systemd[1]: Started something.
-- No entries --
uptime=20.50
"""


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("(VI_1) Entering MASTER STATE", "MASTER"),
        ("VRRP_Instance(VI_1) Entering FAULT STATE", "FAULT"),
        ("(VI_1) Entering BACKUP STATE (init)", "BACKUP"),
        ("Stopped Keepalived v2.3.3 (03/30,2025)", "off"),
        ("Keepalived[499]: Stopping", "off"),
        ("haproxy[7]: Stopping proxy web", None),
        ("Stopping Keepalived v1.2.13 (11/23,2026)", "off"),
        ("systemd[1]: keepalived.service: Main process exited, code=killed, status=9/KILL", "off"),
        ("(VI_1) sent 0 priority", None),
    ],
)
def test_the_log_messages_of_every_release_are_recognized(line: str, state: str | None) -> None:
    assert state_of(line) == state


def test_the_state_is_the_last_one_in_the_log() -> None:
    assert last_state("(VI_1) Entering BACKUP STATE\n(VI_1) Entering MASTER STATE\nmore") == "MASTER"
    assert last_state("") == "off"


def test_each_instance_has_its_own_state() -> None:
    log = "(web) Entering MASTER STATE\n(shop) Entering BACKUP STATE\nVRRP_Instance(web) Entering FAULT STATE\n"
    assert (last_state(log, "web"), last_state(log, "shop"), last_state(log)) == ("FAULT", "BACKUP", "off")


def test_a_version_is_found_in_a_programs_output() -> None:
    assert first_version("Keepalived v2.3.3 (03/30,2025)") == "2.3.3"
    assert first_version("HAProxy version 2.6.12-1+deb12u4 2026/10/17") == "2.6.12"
    assert first_version("") == "unknown"


def test_journal_times_are_converted_to_this_hosts_clock() -> None:
    entries = journal.read_journal(JOURNAL, now=1000.0)
    assert [entry.at for entry in entries] == [990.0, 992.75, 992.8]
    assert journal.state_changes("lb1", entries) == [
        StateChange(990.0, "lb1", "BACKUP"),
        StateChange(992.75, "lb1", "MASTER"),
    ]
    assert journal.journal_text(entries[2:], 990.0) == "    2.800  systemd[1]: Started something."


def test_a_journal_without_the_uptime_is_ignored() -> None:
    assert journal.read_journal("[   10.500000] lb1 said: something\n", now=1000.0) == []


class PairOf(Diary):
    """A pair with live logs and a configurable cluster."""

    def __init__(self, **spec: Any) -> None:
        super().__init__()
        self.cluster = quickstart(**spec)

    def live_logs(self) -> dict[str, list[Path]]:
        return {self.names[0]: [Path("/tmp/log")]}


def service(**changes: Any) -> dict[str, Any]:
    servers = [{"name": "web1", "address": "192.168.56.21", "port": 8080}]
    return {"name": "web", "port": 80, "servers": servers, **changes}


def plan_for(**spec: Any) -> Any:
    return probe_plan(cast("Pair", PairOf(**spec)), Pace(rate=0.01))


def test_the_first_service_of_each_kind_is_probed() -> None:
    services = [
        service(name="db", mode="tcp", port=3306),
        service(check={"path": "/health"}, hosts=["www.example.com"]),
        service(name="other", port=81),
    ]
    found = plan_for(services=services)
    assert (found.http.port, found.http.path, found.http.host) == (80, "/health", "www.example.com")
    assert (found.greeting, found.tcp, found.tls) == (3306, 3306, None)
    assert found.ports == {"tap0": "lb1.example.com", "tap1": "lb2.example.com"}
    assert found.logs == {"lb1.example.com": ["/tmp/log"]}


def test_services_that_a_plain_client_cannot_use_are_skipped() -> None:
    odd = [
        service(redirect="https", servers=[]),
        service(name="proxied", port=81, proxy_protocol={"accept": True}),
        service(name="elsewhere", port=82, vips=["192.168.56.99"]),
    ]
    assert plan_for(services=[*odd, service(name="plain", port=83)]).http.port == 83
    with pytest.raises(UserError, match=r"no service on .* can be probed"):
        plan_for(services=odd)


def test_a_file_makes_the_mail_server_fail_or_work(tmp_path: Path) -> None:
    stubs.set_mail_fault(tmp_path, "hangs")
    assert (tmp_path / stubs.MAIL_FAULT).read_text() == "hangs"
    stubs.set_mail_fault(tmp_path, None)
    assert not (tmp_path / stubs.MAIL_FAULT).exists()


def test_a_mail_server_that_does_not_stop_is_not_considered_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stubs, "MAIL_SECONDS", 0.01)
    with pytest.raises(TimedOut, match="the SMTP server to come or go"):
        stubs.set_mail_fault(tmp_path, "down")
