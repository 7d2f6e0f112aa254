"""A hypervisor consists of one folder: it is found automatically, and every command works with it.

The folder is `extra_hypervisors/paper`. Its machines are files, and a program named ssh answers for the nodes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from builder import cli, deploy
from builder.core import paths
from builder.core.errors import Exit
from builder.deploy import hypervisors
from builder.nodes import upgrade
from builder.spec.model import Cluster
from tests.specs import quickstart

NAMES = ("quickstart-lb1", "quickstart-lb2")
SSH = """\
cd {folder}
case $* in
    *lb1.example.com*hand-over\\ away*) touch away ;;
    *lb1.example.com*hand-over\\ back*) rm -f away ;;
    *sh\\ -s)
        case $* in *lb1*) name=lb1 ;; *) name=lb2 ;; esac
        [ "$(cat machines/quickstart-$name)" != "$(cat sick)" ] || {{ echo 'no route to host' >&2; exit 255; }}
        holder=lb1; [ ! -e away ] || holder=lb2
        vip=; [ $holder != $name ] || vip=127.0.0.1
        printf '%s\\n' cloud-init=done vipforge-identity=active haproxy=active keepalived=active \\
            "addresses=192.168.56.11 $vip" vrrp=VI_1:BACKUP ;;
esac
"""


@dataclass(frozen=True)
class Ran:
    """A command's exit code and output."""

    code: int
    out: str
    err: str


Vipforge = Callable[..., Ran]


