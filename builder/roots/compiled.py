"""Programs compiled natively in a clean root of the guest's operating system: no compiler in any image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from builder import layers, paths, sources
from builder.files import sha256
from builder.layers import Outline
from builder.progress import step
from builder.roots.workshop import Job, Library, Workshop
from builder.sources.fetch import fetch
from builder.sources.pins import pin


@dataclass(frozen=True)
class Product:
    """A pinned source, compiled by `packer/NAME/build.sh`, which gets the source, the tar to write and the options."""

    name: str
    version: str
    libraries: tuple[Library, ...]
    options: tuple[str, ...] = ()

    @property
    def script(self) -> Path:
        """What compiles it, run in the root."""
        return paths.resources("packer", self.name, "build.sh")

    @property
    def result(self) -> str:
        """The file of the layer."""
        return f"{self.name}.tar"


def build(product: Product, workshop: Workshop, *, offline: bool) -> Path:
    """A tar of what `make install` left, rooted at /.

    Cached by the digests of the source and of the recipe. Raises NotFetched without the source.
    """
    make = partial(_make, product, workshop, offline)
    return layers.layer(product.name, outline(product, workshop).inputs, make) / product.result


def outline(product: Product, workshop: Workshop) -> Outline:
    """What the result depends on."""
    own = {
        "release": workshop.release,
        "source": pin(product.name, product.version).digest,
        "tools": " ".join(workshop.tools(product.libraries)),
        "options": " ".join(product.options),
        "build.sh": sha256(product.script),
    }
    return Outline(product.name, own)


def _make(product: Product, workshop: Workshop, offline: bool, folder: Path) -> None:
    source = fetch(pin(product.name, product.version), offline=offline, debian=workshop.debian())
    if workshop.needs_connection:
        sources.refuse_offline(offline, f"compiling {product.name} {product.version}")
    job = Job(source, product.script, product.options, folder / product.result, folder / "build.log")
    with step(f"compiling {product.name} {product.version} for {workshop.release}, natively"):
        workshop.compile(workshop.tools(product.libraries), job)
