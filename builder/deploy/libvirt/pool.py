"""A storage pool of a libvirt host. A volume is either complete or absent."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from builder.core.errors import UserError
from builder.deploy.libvirt import binding, translate_errors

PHYSICAL = 1
"""VIR_STORAGE_VOL_GET_PHYSICAL: makes the third number of infoFlags() the size of the file."""
CHUNK = 1 << 18
"""Bytes per message of a libvirt stream."""
DISK = re.compile(r".*-([0-9a-f]{12})-[0-9a-f]{8}\.qcow2")
"""The name of a disk; the group is the label of its image."""


class Pool:
    """A storage pool. Methods raise UserError with libvirt's message."""

    def __init__(self, uri: str, connection: Any, name: str) -> None:  # noqa: ANN401 - libvirt has no types
        self._uri = uri
        self._connection = connection
        self.name = name
        with translate_errors(f"{uri}: storage pool {name}"):
            self._pool = connection.storagePoolLookupByName(name)
            if not self._pool.isActive():
                raise UserError(f"{uri}: storage pool {name} is not active", hint=f"virsh pool-start {name}")
            self._pool.refresh(0)

    def size(self, name: str) -> int | None:
        """Return the size of a volume's file in bytes; None if there is no such volume."""
        with suppress(binding().libvirtError):
            return int(self._pool.storageVolLookupByName(name).infoFlags(PHYSICAL)[2])
        return None

    def upload(self, name: str, volume_format: str, content: bytes | Path, capacity: int) -> None:
        """Create a volume with this content, sent through the connection; if that fails, no volume is left behind."""
        self.remove(name)
        with translate_errors(f"{self._uri}: volume {name}"):
            volume = self._pool.createXML(_volume(name, volume_format, capacity), 0)
            try:
                with _opened(content) as file:
                    self._send(volume, file)
            except BaseException:
                with suppress(binding().libvirtError):  # if the connection is lost, a later run sees the wrong size
                    volume.delete(0)
                raise

    def overlay(self, name: str, base: str, capacity: int) -> None:
        """Create a volume that stores only the differences from `base`."""
        self.remove(name)
        with translate_errors(f"{self._uri}: volume {name}"):
            path = self._pool.storageVolLookupByName(base).path()
            self._pool.createXML(_volume(name, "qcow2", capacity, backing=path), 0)

    def copy(self, name: str, base: str, capacity: int) -> None:
        """Create a volume that is a full copy of `base` and independent of it."""
        self.remove(name)
        with translate_errors(f"{self._uri}: volume {name}"):
            original = self._pool.storageVolLookupByName(base)
            self._pool.createXMLFrom(_volume(name, "qcow2", capacity), original, 0)

    def remove(self, name: str) -> None:
        """Remove the volume if it exists."""
        if self.size(name) is not None:
            with translate_errors(f"{self._uri}: volume {name}"):
                self._pool.storageVolLookupByName(name).delete(0)

    def names(self) -> list[str]:
        """Return the names of all volumes."""
        with translate_errors(self._uri):
            return sorted(self._pool.listVolumes())

    def bases(self) -> dict[str, str]:
        """Map each overlay to its backing volume, if both are in this pool."""
        with translate_errors(self._uri):
            volumes = self._pool.listAllVolumes(0)
            by_path = {volume.path(): volume.name() for volume in volumes}
            backing = {volume.name(): _backing(volume.XMLDesc(0)) for volume in volumes}
        return {name: by_path[path] for name, path in backing.items() if path in by_path}

    def images(self) -> dict[str, str]:
        """Map each disk to the image that it was created from: an overlay by its backing file, a copy by its name.

        Images that are no longer in the pool are left out. An image is removed together with its last disk.
        """
        names = self.names()
        copied = {name: image_volume(found[1]) for name in names if (found := DISK.fullmatch(name))}
        return {name: image for name, image in copied.items() if image in names} | self.bases()

    def _send(self, volume: Any, file: BinaryIO) -> None:  # noqa: ANN401 - libvirt has no types
        stream = self._connection.newStream(0)
        volume.upload(stream, 0, 0, 0)
        try:
            while chunk := file.read(CHUNK):
                stream.send(chunk)
        except BaseException:
            with suppress(binding().libvirtError):
                stream.abort()
            raise
        stream.finish()


def image_volume(label: str) -> str:
    """Return the name of an image's volume; it contains the digest, so that clusters on a host share the image."""
    return f"vipforge-{label}.qcow2"


@contextmanager
def _opened(content: bytes | Path) -> Iterator[BinaryIO]:
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
        yield file


def _volume(name: str, volume_format: str, capacity: int, backing: str = "") -> str:
    root = Element("volume")
    SubElement(root, "name").text = name
    SubElement(root, "capacity", unit="bytes").text = str(capacity)
    target = SubElement(root, "target")
    SubElement(target, "format", type=volume_format)
    SubElement(SubElement(target, "permissions"), "mode").text = "0600"
    if backing:
        store = SubElement(root, "backingStore")
        SubElement(store, "path").text = backing
        SubElement(store, "format", type="qcow2")
    return tostring(root, encoding="unicode")


def _backing(xml: str) -> str:
    return fromstring(xml).findtext("backingStore/path") or ""  # noqa: S314 - libvirt's own
