"""libvirt's Python binding: without it, an error names the package to install."""

from __future__ import annotations

import sys

import pytest

from builder.core.errors import HostLacks
from builder.deploy import libvirt


def test_a_missing_binding_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libvirt, "MODULE", "libvirt_that_does_not_exist")
    before = list(sys.path)
    with pytest.raises(HostLacks) as failure:
        libvirt.binding.__wrapped__()
    assert failure.value.hint == "apt-get install python3-libvirt"
    assert sys.path == before
