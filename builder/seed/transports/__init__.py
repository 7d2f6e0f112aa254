"""How a seed reaches its node. Each module here lists its transports in TRANSPORTS; to add one, add a module."""

from __future__ import annotations

import base64
import io
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Literal

import pycdlib

from builder.core.errors import InvalidOption
from builder.guests import GuestFile

Form = Literal["files", "cd", "settings"]
"""The form of a seed: files on this host, a CD for a machine, or settings of a VMware machine."""
Content = str | bytes


@dataclass(frozen=True)
class VmwareSettings:
    """The part of a VMware machine's configuration that carries a seed."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """The machine's extra configuration (`guestinfo.…`)."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """The machine's vApp properties."""


@dataclass(frozen=True)
class Transport:
    """A way for a seed to reach its node. Each one carries identity and network; not every one may carry secrets."""

    name: str
    description: str
    """What it is, for a user who chooses a transport."""
    carries_secrets: bool
    """Whether it hides them from users who may view the machine."""
    suffix: str
    """The suffix of the file or folder of a node's seed."""
    files: Callable[[Seed], Content | Mapping[str, Content]]
    """Returns the content of that file, or the contents of the folder's files by their names."""
    image: Callable[[Seed], bytes] | None = None
    """Returns the image of a CD, for hypervisors that attach one."""
    settings: Callable[[Seed], VmwareSettings] | None = None
    """Returns the settings of a VMware machine, which then needs no CD from vipforge."""
    needs: str = ""
    """What the guest needs besides cloud-init."""

    @property
    def forms(self) -> frozenset[Form]:
        """The forms in which it can deliver a seed."""
        available: dict[Form, bool] = {"files": True, "cd": bool(self.image), "settings": bool(self.settings)}
        return frozenset(form for form, is_available in available.items() if is_available)

    def cd(self, seed: Seed) -> bytes:
        """The image of the seed's CD; raises UserError if this transport has no CD."""
        if self.image is None:
            raise InvalidOption(f"transport {self.name} has no CD", hint=_use(_with(("cd",))))
        return self.image(seed)


@cache
def all_transports() -> dict[str, Transport]:
    """Every transport by its name."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    transports: list[Transport] = [transport for module in modules for transport in module.TRANSPORTS]
    return {transport.name: transport for transport in sorted(transports, key=lambda each: each.name)}


def find_transport(name: str, *forms: Form) -> Transport:
    """The transport with that name; raises UserError if there is none, or if it has none of the forms."""
    if name not in all_transports():
        raise InvalidOption(f"unknown transport {name}", hint=_use(_with(forms)))
    if name not in _with(forms):
        raise InvalidOption(f"transport {name} cannot be used here", hint=_use(_with(forms)))
    return all_transports()[name]


def cd_image(label: str, files: Mapping[str, Content]) -> bytes:
    """The image of a CD with these files and with the Joliet and Rock Ridge names that Linux and hypervisors read."""
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=label)
    for number, (name, content) in enumerate(files.items()):
        data = content if isinstance(content, bytes) else content.encode()
        iso.add_fp(io.BytesIO(data), len(data), f"/SEED{number}.;1", rr_name=name, joliet_path=f"/{name}")
    buffer = io.BytesIO()
    iso.write_fp(buffer)
    iso.close()
    return buffer.getvalue()


def base64_text(text: str) -> str:
    """The text in Base64, for places where it may contain no line break or quote."""
    return base64.b64encode(text.encode()).decode()


def listing() -> str:
    """One line per transport: its name and description, what it needs, and whether it refuses secrets."""
    width = max(map(len, all_transports()))
    return "\n".join(f"{name:{width}}  {'; '.join(_words(each))}" for name, each in all_transports().items())


def _words(transport: Transport) -> Iterable[str]:
    yield transport.description
    if transport.needs:
        yield f"needs {transport.needs}"
    if not transport.carries_secrets:
        yield "refuses seeds with secrets"


def _with(forms: tuple[Form, ...]) -> list[str]:
    """The names of the transports that have one of these forms, or of all transports if `forms` is empty."""
    return [name for name, each in all_transports().items() if not forms or each.forms.intersection(forms)]


def _use(names: Iterable[str]) -> str:
    return f"use one of: {', '.join(names)}"


@dataclass(frozen=True)
class Seed:
    """One node's cloud-init data. `instance_id` changes with the data, so that cloud-init applies a changed seed."""

    user_data: str
    meta_data: str
    network_config: str
    instance_id: str
    identity: Mapping[str, str]
    """The variables of the identity, which the user-data also contains."""
    direct: Mapping[str, GuestFile]
    """The files that the node needs to serve, by path in the guest; empty if only cloud-init can apply them."""

    def files(self) -> dict[str, str]:
        """The texts by the file names that the NoCloud data source looks for."""
        return {"user-data": self.user_data, "meta-data": self.meta_data, "network-config": self.network_config}
