"""How guests run on a host: what libvirt offers, and on this host what is known to start a guest."""

from __future__ import annotations

import pytest

from builder.deploy.libvirt import binding
from builder.deploy.libvirt import host as room
from builder.deploy.libvirt.host import Host

KVM = "<capabilities><guest><arch><domain type='qemu'/><domain type='kvm'/></arch></guest></capabilities>"
EMULATED = "<capabilities><guest><arch><domain type='qemu'/></arch></guest></capabilities>"
REMOTE, LOCAL = "qemu+ssh://root@kvm1/system", "qemu:///system"


class Connection:
    """What Host asks of libvirt."""

    def __init__(self, capabilities: str) -> None:
        self.capabilities = capabilities
        self.asked = 0

    def getCapabilities(self) -> str:  # noqa: N802 - libvirt's name
        self.asked += 1
        return self.capabilities

    def storagePoolLookupByName(self, _: str) -> Connection:  # noqa: N802
        return self

    def isActive(self) -> bool:  # noqa: N802
        return True

    def refresh(self, _: int) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("uri", "capabilities", "accelerator", "kind"),
    [
        (LOCAL, KVM, "kvm", "kvm"),
        (LOCAL, KVM, "tcg", "qemu"),
        (LOCAL, EMULATED, "kvm", "qemu"),
        (REMOTE, KVM, "tcg", "kvm"),
        (REMOTE, EMULATED, "kvm", "qemu"),
    ],
)
def test_domains_are_of_a_type_that_starts(
    monkeypatch: pytest.MonkeyPatch, uri: str, capabilities: str, accelerator: str, kind: str
) -> None:
    assert binding()
    monkeypatch.setattr(room, "accelerator", lambda: accelerator)
    connection = Connection(capabilities)
    host = Host(uri, connection, "default")
    assert [host.virtualization(), host.virtualization()] == [kind, kind]
    assert connection.asked == 1
