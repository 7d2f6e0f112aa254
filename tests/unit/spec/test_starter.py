"""The spec that a new user starts from, and the SSH key in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.spec import own_key, starter
from builder.spec.load import load
from builder.spec.own_key import OwnKey
from tests.unit.spec.faulty import KEY

pytestmark = pytest.mark.real_subprocess

MakeKey = Callable[..., Path]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with an empty .ssh, and no agent."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home


@pytest.fixture
def make_key(home: Path) -> MakeKey:
    """Make a key pair with ssh-keygen; returns the path of the private key."""

    def make(kind: str, name: str = "", folder: Path = home / ".ssh") -> Path:
        path = folder / (name or f"id_{kind}")
        command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{path.name}@example.com", "-f", str(path)]
        subprocess.run(command, check=True)
        return path

    return make


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real ssh-agent without keys."""
    agent = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    values = dict(re.findall(r"(SSH_\w+)=([^;]+);", agent))
    monkeypatch.setenv("SSH_AUTH_SOCK", values["SSH_AUTH_SOCK"])
    yield
    os.kill(int(values["SSH_AGENT_PID"]), 15)


def test_the_starter_is_a_valid_spec(tmp_path: Path) -> None:
    starter.write_starter(tmp_path / "new" / "cluster.yml")
    cluster = load(tmp_path / "new" / "cluster.yml")
    assert (cluster.cluster, cluster.operator.ssh_keys) == ("mycluster", ())


@pytest.mark.parametrize("text", [KEY, KEY.replace("ops@", '"a: #b" é\\')])
def test_the_starter_contains_the_users_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cluster.yml"
    starter.write_starter(path, OwnKey(text, "here"))
    assert load(path).operator.ssh_keys == (text,)
    assert "AAAA…" not in path.read_text()


def test_the_commented_keys_of_the_starter_are_valid(tmp_path: Path) -> None:
    """Uncomments every key; comments that fill a line stay, and the shortened SSH key is completed."""
    text = re.sub(
        r"^( *)# ?( *(- )?[a-z_]+:( |$)|    - ssh)", r"\1\2", starter.STARTER.read_text(), flags=re.MULTILINE
    )
    text = text.replace("yaml-language-server", "# yaml-language-server").replace("AAAA…", KEY.split()[1])
    path = tmp_path / "cluster.yml"
    path.write_text(text)
    cluster = load(path)
    assert cluster.alerts is not None
    assert cluster.operator.ssh_keys
    assert cluster.image.mirror
    assert cluster.keepalived == "2.3.3"


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cluster.yml"
    make = {"file": path.touch, "folder": path.mkdir, "dangling link": lambda: path.symlink_to("nowhere")}
    make[kind]()
    with pytest.raises(UserError, match="already exists, and init overwrites nothing"):
        starter.write_starter(path)
    assert path.is_symlink() == (kind == "dangling link")
    assert path.is_dir() == (kind == "folder")
    assert not path.is_file() or path.read_bytes() == b""


def test_the_best_kind_of_key_in_the_home_is_taken(home: Path, make_key: MakeKey) -> None:
    assert own_key.own_key() is None
    for kind in ("rsa", "ecdsa", "ed25519"):
        path = make_key(kind)
        key = own_key.own_key()
        assert key is not None
        assert (key.origin, key.name.split()[-1]) == (f"{path}.pub", f"id_{kind}@example.com")
    (home / ".ssh" / "broken.pub").write_bytes(b"\xff")
    (home / ".ssh" / "private.pub").write_text((home / ".ssh" / "id_rsa").read_text())
    assert own_key.own_key() == key


def test_a_certificate_is_no_key(home: Path, make_key: MakeKey) -> None:
    authority, own = make_key("ed25519", "authority", home), make_key("ed25519")
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", "ops", f"{own}.pub"], check=True)
    assert (home / ".ssh" / "id_ed25519-cert.pub").is_file()
    key = own_key.own_key()
    assert key is not None
    assert key.origin == f"{own}.pub"


@pytest.mark.usefixtures("agent")
def test_a_key_of_a_running_agent_is_taken(home: Path, make_key: MakeKey) -> None:
    assert own_key.own_key() is None
    for kind in ("rsa", "ed25519"):
        subprocess.run(["ssh-add", "-q", make_key(kind)], check=True)
    shutil.rmtree(home / ".ssh")
    key = own_key.own_key()
    assert key is not None
    assert (key.origin, key.name) == ("the ssh-agent", "ssh-ed25519 id_ed25519@example.com")
    assert "PRIVATE" not in key.text


def test_an_agent_that_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    assert own_key.own_key() is None


def test_the_file_that_the_user_names_is_taken(tmp_path: Path, make_key: MakeKey) -> None:
    make_key("ed25519")
    path = make_key("rsa", "other", tmp_path)
    key = own_key.own_key(Path(f"{path}.pub"))
    assert key is not None
    assert key.name == "ssh-rsa other@example.com"
    with pytest.raises(UserError, match="this is a private one") as caught:
        own_key.own_key(path)
    assert caught.value.hint == "use the file whose name ends in .pub"
    with pytest.raises(UserError, match="cannot be read: No such file") as caught:
        own_key.own_key(tmp_path / "none.pub")
    assert "~/.ssh/id_ed25519.pub" in caught.value.hint
