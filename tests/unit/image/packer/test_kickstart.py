"""The kickstart file, read by the installer's own parser for the guest's release."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from builder.guests import Facts, all_guests
from builder.image.packer.builders import kickstart_text
from tests.golden import assert_golden

KSVALIDATOR = Path(sys.executable).parent / "ksvalidator"
INSTALLED = [facts for facts in all_guests().values() if facts.kickstart]
RELEASE = {"centos7": "RHEL7"}
KEY = "ssh-ed25519 AAAAbake"

each = pytest.mark.parametrize("facts", INSTALLED, ids=lambda facts: facts.name)


@each
def test_the_whole_file(facts: Facts) -> None:
    assert_golden(f"kickstart/{facts.name}.cfg", kickstart_text(facts, KEY))


@pytest.mark.real_subprocess
@each
def test_the_installers_parser_accepts_it_without_a_warning(facts: Facts, tmp_path: Path) -> None:
    done = validated(facts, kickstart_text(facts, KEY), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "deprecated" not in done.stdout


@pytest.mark.real_subprocess
def test_the_installers_parser_finds_errors(tmp_path: Path) -> None:
    """RHEL 7 does not know `sshkey` yet."""
    (facts,) = INSTALLED
    done = validated(facts, kickstart_text(facts, KEY) + 'sshkey --username=root "key"\n', tmp_path)
    assert done.returncode != 0
    assert "Unknown command: sshkey" in done.stdout + done.stderr


@each
def test_no_password_is_set(facts: Facts) -> None:
    text = kickstart_text(facts, KEY)
    assert "rootpw --lock" in text
    assert "user " not in text


def validated(facts: Facts, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    place = folder / "ks.cfg"
    place.write_text(text)
    words = [str(KSVALIDATOR), "--version", RELEASE[facts.name], str(place)]
    # ksvalidator leaves a copy behind in the folder for temporary files.
    return subprocess.run(words, capture_output=True, text=True, check=False, env={"TMPDIR": str(folder)})
