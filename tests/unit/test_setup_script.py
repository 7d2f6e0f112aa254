"""scripts/setup.sh in a separate checkout, with fakes of every program that would change this host."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core.paths import resources

pytestmark = pytest.mark.real_subprocess

PYTHON = """
case "$1" in
-c) exit 0 ;;
-m) mkdir -p .venv/bin; echo made >> made; printf '#!/bin/sh\\necho "$@" >> pip-log\\n' > .venv/bin/pip ;;
esac
chmod 755 .venv/bin/pip
"""


class Checkout:
    """A folder with the script; policy-rc.d, which keeps services from starting, is in it and not in /usr/sbin."""

    def __init__(self, folder: Path, fake_program: Callable[[str, str], Path]) -> None:
        self.folder = folder
        self.policy = folder / "policy-rc.d"
        self.fake = fake_program
        (folder / "scripts").mkdir(parents=True)
        text = resources("scripts", "setup.sh").read_text()
        assert text.count("/usr/sbin/policy-rc.d") == 1
        self.script = folder / "scripts" / "setup.sh"
        self.script.write_text(text.replace("/usr/sbin/policy-rc.d", str(self.policy)))
        (folder / "requirements.lock").write_text("one==1\n")
        (folder / "debian-packages.txt").write_text("# comment\nalpha   does this\n\nbeta\n")
        fake_program("dpkg-query", "printf installed")
        fake_program("apt-cache", 'echo "Package: $2"')
        fake_program("id", "echo 0")
        fake_program("python3", PYTHON)

    def start(self, *lists: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["env", "--default-signal=INT", "sh", self.script, *lists],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *lists: str) -> tuple[int, str]:
        process = self.start(*lists)
        output, _ = process.communicate(timeout=30)
        return process.returncode, output

    def times_made(self) -> int:
        return len((self.folder / "made").read_text().splitlines())


@pytest.fixture
def checkout(tmp_path: Path, fake_program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.delenv("PYTHON", raising=False)
    return Checkout(tmp_path / "checkout", fake_program)


def make_missing(checkout: Checkout, package: str) -> None:
    checkout.fake("dpkg-query", f'case "$*" in *{package}) exit 1;; esac; printf installed')


def test_the_venv_is_created_from_the_lock_file(checkout: Checkout) -> None:
    assert checkout.run() == (0, "· making .venv\n")
    assert (checkout.folder / ".venv" / "complete").read_text() == "one==1\n"
    commands = (checkout.folder / "pip-log").read_text().splitlines()
    assert commands[0].endswith("--require-hashes -r requirements.lock")
    assert commands[1].endswith("--no-deps -e .")


def test_the_packages_for_tests_are_installed_only_if_their_list_is_given(checkout: Checkout) -> None:
    (checkout.folder / "tests.txt").write_text("gamma  a test\n")
    make_missing(checkout, "gamma")
    checkout.fake("apt-get", 'echo "$*" >> apt-log')
    checkout.run()
    assert not (checkout.folder / "apt-log").exists()
    checkout.run("tests.txt")
    assert (checkout.folder / "apt-log").read_text().splitlines()[-1].endswith("--no-install-recommends gamma")


def test_a_second_run_keeps_the_venv(checkout: Checkout) -> None:
    checkout.run()
    assert checkout.run() == (0, "")
    assert checkout.times_made() == 1


def test_another_lock_file_recreates_the_venv(checkout: Checkout) -> None:
    checkout.run()
    (checkout.folder / "requirements.lock").write_text("one==2\n")
    checkout.run()
    assert checkout.times_made() == 2


def test_an_incomplete_venv_is_recreated(checkout: Checkout) -> None:
    half = checkout.folder / ".venv" / "lib"
    half.mkdir(parents=True)
    assert checkout.run()[0] == 0
    assert not half.exists()


def test_a_failing_pip_leaves_no_complete_venv_and_explains_why(checkout: Checkout) -> None:
    checkout.fake("python3", PYTHON.replace("pip-log", "pip-log; exit 1"))
    code, output = checkout.run()
    assert code == 3
    assert "pip could not install the Python packages" in output
    assert not (checkout.folder / ".venv" / "complete").exists()


def test_a_python_that_is_too_old_is_reported(checkout: Checkout) -> None:
    checkout.fake("python3", "exit 1")
    code, output = checkout.run()
    assert code == 3
    assert output.startswith("python3 is missing or older than 3.11.")


def test_without_sudo_one_line_says_what_to_install(checkout: Checkout) -> None:
    make_missing(checkout, "beta")
    checkout.fake("id", "echo 1000")
    checkout.fake("sudo", "exit 1")
    code, output = checkout.run()
    assert code == 3
    assert len(output.splitlines()) == 1
    assert output.endswith("sudo apt-get install --no-install-recommends beta\n")


def test_missing_packages_are_installed_without_starting_services(checkout: Checkout) -> None:
    make_missing(checkout, "beta")
    checkout.fake("apt-get", f'echo "$@" >> apt-log; cat {checkout.policy} >> policy-seen')
    code, output = checkout.run()
    assert (code, output) == (0, "· installing Debian packages: beta\n· making .venv\n")
    assert (checkout.folder / "apt-log").read_text().endswith("install --no-install-recommends beta\n")
    assert "exit 101" in (checkout.folder / "policy-seen").read_text()
    assert not checkout.policy.exists()


def test_an_optional_package_is_installed_if_apt_knows_it(checkout: Checkout) -> None:
    (checkout.folder / "debian-packages.txt").write_text("alpha\ngamma?  a part of alpha, in later releases\n")
    make_missing(checkout, "gamma")
    checkout.fake("apt-get", 'echo "$*" >> apt-log')
    checkout.fake("apt-cache", "exit 100")
    assert checkout.run() == (0, "· making .venv\n")
    assert not (checkout.folder / "apt-log").exists()
    checkout.fake("apt-cache", 'echo "Package: $2"')
    assert checkout.run() == (0, "· installing Debian packages: gamma\n")


def test_apt_is_queried_only_after_its_lists_are_updated(checkout: Checkout) -> None:
    (checkout.folder / "debian-packages.txt").write_text("alpha\ngamma?\n")
    checkout.fake("dpkg-query", "exit 1")
    checkout.fake("apt-get", 'case "$*" in *update*) touch updated;; esac')
    checkout.fake("apt-cache", '[ ! -e updated ] || echo "Package: $2"')
    assert checkout.run()[1].startswith("· installing Debian packages: alpha gamma\n")


def test_a_package_that_this_release_lacks_is_reported(checkout: Checkout) -> None:
    make_missing(checkout, "beta")
    checkout.fake("apt-get", 'case "$*" in *install*) touch installed;; esac')
    checkout.fake("apt-cache", "exit 100")
    code, output = checkout.run()
    assert code == 3
    assert "has no package beta; " in output
    assert not (checkout.folder / "installed").exists()
    assert not checkout.policy.exists()


def test_on_fedora_the_packages_are_named_and_not_installed(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout.folder / "fedora-packages.txt").write_text("# of Fedora\nalef  does this\nbet\n")
    no_dpkg(checkout, monkeypatch)
    checkout.fake("rpm", '[ "$2" = alef ]')
    assert checkout.run() == (3, "This host lacks packages; run this, then make again: sudo dnf install bet\n")
    checkout.fake("rpm", "exit 0")
    assert checkout.run() == (0, "· making .venv\n")


def test_on_another_system_the_list_is_named(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    no_dpkg(checkout, monkeypatch)
    code, output = checkout.run()
    assert code == 0
    assert output.startswith("! no dpkg and no rpm here: debian-packages.txt lists")


def no_dpkg(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reduce PATH to programs that every system has."""
    tools = checkout.folder / "tools"
    tools.mkdir()
    for name in ("sh", "env", "dirname", "flock", "sed", "cmp", "cp", "rm", "mkdir", "chmod", "cat", "printf"):
        (tools / name).symlink_to(shutil.which(name))
    (checkout.script.parents[2] / "fake-bin" / "dpkg-query").unlink()
    monkeypatch.setenv("PATH", f"{checkout.script.parents[2] / 'fake-bin'}:{tools}")


