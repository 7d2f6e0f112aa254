"""The inputs of an image in its manifest."""

from __future__ import annotations

import hashlib

from builder.guests.debian12 import GUEST
from builder.image import bake, plan
from builder.render import appliance, payload
from tests.specs import quickstart


def test_every_file_of_the_payload_has_a_digest() -> None:
    rendered = appliance(quickstart(), GUEST, "2.3.3")
    digests = plan._files(payload(rendered))
    expected = {path.lstrip("/"): hashlib.sha256(file.content.encode()).hexdigest() for path, file in rendered.items()}
    assert {path.lstrip("./"): digest for path, digest in digests.items()} == expected


def test_the_source_of_keepalived_has_the_digest_of_its_pin() -> None:
    source = bake._sources({"keepalived": "2.3.3", "haproxy": None})["keepalived"]
    assert source["file"] == "keepalived-2.3.3.tar.gz"
    assert len(source["digest"]) == 64
