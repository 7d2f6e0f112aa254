"""Finding HashiCorp's Packer among programs of that name."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from builder.core.errors import Exit, HostLacks
from builder.host.packer import NoPacker, packer

pytestmark = pytest.mark.real_subprocess

CRACKLIB = "read -r word; echo 0 0"
WAITS = "exec /bin/sleep 60"


def program(folder: Path, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "packer"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_path_and_version_are_reported(bare_host: Path) -> None:
    path = program(bare_host, 'echo "Packer v1.6.6"')
    facts = packer()
    assert (facts.path, facts.version, facts.text) == (path, (1, 6, 6), "1.6.6")


def test_an_upgrade_notice_and_a_suffix_do_not_confuse_it(bare_host: Path) -> None:
    program(bare_host, 'echo "Packer v1.9.5-dev"; echo; echo "Your version of Packer is out of date! 1.14.0"')
    assert (packer().version, packer().text) == ((1, 9, 5), "1.9.5-dev")


def test_its_update_check_is_disabled(bare_host: Path) -> None:
    program(bare_host, '[ "$CHECKPOINT_DISABLE $*" = "1 version" ] && echo "Packer v1.9.5"')
    assert packer().text == "1.9.5"


def test_without_any_the_hint_says_how_to_name_one(bare_host: Path) -> None:
    with pytest.raises(NoPacker, match=r"^Packer is not installed") as caught:
        packer()
    assert "VIPFORGE_PACKER" in caught.value.hint
    assert (caught.value.unfit, caught.value.is_named) == ([], False)
    assert caught.value.exit_code == Exit.HOST_LACKS
    assert not list(bare_host.iterdir())


def test_another_program_of_that_name_is_refused(bare_host: Path) -> None:
    path = program(bare_host, CRACKLIB)
    with pytest.raises(HostLacks, match=f"^{path} is not HashiCorp's Packer"):
        packer()


def test_a_program_that_waits_is_given_up_after_a_time_limit(bare_host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.host.packer.ANSWER_SECONDS", 0.3)
    program(bare_host, WAITS)
    began = time.monotonic()
    with pytest.raises(HostLacks, match="does not answer `version`: it is not HashiCorp's Packer"):
        packer()
    assert time.monotonic() - began < 5


def test_another_program_earlier_on_path_does_not_hide_packer(
    bare_host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = program(tmp_path / "right", 'echo "Packer v1.6.6"')
    program(bare_host, CRACKLIB)
    monkeypatch.setenv("PATH", f"{bare_host}:{right.parent}")
    assert packer().path == right


def test_a_packer_that_is_too_old_is_refused_with_its_version(bare_host: Path) -> None:
    path = program(bare_host, 'echo "Packer v1.5.6"')
    with pytest.raises(HostLacks, match=f"^{path} is Packer 1.5.6; 1.6.0 or later is required"):
        packer()


def test_every_refused_program_is_reported_once(
    bare_host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = program(tmp_path / "old", 'echo "Packer v1.4.0"')
    program(bare_host, CRACKLIB)
    (tmp_path / "again").symlink_to(bare_host)
    monkeypatch.setenv("PATH", f"{bare_host}:{tmp_path}/again:{old.parent}")
    with pytest.raises(HostLacks) as caught:
        packer()
    assert caught.value.message.count("is not HashiCorp's Packer") == 1
    assert "is Packer 1.4.0" in caught.value.message


def test_the_packer_that_is_named_is_used_and_no_other(
    bare_host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare_host, 'echo "Packer v1.6.6"')
    named = program(tmp_path / "named", 'echo "Packer v1.9.5"')
    monkeypatch.setenv("VIPFORGE_PACKER", str(named))
    assert packer().path == named
    named.unlink()
    with pytest.raises(HostLacks, match="was not found") as caught:
        packer()
    assert caught.value.hint.startswith("VIPFORGE_PACKER selects it")


def test_a_file_that_cannot_be_started_is_refused(bare_host: Path) -> None:
    path = bare_host / "packer"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with pytest.raises(HostLacks, match=f"^{path} cannot be started"):
        packer()


PLUGINS = """
case "$*" in
version) echo "Packer v1.11.2" ;;
"plugins installed") echo /root/p/hashicorp/qemu/packer-plugin-qemu_v1.1.0_x5.0_linux_amd64 ;;
esac
"""


def test_a_packer_without_builders_is_used_if_the_plugin_is_installed(bare_host: Path) -> None:
    program(bare_host, PLUGINS)
    assert packer("qemu").text == "1.11.2"


def test_without_the_plugin_the_hint_says_how_to_install_it(bare_host: Path) -> None:
    path = program(bare_host, PLUGINS)
    with pytest.raises(NoPacker, match=rf"^Packer 1.11.2 \({path}\) has no vsphere builder") as caught:
        packer("vsphere")
    assert caught.value.hint.startswith(f"run: {path} plugins install github.com/hashicorp/vsphere ")
    assert "packer init" in caught.value.hint
    assert caught.value.unfit == [caught.value.message]


def test_a_packer_that_does_not_list_its_plugins_is_given_up_after_a_time_limit(
    bare_host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.host.packer.ANSWER_SECONDS", 0.5)
    path = program(bare_host, f'[ "$1" = version ] && echo "Packer v1.11.2" && exit\n{WAITS}')
    with pytest.raises(NoPacker, match=f"^`{path} plugins installed` did not answer"):
        packer()


def test_a_packer_with_the_plugin_later_on_path_is_used(
    bare_host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare_host, PLUGINS.replace("packer-plugin-qemu_", "packer-plugin-docker_"))
    right = program(tmp_path / "right", PLUGINS)
    monkeypatch.setenv("PATH", f"{bare_host}:{right.parent}")
    assert packer().path == right
