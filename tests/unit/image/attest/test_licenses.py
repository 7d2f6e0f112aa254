"""Licences: read from copyright files, and translated to SPDX where that loses nothing."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression

from builder.image.attest.licenses import cyclonedx_licenses, spdx
from builder.image.packages import from_dpkg, from_root, licenses

DEP5 = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: web

Files: *
Copyright: 2001 Alice
License: GPL-2+
 The text of it.

Files: debian/*
 doc/*
Copyright: 2002 Bob
License: Expat

Files: old/*
Copyright: 2001 Alice
License: GPL-2+

License: GPL-2+
 On Debian systems, the full text is in /usr/share/common-licenses/GPL-2.

License: BSD-3-clause
 A text that no paragraph about files uses.
"""
PROSE = """\
It is free software. The texts are in /usr/share/common-licenses/GPL-2 and
`/usr/share/common-licenses/LGPL-2.1'.
"""
STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9

Package: libc-bin
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def test_the_short_names_of_a_machine_readable_file() -> None:
    assert licenses(DEP5) == ("GPL-2+", "Expat")


def test_another_file_refers_to_common_licences() -> None:
    assert licenses(PROSE) == ("common-licenses/GPL-2", "common-licenses/LGPL-2.1")
    assert licenses("All rights are granted.") == ()


def test_packages_and_licences_are_read_from_a_root(tmp_path: Path) -> None:
    files = {"var/lib/dpkg/status": STATUS, "usr/share/doc/libc6/copyright": PROSE, "usr/share/doc/libc6/README": "no"}
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("./usr/share/doc/libc-bin/copyright")
        link.type, link.linkname = tarfile.SYMTYPE, "../gone/copyright"
        tar.addfile(link)
    assert from_root(tmp_path / "root.tar") == from_dpkg(STATUS, {"libc6": PROSE})


def test_a_package_whose_documents_are_a_link_has_the_licences_of_its_source() -> None:
    found = from_dpkg(STATUS, {"libc6": PROSE})
    assert found.keys() == {"libc6", "libc-bin"}
    assert found["libc-bin"].licenses == found["libc6"].licenses == licenses(PROSE)


@pytest.mark.parametrize(
    ("words", "translated"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("gpl-2.0+", "GPL-2.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GPLv2+", "GPL-2.0-or-later"),
        ("AGPLv3", "AGPL-3.0-only"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("ASL 2.0", "Apache-2.0"),
        ("GPL-2+ or Artistic", "GPL-2.0-or-later OR Artistic-1.0"),
        ("(GPLv2+ or LGPLv3+) and MIT", "(GPL-2.0-or-later OR LGPL-3.0-or-later) AND MIT"),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
    ],
)
def test_words_with_an_spdx_expression_are_translated(words: str, translated: str) -> None:
    assert spdx(words) == translated


@pytest.mark.parametrize(
    "words",
    [
        "public-domain",
        "GPL-2+ with OpenSSL exception",
        "GPL-2+ or AFL-2.1, and Expat",
        "BSD and MIT",
        "BSD-3-clause or GPL",
        "common-licenses/GPL-2",
        "GPL",
        "GPL-9",
        "",
    ],
)
def test_other_words_stay_as_they_are(words: str) -> None:
    assert spdx(words) == words


def test_an_expression_stands_alone() -> None:
    """CycloneDX 1.5 allows a list of licenses, or one expression; the library would keep the expression only."""
    assert list(cyclonedx_licenses(["GPL"])) == [DisjunctiveLicense(name="GPL")]
    assert list(cyclonedx_licenses(["GPL-2+ or Artistic"])) == [LicenseExpression("GPL-2.0-or-later OR Artistic-1.0")]
    assert list(cyclonedx_licenses(["GPL-2+ or Artistic", "Expat", "MIT"])) == [
        DisjunctiveLicense(name="GPL-2.0-or-later OR Artistic-1.0"),
        DisjunctiveLicense(id="MIT"),
    ]
