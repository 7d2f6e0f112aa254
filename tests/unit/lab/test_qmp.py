"""The QMP client against a socket that behaves like QEMU."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from builder.lab import qmp

GREETING = {"QMP": {"version": {}, "capabilities": []}}
EVENT = {"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 0}}


@contextmanager
def qemu(
    path: Path,
    *answers: dict[str, Any],
    greeting: dict[str, Any] | None = GREETING,
    then: Callable[[socket.socket], None] | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """Listen at `path`, greet, and send the answers one by one; yields the commands received.

    Without a greeting, or with another one, it ends there; `then` runs after the last answer.
    """
    received: list[dict[str, Any]] = []
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(path.parent)
        listener.bind(path.name)
        os.chdir(here)
        listener.listen(1)

        def speak() -> None:
            connection, _ = listener.accept()
            with connection:
                if greeting:
                    say(connection, greeting)
                if greeting != GREETING:
                    return
                for messages in ([{"return": {}}], *([EVENT, answer] for answer in answers)):
                    command = hear(connection)
                    messages[-1] |= {"id": command.pop("id")} if "id" in command else {}
                    received.append(command)
                    say(connection, *messages)
                if then:
                    then(connection)

        thread = threading.Thread(target=speak)
        thread.start()
        yield received
        thread.join(timeout=5)


def say(connection: socket.socket, *messages: dict[str, Any]) -> None:
    """Send messages as QEMU does, one per line."""
    connection.sendall(b"".join(json.dumps(each).encode() + b"\r\n" for each in messages))


def hear(connection: socket.socket) -> dict[str, Any]:
    """Return the client's next command. Like QEMU, this needs no newline to see that a command is complete."""
    text = b""
    while more := connection.recv(4096):
        text += more
        with suppress(json.JSONDecodeError):
            command: dict[str, Any] = json.loads(text)
            return command
    raise AssertionError("the client closed the connection before it sent a command")


def test_events_between_a_command_and_its_answer_are_skipped(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", {"return": {"status": "paused"}}) as received:
        with qmp.connected(tmp_path / "qmp") as machine:
            assert machine.state() == "paused"
    assert [each["execute"] for each in received] == ["qmp_capabilities", "query-status"]


def test_a_cable_is_pulled_by_its_cards_name(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", {"return": {}}) as received:
        with qmp.connected(tmp_path / "qmp") as machine:
            machine.link(up=False, card="net0")
    assert received[1] == {"execute": "set_link", "arguments": {"name": "net0", "up": False}}


def test_a_refusal_quotes_qemu(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", {"error": {"class": "GenericError", "desc": "no such card"}}):
        with pytest.raises(qmp.QmpError, match="refused system_reset: no such card"):
            with qmp.connected(tmp_path / "qmp") as machine:
                machine.reset()


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    with qemu(deep / "qmp", {"return": {}}) as received:
        with qmp.connected(deep / "qmp") as machine:
            machine.pause()
    assert received[1]["execute"] == "stop"


def test_a_missing_qemu_is_distinguished_from_a_silent_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qmp, "SECONDS", 0.2)
    with pytest.raises(qmp.QmpGone), qmp.connected(tmp_path / "nothing"):
        pass
    with pytest.raises(qmp.QmpGone), qmp.connected(tmp_path / "no" / "folder"):
        pass
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen(1)
        with pytest.raises(qmp.QmpError) as caught, qmp.connected(tmp_path / "silent"):
            pass
    assert not isinstance(caught.value, qmp.QmpGone)


def ends(connection: socket.socket) -> None:
    """Receive one more command, and end without an answer."""
    hear(connection)


def test_a_machine_that_ends_before_it_answers_is_gone(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", then=ends):
        with pytest.raises(qmp.QmpGone, match="closed its monitor before it answered query-status"):
            with qmp.connected(tmp_path / "qmp") as machine:
                machine.state()


def test_a_machine_that_ends_before_it_greets_is_gone(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", greeting=None):
        with pytest.raises(qmp.QmpGone, match=r"no QEMU runs at .*: it closed its monitor"):
            with qmp.connected(tmp_path / "qmp"):
                pass


def test_another_program_at_the_monitors_socket_is_not_qemu(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", greeting={"hello": "there"}):
        with pytest.raises(qmp.QmpError, match="no QEMU answers at") as caught:
            with qmp.connected(tmp_path / "qmp"):
                pass
    assert not isinstance(caught.value, qmp.QmpGone)


def test_each_answer_has_a_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got_command, over = threading.Event(), threading.Event()

    def stays_silent(connection: socket.socket) -> None:
        hear(connection)
        got_command.set()
        over.wait(5)

    with qemu(tmp_path / "qmp", {"return": {}}, then=stays_silent):
        with pytest.raises(qmp.QmpError, match=r"did not answer query-status within 0\.2 s") as caught:
            with qmp.connected(tmp_path / "qmp") as machine:
                machine.pause()
                monkeypatch.setattr(qmp, "SECONDS", 0.2)
                machine.state()
        assert got_command.is_set()
        over.set()
    assert not isinstance(caught.value, qmp.QmpGone)


def test_events_do_not_extend_the_limit_of_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def reports_and_reports(connection: socket.socket) -> None:
        hear(connection)
        while not over.wait(0.05):
            say(connection, EVENT)

    with qemu(tmp_path / "qmp", then=reports_and_reports):
        with qmp.connected(tmp_path / "qmp") as machine:
            monkeypatch.setattr(qmp, "SECONDS", 0.3)
            with pytest.raises(qmp.QmpError, match=r"did not answer query-status within 0\.3 s"):
                machine.state()
            over.set()


def test_a_power_cut_succeeds_when_the_machine_closes_first(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", {"return": {}}) as received:
        with qmp.connected(tmp_path / "qmp") as machine:
            machine.quit()
    assert received[1] == {"execute": "quit", "arguments": {}}


def test_the_library_writes_nothing_to_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with qemu(tmp_path / "qmp", then=ends):
        with pytest.raises(qmp.QmpGone), qmp.connected(tmp_path / "qmp") as machine:
            machine.state()
    assert capfd.readouterr().err == ""
