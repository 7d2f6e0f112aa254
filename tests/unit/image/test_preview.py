"""`vipforge render`: everything that a bake would run and put into the image, file by file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core.errors import HostLacks
from builder.core.paths import resources
from builder.guests import all_guests
from builder.image import preview
from builder.image.packer import builders
from builder.image.plan import bake_plan
from builder.render import appliance
from builder.spec.load import load
from builder.spec.model import Cluster
from tests.specs import quickstart

ARTICLE = Path(__file__).parents[3] / "examples" / "exchange2013-centos7.yml"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def lack() -> None:
        raise HostLacks("no Packer")

    monkeypatch.setenv("VIPFORGE_BUILD", str(tmp_path))
    monkeypatch.setattr(preview, "packer", lack)


def rendered(cluster: Cluster) -> Path:
    return preview.preview(cluster)


def test_the_articles_cluster_is_rendered_completely() -> None:
    place, facts = rendered(load(ARTICLE)), all_guests()["centos7"]
    guest = {f"/{path.relative_to(place / 'guest')}" for path in (place / "guest").rglob("*") if path.is_file()}
    assert guest == set(appliance(load(ARTICLE), facts, "1.2.13"))
    steps = [path.name for path in sorted((place / "provision").iterdir())]
    assert steps == [name.split("/")[1] for name in facts.provision]
    names = {f"{builder.name}.pkr.json" for builder in builders.builders_for(facts)} - {"qemu.pkr.json"} | {
        "appliance.pkr.json"
    }
    assert {path.name for path in place.glob("*.pkr.json")} == names
    assert (place / "ks.cfg").read_text().startswith("# Answers the installer of CentOS 7")
    for node in ("lb1.example.com", "lb2.example.com"):
        seed = {path.name for path in (place / "nodes" / node).iterdir()}
        assert seed == {"keepalived.conf", "peers.cfg", "meta-data", "network-config", "user-data"}


@pytest.mark.parametrize("guest", all_guests())
def test_the_readme_describes_every_part(guest: str) -> None:
    place = rendered(quickstart(guest=guest))
    readme = (place / "README").read_text()
    parts = [path.name for path in place.iterdir() if path.suffix != ".json" and path.name != "README"]
    assert len(parts) >= 4
    assert [part for part in parts if not re.search(rf"^{part}", readme, re.MULTILINE)] == []
    assert all_guests()[guest].title in readme
    assert max(map(len, readme.splitlines())) <= 120


def test_the_rendered_machine_is_that_of_the_bake() -> None:
    """`render` used to show another disk interface, disk size, memory and SSH limit."""
    place = rendered(quickstart(guest="centos7", image={"disk_gib": 16}, haproxy={"source": "3.0.11"}))

    def shown(name: str, kind: str) -> dict:
        return json.loads((place / f"{name}.pkr.json").read_text())["source"][kind]["appliance"]

    disk, installer, vcenter = (
        shown("appliance", "qemu"),
        shown("qemu-iso", "qemu"),
        shown("vsphere-iso", "vsphere-iso"),
    )
    assert (disk["disk_interface"], disk["disk_size"], disk["ssh_timeout"]) == ("virtio-scsi", "16384M", "15m")
    assert (installer["memory"], installer["disk_size"], installer["ssh_timeout"]) == (2048, "16384M", "120m")
    assert (vcenter["RAM"], vcenter["ssh_timeout"]) == (2048, "120m")
    steps = json.loads((place / "appliance.pkr.json").read_text())["build"][0]["provisioner"]
    uploads = [step["file"]["destination"] for step in steps if "file" in step]
    assert {"/tmp/keepalived.tar", "/tmp/haproxy.tar"} <= set(uploads)


@pytest.mark.parametrize("guest", all_guests())
def test_each_template_follows_from_the_plan_of_its_bake(guest: str, tmp_path: Path) -> None:
    place = rendered(quickstart(guest=guest))
    for builder in builders.builders_for(all_guests()[guest]):
        name = "appliance" if builder.name == "qemu" else builder.name
        shown = json.loads((place / f"{name}.pkr.json").read_text())["source"][builder.kind]["appliance"]
        plan = bake_plan(quickstart(guest=guest), builder.name, offline=False)
        work = tmp_path / "quickstart" / ".work"
        context = replace(preview._context(plan, tmp_path / "quickstart"), foundation_sha256="12" * 32, work=work)
        baked = builder.source(plan.template_inputs(context))
        differing = {key for key in shown | baked if shown.get(key) != baked.get(key)}
        assert differing <= {"iso_checksum"}


def test_the_recipes_are_those_of_the_bake() -> None:
    place = rendered(quickstart(guest="debian12", haproxy={"source": "3.0.11"}))
    for name in ("keepalived", "haproxy"):
        recipe = resources("packer", name, "build.sh").read_text()
        assert (place / "compile" / f"{name}.sh").read_text() == recipe
    assert not (rendered(quickstart(guest="debian12")) / "compile" / "haproxy.sh").exists()


@pytest.mark.parametrize(
    ("guest", "interface", "shown"),
    [("centos7", "auto", "eth0"), ("debian12", "auto", "eth0"), ("debian12", "eth2", "eth2")],
)
def test_the_interface_has_the_name_that_the_guest_gives_it(guest: str, interface: str, shown: str) -> None:
    place = rendered(quickstart(guest=guest, network={"interface": interface}))
    conf = (place / "nodes" / "lb1.example.com" / "keepalived.conf").read_text()
    assert f"    interface {shown}\n" in conf


def test_a_change_that_the_profile_requires_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    place = rendered(quickstart(guest="centos7", vrrp={"profile": "standard"}))
    assert "keepalived 2.3.4 instead of 1.2.13" in capsys.readouterr().err
    assert "keepalived 2.3.4" in (place / "README").read_text()
