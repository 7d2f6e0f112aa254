"""Types of the single values in a spec: names, addresses, ports, paths; and the notation of an endpoint."""

from __future__ import annotations

import posixpath
import re
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
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from builder.spec import syntax

STATUSES = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?\Z")
STATUS_CLASS = re.compile(r"[1-5]xx\Z", re.IGNORECASE)
FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "host"})
"""Header fields that HAProxy writes into the requests of its checks."""
CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie"})
MOST_STATUSES = 20
"""HAProxy 1.5 ignores what follows the 2,048th character of a line."""
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


def _statuses(value: object) -> tuple[object, ...]:
    """The entries of a list of status codes, each judged at its own place; one code or range stands for a list."""
    entries = value if isinstance(value, list | tuple) else [value]
    if not 1 <= len(entries) <= MOST_STATUSES:
        raise syntax.InvalidValue(f"must have 1 to {MOST_STATUSES} entries", "a range such as 200-299 counts once")
    return tuple(entries) if isinstance(value, list | tuple) else (_status(value),)


def _status(entry: object) -> str:
    """One status code, or a range of them."""
    text = str(entry)
    if STATUS_CLASS.match(text):
        raise syntax.InvalidValue("must be codes or ranges of codes", f"write {text[0]}00-{text[0]}99")
    found = None if isinstance(entry, bool) else STATUSES.match(text)
    if not found:
        raise syntax.InvalidValue("must be HTTP status codes from 100 to 599, such as 200, [200, 401] or 200-299")
    if found[2] and found[2] < found[1]:
        raise syntax.InvalidValue("must be a range from a lower code to a higher one", f"write {found[2]}-{found[1]}")
    return text


def _matching(pattern: str, expected: str) -> AfterValidator:
    """A validator of text of which the whole has to match the pattern."""

    def matching(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise syntax.InvalidValue(f"must be {expected}")
        return text

    return AfterValidator(matching)


def _check_header(text: str) -> str:
    """A header field that a spec may add to the requests of health checks."""
    if text.lower() in FRAMING:
        hint = "use the key host" if text.lower() == "host" else "remove it"
        raise syntax.InvalidValue("must be none of those that HAProxy writes itself", hint)
    if text.lower() in CREDENTIALS:
        reason = "must not be a login: the image and messages would show it"
        raise syntax.InvalidValue(reason, "let the servers answer the path of the check without a login")
    return text


def http_path(text: str) -> str:
    """The path of an HTTP request, without spaces, and perhaps a query. Clients send no fragment."""
    syntax.path(text)
    if "#" in text:
        raise syntax.InvalidValue(
            "must be a path without #", f"write {text.partition('#')[0]}: no request has what follows"
        )
    return text


def path_alone(text: str) -> str:
    """The path of requests as HAProxy compares it, which is without their query."""
    syntax.path(text)
    path = re.split(r"[?#]", text)[0]
    if path != text:
        raise syntax.InvalidValue(
            "must be a path without ? and #", f"write {path}: requests match by their path alone"
        )
    return text


def other_path(text: str) -> str:
    """The path that / is redirected to, on the same host; it may have a query and a fragment.

    A client asks for / again if that is what the path comes to (RFC 3986, section 5.2.4), and for another host if it
    begins with two slashes (section 4.2). Browsers take a backslash for a slash, and %2e for a dot (URL Standard).
    """
    syntax.path(text)
    path = re.sub("%2e", ".", re.split(r"[?#]", text)[0], flags=re.IGNORECASE).replace("\\", "/")
    inner = path.lstrip("/")
    if posixpath.normpath(f"/{inner}") == "/":
        raise syntax.InvalidValue("must be another path than /", "such as /shop/; a redirect to / never ends")
    if path != f"/{inner}":
        raise syntax.InvalidValue(
            "must be a path on the same host", f"with one slash at the beginning, such as /{inner}"
        )
    return text


HostName = Annotated[str, AfterValidator(syntax.host_name), Field(examples=["example.com"])]
FullHostName = Annotated[str, AfterValidator(syntax.full_host_name), Field(examples=["lb1.example.com"])]
Email = Annotated[str, AfterValidator(syntax.email), Field(examples=["ops@example.com"])]
Label = Annotated[str, AfterValidator(syntax.label), Field(examples=["web1"])]
InterfaceName = Annotated[str, AfterValidator(syntax.interface_name), Field(examples=["auto", "eth0"])]
UserName = Annotated[str, AfterValidator(syntax.user_name), Field(examples=["ops"])]
KeepalivedVersion = Annotated[str, AfterValidator(syntax.version), Field(examples=["2.3.3"])]
HaproxyVersion = Annotated[
    str, AfterValidator(lambda text: syntax.version(text, "haproxy")), Field(examples=["3.0.11"])
]
HttpPath = Annotated[str, AfterValidator(http_path), Field(examples=["/health"])]
PathAlone = Annotated[str, AfterValidator(path_alone), Field(examples=["/shop"])]
OtherPath = Annotated[str, AfterValidator(other_path), Field(examples=["/shop/"])]
STATUS_CODE = {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string"}]}
Statuses = Annotated[
    tuple[Annotated[str, BeforeValidator(_status)], ...],
    BeforeValidator(_statuses),
    WithJsonSchema({"anyOf": [*STATUS_CODE["anyOf"], {"type": "array", "items": STATUS_CODE, "minItems": 1}]}),
    Field(examples=["[200, 401]"]),
]
CheckHeader = Annotated[
    str,
    _matching(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", "the name of a header: letters, digits, hyphens or underscores"),
    AfterValidator(_check_header),
    Field(examples=["X-Health"]),
]
HeaderValue = Annotated[
    str,
    _matching(r"[!-~]([ -~]{0,198}[!-~])?", "1 to 200 printable ASCII characters without spaces at the ends"),
    Field(examples=["check"]),
]
DatabaseUser = Annotated[
    str,
    _matching(r"[A-Za-z0-9_.-]{1,32}", "1 to 32 letters, digits, dots, hyphens or underscores"),
    Field(examples=["haproxy"]),
]
"""An account of a database; MySQL allows 32 characters."""
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


Release = tuple[int, ...]
"""A release of a program, which can be compared: (2, 3, 3) for `2.3.3`."""


def release(version: str) -> Release:
    """The release that a version names."""
    return tuple(int(part) for part in version.split("."))
