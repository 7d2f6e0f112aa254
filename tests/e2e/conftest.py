"""One image and one running pair for all end-to-end tests, made with the command that operators use."""

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
    """The folders of these tests, and vipforge run in them."""

    folder: Path

    @property
    def spec(self) -> Path:
        """The quickstart with HTTPS and a statistics page."""
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
        """Run in the background, but let SIGINT end it: a shell makes its background commands ignore it."""
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
        """Return the command lines of all processes that name these folders, whoever started them."""
        command_lines = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if str(self.folder) in line and int(folder.name) != os.getpid():
                command_lines.append(f"{folder.name} {line}")
        return command_lines


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    session = Session(tmp_path_factory.mktemp("e2e"))
    session.spec.write_text(spec(session.folder))
    examples.provide(load(session.spec))
    return session


def spec(folder: Path, *more: dict[str, Any]) -> str:
    """Return the quickstart, its service also over HTTPS, a statistics page, and `more`; `folder` has its files."""
    data = yaml.safe_load(SPEC.read_text())
    data["guest"] = "debian12"  # even if CentOS' servers are reachable: test_3_centos7.py bakes that guest
    (web,) = data["services"]
    secure = {**web, "name": "secure", "mode": "https", "port": SECURE, "certificates": ["www"], "hosts": [HOST]}
    data["services"] += [secure, *more]
    data["tls"] = {"certificates": [{"name": "www", "chain": f"{folder}/tls/www.pem", "key": f"{folder}/tls/www.key"}]}
    data["statistics"] = {"password": f"{folder}/secrets/statistics"}
    return json.dumps(data, indent=1)  # JSON is YAML without aliases


@pytest.fixture(scope="session")
def bake_apart(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bake]:
    """The same cluster baked in another folder, at the same time as `bakes`: its image, and the process."""
    build = tmp_path_factory.mktemp("apart")
    spec = shutil.copy(session.spec, build)
    with session.start("image", spec, VIPFORGE_BUILD=str(build)) as process:
        yield build / "quickstart" / "appliance.qcow2", process
        process.kill()


@pytest.fixture(scope="session")
def bakes(session: Session, bake_apart: Bake) -> list[tuple[int, str, str]]:
    """Two simultaneous bakes of one cluster: exit code, stdout and stderr of each."""
    assert bake_apart
    processes = [session.start("image", session.spec) for _ in range(2)]
    outputs = [bake.communicate(timeout=IMAGE_SECONDS) for bake in processes]
    return [(bake.returncode, out, err) for bake, (out, err) in zip(processes, outputs, strict=True)]


@pytest.fixture(scope="session")
def image(session: Session, bakes: list[tuple[int, str, str]]) -> Path:
    """The quickstart's image."""
    assert [code for code, _, _ in bakes] == [0, 0], "\n".join(err for _, _, err in bakes)
    return session.build / "quickstart" / "appliance.qcow2"


@dataclass
class Answers:
    """How often a web service gave each answer, and the longest time without a 200, in seconds."""

    counts: Counter[str]
    silence: float = 0.0


@contextmanager
def asking(argv: list[str]) -> Iterator[Answers]:
    """Run the asker until this context ends; its result is filled in afterwards."""
    answers = Answers(Counter())
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asker:
        try:
            yield answers
        finally:
            out, _ = asker.communicate(timeout=MOVE_SECONDS)
            result = json.loads(out)
            answers.counts.update(result["answers"])
            answers.silence = result["silence"]


@dataclass(frozen=True)
class Pair:
    """The running pair."""

    session: Session

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.session.run("lab", "status", self.session.spec, "--json").stdout)
        return status

    def ssh(self, node: str, command: str) -> subprocess.CompletedProcess[str]:
        return self.session.run("lab", "ssh", self.session.spec, node, "--", command)

    def client(self, *words: str | Path) -> list[str]:
        """Return the command line of Python where the lab's clients are."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VIPFORGE_STATE", self.session.environment["VIPFORGE_STATE"])
            lab = state.running_lab(load(self.session.spec))
        return [*lab.keeper.client(), sys.executable, *(str(word) for word in words)]

    def asking(self) -> AbstractContextManager[Answers]:
        """Ask the VIP's web service until this context ends."""
        return asking(self.client(ASKER, VIP, str(PORT)))

    def holders(self, vip: str = VIP) -> list[str]:
        names: list[str] = self.status()["holders"][vip]
        return names

    def wait_for_holder(self, name: str) -> None:
        wait_until(lambda: self.holders() == [name], f"{name} to hold the VIP alone, not {self.holders()}")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = MOVE_SECONDS) -> None:
    """Wait for a condition; on timeout, say what was awaited."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited {seconds:g} s for {what}"
        time.sleep(0.5)


@pytest.fixture(scope="session")
def pair(session: Session, image: Path) -> Iterator[Pair]:
    """The booted pair; it is taken down at the end, whatever the tests did."""
    assert image.is_file()
    up = session.run("lab", "up", session.spec)
    try:
        assert up.returncode == 0, up.stderr
        yield Pair(session)
    finally:
        session.run("lab", "down", session.spec)