@pytest.fixture(autouse=True)
def paper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Search the extra folder for hypervisors, like builder/deploy."""
    monkeypatch.setattr(deploy, "__path__", [*deploy.__path__, str(Path(__file__).parent / "extra_hypervisors")])
    hypervisors.cache_clear()
    yield
    hypervisors.cache_clear()
    vars(deploy).pop("paper", None)
    for name in [name for name in sys.modules if name.startswith("builder.deploy.paper")]:
        del sys.modules[name]


@pytest.fixture
def machines(tmp_path: Path) -> Path:
    """The folder of the machines."""
    folder = tmp_path / "machines"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The baked quickstart, with a VIP and a closed port on the loopback interface; loading any spec returns it."""
    monkeypatch.setenv("VIPFORGE_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("VIPFORGE_STATE", str(tmp_path / "state"))
    spec = quickstart(guest="debian12")
    service = spec.services[0].model_copy(update={"port": 1, "mode": "tcp", "check": None})
    vrrp = spec.vrrp.model_copy(update={"vips": ("127.0.0.1",)})
    made = spec.model_copy(update={"vrrp": vrrp, "services": (service,)})
    monkeypatch.setattr("builder.spec.load.load", lambda _: made)
    bake(made, "a")
    return made


@pytest.fixture
def vipforge(machines: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Vipforge:
    """Return a function: `vipforge("deploy", …)` runs `vipforge deploy paper` on the cluster and the folder."""
    monkeypatch.setattr(cli, "MODULES", ("deploy",))

    def run(verb: str, *words: str) -> Ran:
        app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
        app.callback()(cli.options)
        monkeypatch.setattr(cli, "app", app)
        argv = ["vipforge", verb, "paper", "cluster.yml", "--paper-folder", str(machines), *words]
        monkeypatch.setattr("sys.argv", argv)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Ran(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def sick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_program: Callable[[str, str], Path]) -> Path:
    """Make nodes answer over SSH, except those of the image whose label is in this file."""
    fake_program("ssh", SSH.format(folder=tmp_path))
    monkeypatch.setattr(upgrade, "PAUSE_SECONDS", 0)
    sick = tmp_path / "sick"
    sick.write_text("none")
    return sick


def bake(cluster: Cluster, label: str) -> str:
    """Put a fake image, whose digest repeats this digit, where a bake would; return its label."""
    folder = paths.build_folder(cluster.cluster)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "appliance.qcow2").write_bytes(b"image")
    record = {"guest": "debian12", "size": 5, "virtual_size": 4 << 30, "sha256": label * 64}
    (folder / "manifest.json").write_text(json.dumps(record))
    return label * 12


def texts(machines: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted(machines.iterdir())}


def test_every_folder_is_found_as_a_hypervisor() -> None:
    assert sorted(hypervisors()) == ["libvirt", "paper", "vsphere"]


def test_a_dry_run_shows_the_steps_and_takes_none(vipforge: Vipforge, machines: Path) -> None:
    shown = vipforge("deploy", "--dry-run")
    assert (shown.code, shown.out) == (Exit.OK, "+ quickstart-lb1 on paper\n+ quickstart-lb2 on paper\n")
    assert texts(machines) == {}


def test_a_second_deployment_changes_nothing(vipforge: Vipforge, machines: Path) -> None:
    first = vipforge("deploy", "--wait", "0")
    assert first.code == Exit.OK, first.err
    assert texts(machines) == dict.fromkeys(NAMES, "a" * 12)
    assert vipforge("deploy", "--wait", "0").out == first.out.replace("+ ", "= ")


def test_a_deployment_waits_for_the_vips(vipforge: Vipforge) -> None:
    waited = vipforge("deploy", "--wait", "0.01")
    assert waited.code == Exit.TIMED_OUT
    assert "nothing answers on 127.0.0.1:1" in waited.err


def test_a_single_node_is_replaced(vipforge: Vipforge, machines: Path, cluster: Cluster) -> None:
    vipforge("deploy", "--wait", "0")
    new = bake(cluster, "b")
    assert "was deployed from another spec or image" in vipforge("deploy", "--wait", "0").err
    assert vipforge("deploy", "--wait", "0", "--node", "lb2", "--replace").code == Exit.OK
    assert texts(machines) == {NAMES[0]: "a" * 12, NAMES[1]: new}


@pytest.mark.real_subprocess
@pytest.mark.usefixtures("sick")
def test_an_upgrade_renews_every_node_the_standby_first(vipforge: Vipforge, machines: Path, cluster: Cluster) -> None:
    vipforge("deploy", "--wait", "0")
    new = bake(cluster, "b")
    planned = vipforge("upgrade", "--dry-run")
    assert "+ quickstart-lb2 kept\n+ quickstart-lb2 on paper\n" in planned.out
    assert texts(machines) == dict.fromkeys(NAMES, "a" * 12)
    done = vipforge("upgrade", "--ink", "black")
    assert (done.code, done.out) == (Exit.OK, f"{planned.out}renewed: lb2.example.com, lb1.example.com\n"), done.err
    assert texts(machines) == dict.fromkeys(NAMES, new)


@pytest.mark.real_subprocess
def test_an_upgrade_that_fails_is_rolled_back(
    vipforge: Vipforge, machines: Path, cluster: Cluster, sick: Path
) -> None:
    vipforge("deploy", "--wait", "0")
    sick.write_text(bake(cluster, "b"))
    failed = vipforge("upgrade", "--wait", "0")
    assert failed.code == Exit.TIMED_OUT
    assert "its old machine is back, and serves" in failed.err
    assert texts(machines) == dict.fromkeys(NAMES, "a" * 12)


def test_destroy_removes_what_was_deployed_after_a_confirmation(
    vipforge: Vipforge, machines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vipforge("deploy", "--wait", "0")
    other = machines / "somebody-elses"
    other.write_text("kept")
    looked = vipforge("destroy", "--dry-run")
    assert looked.out == "- quickstart-lb1 shredded\n- quickstart-lb2 shredded\n"
    monkeypatch.setattr("sys.stdin", (machines.parent / "no").open("w+"))
    assert vipforge("destroy").code == Exit.FAILED
    assert set(texts(machines)) == {*NAMES, other.name}
    assert vipforge("destroy", "--yes").code == Exit.OK
    assert texts(machines) == {other.name: "kept"}
    assert vipforge("destroy", "--yes").out == "nothing of cluster quickstart exists here\n"


def test_every_type_of_option_reaches_the_hypervisor(vipforge: Vipforge, machines: Path) -> None:
    words = ["--ink", "black", "--stamp", "one", "--stamp", "two", "--recycled"]
    printed = vipforge("deploy", "--print", "--node", "lb2", *words).out
    assert printed.startswith("quickstart of cluster.yml, Choice(node='lb2', replace=False), None: PaperOptions(")
    assert f"(paper_folder={machines!r}, ink='black', stamp=['one', 'two'], recycled=True" in printed
    assert "ink='blue', stamp=[], recycled=False" in vipforge("deploy", "--print").out
    assert texts(machines) == {}


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("deploy", ("--ink", "red")),
        ("destroy", ("--ink", "black")),
        ("upgrade", ("--print",)),
        ("destroy", ("--image",)),
    ],
)
def test_an_option_that_a_command_lacks_ends_with_2(vipforge: Vipforge, verb: str, words: tuple[str, ...]) -> None:
    assert vipforge(verb, *words).code == 2


def test_the_connection_is_closed_before_the_wait_for_the_vips(vipforge: Vipforge) -> None:
    said = vipforge("deploy", "--wait", "0.01").err
    assert said.index("paper: disconnected") < said.index("waiting for the VIPs")


def test_an_unreachable_hypervisor_is_reported_in_its_own_words(vipforge: Vipforge, machines: Path) -> None:
    machines.rmdir()
    failed = vipforge("destroy", "--yes")
    assert (failed.code, failed.err) == (Exit.FAILED, f"error: there is no folder {machines}\n")
