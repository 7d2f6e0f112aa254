"""How a seed reaches its node: each module here names its transports in TRANSPORTS; adding one is adding a file."""

from __future__ import annotations

import io
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Literal

import pycdlib

from builder.core.errors import UserError
from builder.guests import GuestFile

Form = Literal["files", "cd", "settings"]
"""What a seed becomes: files of this host, the CD of a machine, or settings of a VMware machine."""
Content = str | bytes


@dataclass(frozen=True)
class VmwareSettings:
    """What the configuration of a VMware machine holds of a seed."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """Its extra configuration (`guestinfo.…`)."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Its vApp properties."""


@dataclass(frozen=True)
class Transport:
    """A way for a seed to reach its node. Each brings identity and network, and not every one may bring secrets."""

    name: str
    description: str
    """What it is, for people who choose one."""
    carries_secrets: bool
    """Whether it keeps them from everyone who may look at the machine."""
    suffix: str
    """What the name of a node's seed ends in: the name of a file, or of a folder."""
    files: Callable[[Seed], Content | Mapping[str, Content]]
    """The content of that file, or of the folder's files by their names."""
    image: Callable[[Seed], bytes] | None = None
    """The image of a CD, for hypervisors that attach one."""
    settings: Callable[[Seed], VmwareSettings] | None = None
    """The settings of a VMware machine, which then needs no CD of vipforge's."""
    needs: str = ""
    """What the guest must have, besides cloud-init."""

    @property
    def forms(self) -> frozenset[Form]:
        """The forms in which it can hand over a seed."""
        has: dict[Form, bool] = {"files": True, "cd": bool(self.image), "settings": bool(self.settings)}
        return frozenset(form for form, here in has.items() if here)

    def cd(self, seed: Seed) -> bytes:
        """The image of the seed's CD; raises UserError if this transport makes none."""
        if self.image is None:
            raise UserError(f"transport {self.name} makes no CD", hint=_use(_with(("cd",))))
        return self.image(seed)


@cache
def all_transports() -> dict[str, Transport]:
    """Every transport by its name."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    found: list[Transport] = [transport for module in modules for transport in module.TRANSPORTS]
    return {transport.name: transport for transport in sorted(found, key=lambda each: each.name)}


def find_transport(name: str, *forms: Form) -> Transport:
    """The transport of that name; raises UserError if there is none, or if it has none of the forms asked for."""
    if name not in all_transports():
        raise UserError(f"there is no transport {name}", hint=_use(_with(forms)))
    if name not in _with(forms):
        raise UserError(f"transport {name} cannot be used here", hint=_use(_with(forms)))
    return all_transports()[name]


def cd_image(label: str, files: Mapping[str, Content]) -> bytes:
    """The image of a CD with these files, whose Joliet and Rock Ridge names Linux and hypervisors read."""
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=label)
    for number, (name, content) in enumerate(files.items()):
        data = content if isinstance(content, bytes) else content.encode()
        iso.add_fp(io.BytesIO(data), len(data), f"/SEED{number}.;1", rr_name=name, joliet_path=f"/{name}")
    buffer = io.BytesIO()
    iso.write_fp(buffer)
    iso.close()
    return buffer.getvalue()


def listing() -> str:
    """A line for each transport: its name and description, what it needs, and whether it refuses secrets."""
    width = max(map(len, all_transports()))
    return "\n".join(f"{name:{width}}  {'; '.join(_words(each))}" for name, each in all_transports().items())


def _words(transport: Transport) -> Iterable[str]:
    yield transport.description
    if transport.needs:
        yield f"needs {transport.needs}"
    if not transport.carries_secrets:
        yield "refuses seeds with secrets"


def _with(forms: tuple[Form, ...]) -> list[str]:
    """The names of the transports that have one of these forms; of all of them where any form will do."""
    return [name for name, each in all_transports().items() if not forms or each.forms.intersection(forms)]


def _use(names: Iterable[str]) -> str:
    return f"use one of: {', '.join(names)}"


@dataclass(frozen=True)
class Seed:
    """One node's cloud-init data. `instance_id` changes with anything in it: a changed seed is applied again."""

    user_data: str
    meta_data: str
    network_config: str
    instance_id: str
    identity: Mapping[str, str]
    """The lines of the identity, which the user-data holds as well."""
    direct: Mapping[str, GuestFile]
    """By path in the guest: all that the node serves with, where the guest can do without cloud-init for that."""

    def files(self) -> dict[str, str]:
        """The texts by the names that the NoCloud data source looks for."""
        return {"user-data": self.user_data, "meta-data": self.meta_data, "network-config": self.network_config}
