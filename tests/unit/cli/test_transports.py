"""`--transport`: a new transport is one new file, and each command names those that it can use."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from builder.core.errors import Exit
from builder.core.paths import resources
from builder.deploy.machine import BakedImage
from builder.deploy.vsphere.node import Destination, desired_machine
from builder.guests.debian12 import GUEST
from builder.seed import transports
from builder.seed.seed import seed
from builder.spec.load import load

QUICKSTART = resources("examples", "quickstart.yml")
PAPER = '''
"""A seed as a printed page, and on its own CD."""

from builder.seed.transports import Transport, cd_image

TRANSPORTS = [Transport(
    name="paper",
    description="a page to type in",
    carries_secrets=False,
    suffix=".page",
    files=lambda seed: f"name: {seed.identity['NODE_NAME']}\\n",
    image=lambda seed: cd_image("PAPER", {"page": seed.user_data}),
    needs="patience",
)]
'''
"""The file that adds a transport."""
VSPHERE = ("vsphere", QUICKSTART, "--server", "vcenter.invalid", "--user", "me")
Vipforge = Callable[..., int]


@pytest.fixture
def _paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Add the file to the package."""
    folder = tmp_path / "transports"
    folder.mkdir()
    (folder / "paper.py").write_text(PAPER)
    monkeypatch.setattr(transports, "__path__", [*transports.__path__, str(folder)])
    importlib.invalidate_caches()
    transports.all_transports.cache_clear()
    yield
    transports.all_transports.cache_clear()
    sys.modules.pop(f"{transports.__name__}.paper")


@pytest.mark.usefixtures("_paper")
def test_a_new_transport_is_one_file(
    any_command: Vipforge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any_command("seed", QUICKSTART, "--transport", "paper", "--to", tmp_path / "seeds", "--json") == Exit.OK
    seeds = json.loads(capsys.readouterr().out)
    assert seeds == {name: str(tmp_path / "seeds" / f"{name}.page") for name in ("lb1.example.com", "lb2.example.com")}
    for name, path in seeds.items():
        assert Path(path).read_text() == f"name: {name}\n"
        assert Path(path).stat().st_mode & 0o777 == 0o600
    assert any_command("transports") == Exit.OK
    listed = capsys.readouterr().out.splitlines()
    assert "paper      a page to type in; needs patience; refuses seeds with secrets" in listed
    assert [line.split()[0] for line in listed] == sorted(transports.all_transports())


@pytest.mark.usefixtures("_paper")
def test_a_new_transport_with_a_cd_is_usable_for_every_machine_with_a_cd() -> None:
    cluster = load(QUICKSTART)
    node = cluster.nodes[0]
    paper = transports.find_transport("paper", "cd")
    image = BakedImage(Path("appliance.qcow2"), GUEST, 1, 1, "label", cluster.cluster)
    destination = Destination(Mock(network_name="VM Network"), Mock(), paper)
    machine = desired_machine(cluster, node, image, destination)
    assert b"PAPER" in machine.cd
    assert len(machine.cd) == len(paper.cd(seed(cluster, node, GUEST))), "an image has the time at which it was made"
    assert machine.file == f"{machine.seed.instance_id}.iso"


@pytest.mark.usefixtures("_paper")
@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (("seed", QUICKSTART), "folder, guestinfo, iso, ovf, paper"),
        (("lab", "up", QUICKSTART), "iso, ovf, paper"),
        (("deploy", *VSPHERE), "guestinfo, iso, ovf, paper"),
        (("upgrade", *VSPHERE), "guestinfo, iso, ovf, paper"),
    ],
    ids=("seed", "lab", "deploy", "upgrade"),
)
def test_each_command_names_the_transports_that_it_can_use(
    any_command: Vipforge, capsys: pytest.CaptureFixture[str], *, command: tuple[str | Path, ...], hint: str
) -> None:
    assert any_command(*command, "--transport", "pigeon") == Exit.BAD_SPEC
    said = capsys.readouterr().err
    assert "error: unknown transport pigeon\n" in said
    assert f"  hint: use one of: {hint}\n" in said
    if "folder" in hint:
        return
    assert any_command(*command, "--transport", "folder") == Exit.BAD_SPEC
    assert "error: transport folder cannot be used here\n" in capsys.readouterr().err
