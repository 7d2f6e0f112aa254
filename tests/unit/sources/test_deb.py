"""Extracting one file from a Debian package."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.image.packer.program import extract

MEMBER = "./usr/bin/tool"


def member(name: str, content: bytes) -> bytes:
    """A member of an ar archive, padded to an even size."""
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
    return header.encode() + content + b"\n" * (len(content) % 2)


def packed(compression: str, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as tar:
        folder = tarfile.TarInfo("./usr/bin")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def package(place: Path, *members: bytes) -> Path:
    place.write_bytes(b"!<arch>\n" + b"".join(members))
    return place


@pytest.mark.parametrize("compression", ["xz", "gz", ""])
def test_the_file_is_extracted(tmp_path: Path, compression: str) -> None:
    data = packed(compression, {"./usr/share/doc": b"no", MEMBER: b"\x7fELF" * 9999})
    odd = member("control.tar.gz", b"odd")
    suffix = f".{compression}" if compression else ""
    made = package(tmp_path / "a.deb", member("debian-binary", b"2.0\n"), odd, member(f"data.tar{suffix}", data))
    extract(made, MEMBER, tmp_path / "tool")
    assert (tmp_path / "tool").read_bytes() == b"\x7fELF" * 9999


def test_a_package_without_the_file_is_refused(tmp_path: Path) -> None:
    made = package(tmp_path / "a.deb", member("data.tar.xz", packed("xz", {"./other": b"x"})))
    with pytest.raises(UserError, match=f"contains no {MEMBER}"):
        extract(made, MEMBER, tmp_path / "tool")
    assert not (tmp_path / "tool").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"!<arch>\n", b"!<arch>\n" + member("a", b"2.0")])
def test_a_file_that_is_not_a_package_is_refused(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "a.deb"
    place.write_bytes(content)
    with pytest.raises(UserError, match="is not a Debian package"):
        extract(place, MEMBER, tmp_path / "tool")


def test_a_truncated_package_is_refused(tmp_path: Path) -> None:
    data = packed("xz", {MEMBER: bytes(range(256)) * 999})
    made = package(tmp_path / "a.deb", member("data.tar.xz", data)[: len(data) // 2])
    with pytest.raises(UserError, match=f"contains no {MEMBER}"):
        extract(made, MEMBER, tmp_path / "tool")


@pytest.mark.parametrize("size", ["-60", "abc", ""])
def test_a_member_whose_size_is_not_a_number_is_refused(tmp_path: Path, size: str) -> None:
    """A size of -60 would lead back to the member's own header."""
    header = f"{'a':<48}{size:<10}`\n".encode()
    with pytest.raises(UserError, match="is not a number"):
        extract(package(tmp_path / "a.deb", header), MEMBER, tmp_path / "tool")
