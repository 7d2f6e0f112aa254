"""One node of the lab in QEMU: its disk and seed, its command line, its console."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import write_atomic
from builder.core.quoting import qemu_path
from builder.core.run import need, run
from builder.guests import Facts, all_guests
from builder.host.qemu import Accelerator, accelerator, qemu
from builder.image import manifest
from builder.image.packer.output import plain
from builder.lab import qmp
from builder.lab.network import in_lab, macs, ports
from builder.lab.ssh import public_key
from builder.lab.state import Lab, node_folder
from builder.seed.seed import PRIVATE, seed
from builder.seed.transports import Transport, nocloud
from builder.spec.model import Cluster, Node

MEMORY_MIB = 768
CARD = "net0"
"""QMP's name of the node's network card in the cluster's network."""
DISK, SEED, CONSOLE, MONITOR = "disk.qcow2", "seed.iso", "console.log", "qmp"
START_SECONDS = 60
LAST_LINES = 12
COMPLAINT = re.compile(r"vipforge: (this node has no valid identity.*)")


@dataclass(frozen=True)
class Appliance:
    """The baked image that the nodes start from, and the transport of their seeds."""

    path: Path
    facts: Facts
    accelerator: Accelerator
    transport: Transport = nocloud.ISO


def appliance(cluster: Cluster, transport: Transport = nocloud.ISO) -> Appliance:
    """Return the cluster's image and how it will run here; raises UserError if it is not baked yet."""
    folder = paths.build_folder(cluster.cluster)
    record = manifest.read(folder)
    path = folder / manifest.IMAGE
    if record is None or not path.is_file():
        raise UserError(f"{cluster.cluster} is not baked yet: {path} is missing", hint="run `vipforge image SPEC`")
    return Appliance(path, all_guests()[record["guest"]], accelerator(), transport)


def prepare_node(lab: Lab, node: Node, source: Appliance) -> None:
    """Create the node's disk, which stores only what differs from the image, and its seed."""
    folder = node_folder(lab.cluster, node)
    folder.mkdir(parents=True, exist_ok=True)
    qemu_img = need("qemu-img", "qemu-utils")
    run([qemu_img, "create", "-q", "-f", "qcow2", "-b", source.path, "-F", "qcow2", folder / DISK], timeout=60)
    known = macs(lab.cluster, node)
    identity = seed(in_lab(lab.cluster), node, source.facts, (public_key(lab.cluster),), known=known)
    write_atomic(folder / SEED, source.transport.cd(identity), mode=PRIVATE)


def power_on(lab: Lab, node: Node, accelerator: Accelerator) -> None:
    """Power the node on; raises CommandFailed with QEMU's own message if it does not start."""
    argv = [*lab.keeper.inside(), *command(lab.cluster, node, accelerator)]
    run(argv, timeout=START_SECONDS, cwd=node_folder(lab.cluster, node))


def state(cluster: Cluster, node: Node) -> str:
    """Return QEMU's run state (`running`, `paused`, …), `off` if no QEMU runs, or `silent` if it does not answer."""
    try:
        with qmp.connected(monitor(cluster, node)) as machine:
            return machine.state()
    except qmp.QmpGone:
        return "off"
    except qmp.QmpError:
        return "silent"


def monitor(cluster: Cluster, node: Node) -> Path:
    """Return the socket of the node's QMP monitor."""
    return node_folder(cluster, node) / MONITOR


def console(cluster: Cluster, node: Node) -> Path:
    """Return the log of the node's serial console."""
    return node_folder(cluster, node) / CONSOLE


def last_lines(log: Path) -> str:
    """Return the last lines of a console's log, indented, below the log's path."""
    lines = [line for line in _lines(log) if line.strip()][-LAST_LINES:]
    quoted = "\n".join(f"    {line}" for line in lines) or "    (nothing)"
    return f"  last lines of the console ({log}):\n{quoted}"


def complaints(log: Path) -> list[str]:
    """Return what the identity program wrote to the console when it refused the identity, oldest first."""
    matches = (COMPLAINT.search(line) for line in _lines(log))
    return [match[1] for match in matches if match]


def _lines(log: Path) -> list[str]:
    try:
        return plain(log.read_text(errors="replace")).splitlines()
    except FileNotFoundError:
        return []


def command(cluster: Cluster, node: Node, accelerator: Accelerator) -> list[str]:
    """Return QEMU's command line. It has to run in the node's folder, and returns when the machine runs."""
    folder = node_folder(cluster, node)
    return [
        *(os.fspath(qemu()), "-name", node.name, "-no-user-config", "-daemonize", "-pidfile", "qemu.pid"),
        *("-machine", f"pc,accel={accelerator}", "-cpu", "host" if accelerator == "kvm" else "max"),
        *("-smp", "1", "-m", str(MEMORY_MIB)),
        # The disk is removed with the lab, so flushing writes to the host's disk would gain nothing.
        *("-drive", f"file={qemu_path(folder / DISK)},format=qcow2,if=virtio,cache=unsafe,discard=unmap"),
        *("-drive", f"file={qemu_path(folder / SEED)},format=raw,media=cdrom,readonly=on"),
        *_cards(cluster, node),
        *("-device", "virtio-rng-pci", "-display", "none"),
        *("-chardev", f"file,id=console,path={qemu_path(folder / CONSOLE)},append=on", "-serial", "chardev:console"),
        # Relative: the address of a UNIX socket has 108 bytes at most (unix(7)).
        *("-qmp", f"unix:{MONITOR},server=on,wait=off"),
    ]


def _cards(cluster: Cluster, node: Node) -> Iterator[str]:
    """Yield the options for the node's cards, the cluster's first: the guest names them in this order."""
    known = macs(cluster, node)
    for number, (port, mac) in enumerate(zip(ports(cluster, node), (known.primary, known.management), strict=False)):
        card = f"net{number}"
        yield from ("-netdev", f"tap,id={card},ifname={port},script=no,downscript=no")
        yield from ("-device", f"virtio-net-pci,netdev={card},id={card}-card,mac={mac},romfile=")
