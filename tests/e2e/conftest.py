"""One image and one running pair for all end-to-end tests, made with the command that people use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.lab import state
from builder.spec.load import load
from tests import examples

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "examples" / "quickstart.yml"
VIP, PORT, SECURE = "192.168.56.10", 80, 443
HOST = "www.example.com"
ASKER = Path(__file__).with_name("asker.py")
IMAGE_SECONDS = 50 * 60
LAB_SECONDS = 25 * 60
MOVE_SECONDS = 180

Bake = tuple[Path, subprocess.Popen[str]]


@dataclass(frozen=True)
class Session:
    """The folders of these tests, and the command."""

    folder: Path

    @property
    def spec(self) -> Path:
        """The quickstart with TLS and a statistics page."""
        return self.folder / "quickstart.yml"

    @property
    def build(self) -> Path:
        return self.folder / "build"

    @property
    def environment(self) -> dict[str, str]:
        own = {"VIPFORGE_BUILD": str(self.build), "VIPFORGE_STATE": str(self.folder / "state")}
        return {**os.environ, **own}

    def run(self, *words: str | Path, timeout: float = LAB_SECONDS) -> subprocess.CompletedProcess[str]:
        argv = self.argv(*words)
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False)

    def start(self, *words: str | Path, **changes: Any) -> subprocess.Popen[str]:
        """In the background, and yet to be interrupted: a shell lets what it starts there ignore that."""
        return subprocess.Popen(
            ["env", "--default-signal=INT", *self.argv(*words)],
            env={**self.environment, **changes},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def argv(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-m", "builder", *(str(word) for word in words)]

    def processes(self) -> list[str]:
        """The command lines of all processes that work in these folders, whoever started them."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if str(self.folder) in line and int(folder.name) != os.getpid():
                found.append(f"{folder.name} {line}")
        return found


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    made = Session(tmp_path_factory.mktemp("e2e"))
    made.spec.write_text(spec(made.folder))
    examples.provide(load(made.spec))
    return made


def spec(folder: Path, *more: dict[str, Any]) -> str:
    """The quickstart with its service over TLS as well, a statistics page, and `more`; `folder` has its files."""
    data = yaml.safe_load(SPEC.read_text())
    data["guest"] = "debian12"  # also where the servers of CentOS are in reach: test_3_centos7.py has that guest
    (web,) = data["services"]
    secure = {**web, "name": "secure", "mode": "https", "port": SECURE, "certificates": ["www"], "hosts": [HOST]}
    data["services"] += [secure, *more]
    data["tls"] = {"certificates": [{"name": "www", "chain": f"{folder}/tls/www.pem", "key": f"{folder}/tls/www.key"}]}
    data["statistics"] = {"password": f"{folder}/secrets/statistics"}
    return json.dumps(data, indent=1)  # which is YAML, too, and has no aliases


@pytest.fixture(scope="session")
def bake_apart(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bake]:
    """The same cluster baked in a folder of its own, at the same time as `bakes`: its image, and the process."""
    build = tmp_path_factory.mktemp("apart")
    spec = shutil.copy(session.spec, build)
    with session.start("image", spec, VIPFORGE_BUILD=str(build)) as process:
        yield build / "quickstart" / "appliance.qcow2", process
        process.kill()


@pytest.fixture(scope="session")
def bakes(session: Session, bake_apart: Bake) -> list[tuple[int, str, str]]:
    """Two bakes of one cluster at once: exit code, stdout and stderr of each."""
    assert bake_apart
    both = [session.start("image", session.spec) for _ in range(2)]
    outputs = [bake.communicate(timeout=IMAGE_SECONDS) for bake in both]
    return [(bake.returncode, out, err) for bake, (out, err) in zip(both, outputs, strict=True)]


@pytest.fixture(scope="session")
def image(session: Session, bakes: list[tuple[int, str, str]]) -> Path:
    """The quickstart's image."""
    assert [code for code, _, _ in bakes] == [0, 0], "\n".join(err for _, _, err in bakes)
    return session.build / "quickstart" / "appliance.qcow2"


@dataclass
class Asked:
    """What requests to a web service came to, answer by answer, and the longest time without a 200, in seconds."""

    answers: Counter[str]
    silence: float = 0.0


@contextmanager
def asking(words: list[str]) -> Iterator[Asked]:
    """Let the command, which is the asker, ask until this context ends; what it found is there afterwards."""
    found = Asked(Counter())
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asker:
        try:
            yield found
        finally:
            out, _ = asker.communicate(timeout=MOVE_SECONDS)
            told = json.loads(out)
            found.answers.update(told["answers"])
            found.silence = told["silence"]


@dataclass(frozen=True)
class Pair:
    """The running pair."""

    session: Session

    def status(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.session.run("lab", "status", self.session.spec, "--json").stdout)
        return shown

    def ssh(self, node: str, command: str) -> subprocess.CompletedProcess[str]:
        return self.session.run("lab", "ssh", self.session.spec, node, "--", command)

    def client(self, *words: str | Path) -> list[str]:
        """A command of Python's where the lab's clients are."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VIPFORGE_STATE", self.session.environment["VIPFORGE_STATE"])
            lab = state.running_lab(load(self.session.spec))
        return [*lab.keeper.client(), sys.executable, *(str(word) for word in words)]

    def asked(self) -> AbstractContextManager[Asked]:
        """What requests to the VIP's web service come to until this context ends."""
        return asking(self.client(ASKER, VIP, str(PORT)))

    def holders(self, vip: str = VIP) -> list[str]:
        found: list[str] = self.status()["holders"][vip]
        return found

    def wait_for_holder(self, name: str) -> None:
        wait_until(lambda: self.holders() == [name], f"{name} to hold the VIP alone, not {self.holders()}")


def wait_until(true: Callable[[], bool], what: str, seconds: float = MOVE_SECONDS) -> None:
    """Wait, with a limit, and say what did not come."""
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, f"waited {seconds:g} s for {what}"
        time.sleep(0.5)


@pytest.fixture(scope="session")
def pair(session: Session, image: Path) -> Iterator[Pair]:
    """The pair, booted; taken down at the end whatever the tests did."""
    assert image.is_file()
    up = session.run("lab", "up", session.spec)
    try:
        assert up.returncode == 0, up.stderr
        yield Pair(session)
    finally:
        session.run("lab", "down", session.spec)
