"""How guests run on a host: what libvirt offers and, on this host, what is known to start a guest."""

from __future__ import annotations

import pytest

from builder.deploy.libvirt import binding
from builder.deploy.libvirt import host as host_module
from builder.deploy.libvirt.host import Host

KVM = "<capabilities><guest><arch><domain type='qemu'/><domain type='kvm'/></arch></guest></capabilities>"
EMULATED = "<capabilities><guest><arch><domain type='qemu'/></arch></guest></capabilities>"
REMOTE, LOCAL = "qemu+ssh://root@kvm1/system", "qemu:///system"


class Connection:
    """The part of libvirt's connection that `Host` uses."""

    def __init__(self, capabilities: str) -> None:
        self.capabilities = capabilities
        self.requests = 0

    def getCapabilities(self) -> str:  # noqa: N802 - libvirt's name
        self.requests += 1
        return self.capabilities

    def storagePoolLookupByName(self, _: str) -> Connection:  # noqa: N802
        return self

    def isActive(self) -> bool:  # noqa: N802
        return True

    def refresh(self, _: int) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("uri", "capabilities", "accelerator", "virtualization"),
    [
        (LOCAL, KVM, "kvm", "kvm"),
        (LOCAL, KVM, "tcg", "qemu"),
        (LOCAL, EMULATED, "kvm", "qemu"),
        (REMOTE, KVM, "tcg", "kvm"),
        (REMOTE, EMULATED, "kvm", "qemu"),
    ],
)
def test_domains_get_a_type_that_starts_on_the_host(
    monkeypatch: pytest.MonkeyPatch, uri: str, capabilities: str, accelerator: str, virtualization: str
) -> None:
    assert binding()
    monkeypatch.setattr(host_module, "accelerator", lambda: accelerator)
    connection = Connection(capabilities)
    host = Host(uri, connection, "default")
    assert [host.virtualization(), host.virtualization()] == [virtualization, virtualization]
    assert connection.requests == 1
