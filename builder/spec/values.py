"""Types of the single values in a spec: names, addresses, ports, paths; and the notation of an endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
)
from pydantic_core import CoreSchema, core_schema

from builder.spec import syntax
from builder.spec.ssh_keys import ssh_key

SHORTEST_PREFIX = 8
LONGEST_PREFIX = 30
FOLDER = "folder"
"""The key in pydantic's context of the folder that relative paths in the spec start from."""


@dataclass(frozen=True)
class OneOf:
    """An annotation: one of these words, which are known only at run time; a Literal needs them written out."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of a Literal with these words."""
        return core_schema.literal_schema(list(self.words))


def _from_the_spec(path: object, info: ValidationInfo) -> Path:
    """The absolute path for a path in the spec; a preset passes on a path that is resolved already."""
    if isinstance(path, Path):
        return path
    return Path((info.context or {}).get(FOLDER, ".")) / syntax.file_path(path)


HostName = Annotated[str, AfterValidator(syntax.host_name), Field(examples=["example.com"])]
FullHostName = Annotated[str, AfterValidator(syntax.full_host_name), Field(examples=["lb1.example.com"])]
Email = Annotated[str, AfterValidator(syntax.email), Field(examples=["ops@example.com"])]
Label = Annotated[str, AfterValidator(syntax.label), Field(examples=["web1"])]
InterfaceName = Annotated[str, AfterValidator(syntax.interface_name), Field(examples=["auto", "eth0"])]
SshKey = Annotated[str, AfterValidator(ssh_key), Field(examples=["ssh-ed25519 AAAAC3Nza… ops@example.com"])]
UserName = Annotated[str, AfterValidator(syntax.user_name), Field(examples=["ops"])]
Version = Annotated[str, AfterValidator(syntax.version), Field(examples=["2.3.3"])]
HttpPath = Annotated[str, AfterValidator(syntax.http_path), Field(examples=["/health"])]
Url = Annotated[str, AfterValidator(syntax.url), Field(examples=["http://mirror.example.com/debian"])]
Address = Annotated[IPv4Address, BeforeValidator(syntax.address), Field(examples=["192.168.56.10"])]
Prefix = Annotated[int, Field(ge=SHORTEST_PREFIX, le=LONGEST_PREFIX, strict=True, examples=[24])]
OwnAddress6 = Annotated[IPv6Address, BeforeValidator(syntax.own_address6), Field(examples=["2001:db8:56::11"])]
Gateway6 = Annotated[IPv6Address, BeforeValidator(syntax.address6), Field(examples=["2001:db8:56::1", "fe80::1"])]
AnyAddress = Annotated[
    IPv4Address | IPv6Address,
    BeforeValidator(syntax.any_address),
    Field(examples=["192.168.56.10", "2001:db8:56::10"]),
]
AnyNetwork = Annotated[
    IPv4Network | IPv6Network,
    BeforeValidator(syntax.network),
    Field(examples=["192.0.2.0/24", "192.0.2.7"]),
]
Port = Annotated[int, Field(ge=1, le=65535, strict=True, examples=[80])]
Seconds = Annotated[int, Field(ge=1, le=86400, strict=True, examples=[30])]
Flag = Annotated[bool, Field(strict=True, examples=[True])]
Text = Annotated[str, AfterValidator(syntax.plain_text), Field(examples=["We are back at six."])]
CookieName = Annotated[str, AfterValidator(syntax.cookie_name), Field(examples=["SERVERID"])]
FilePath = Annotated[Path, BeforeValidator(_from_the_spec), Field(examples=["certificates/www.pem"])]


class SpecModel(BaseModel):
    """A mapping in the spec: immutable, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - annotations have no common type
    """The model inside an annotation: Node in `Annotated[tuple[Node, ...], …]`, Alerts in `Alerts | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := model_of(part))), None)


IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


def host(address: IpAddress | str) -> str:
    """The address; an IPv6 address in brackets (RFC 3986, section 3.2.2), so that a port can follow it."""
    return f"[{address}]" if ":" in str(address) else str(address)


def endpoint(address: IpAddress | str, port: int) -> str:
    """Address and port as one word: `192.168.56.10:80`, `[2001:db8:56::10]:80`."""
    return f"{host(address)}:{port}"
