"""packer/haproxy/build.sh, run with a small source in a root that stands in for the guest."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core.paths import resources
from tests.integration.standin import StandIn, stand_in

pytestmark = pytest.mark.integration

# Like HAProxy's own: `make` gets the features as arguments, and `haproxy -vv` lists them.
MAKEFILE = """\
all:
\techo '{features}' >features
install-bin:
\tmkdir -p $(DESTDIR)$(PREFIX)/sbin
\tprintf '#!/bin/sh\\necho "Feature list : %s +OPENSSL"\\n' "$$(cat features)" >$(DESTDIR)$(PREFIX)/sbin/haproxy
\tchmod 0755 $(DESTDIR)$(PREFIX)/sbin/haproxy
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[StandIn]:
    with stand_in(tmp_path) as made:
        made.write("/build/build.sh", resources("packer", "haproxy", "build.sh").read_text())
        made.write("/fake/bin/strip", "#!/bin/sh\n", 0o755)
        yield made


def built(root: StandIn, features: str) -> subprocess.CompletedProcess[str]:
    """The completed recipe, with a HAProxy that reports these features."""
    text = MAKEFILE.format(features=features).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("haproxy-9/Makefile")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    root.write("/build/source.tar.gz", buffer.getvalue())
    return root.call("sh", "/build/build.sh", "/build/source.tar.gz", "/build/result.tar")


def test_a_haproxy_with_systemd_support_is_packed(root: StandIn) -> None:
    done = built(root, "$(if $(USE_SYSTEMD),+,-)SYSTEMD")
    assert done.returncode == 0, done.stderr
    with tarfile.open(root.path("/build/result.tar")) as tar:
        assert tar.getnames() == [".", "./usr", "./usr/local", "./usr/local/sbin", "./usr/local/sbin/haproxy"]


def test_a_haproxy_without_systemd_support_is_refused(root: StandIn) -> None:
    """The unit starts HAProxy with -Ws, which such a build rejects."""
    done = built(root, "-SYSTEMD")
    assert done.returncode != 0
    assert "cannot tell systemd that it is ready" in done.stderr
    assert not root.path("/build/result.tar").exists()
