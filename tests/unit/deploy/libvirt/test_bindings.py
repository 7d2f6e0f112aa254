"""libvirt's Python binding: this environment's, or Debian's, or a hint."""

from __future__ import annotations

import sys

import pytest

from builder.core.errors import HostLacks
from builder.deploy import libvirt


def test_without_the_binding_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libvirt, "NAME", "libvirt_that_is_not_there")
    before = list(sys.path)
    with pytest.raises(HostLacks) as failure:
        libvirt.binding.__wrapped__()
    assert failure.value.hint == "apt-get install python3-libvirt"
    assert sys.path == before