def test_the_output_of_a_failing_apt_is_shown(checkout: Checkout) -> None:
    make_missing(checkout, "alpha")
    checkout.fake("apt-get", 'case "$*" in *update*) ;; *) echo "E: Unable to locate package alpha"; exit 100;; esac')
    code, output = checkout.run()
    assert code == 3
    assert "apt-get install --no-install-recommends alpha failed:\n    E: Unable to locate package alpha\n" in output
    assert not checkout.policy.exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_removes_policy_rc_d(checkout: Checkout, how: signal.Signals) -> None:
    end_while_apt_works(checkout, how)
    assert not checkout.policy.exists()


def test_the_policy_rc_d_of_a_killed_run_is_replaced(checkout: Checkout) -> None:
    end_while_apt_works(checkout, signal.SIGKILL)
    assert checkout.policy.exists()
    checkout.fake("apt-get", ":")
    assert checkout.run()[0] == 0
    assert not checkout.policy.exists()


def test_a_policy_rc_d_of_the_host_is_kept(checkout: Checkout) -> None:
    make_missing(checkout, "beta")
    checkout.fake("apt-get", ":")
    checkout.policy.write_text("#!/bin/sh\nexit 0\n")
    assert checkout.run()[0] == 0
    assert checkout.policy.read_text() == "#!/bin/sh\nexit 0\n"


def end_while_apt_works(checkout: Checkout, how: signal.Signals) -> None:
    make_missing(checkout, "beta")
    checkout.fake("apt-get", "touch at-work; sleep 60")
    process = checkout.start()
    deadline = time.monotonic() + 10
    while not (checkout.folder / "at-work").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, how)
    assert process.wait(10) != 0
