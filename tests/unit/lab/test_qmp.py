"""The QMP client, against a socket that speaks like QEMU."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from builder.lab import qmp

GREETING = {"QMP": {"version": {}, "capabilities": []}}
EVENT = {"event": "STOP", "timestamp": {}}


@contextmanager
def qemu(path: Path, *answers: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Listens at `path`, greets, and gives the answers one by one; yields the commands it got."""
    heard: list[dict[str, Any]] = []
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(path.parent)
        listener.bind(path.name)
        os.chdir(here)
        listener.listen(1)

        def speak() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw") as stream:
                for messages in ([GREETING], [{"return": {}}], *([EVENT, answer] for answer in answers)):
                    if messages != [GREETING]:
                        heard.append(json.loads(stream.readline()))
                    stream.writelines(json.dumps(each) + "\n" for each in messages)
                    stream.flush()

        thread = threading.Thread(target=speak)
        thread.start()
        yield heard
        thread.join(timeout=5)


def test_events_between_a_command_and_its_answer_are_passed_over(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", {"return": {"status": "paused"}}) as heard:
        with qmp.connected(tmp_path / "qmp") as machine:
            assert machine.state() == "paused"
    assert [each["execute"] for each in heard] == ["qmp_capabilities", "query-status"]


def test_a_cable_is_pulled_by_the_cards_name(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", {"return": {}}) as heard:
        with qmp.connected(tmp_path / "qmp") as machine:
            machine.link(up=False, card="net0")
    assert heard[1] == {"execute": "set_link", "arguments": {"name": "net0", "up": False}}


def test_a_refusal_is_told_in_qemus_words(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp", {"error": {"class": "GenericError", "desc": "no such card"}}):
        with pytest.raises(qmp.QmpError, match="refused system_reset: no such card"):
            with qmp.connected(tmp_path / "qmp") as machine:
                machine.reset()


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    with qemu(deep / "qmp", {"return": {}}) as heard:
        with qmp.connected(deep / "qmp") as machine:
            machine.pause()
    assert heard[1]["execute"] == "stop"


def test_no_qemu_is_told_from_a_silent_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qmp, "SECONDS", 0.2)
    with pytest.raises(qmp.QmpGone), qmp.connected(tmp_path / "nothing"):
        pass
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen(1)
        with pytest.raises(qmp.QmpError) as caught, qmp.connected(tmp_path / "silent"):
            pass
    assert not isinstance(caught.value, qmp.QmpGone)
