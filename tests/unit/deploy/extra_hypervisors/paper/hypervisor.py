"""Machines that are files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from builder.deploy.paper import PaperOptions

from builder.core.errors import UserError
from builder.core.progress import Step, say
from builder.deploy.hypervisor import Choice, Hypervisor, machine_name, refuse_other
from builder.deploy.machine import baked_image
from builder.nodes.upgrade import Standing
from builder.spec.model import Cluster, Node


class Paper(Hypervisor):
    """A folder of machines."""

    def __init__(self, options: PaperOptions, stack: ExitStack) -> None:
        self._options = options
        if not options.paper_folder.is_dir():
            raise UserError(f"there is no folder {options.paper_folder}")
        stack.callback(say, "paper: disconnected")

    def deployment(self, clusters: Sequence[Cluster], choice: Choice, image: Path | None) -> list[Step]:
        return [
            self._written(cluster, node, baked_image(cluster, image).label, replace=choice.replace)
            for cluster in clusters
            for node in choice.nodes(cluster)
        ]

    def machines(self, cluster: Cluster, image: Path | None) -> PaperMachines:
        return PaperMachines(cluster, self._options.paper_folder, baked_image(cluster, image).label)

    def removal(self, cluster: Cluster) -> list[Step]:
        files = sorted(self._options.paper_folder.glob(f"{cluster.cluster}-*"))
        return [Step(f"{file.name} shredded", False, file.unlink) for file in files]

    def printout(self, cluster: Cluster, spec: Path, choice: Choice, image: Path | None) -> str:
        return f"{cluster.cluster} of {spec}, {choice}, {image}: {self._options}\n" if self._options.print else ""

    def _written(self, cluster: Cluster, node: Node, text: str, *, replace: bool) -> Step:
        file = self._options.paper_folder / machine_name(cluster, node)
        found = file.read_text() if file.exists() else ""
        if found not in ("", text) and not replace:
            refuse_other(file.name)
        return Step(f"{file.name} on paper", found == text, partial(file.write_text, text))


class PaperMachines:
    """The protocol `Machines` of builder/nodes/upgrade.py."""

    def __init__(self, cluster: Cluster, folder: Path, text: str) -> None:
        self._files = {node: folder / machine_name(cluster, node) for node in cluster.nodes}
        self._text = text

    def standing(self, node: Node) -> Standing:
        file = self._files[node]
        return Standing(file.exists() and file.read_text() == self._text, _kept(file).exists())

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        return [Step(f"{self._files[node].name}: a sheet", True, _kept) for node in nodes]

    def replace(self, node: Node) -> list[Step]:
        file = self._files[node]
        return [
            Step(f"{file.name} kept", _kept(file).exists(), partial(file.rename, _kept(file))),
            Step(f"{file.name} on paper", False, partial(file.write_text, self._text)),
        ]

    def restore(self, node: Node) -> list[Step]:
        file = self._files[node]
        return [Step(f"{file.name} restored", not _kept(file).exists(), partial(_kept(file).rename, file))]

    def discard(self, node: Node) -> list[Step]:
        file = self._files[node]
        return [Step(f"{_kept(file).name} shredded", not _kept(file).exists(), _kept(file).unlink)]


def _kept(file: Path) -> Path:
    return file.with_name(f"{file.name}.old")


HYPERVISOR = Paper
