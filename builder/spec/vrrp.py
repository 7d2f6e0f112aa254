"""The section `vrrp` of a spec: its instances, and the timings of each profile."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, SerializerFunctionWrapHandler, model_serializer, model_validator

from builder.spec.values import AnyAddress, Flag, HostName, Label, SpecModel

ProfileName = Literal["classic", "standard", "fast"]
RouterId = Annotated[int, Field(ge=1, le=255, strict=True, examples=[10])]
Vips = Annotated[tuple[AnyAddress, ...], Field(min_length=1, max_length=20, examples=[["192.168.56.10"]])]

ONLY = "VI_1"
"""The name of the only instance if the spec lists none; no label can be the same."""
SHORT_FORM = ("virtual_router_id", "vips")
FORMS: list[JsonValue] = [
    {"required": list(keys), "properties": dict.fromkeys(keys, True)} for keys in (SHORT_FORM, ("instances",))
]
"""The two ways to give the VIPs. Each names the properties that it requires, as ajv's strictRequired demands."""


class Instance(SpecModel):
    """VIPs that move together, and the node that should hold them."""

    name: Label
    """Its name in keepalived's configuration and log."""
    virtual_router_id: RouterId
    """Number of the VRRP group; no other group in the subnet may use it (RFC 9568, section 5.2.3)."""
    vips: Vips
    """Its virtual IP addresses."""
    prefer: HostName | None = None
    """The node that gets the highest of the nodes' priorities in this instance; by default each node keeps its own."""

    @property
    def vips4(self) -> tuple[IPv4Address, ...]:
        """The IPv4 VIPs of the instance."""
        return tuple(vip for vip in self.vips if isinstance(vip, IPv4Address))

    @property
    def vips6(self) -> tuple[IPv6Address, ...]:
        """The IPv6 VIPs of the instance."""
        return tuple(vip for vip in self.vips if isinstance(vip, IPv6Address))


class Vrrp(SpecModel):
    """How the VIPs move between the nodes."""

    model_config = ConfigDict(json_schema_extra={"oneOf": FORMS})

    virtual_router_id: Annotated[RouterId | None, Field(examples=[10])] = None
    """Number of the VRRP group; no other group in the subnet may use it (RFC 9568, section 5.2.3)."""
    vips: Vips = ()
    """The virtual IP addresses, in the nodes' subnets; they move together."""
    instances: Annotated[tuple[Instance, ...], Field(min_length=1, max_length=20)] = ()
    """Instead of these two keys: several instances, each with its own VIPs, so that every node can be the master of
    one."""
    profile: ProfileName = "standard"
    """How VRRP is run: `classic` on any keepalived, `standard`, or `fast` (docs/profiles.md)."""
    preempt: Flag = True
    """Whether a node that comes back takes the VIPs from a node of lower priority; with `false`, they stay where they
    are. Always `true` in `classic`."""

    @model_validator(mode="after")
    def _gather(self) -> Self:
        return self.gathered()

    def gathered(self) -> Self:
        """The section with all VIPs in `vips`, in either form."""
        if not self.instances:
            return self
        return self.model_copy(update={"vips": tuple(vip for each in self.instances for vip in each.vips)})

    @model_serializer(mode="wrap")
    def _as_written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Serialize only the form that the spec has."""
        unset = {"virtual_router_id", "vips"} if self.instances else {"instances"}
        return {key: value for key, value in write(self).items() if key not in unset}

    @property
    def all_instances(self) -> tuple[Instance, ...]:
        """All instances; the short form stands for one that is called VI_1."""
        if self.instances or self.virtual_router_id is None:
            return self.instances
        return (Instance.model_construct(name=ONLY, virtual_router_id=self.virtual_router_id, vips=self.vips),)

    @property
    def vips6(self) -> tuple[IPv6Address, ...]:
        """The IPv6 VIPs of all instances."""
        return tuple(vip for vip in self.vips if isinstance(vip, IPv6Address))

    def instance_of(self, vip: object) -> Instance:
        """The instance that moves a VIP."""
        return next(each for each in self.all_instances if vip in each.vips)


@dataclass(frozen=True)
class Profile:
    """The VRRP settings of one profile. `advert` is in seconds."""

    name: str
    vrrp_version: int
    advert: float
    unicast: bool
    haproxy_is_event: bool
    """Whether keepalived is notified when HAProxy exits; otherwise a script checks every 2 seconds."""
    realtime: bool
    ask_every: float = 0
    """Seconds between two checks whether HAProxy still answers; 0 if nothing checks."""
    ask_timeout: float = 0
    """Seconds until a check fails; after two failures in a row HAProxy counts as hung."""
    highest: int = 254
    """The first node's default priority; each further node has one less. A high priority speeds up a failover."""
    bonus: int = 0
    """What the script adds to a node's priority while HAProxy runs; 0 if HAProxy's exit is an event."""


CLASSIC = Profile("classic", 2, advert=1, unicast=False, haproxy_is_event=False, realtime=False, highest=101, bonus=2)
STANDARD = Profile(
    "standard", 3, advert=1, unicast=True, haproxy_is_event=True, realtime=False, ask_every=0.5, ask_timeout=1
)
FAST = Profile(
    "fast", 3, advert=0.1, unicast=True, haproxy_is_event=True, realtime=True, ask_every=0.1, ask_timeout=0.2
)

PROFILES = MappingProxyType({profile.name: profile for profile in (CLASSIC, STANDARD, FAST)})
