"""packer/keepalived/build.sh, run with a small source in a root with an old or a new gcc."""

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

# How gcc 4.8 reacts to the recipe's questions: it does not know -ffile-prefix-map (gcc 8), and with -std=gnu99 a
# compound literal is not a constant (until gcc 5; keepalived#2437).
GCC_4_8 = """\
#!/bin/sh
for word in "$@"; do source=$word; done
case " $* " in
    *' -ffile-prefix-map='*) echo 'gcc: error: unrecognized command line option' >&2; exit 1 ;;
    *' -std=gnu99 '*) ! grep -q '= (struct s){' "$source" || { echo 'initializer is not constant' >&2; exit 1; } ;;
esac
"""
GCC_11 = "#!/bin/sh\n"
CONFIGURE = """\
#!/bin/sh
for word in "$@"; do echo "$word"; done >options
"""
MAKEFILE = """\
all:
install:
\tmkdir -p $(DESTDIR)/usr/local/sbin $(DESTDIR)/usr/local/share/man $(DESTDIR)/usr/local/share/snmp
\tprintf '#!/bin/sh\\necho keepalived\\n' >$(DESTDIR)/usr/local/sbin/keepalived
\tchmod 0755 $(DESTDIR)/usr/local/sbin/keepalived
\tcp options $(DESTDIR)/usr/local/options
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[StandIn]:
    with stand_in(tmp_path) as made:
        made.write("/build/build.sh", resources("packer", "keepalived", "build.sh").read_text())
        made.write("/build/source.tar.gz", source())
        yield made


def source() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in (("configure", CONFIGURE), ("Makefile", MAKEFILE)):
            entry = tarfile.TarInfo(f"keepalived-9/{name}")
            entry.size, entry.mode = len(text), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def built(root: StandIn, gcc: str, *options: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """The completed recipe, and the names in its archive, which contains the options of configure as `options`."""
    root.write("/fake/bin/gcc", gcc, 0o755)
    done = root.call("sh", "/build/build.sh", "/build/source.tar.gz", "/build/result.tar", *options)
    assert done.returncode == 0, done.stderr
    with tarfile.open(root.path("/build/result.tar")) as tar:
        return done, tar.getnames()


def configured(root: StandIn) -> list[str]:
    with tarfile.open(root.path("/build/result.tar")) as tar:
        return tar.extractfile("./usr/local/options").read().decode().splitlines()


def test_features_that_an_old_gcc_cannot_compile_are_disabled(root: StandIn) -> None:
    built(root, GCC_4_8)
    assert configured(root) == [
        "--prefix=/usr/local",
        "--with-init=SYSV",
        "CFLAGS=-O2 -g0 -fcommon",
        "--disable-track-process",
    ]


def test_a_newer_gcc_compiles_everything(root: StandIn) -> None:
    built(root, GCC_11, "--enable-snmp")
    assert configured(root) == [
        "--prefix=/usr/local",
        "--with-init=SYSV",
        "CFLAGS=-O2 -g0 -fcommon -ffile-prefix-map=/build/keepalived=.",
        "--enable-snmp",
    ]


def test_the_mibs_are_included_only_with_snmp(root: StandIn) -> None:
    assert "./usr/local/share/snmp" not in built(root, GCC_11)[1]
    assert "./usr/local/share/snmp" in built(root, GCC_11, "--enable-snmp")[1]
    assert "./usr/local/share/man" not in built(root, GCC_11)[1]


def test_the_same_source_gives_the_same_result(root: StandIn) -> None:
    results = []
    for _ in range(2):
        built(root, GCC_4_8)
        results.append(root.path("/build/result.tar").read_bytes())
    assert results[0] == results[1]


def test_a_failing_step_ends_the_recipe(root: StandIn) -> None:
    root.write("/fake/bin/make", "#!/bin/sh\nexit 1\n", 0o755)
    root.write("/fake/bin/gcc", GCC_11, 0o755)
    done = root.call("sh", "/build/build.sh", "/build/source.tar.gz", "/build/result.tar")
    assert done.returncode != 0
    assert not root.path("/build/result.tar").exists()
