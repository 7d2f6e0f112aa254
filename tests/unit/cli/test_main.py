"""How the command ends: exit codes, and error messages on stderr."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from builder import __version__, cli
from builder.core.errors import Exit, HostLacks, TimedOut, UserError

Run = Callable[..., int]
README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def failing(vipforge: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command that raises this error."""

    def run(error: BaseException, *options: str) -> int:
        app = typer.Typer(pretty_exceptions_enable=False)
        app.callback()(cli.options)

        @app.command()
        def fail() -> None:
            raise error

        monkeypatch.setattr(cli, "MODULES", ())
        monkeypatch.setattr(cli, "app", app)
        return vipforge(*options, "fail")

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [(UserError("x"), Exit.FAILED), (HostLacks("x"), Exit.HOST_LACKS), (TimedOut("x"), Exit.TIMED_OUT)],
)
def test_each_kind_of_error_has_its_exit_code(failing, error: UserError, code: Exit) -> None:
    assert failing(error) == code


def test_an_error_is_printed_on_stderr_with_its_hint(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(UserError("the disk is made of cheese", hint="use another disk"))
    printed = capsys.readouterr()
    assert printed.err == "error: the disk is made of cheese\n  hint: use another disk\n"
    assert printed.out == ""


def test_the_error_for_a_full_disk_names_the_file_and_the_variables_that_help(
    failing, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/big/appliance.qcow2")
    assert failing(error) == Exit.FAILED
    assert capsys.readouterr().err == (
        "error: No space left on device: /big/appliance.qcow2\n"
        "  hint: free some space, or set VIPFORGE_CACHE, VIPFORGE_BUILD or TMPDIR to a folder on a larger disk\n"
    )


@pytest.mark.parametrize(
    "error", [UserError("no disk a\x1b[2Jb", hint="use\tc\rd"), OSError(errno.ENOENT, "no disk", "a\x1b[2Jb\rd")]
)
def test_no_message_moves_the_cursor(failing, capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    failing(error)
    printed = capsys.readouterr().err
    assert "a\\x1b[2Jb" in printed
    assert all(line.isprintable() for line in printed.split("\n"))


def test_a_system_error_without_a_number_is_printed_too(failing, capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(OSError("it went away")) == Exit.FAILED
    assert capsys.readouterr().err == "error: it went away\n"


def test_an_interrupt_is_quiet(failing, capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(KeyboardInterrupt()) == Exit.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_an_interrupt_while_commands_are_loaded_is_quiet(
    vipforge: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "import_module", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    assert vipforge("--help") == Exit.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_the_traceback_is_shown_with_debug_only(
    failing, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIPFORGE_DEBUG", "")  # the option sets it; this restores it afterwards
    assert failing(HostLacks("no such program")) == Exit.HOST_LACKS
    assert "Traceback" not in capsys.readouterr().err
    assert failing(HostLacks("no such program"), "--debug") == Exit.HOST_LACKS
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["no-such-command"], ["check"], ["check", "--no-such-option"], ["--debug"]])
def test_a_wrong_command_line_exits_with_2(vipforge: Run, words: list[str]) -> None:
    assert vipforge(*words) == 2


@pytest.mark.real_subprocess
@pytest.mark.parametrize("words", [("schema",), ("--version",)])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_of_stdout_is_an_error_of_the_output(words: tuple[str, ...], unbuffered: str) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "builder", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
            env=environment,
            cwd=README.parent,
        )
    assert ended.returncode == Exit.FAILED
    assert ended.stderr == f"error: the output cannot be written: No space left on device\n  hint: {cli.STDOUT_HINT}\n"


def test_the_version_is_printed_alone(vipforge: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vipforge("--version") == Exit.OK
    assert capsys.readouterr().out == f"vipforge {__version__}\n"


def test_a_new_spec_passes_check(vipforge: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cluster.yml"
    assert vipforge("init", path) == Exit.OK
    assert vipforge("check", path) == Exit.OK
    assert capsys.readouterr().out.startswith("OK: cluster mycluster: 2 nodes, 1 VIP, 1 service")


def test_a_bad_spec_is_reported_on_stderr(vipforge: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vipforge("check", tmp_path / "none.yml") == Exit.BAD_SPEC
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{tmp_path}/none.yml:1:1: there is no such file\n  hint: ")


def test_a_spec_that_cannot_be_read_is_reported_like_any_problem(
    vipforge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cluster.yml"
    path.touch()
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "no")))
    assert vipforge("check", path) == Exit.BAD_SPEC
    assert capsys.readouterr().err.startswith(f"{path}:1:1: permission denied\n")


def test_a_section_that_cannot_be_read_hides_no_release_that_is_not_pinned(
    vipforge: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cluster.yml"
    vipforge("init", path)
    path.write_text(path.read_text() + 'proof: 5\nhaproxy: {source: "9.9.9"}\n')
    assert vipforge("check", path) == Exit.BAD_SPEC
    assert "haproxy 9.9.9 is not among the pinned sources" in capsys.readouterr().err


def test_a_bad_spec_as_json_is_on_stdout(vipforge: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vipforge("check", tmp_path / "none.yml", "--json") == Exit.BAD_SPEC
    printed = capsys.readouterr()
    assert [problem["reason"] for problem in json.loads(printed.out)] == ["there is no such file"]
    assert printed.err == ""


def test_a_good_spec_as_json_is_an_empty_list(
    vipforge: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vipforge("init", tmp_path / "cluster.yml")
    assert vipforge("check", tmp_path / "cluster.yml", "--json") == Exit.OK
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize(
    "words",
    [("check",), ("check", "--json"), ("seed", "--to", "seeds"), ("deploy", "libvirt", "--wait", "0")],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_vip_in_two_specs_is_refused_by_every_command_that_takes_both(
    vipforge: Run,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "MODULES", ("spec", "deploy"))
    monkeypatch.chdir(tmp_path)
    vipforge("init", "a.yml")
    other = Path("a.yml").read_text().replace("cluster: mycluster", "cluster: other")
    Path("b.yml").write_text(other.replace("address: 192.168.56.11", "address: 192.168.56.51"))
    assert vipforge(*words, "a.yml", "b.yml") == Exit.BAD_SPEC
    text = "".join(capsys.readouterr())
    assert "VIP 1 of vrrp is also VIP 1 of vrrp in a.yml:20" in text
    assert "address of node 2 is also the address of node 2 in a.yml:" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yml", "b.yml"]


def test_the_schema_is_json_on_stdout(vipforge: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vipforge("schema") == Exit.OK
    assert json.loads(capsys.readouterr().out)["title"] == "A cluster of vipforge"


def test_the_readme_lists_every_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["vipforge", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    commands = re.findall(r"^  ([a-z]+) {2,}", capsys.readouterr().out.partition("Commands:")[2], re.MULTILINE)
    rows = [line for line in README.read_text().splitlines() if line.startswith("| `vipforge ")]
    assert len(commands) > 15
    assert [name for name in commands if not any(re.search(rf"`(vipforge )?{name}\b", row) for row in rows)] == []


def test_the_problems_in_the_readme_are_at_their_lines_of_the_starter(
    vipforge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    vipforge("init", "cluster.yml")
    text = Path("cluster.yml").read_text()
    for old, new in (
        ("vips: [192.168.56.10]", "vips: [192.168.57.10]"),
        ("priority: 253", "priority: 254"),
        ("check: {", "chek: {"),
    ):
        assert old in text
        text = text.replace(old, new)
    Path("cluster.yml").write_text(text)
    capsys.readouterr()
    assert vipforge("check", "cluster.yml") == Exit.BAD_SPEC
    assert capsys.readouterr().err in README.read_text()
