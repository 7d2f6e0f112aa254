"""The entry point of the command: interrupts, signals and encodings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from builder import __main__ as entry
from builder.core.errors import Exit

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart.yml"
ASCII = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
"""Python without its own corrections of the C locale: what any locale other than a UTF-8 one is like."""
WORK = """
import ctypes, sys, time
from builder import __main__ as entry
entry.end_on_signals()
print("ready", flush=True)
try:
    {}
except KeyboardInterrupt:
    print("reacted", flush=True)
    sys.exit(130)
"""
IN_PYTHON = "time.sleep(60)"
IN_C = "lock = ctypes.create_string_buffer(64); [ctypes.CDLL(None).pthread_mutex_lock(lock) for _ in range(2)]"
"""A deadlock in C: like libvirt while it connects, it goes on waiting after a signal."""


def interrupted() -> None:
    raise KeyboardInterrupt


def test_an_interrupt_while_the_command_is_loaded_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "builder.cli", SimpleNamespace(main=interrupted))
    monkeypatch.setattr(entry, "end_on_signals", lambda: None)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == entry.INTERRUPTED == Exit.INTERRUPTED


@pytest.mark.real_subprocess
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_interrupts_a_command(number: signal.Signals) -> None:
    assert ended_by(number, IN_PYTHON) == (Exit.INTERRUPTED, "reacted\n")


@pytest.mark.real_subprocess
def test_a_command_that_waits_in_a_library_ends_all_the_same() -> None:
    began = time.monotonic()
    assert ended_by(signal.SIGINT, IN_C) == (Exit.INTERRUPTED, "")
    assert time.monotonic() - began < 3


def ended_by(number: signal.Signals, work: str) -> tuple[int, str]:
    """The exit code and the output of a process that gets a signal while it works."""
    words = [sys.executable, "-c", WORK.format(work)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        process.send_signal(number)
        return process.wait(timeout=10), process.stdout.read()


@pytest.mark.real_subprocess
def test_files_and_results_are_utf8_whatever_the_locale(tmp_path: Path) -> None:
    spec = tmp_path / "größe.yml"
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "- name: web", "- name: web\n    maintenance: Zurück um 18 Uhr…", 1
    )
    spec.write_text(text, encoding="utf-8")
    results = [vipforge("check", "--json", spec, folder=tmp_path, locale=locale) for locale in (ASCII, {})]
    assert results[0] == results[1]
    assert vipforge("render", "--guest", "debian12", spec, folder=tmp_path, locale=ASCII)[0] == 0
    (page,) = tmp_path.rglob("maintenance/web.http")
    assert "Zurück um 18 Uhr…" in page.read_text(encoding="utf-8")


@pytest.mark.real_subprocess
def test_a_file_name_that_is_not_text_is_shown_escaped(tmp_path: Path) -> None:
    code, out, err = vipforge("check", os.fsencode(tmp_path) + b"/caf\xe9.yml", folder=tmp_path, locale={})
    assert (code, out) == (Exit.BAD_SPEC, b"")
    assert b"/caf\\udce9.yml:1:1: there is no such file" in err


@pytest.mark.real_subprocess
@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", b"sp\\xe9c \\u20ac.yml"), ("latin-1", b"sp\xe9c \\u20ac.yml")]
)
def test_what_an_encoding_cannot_express_is_escaped(tmp_path: Path, encoding: str, shown: bytes) -> None:
    code, out, err = vipforge("check", "spéc €.yml", folder=tmp_path, locale={"PYTHONIOENCODING": encoding})
    assert (code, out) == (Exit.BAD_SPEC, b"")
    assert err.startswith(shown + b":1:1: there is no such file")


def vipforge(*words: str | bytes | Path, folder: Path, locale: dict[str, str]) -> tuple[int, bytes, bytes]:
    """The exit code, stdout and stderr of a command that is run in a folder."""
    environment = {**os.environ, "VIPFORGE_BUILD": str(folder / "build"), **locale}
    done = subprocess.run([sys.executable, "-m", "builder", *words], capture_output=True, env=environment, timeout=60)
    return done.returncode, done.stdout, done.stderr
