"""The domains of a libvirt host, and the note by which vipforge knows its own."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from xml.etree.ElementTree import fromstring

from builder.errors import UserError
from builder.ship.libvirt.bindings import binding, translate_errors
from builder.ship.libvirt.domain import NAMESPACE

POWER_OFF_SECONDS = 90.0
"""How long a guest may take to end by itself; then its power is cut."""
PAUSE_SECONDS = 0.5


class Domains:
    """Every method raises UserError in libvirt's words."""

    def __init__(self, uri: str, connection: Any) -> None:  # noqa: ANN401 - libvirt has no types
        self._uri = uri
        self._connection = connection

    def note(self, name: str) -> dict[str, str] | None:
        """What vipforge wrote on the domain; None where there is none, {} on a domain of somebody else's."""
        try:
            found = self._connection.lookupByName(name)
        except binding().libvirtError:
            return None
        return _note(found)

    def own(self, name: str, cluster: str) -> dict[str, str] | None:
        """The note on a domain of the cluster; raises UserError at one that vipforge did not make for it."""
        note = self.note(name)
        if note is not None and note.get("cluster") != cluster:
            raise UserError(
                f"{self._uri} has a domain {name} that vipforge did not make for {cluster}",
                hint="rename it, or give the cluster another name",
            )
        return note

    def of_cluster(self, cluster: str) -> list[str]:
        """The names of all domains that vipforge made for a cluster."""
        with translate_errors(self._uri):
            found = self._connection.listAllDomains(0)
            return sorted(domain.name() for domain in found if _note(domain).get("cluster") == cluster)

    def names(self) -> list[str]:
        """The names of all domains."""
        with translate_errors(self._uri):
            return sorted(domain.name() for domain in self._connection.listAllDomains(0))

    def volumes(self, name: str) -> set[str]:
        """The names of the volumes that the domain uses; none where there is no such domain."""
        with suppress(binding().libvirtError):
            xml = self._connection.lookupByName(name).XMLDesc(0)
            sources = fromstring(xml).iterfind("devices/disk/source")  # noqa: S314 - libvirt's own
            return {volume for source in sources if (volume := source.get("volume"))}
        return set()

    def define(self, xml: str) -> None:
        """Define the domain, which starts with the host from now on."""
        with translate_errors(self._uri):
            self._connection.defineXML(xml).setAutostart(1)

    def is_running(self, name: str) -> bool:
        """Whether the domain exists and is active."""
        with suppress(binding().libvirtError):
            return bool(self._connection.lookupByName(name).isActive())
        return False

    def start(self, name: str) -> None:
        """Power the domain on, if it is off."""
        with translate_errors(f"{self._uri}: domain {name}"):
            found = self._connection.lookupByName(name)
            if not found.isActive():
                found.create()

    def remove(self, name: str) -> None:
        """Power the domain off at once and forget it; its volumes stay."""
        with translate_errors(f"{self._uri}: domain {name}"):
            found = self._connection.lookupByName(name)
            if found.isActive():
                found.destroy()
            found.undefine()

    def set_aside(self, name: str, other: str) -> None:
        """Power the domain off and keep it under another name; it does not start with the host any more."""
        with translate_errors(f"{self._uri}: domain {name}"):
            found = self._connection.lookupByName(name)
            _power_off(found)
            found.setAutostart(0)
            found.rename(other, 0)

    def take_back(self, other: str, name: str) -> None:
        """Give a domain that was set aside its name back."""
        with translate_errors(f"{self._uri}: domain {other}"):
            found = self._connection.lookupByName(other)
            found.rename(name, 0)
            found.setAutostart(1)


def _power_off(domain: Any) -> None:  # noqa: ANN401 - libvirt has no types
    """By the power button, as a clean file system is kept; without an answer, by the plug."""
    end = time.monotonic() + POWER_OFF_SECONDS
    with suppress(binding().libvirtError):  # it may end by itself just now
        if domain.isActive():
            domain.shutdown()
        while domain.isActive() and time.monotonic() < end:
            time.sleep(PAUSE_SECONDS)
    if domain.isActive():
        domain.destroy()


def _note(domain: Any) -> dict[str, str]:  # noqa: ANN401 - libvirt has no types
    libvirt = binding()
    with suppress(libvirt.libvirtError):
        text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
        return dict(fromstring(text).attrib)  # noqa: S314 - libvirt's own
    return {}
