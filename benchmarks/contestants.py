"""The contestants of the benchmark of bakes: each is a function that creates a disk and can be timed.

Each one gets its own folder. The peers get their base for free; vipforge's cold bake builds its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.base import base
from builder.core.run import contain, need
from builder.host.qemu import accelerator
from builder.image.packer.program import program
from builder.rootfs.mirror import host_address
from builder.sources import pin
from builder.sources.fetch import fetch

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "benchmarks" / "peers"
HAND_WRITTEN = PEERS / "packer-by-hand"
SPEC = ROOT / "examples" / "quickstart.yml"
SECONDS = 4 * 60 * 60
TARBALL = ("keepalived", "2.3.3")
"""The same version that vipforge compiles for debian12."""


@dataclass(frozen=True)
class Contestant:
    """A way to create a disk: `bake` is timed and returns the disk that it created in the folder."""

    name: str
    title: str
    bake: Callable[[Path], Path]
    prepare: Callable[[Path], None] = lambda _: None


def vipforge(build: Path, spec: Path, *, cache: Path | None = None) -> Path:
    """Run `vipforge image` in a separate process; returns the image, which is below `build`."""
    own = {"VIPFORGE_BUILD": str(build)} | ({"VIPFORGE_CACHE": str(cache)} if cache else {})
    _run([sys.executable, "-m", "builder", "image", str(spec), "--guest", "debian12"], own)
    return build / str(yaml.safe_load(spec.read_text())["cluster"]) / "appliance.qcow2"


def changed(folder: Path, name: str, **changes: object) -> Path:
    """Write a copy of the quickstart's spec with other values to the folder."""
    data = yaml.safe_load(SPEC.read_text())
    for key, value in changes.items():
        data[key] = {**data[key], **value} if isinstance(value, dict) else value
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(data))
    return path


def cold(folder: Path) -> Path:
    """Bake from nothing, including the base and the compilation."""
    return vipforge(folder / "build", SPEC, cache=folder / "cache")


def baked(folder: Path) -> None:
    """Bake the unchanged spec once for all contestants that need its image or its layers in the cache."""
    vipforge(folder.parent / "baked", SPEC)


def baked_for_itself(folder: Path) -> None:
    """Copy that image to a folder in which it may be baked again."""
    baked(folder)
    shutil.copytree(folder.parent / "baked", folder / "build")


def settings(folder: Path) -> Path:
    """Bake other VRRP settings and another port for a cluster that was baked before."""
    services = [{**each, "port": 8080} for each in yaml.safe_load(SPEC.read_text())["services"]]
    return vipforge(folder / "build", changed(folder, "changed", vrrp={"profile": "fast"}, services=services))


def unchanged(folder: Path) -> Path:
    """Bake the same spec again."""
    return vipforge(folder.parent / "baked", SPEC)


def another(folder: Path) -> Path:
    """Bake another cluster on the same foundation."""
    return vipforge(folder / "build", changed(folder, "another", cluster="another"))


def packer_by_hand(folder: Path) -> Path:
    """Run a hand-written template, which does everything in shell provisioners inside the machine."""
    words = packer_words(folder, base(), _tarball(), accelerator())
    own = {"PACKER_CACHE_DIR": str(folder / "cache"), "TMPDIR": str(folder)}
    _run([str(program().path), "build", *words], own, HAND_WRITTEN)
    return folder / "out" / "appliance.qcow2"


def packer_words(folder: Path, disk: Path, tarball: Path, how: str) -> list[str]:
    """The template's variables and name for Packer's command line; creates a key and a seed in the folder."""
    key, seed = _seed(folder)
    values = {
        "base": disk,
        "source": tarball,
        "key": key,
        "seed": f'["{seed}/user-data", "{seed}/meta-data"]',
        "accelerator": how,
        "output": folder / "out",
    }
    return [*(word for name, value in values.items() for word in ("-var", f"{name}={value}")), "appliance.pkr.hcl"]


def virt_customize(folder: Path) -> Path:
    """Run the same steps with guestfs-tools."""
    need("virt-customize", "guestfs-tools")
    if not any(Path("/boot").glob("vmlinuz*")):
        sys.exit(
            "virt-customize boots the host's kernel, but /boot contains none: run apt-get install linux-image-amd64"
        )
    disk = folder / "virt.qcow2"
    # If /dev/kvm can be opened but does not work, virt-customize waits forever, so vipforge's accelerator is forced.
    own = {"TMPDIR": str(folder), "LIBGUESTFS_BACKEND_SETTINGS": f"force_{accelerator()}"}
    _run([str(PEERS / "virt_customize.sh"), str(base()), str(_tarball()), str(disk)], own)
    return disk


def fetched(_: Path) -> None:
    """Provide the base and the tarball, which the peers get for free."""
    base()
    _tarball()


def plain(_: Path) -> Path:
    """The unchanged base, with whose size the others are compared."""
    return base()


ALL = (
    Contestant("base", "plain base", plain, fetched),
    Contestant("cold", "vipforge, cold, from nothing", cold),
    Contestant("settings", "vipforge, changed services and VRRP", settings, baked_for_itself),
    Contestant("another", "vipforge, another cluster", another, baked),
    Contestant("unchanged", "vipforge, nothing changed", unchanged, baked),
    Contestant("packer", "(a) Packer template by hand", packer_by_hand, fetched),
    Contestant("virt", "(b) virt-customize", virt_customize, fetched),
)


def _seed(folder: Path) -> tuple[Path, Path]:
    key, seed = folder / "key", folder / "seed"
    seed.mkdir()
    _run([need("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-f", str(key)], {})
    public = key.with_suffix(".pub").read_text().strip()
    # cloud-init's default locale, en_US.UTF-8, is not installed, which would make cloud-init report a failed boot.
    data = {"disable_root": False, "locale": "C.UTF-8", "users": [{"name": "root", "ssh_authorized_keys": [public]}]}
    (seed / "user-data").write_text("#cloud-config\n" + yaml.safe_dump(data))
    (seed / "meta-data").write_text("instance-id: by-hand\nlocal-hostname: by-hand\n")
    return key, seed


def _tarball() -> Path:
    return fetch(pin(*TARBALL), offline=False, debian=host_address())


def _run(words: list[str], own: Mapping[str, str], folder: Path = ROOT) -> None:
    """Run a command and show the end of its output if it fails. Its machines end with this process, even if killed."""
    environment = {**os.environ, **own}
    done = subprocess.run(
        contain(words), env=environment, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        sys.exit(f"{shutil.which(words[0]) or words[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}")
