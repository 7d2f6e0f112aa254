"""A small ISO with Joliet and Rock Ridge names, which Linux and hypervisors read."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pycdlib


def image(label: str, files: Mapping[str, str | bytes]) -> bytes:
    """The bytes of an ISO that holds these files by their names."""
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=label)
    for number, (name, content) in enumerate(files.items()):
        data = content if isinstance(content, bytes) else content.encode()
        iso.add_fp(io.BytesIO(data), len(data), f"/SEED{number}.;1", rr_name=name, joliet_path=f"/{name}")
    buffer = io.BytesIO()
    iso.write_fp(buffer)
    iso.close()
    return buffer.getvalue()
