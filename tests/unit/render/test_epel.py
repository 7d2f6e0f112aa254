"""The EPEL repository in guests of the RPM family, only where the spec enables it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.guests import all_guests
from builder.render import appliance
from builder.spec.sections import EPEL_GUESTS
from tests.golden import assert_golden
from tests.specs import quickstart

EPEL = "/etc/yum.repos.d/vipforge-epel.repo"
VENDOR = "/etc/yum.repos.d/vipforge.repo"
PACKAGES = "/usr/share/vipforge/packages"


def rendered(guest: str, **image: object) -> dict[str, str]:
    spec = quickstart(guest=guest, image=image)
    return {path: file.content for path, file in appliance(spec, all_guests()[guest], "2.3.4").items()}


@pytest.mark.parametrize("guest", EPEL_GUESTS)
@pytest.mark.parametrize("path", [EPEL, VENDOR])
def test_repository_files_with_epel(guest: str, path: str) -> None:
    assert_golden(f"rendered/epel/{guest}/{Path(path).name}", rendered(guest, epel=True)[path])


@pytest.mark.parametrize("guest", EPEL_GUESTS)
def test_the_key_of_epel_comes_from_a_package_of_the_vendor(guest: str) -> None:
    files = rendered(guest, epel=True)
    assert "\nepel-release\n" in files[PACKAGES]
    assert "/extras/x86_64/" in files[VENDOR]
    assert "fedoraproject" not in files[VENDOR]
    assert "gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-" in files[EPEL]


@pytest.mark.parametrize("guest", sorted(all_guests()))
def test_epel_is_absent_unless_the_spec_enables_it(guest: str) -> None:
    assert [path for path, text in rendered(guest).items() if "epel" in (path + text).lower()] == []


def test_a_mirror_of_epel_replaces_its_servers() -> None:
    text = rendered("rocky9", epel=True, epel_mirror="http://mirror.example.com/epel/9/")[EPEL]
    assert "baseurl=http://mirror.example.com/epel/9/Everything/x86_64/\n" in text
    assert "fedoraproject" not in text
